"""The contract of the engine read word by word: plain dicts, no thought of speed, no code of the engine.

What ``literal(body)`` answers is compared with what the engine answers.  It covers what sections 5 to 8
say of HEURISTIC runs with the decisions of section 16; texts for people and names of runs are left out.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Any

ZERO, ONE = Decimal(0), Decimal(1)
FOUR = Decimal("0.0001")
LOCKING = {"BANNED", "SUSPENDED", "RESTRICTED"}
DEFAULTS: dict[str, Any] = {
    "valuation_mode": "CALCULATED",
    "cash_band_min_weight": "0",
    "cash_band_max_weight": "1",
    "suppress_dust_trades": True,
    "fx_buffer_pct": "0.01",
    "block_on_missing_prices": True,
    "block_on_missing_fx": True,
    "min_cash_buffer_pct": "0",
    "settlement_horizon_days": 5,
    "fx_settlement_days": 2,
    "enable_workflow_gates": True,
}


class EarlyBlockError(Exception):
    """The run is blocked before any trade."""


class Literal:
    """One run."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.options = {**DEFAULTS, **body["options"]}
        self.portfolio = body["portfolio_snapshot"]
        self.base = self.portfolio["base_currency"]
        self.positions = self.portfolio.get("positions", [])
        self.cash = [
            {key: row.get(key) for key in ("currency", "amount", "settled")}
            for row in self.portfolio.get("cash_balances", [])
        ]
        self.warnings: set[str] = set()
        self.quality: dict[str, list[str]] = {"price_missing": [], "fx_missing": [], "shelf_missing": []}
        self.suppressed: list[dict[str, Any]] = []
        self.dropped: list[dict[str, Any]] = []
        self.group_events: list[dict[str, Any]] = []
        self.tax_events: list[dict[str, Any]] = []
        self.ladder: list[dict[str, Any]] = []
        self.breaches: list[dict[str, Any]] = []

    # Section 1 and 6.1

    def number(self, option: str) -> Decimal | None:
        value = self.options.get(option)
        return None if value is None else Decimal(str(value))

    def rate(self, source: str, target: str) -> Decimal | None:
        if source == target:
            return ONE
        for pair, turned in ((f"{source}/{target}", False), (f"{target}/{source}", True)):
            for row in self.body["market_data_snapshot"].get("fx_rates", []):
                if row["pair"] == pair:
                    rate = Decimal(row["rate"])
                    if rate:
                        return ONE / rate if turned else rate
                    break
        return None

    def price(self, name: str) -> tuple[Decimal, str] | None:
        for row in self.body["market_data_snapshot"].get("prices", []):
            if row["instrument_id"] == name:
                price = Decimal(row["price"])
                return (price, row["currency"]) if price > 0 else None
        return None

    def shelf(self, name: str) -> dict[str, Any] | None:
        return next((row for row in self.body["shelf_entries"] if row["instrument_id"] == name), None)

    def in_base(self, amount: Decimal, currency: str) -> Decimal:
        rate = self.rate(currency, self.base)
        if rate is None:
            self.quality["fx_missing"].append(f"{currency}/{self.base}")
            return ZERO
        return amount * rate

    def value(self, positions: list[dict[str, Any]], cash: list[dict[str, Any]], *, trust: bool) -> dict[str, Any]:
        rows = []
        for position in positions:
            name, quantity = position["instrument_id"], Decimal(str(position["quantity"]))
            price = self.price(name)
            if price is None:
                self.quality["price_missing"].append(name)
            own = position.get("market_value")
            if trust and own is not None:
                value, currency = Decimal(own["amount"]), own["currency"]
            elif price is not None:
                value, currency = quantity * price[0], price[1]
            else:
                value, currency = ZERO, self.base
            shelf = self.shelf(name) or {}
            rows.append(
                {
                    "instrument_id": name,
                    "quantity": quantity,
                    "instrument_currency": currency,
                    "asset_class": shelf.get("asset_class", "UNKNOWN"),
                    "price": price and {"amount": price[0], "currency": price[1]},
                    "value_in_instrument_ccy": {"amount": value, "currency": currency},
                    "value_in_base_ccy": {"amount": self.in_base(value, currency), "currency": self.base},
                }
            )
        cash_value = sum((self.in_base(Decimal(str(row["amount"])), row["currency"]) for row in cash), ZERO)
        total = sum((row["value_in_base_ccy"]["amount"] for row in rows), ZERO) + cash_value
        divisor = total or ONE

        def metrics(groups: dict[str, Decimal]) -> list[dict[str, Any]]:
            return [
                {"key": key, "weight": four(worth / divisor), "value": {"amount": worth, "currency": self.base}}
                for key, worth in groups.items()
            ]

        classes: dict[str, Decimal] = {}
        attributes: dict[str, dict[str, Decimal]] = {}
        for row in rows:
            worth = row["value_in_base_ccy"]["amount"]
            classes[row["asset_class"]] = classes.get(row["asset_class"], ZERO) + worth
            for attribute, value in (self.shelf(row["instrument_id"]) or {}).get("attributes", {}).items():
                group = attributes.setdefault(attribute, {})
                group[value] = group.get(value, ZERO) + worth
        classes["CASH"] = classes.get("CASH", ZERO) + cash_value
        weights = [row["value_in_base_ccy"]["amount"] / divisor for row in rows]
        by_instrument = [
            {"key": row["instrument_id"], "weight": four(weight), "value": row["value_in_base_ccy"]}
            for row, weight in zip(rows, weights, strict=True)
        ]
        state = {
            "total_value": {"amount": total, "currency": self.base},
            "cash_balances": [{"currency": row["currency"], "amount": Decimal(str(row["amount"]))} for row in cash],
            "positions": [{**row, "weight": four(weight)} for row, weight in zip(rows, weights, strict=True)],
            "allocation_by_asset_class": metrics(classes),
            "allocation_by_instrument": by_instrument,
            "allocation": by_instrument,
            "allocation_by_attribute": {name: metrics(group) for name, group in attributes.items()},
        }
        return {"state": state, "total": total, "weights": weights, "cash_weight": cash_value / divisor}

    # Section 6.2

    def universe(self, before: dict[str, Any]) -> None:
        self.map: dict[str, Decimal] = {}
        self.buy: list[str] = []
        self.sell: list[str] = []
        self.excluded: list[tuple[str, str]] = []
        self.locked: set[str] = set()
        self.excess = ZERO
        for target in self.body["model_portfolio"]["targets"]:
            name, weight = target["instrument_id"], Decimal(str(target["weight"]))
            row = self.shelf(name)
            status = row and row["status"]
            if row is None:
                self.quality["shelf_missing"].append(name)
            elif status == "SELL_ONLY":
                self.map[name] = ZERO
                self.excess += weight
                self.sell.append(name)
                self.excluded.append((name, "SHELF_STATUS_SELL_ONLY"))
            elif status == "APPROVED" or (status == "RESTRICTED" and self.options.get("allow_restricted")):
                self.map[name] = weight
                self.buy.append(name)
                self.sell.append(name)
            else:
                self.excluded.append((name, f"SHELF_STATUS_{status}"))
        for position, weight in zip(self.positions, before["weights"], strict=True):
            name = position["instrument_id"]
            if not Decimal(str(position["quantity"])) or name in self.map:
                continue
            row = self.shelf(name)
            if row is None or row["status"] in LOCKING:
                self.map[name] = weight
                self.locked.add(name)
                self.excluded.append((name, f"LOCKED_DUE_TO_{row['status'] if row else 'MISSING_SHELF'}"))
            else:
                self.map[name] = ZERO
                self.sell.append(name)
        self.buyable = list(dict.fromkeys(self.buy))

    # Section 6.3 with section 16, no. 1

    def total_of(self, names: Any) -> Decimal:
        return sum((self.map[name] for name in names), ZERO)

    def targets(self) -> str:
        settled = True
        if self.excess > 0:
            total = self.total_of(self.buyable)
            if total:
                for name in self.buyable:
                    self.map[name] += self.excess * (self.map[name] / total)
            else:
                settled = False
        for key in sorted(self.options.get("group_constraints", {})):
            settled &= self.cap_group(key, Decimal(str(self.options["group_constraints"][key]["max_weight"])))
        locked = self.total_of(name for name in self.map if name not in self.buyable)
        if self.total_of(self.map) > Decimal("1.0001"):
            settled &= locked <= 1
            settled &= self.scale(max(ZERO, 1 - locked))
        cap = self.number("single_position_max_weight")
        if cap is not None:
            settled &= self.cap_positions(cap)
        buffer = self.number("min_cash_buffer_pct") or ZERO
        if buffer > 0:
            locked = self.total_of(name for name in self.map if name not in self.buyable)
            settled &= self.scale(max(ZERO, 1 - buffer - locked))
        return "READY" if settled else "PENDING_REVIEW"

    def scale(self, space: Decimal) -> bool:
        bought = self.total_of(self.buyable)
        if bought <= space:
            return True
        factor = space / bought
        for name in self.buyable:
            self.map[name] *= factor
        return False

    def cap_group(self, key: str, cap: Decimal) -> bool:
        attribute, value = key.split(":")
        if not any(attribute in row.get("attributes", {}) for row in self.body["shelf_entries"]):
            self.warnings.add(f"UNKNOWN_CONSTRAINT_ATTRIBUTE_{attribute}")
            return True
        members = [name for name in self.map if (self.shelf(name) or {}).get("attributes", {}).get(attribute) == value]
        before = self.total_of(members)
        if not members or before <= cap + FOUR:
            return True
        fixed = self.total_of(name for name in members if name in self.locked)
        free = [name for name in members if name not in self.locked]
        settled = True
        if fixed > cap + FOUR:
            self.warnings.add(f"CAP_UNREACHABLE_LOCKED_{key}")
            settled = False
        room, tradable = max(ZERO, cap - fixed), self.total_of(free)
        if tradable <= room:
            return settled
        factor = room / tradable
        for name in free:
            self.map[name] *= factor
        excess = tradable - room
        self.warnings.add(f"CAPPED_BY_GROUP_LIMIT_{key}")
        recipients = {name: self.map[name] for name in self.buyable if name not in members}
        total = sum(recipients.values(), ZERO)
        event = {"constraint_key": key, "group_weight_before": before, "max_weight": cap, "released_weight": excess}
        if not total:
            self.warnings.add("NO_ELIGIBLE_REDISTRIBUTION_DESTINATION")
            self.group_events.append({**event, "recipients": {}, "status": "BLOCKED"})
            raise EarlyBlockError
        shares = {name: excess * (weight / total) for name, weight in recipients.items()}
        for name, share in shares.items():
            self.map[name] += share
        self.group_events.append({**event, "recipients": shares, "status": "CAPPED"})
        return settled

    def cap_positions(self, cap: Decimal) -> bool:
        settled, excess = True, ZERO
        for name, weight in self.map.items():
            if weight > cap and name in self.locked:
                self.warnings.add(f"CAP_UNREACHABLE_LOCKED_{name}")
                settled = False
            elif weight > cap:
                excess += weight - cap
                self.map[name] = cap
        candidates = {name: self.map[name] for name in self.buyable if self.map[name] < cap}
        total, rest = sum(candidates.values(), ZERO), excess
        if excess > 0:
            if not total:
                return False
            for name, weight in candidates.items():
                share = min(rest * (weight / total), cap - weight)
                self.map[name] = weight + share
                rest -= share
        return settled and rest <= Decimal("0.001")

    def trace(self, total: Decimal) -> None:
        self.traced = []
        listed = set()
        for target in self.body["model_portfolio"]["targets"]:
            name, weight = target["instrument_id"], Decimal(str(target["weight"]))
            listed.add(name)
            final = self.map.get(name, ZERO)
            tags = ["CAPPED_BY_MAX_WEIGHT"] if weight > final else ["REDISTRIBUTED_RECIPIENT"] * (final > weight)
            self.traced.append((name, weight, final, tags))
        for name, final in self.map.items():
            if name not in listed:
                sold = not final or name in self.buyable
                self.traced.append((name, ZERO, final, ["IMPLICIT_SELL_TO_ZERO" if sold else "LOCKED_POSITION"]))
        self.aims = [
            {
                "instrument_id": name,
                "model_weight": weight,
                "final_weight": final,
                "final_value": {"amount": total * final, "currency": self.base},
                "tags": tags,
            }
            for name, weight, final, tags in self.traced
        ]

    # Section 6.7 and 6.8

    def trades(self, total: Decimal) -> list[dict[str, Any]]:
        self.gains = self.losses = ZERO
        intents: list[dict[str, Any]] = []
        for name, _, final, _ in self.traced:
            price = self.price(name)
            if price is None:
                self.quality["price_missing"].append(name)
                continue
            rate = self.rate(price[1], self.base)
            if rate is None:
                self.quality["fx_missing"].append(f"{price[1]}/{self.base}")
                continue
            position = next((row for row in self.positions if row["instrument_id"] == name), None)
            held = ZERO
            if position is not None:
                own = position.get("market_value")
                held = Decimal(own["amount"]) if own else Decimal(str(position["quantity"])) * price[0]
            delta = total * final / rate - held
            side = "BUY" if delta > 0 else "SELL"
            wanted = (abs(delta) / price[0]).to_integral_value(ROUND_FLOOR)
            if name in self.locked:
                wanted = ZERO
            quantity = wanted
            lots = (position or {}).get("lots")
            if self.options.get("enable_tax_awareness") and side == "SELL" and lots and wanted:
                quantity = self.sell_lots(name, lots, wanted, price, rate)
            threshold = self.options.get("min_trade_notional") or (self.shelf(name) or {}).get("min_notional")
            smallest = None
            if threshold:
                own_rate = self.rate(threshold["currency"], price[1])
                smallest = None if own_rate is None else Decimal(threshold["amount"]) * own_rate
            notional: dict[str, Any] = {"amount": quantity * price[0], "currency": price[1]}
            if smallest is not None and self.options["suppress_dust_trades"] and notional["amount"] < smallest:
                self.suppressed.append(
                    {
                        "instrument_id": name,
                        "reason": "BELOW_MIN_NOTIONAL",
                        "intended_notional": notional,
                        "threshold": threshold,
                    }
                )
                continue
            if quantity > 0:
                applied = ["MIN_NOTIONAL"] * (smallest is not None) + ["TAX_BUDGET"] * (quantity < wanted)
                intents.append(
                    {
                        "intent_type": "SECURITY_TRADE",
                        "intent_id": f"oi_{len(intents) + 1}",
                        "instrument_id": name,
                        "side": side,
                        "quantity": quantity,
                        "notional": notional,
                        "notional_base": {"amount": notional["amount"] * rate, "currency": self.base},
                        "dependencies": [],
                        "rationale": "DRIFT_REBALANCE",
                        "constraints_applied": applied,
                    }
                )
        return intents

    def sell_lots(self, name: str, lots: Any, wanted: Decimal, price: tuple[Decimal, str], rate: Decimal) -> Decimal:
        priced = []
        for lot in lots:
            own = self.rate(lot["unit_cost"]["currency"], price[1])
            if own is None:
                self.quality["fx_missing"].append(f"{lot['unit_cost']['currency']}/{price[1]}")
                return wanted
            cost = Decimal(str(lot["unit_cost"]["amount"])) * own
            priced.append((cost, lot["purchase_date"], lot["lot_id"], Decimal(str(lot["quantity"]))))
        budget, sold = self.number("max_realized_capital_gains"), ZERO
        for cost, _, _, available in sorted(priced, reverse=True):
            step = min(wanted - sold, available)
            gain, allowed = (price[0] - cost) * rate, step
            if budget is not None and gain > 0:
                allowed = ZERO if self.gains >= budget else min(step, (budget - self.gains) / gain)
            if gain > 0:
                self.gains += allowed * gain
            else:
                self.losses += allowed * -gain
            sold += allowed
            if allowed < step:
                break
        if sold < wanted:
            self.warnings.add("TAX_BUDGET_LIMIT_REACHED")
            self.tax_events.append(
                {
                    "instrument_id": name,
                    "requested_quantity": wanted,
                    "allowed_quantity": sold,
                    "reason_code": "TAX_BUDGET_LIMIT_REACHED",
                }
            )
        return sold

    def turnover(self, intents: list[dict[str, Any]], total: Decimal) -> list[dict[str, Any]]:
        share = self.number("max_turnover_pct")
        size: dict[str, Any] = {intent["intent_id"]: intent["notional_base"]["amount"] for intent in intents}
        if share is None or sum(size.values(), ZERO) <= total * share:
            return intents
        divisor, used, kept = total or ONE, ZERO, []
        ranked = sorted(
            intents,
            key=lambda one: (
                -size[one["intent_id"]] / divisor,
                one["notional"]["amount"],
                one["instrument_id"],
                one["intent_id"],
            ),
        )
        for intent in ranked:
            amount = size[intent["intent_id"]]
            if used + amount <= total * share:
                kept.append(intent)
                used += amount
            else:
                self.warnings.add("PARTIAL_REBALANCE_TURNOVER_LIMIT")
                self.dropped.append(
                    {
                        "instrument_id": intent["instrument_id"],
                        "reason": "TURNOVER_LIMIT",
                        "potential_notional": intent["notional_base"],
                        "score": amount / divisor,
                    }
                )
        return kept

    # Section 6.9

    def fund(self, intents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        cash: dict[str, Decimal] = {}
        for row in self.cash:
            cash[row["currency"]] = cash.get(row["currency"], ZERO) + Decimal(str(row["amount"]))
        for intent in intents:
            sign = 1 if intent["side"] == "SELL" else -1
            currency = intent["notional"]["currency"]
            cash[currency] = cash.get(currency, ZERO) + sign * intent["notional"]["amount"]
        exchanges: list[dict[str, Any]] = []
        funding: dict[str, str] = {}
        for currency, balance in cash.items():
            rate = self.rate(currency, self.base)
            if currency == self.base or not balance or rate is None:
                continue
            exchange: dict[str, Any] = {
                "intent_type": "FX_SPOT",
                "intent_id": f"oi_fx_{len(intents) + len(exchanges) + 1}",
                "pair": f"{currency}/{self.base}",
                "dependencies": [],
            }
            if balance < 0:
                bought = -balance * (1 + (self.number("fx_buffer_pct") or ZERO))
                funding[currency] = exchange["intent_id"]
                sides: tuple[Any, ...] = (currency, bought, self.base, bought * rate, "FUNDING")
            else:
                sides = (self.base, balance * rate, currency, balance, "SWEEP")
            names = ("buy_currency", "buy_amount", "sell_currency", "sell_amount_estimated", "rationale")
            exchanges.append({**exchange, **dict(zip(names, sides, strict=True))})
        sales = [intent for intent in intents if intent["side"] == "SELL"]
        last = {sale["notional"]["currency"]: sale["intent_id"] for sale in sales}
        linked = self.options.get("link_buy_to_same_currency_sell_dependency") is not False
        purchases = []
        for intent in intents:
            if intent["side"] == "BUY":
                currency = intent["notional"]["currency"]
                needs = [funding[currency]] if currency in funding else []
                needs += [last[currency]] if linked and currency in last else []
                purchases.append({**intent, "dependencies": needs})
        return [*sales, *exchanges, *purchases]

    # Section 6.10

    def settle(self, intents: list[dict[str, Any]]) -> dict[str, Any] | None:
        def days(name: str) -> int:
            return int((self.shelf(name) or {}).get("settlement_days", 2))

        fx_day = self.options["fx_settlement_days"]
        traded = [days(one["instrument_id"]) for one in intents if one["intent_type"] == "SECURITY_TRADE"]
        horizon = max(self.options["settlement_horizon_days"], fx_day, *traded, 0)
        flows: dict[str, dict[int, Decimal]] = {}

        def flow(currency: str, day: int, amount: Decimal) -> None:
            of = flows.setdefault(currency, {})
            of[day] = of.get(day, ZERO) + amount

        for row in self.cash:
            settled = row["settled"]
            flow(row["currency"], 0, Decimal(str(row["amount"] if settled is None else settled)))
        for one in sorted(intents, key=lambda one: one["intent_id"]):
            if one["intent_type"] == "SECURITY_TRADE":
                sign = 1 if one["side"] == "SELL" else -1
                flow(one["notional"]["currency"], days(one["instrument_id"]), sign * one["notional"]["amount"])
            else:
                flow(one["sell_currency"], fx_day, -one["sell_amount_estimated"])
                flow(one["buy_currency"], fx_day, one["buy_amount"])
        for currency in sorted(flows):
            overdraft = Decimal(str(self.options.get("max_overdraft_by_ccy", {}).get(currency, 0)))
            balance = ZERO
            for day in range(horizon + 1):
                balance += flows[currency].get(day, ZERO)
                point = {"date_offset": day, "currency": currency, "projected_balance": balance}
                self.ladder.append(point)
                if balance < -overdraft:
                    code = f"OVERDRAFT_ON_T_PLUS_{day}"
                    self.breaches.append({**point, "allowed_floor": -overdraft, "reason_code": code})
                if balance < 0 < overdraft:
                    self.warnings.add("SETTLEMENT_OVERDRAFT_UTILIZED")
        return self.breaches[0] if self.breaches else None

    # Section 6.11, 7 and 8

    def after(self, intents: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        positions = [dict(row) for row in self.positions]
        cash = [dict(row) for row in self.cash]

        def change(rows: list[dict[str, Any]], key: str, name: str, field: str, amount: Decimal) -> None:
            row = next((row for row in rows if row[key] == name), None)
            if row is None:
                rows.append(row := {key: name, field: ZERO})
            row[field] = Decimal(str(row[field])) + amount

        for one in intents:
            if one["intent_type"] == "SECURITY_TRADE":
                sign = 1 if one["side"] == "BUY" else -1
                change(positions, "instrument_id", one["instrument_id"], "quantity", sign * one["quantity"])
                notional = one["notional"]
                change(cash, "currency", notional["currency"], "amount", -sign * notional["amount"])
            else:
                change(cash, "currency", one["sell_currency"], "amount", -one["sell_amount_estimated"])
                change(cash, "currency", one["buy_currency"], "amount", one["buy_amount"])
        return positions, cash

    def rules(self, valued: dict[str, Any]) -> list[dict[str, Any]]:
        state, rows = valued["state"], []

        def rule(  # noqa: PLR0917
            name: str, severity: str, failed: bool, measured: Any, threshold: Any, reason: str
        ) -> None:
            rows.append(
                {
                    "rule_id": name,
                    "severity": severity,
                    "status": "FAIL" if failed else "PASS",
                    "measured": Decimal(measured),
                    "threshold": threshold,
                    "reason_code": reason,
                }
            )

        low, high = self.number("cash_band_min_weight"), self.number("cash_band_max_weight")
        weight = valued["cash_weight"]
        outside = not low <= weight <= high
        rule("CASH_BAND", "SOFT", outside, weight, {"min": low, "max": high}, "THRESHOLD_BREACH" if outside else "OK")
        limit = self.number("single_position_max_weight")
        if limit is None:
            rule("SINGLE_POSITION_MAX", "HARD", False, 0, {"max": Decimal(-1)}, "NO_LIMIT_SET")
        else:
            above = [one for one in valued["weights"] if one > limit + Decimal("0.001")]
            for one in above:
                rule("SINGLE_POSITION_MAX", "HARD", True, one, {"max": limit}, "LIMIT_BREACH")
            if not above:
                largest = max(valued["weights"], default=ZERO)
                rule("SINGLE_POSITION_MAX", "HARD", False, largest, {"max": limit}, "OK")
        count = len(self.quality["shelf_missing"])
        count += len(self.quality["price_missing"]) * self.options["block_on_missing_prices"]
        count += len(self.quality["fx_missing"]) * self.options["block_on_missing_fx"]
        reason = "MISSING_DATA" if count else "OK"
        rule("DATA_QUALITY", "HARD", count > 0, count, {"max": ZERO}, reason)
        small = len(self.suppressed)
        rule("MIN_TRADE_SIZE", "SOFT", False, small, {"min": ZERO}, "INTENTS_SUPPRESSED" if small else "OK")
        units = min([row["quantity"] for row in state["positions"]] + [ZERO])
        rule("NO_SHORTING", "HARD", units < 0, units, {"min": ZERO}, "SELL_EXCEEDS_HOLDINGS" if units < 0 else "OK")
        money = min([row["amount"] for row in state["cash_balances"]] + [ZERO])
        reason = "CASH_BALANCE_NEGATIVE" if money < 0 else "OK"
        rule("INSUFFICIENT_CASH", "HARD", money < 0, money, {"min": ZERO}, reason)
        return rows

    def gate(self, status: str, rules: list[dict[str, Any]]) -> dict[str, Any] | None:
        if not self.options["enable_workflow_gates"]:
            return None
        failed = [row for row in rules if row["status"] == "FAIL"]
        hard = [row for row in failed if row["severity"] == "HARD"]
        soft = [row for row in failed if row["severity"] == "SOFT"]
        reasons = [
            (
                "HIGH" if row in hard else "MEDIUM",
                "RULE_ENGINE",
                f"{row['severity']}_RULE_FAIL:{row['rule_id']}",
                {"reason_code": row["reason_code"]},
            )
            for row in failed
        ]
        for what in ("price", "fx"):
            if count := len(self.quality[f"{what}_missing"]):
                code = f"DATA_QUALITY_MISSING_{what.upper()}"
                reasons.append(("HIGH", "DATA_QUALITY", code, {"count": str(count)}))
        reasons.sort(
            key=lambda one: (("HIGH", "MEDIUM").index(one[0]), one[1], one[2], one[3].get("reason_code") or "")
        )
        if status == "BLOCKED" or hard:
            gate = ("BLOCKED", "FIX_INPUT")
        elif soft:
            gate = ("RISK_REVIEW_REQUIRED", "RISK_REVIEW")
        elif self.options.get("client_consent_already_obtained"):
            gate = ("EXECUTION_READY", "EXECUTE")
        elif self.options.get("workflow_requires_client_consent"):
            gate = ("CLIENT_CONSENT_REQUIRED", "REQUEST_CLIENT_CONSENT")
        else:
            gate = ("EXECUTION_READY", "EXECUTE")
        names = ("severity", "source", "reason_code", "details")
        return {
            "gate": gate[0],
            "recommended_next_step": gate[1],
            "reasons": [dict(zip(names, reason, strict=True)) for reason in reasons],
            "summary": {
                "hard_fail_count": len(hard),
                "soft_fail_count": len(soft),
                "new_high_suitability_count": 0,
                "new_medium_suitability_count": 0,
            },
        }

    # Section 6 as a whole

    def data_blocks(self) -> bool:
        quality, options = self.quality, self.options
        return bool(
            quality["shelf_missing"]
            or (quality["price_missing"] and options["block_on_missing_prices"])
            or (quality["fx_missing"] and options["block_on_missing_fx"])
        )

    def run(self) -> dict[str, Any]:
        before = self.value(self.positions, self.cash, trust=self.options["valuation_mode"] == "TRUST_SNAPSHOT")
        self.universe(before)
        self.aims = []
        try:
            stage = self.targets()
            self.trace(before["total"])
            if self.data_blocks():
                raise EarlyBlockError
            intents = self.trades(before["total"])
            if self.data_blocks():
                raise EarlyBlockError
        except EarlyBlockError:
            return self.answer("BLOCKED", before, [], before, self.rules(before), early=True)
        tax = self.tax()
        intents = self.fund(self.turnover(intents, before["total"]))
        if self.options.get("enable_settlement_awareness"):
            breach = self.settle(intents)
            if breach:
                self.warnings.add(breach["reason_code"])
                floor = breach["allowed_floor"]
                rule = {
                    "rule_id": "SETTLEMENT_CASH_LADDER",
                    "severity": "HARD",
                    "status": "FAIL",
                    "measured": floor - breach["projected_balance"],
                    "threshold": {"min": floor},
                    "reason_code": breach["reason_code"],
                }
                again = self.value(self.positions, self.cash, trust=False)
                return self.answer("BLOCKED", before, intents, again, [rule], tax=tax)
        after = self.value(*self.after(intents), trust=False)
        rules = self.rules(after)
        failed = {row["severity"] for row in rules if row["status"] == "FAIL"}
        reconciliation = None
        if "HARD" in failed:
            status = "BLOCKED"
            for row in rules:
                if row["status"] == "FAIL" and row["rule_id"] in ("NO_SHORTING", "INSUFFICIENT_CASH"):
                    self.warnings.add("SIMULATION_SAFETY_CHECK_FAILED")
        else:
            status = "PENDING_REVIEW" if "SOFT" in failed or stage == "PENDING_REVIEW" else "READY"
            tolerance = Decimal("0.5") + Decimal("0.0005") * before["total"]
            difference = after["total"] - before["total"]
            matches = abs(difference) <= tolerance
            reconciliation = {
                "before_total_value": {"amount": before["total"], "currency": self.base},
                "after_total_value": {"amount": after["total"], "currency": self.base},
                "delta": {"amount": difference, "currency": self.base},
                "tolerance": {"amount": tolerance, "currency": self.base},
                "status": "OK" if matches else "MISMATCH",
            }
            if not matches:
                status = "BLOCKED"
                rules.append(
                    {
                        "rule_id": "RECONCILIATION",
                        "severity": "HARD",
                        "status": "FAIL",
                        "measured": abs(difference),
                        "threshold": {"max": tolerance},
                        "reason_code": "VALUE_MISMATCH",
                    }
                )
        return self.answer(status, before, intents, after, rules, tax=tax, reconciliation=reconciliation)

    def tax(self) -> dict[str, Any] | None:
        if not self.options.get("enable_tax_awareness"):
            return None
        limit = self.number("max_realized_capital_gains")
        used = None
        if limit is not None:
            used = min(self.gains, limit)
            used = limit if limit - used <= Decimal("1E-10") else used

        def money(amount: Decimal | None) -> Any:
            return None if amount is None else {"amount": amount, "currency": self.base}

        return {
            "total_realized_gain": money(self.gains),
            "total_realized_loss": money(self.losses),
            "budget_limit": money(limit),
            "budget_used": money(used),
        }

    def answer(
        self,
        status: str,
        before: dict[str, Any],
        intents: list[dict[str, Any]],
        after: dict[str, Any],
        rules: list[dict[str, Any]],
        *,
        tax: Any = None,
        reconciliation: Any = None,
        early: bool = False,
    ) -> dict[str, Any]:
        coverage = ZERO if early else ONE
        return {
            "status": status,
            "before": before["state"],
            "universe": {
                "eligible_for_buy": self.buy,
                "eligible_for_sell": self.sell,
                "excluded": self.excluded,
                "coverage": {"price_coverage_pct": coverage, "fx_coverage_pct": coverage},
            },
            "target": self.aims,
            "intents": intents,
            "after_simulated": after["state"],
            "reconciliation": reconciliation,
            "tax_impact": tax,
            "rule_results": rules,
            "diagnostics": {
                "warnings": self.warnings,
                "suppressed_intents": self.suppressed,
                "dropped_intents": self.dropped,
                "group_constraint_events": self.group_events,
                "tax_budget_constraint_events": self.tax_events,
                "cash_ladder": self.ladder,
                "cash_ladder_breaches": self.breaches,
                "data_quality": self.quality,
            },
            "gate_decision": self.gate(status, rules),
        }


def four(weight: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 200
        return weight.quantize(FOUR)


def literal(body: dict[str, Any]) -> dict[str, Any]:
    """What the contract says that the answer to ``body`` is."""
    with localcontext() as context:
        context.prec = 28
        return Literal(body).run()
