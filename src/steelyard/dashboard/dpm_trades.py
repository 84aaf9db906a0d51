"""Orders of a rebalance as a table: what is traded, why, what shaped it, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nicegui import ui

from steelyard.dashboard.dpm_figures import amount, listed, money, quantity, weight
from steelyard.dashboard.dpm_grid import is_long, show_grid
from steelyard.dashboard.dpm_weights import held_weights
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import Tone, badge, card, cell, words

_GRID = (
    ("side", "Side", 76), ("instrument", "Instrument", 170), ("quantity", "Quantity", -110), ("amount", "Amount", 210),
    ("share", "Of the portfolio %", -130), ("waits", "Waits for", 170), ("why", "Why", 320),
)  # fmt: skip

SIDE_TONES: Mapping[str, Tone] = {"BUY": "good", "SELL": "doubtful", "FX": "busy"}

_COLUMNS = (
    ("", ""), ("Instrument", ""), ("Quantity", "num"), ("Amount", "num"), ("Of the portfolio", "num"),
    ("Why", "apart"), ("Limits", ""), ("Waits for", ""),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """From a weight to a target, both shares of the portfolio, with the target's tags."""

    before: Decimal
    target: Decimal
    tags: tuple[str, ...]


def show_trades(result: Mapping[str, Any]) -> None:
    """Draw the card."""
    intents = result["intents"]
    with card("Orders", _note(result)):
        if not intents:
            ui.label(_why_none(result)).classes("empty")
            return
        if is_long(intents):
            show_grid(_GRID, order_rows(result))
            return
        with ui.element("div").classes("scroll"):
            _table(intents, _names(intents), result)


def order_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The orders as rows of a grid; shares in percent."""
    names, moves = _names(result["intents"]), moves_of(result)
    return [
        {
            "side": side_of(one),
            "instrument": _subject(one),
            "quantity": None if one["intent_type"] == "FX_SPOT" else float(one["quantity"]),
            "amount": " ".join(_amounts(one)),
            "share": None if (share := _share_of(one, result)) is None else float(share) * 100,
            "waits": listed(names.get(other, other) for other in one["dependencies"]),
            "why": " ".join(
                [_reason(one, _move(one, moves)), *(f"{words_of(tag).short}." for tag in _codes(one, moves))]
            ),
        }
        for one in result["intents"]
    ]


def side_of(intent: Mapping[str, Any]) -> str:
    """``BUY``, ``SELL`` or ``FX``."""
    return "FX" if intent["intent_type"] == "FX_SPOT" else str(intent["side"])


def order_name(intent: Mapping[str, Any]) -> str:
    """An order in two words, as ``Sell NESN`` or ``Buy USD``."""
    if intent["intent_type"] == "FX_SPOT":
        foreign = intent["pair"].partition("/")[0]
        return f"{'Buy' if intent['buy_currency'] == foreign else 'Sell'} {foreign}"
    return f"{intent['side'].capitalize()} {intent['instrument_id']}"


def traded_value(result: Mapping[str, Any]) -> Decimal:
    """What the security orders come to in base currency, purchases and sales together."""
    amounts = (one["notional_base"] for one in result["intents"] if one["intent_type"] == "SECURITY_TRADE")
    return sum((abs(Decimal(one["amount"])) for one in amounts if one is not None), Decimal(0))


def share_of_portfolio(value: Decimal, result: Mapping[str, Any]) -> Decimal | None:
    """``value`` in base currency as a share of the portfolio before; None for an empty one."""
    total = Decimal(result["before"]["total_value"]["amount"])
    return value / total if total else None


def _note(result: Mapping[str, Any]) -> str:
    if result["status"] == "BLOCKED" and result["intents"]:
        return "What would be traded. The run is blocked: none of these may be sent."
    return "In the order of execution: sales, exchanges, purchases." if result["intents"] else ""


def _why_none(result: Mapping[str, Any]) -> str:
    if result["status"] == "BLOCKED":
        return "No orders: the run was blocked before any were made."
    return "No orders: every weight is where it belongs, or too close to be worth a trade."


def _table(intents: list[Mapping[str, Any]], names: Mapping[str, str], result: Mapping[str, Any]) -> None:
    with ui.element("table").classes("table cards compact orders").mark("orders"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in _COLUMNS:
                words("th", name).classes(kind)
        moves = moves_of(result)
        with ui.element("tbody"):
            for intent in intents:
                with ui.element("tr"):
                    with cell(""):
                        badge(side_of(intent), SIDE_TONES[side_of(intent)])
                    _row(intent, names, result, moves)


def moves_of(result: Mapping[str, Any]) -> dict[str, Move]:
    """From what weight to what target each instrument is to move, and the tags that say why."""
    held = held_weights(result["before"])
    return {
        one["instrument_id"]: Move(held[one["instrument_id"]], Decimal(one["final_weight"]), tuple(one["tags"]))
        for one in result["target"]["targets"]
    }


def _row(
    intent: Mapping[str, Any], names: Mapping[str, str], result: Mapping[str, Any], moves: Mapping[str, Move]
) -> None:
    move, share = _move(intent, moves), _share_of(intent, result)
    cell("", _subject(intent)).classes("strong wrap-any")
    cell("Quantity", quantity(intent["quantity"]) if "quantity" in intent else "", is_number=True)
    with cell("Amount", is_number=True), ui.element("div").classes("stack none"):
        first, second = _amounts(intent)
        ui.label(first)
        if second:
            ui.label(second).classes("faint small")
    cell("Of the portfolio", "" if share is None else weight(share), is_number=True)
    with cell("Why").classes("wrap apart"), ui.element("div").classes("row tight"):
        ui.label(_reason(intent, move)).classes("soft")
        _tags(move.tags if move else ())
    limits = cell("Limits")
    if applied := intent.get("constraints_applied"):
        with limits, ui.element("div").classes("row tight"):
            _tags(applied)
    cell("Waits for", listed(names.get(one, one) for one in intent["dependencies"])).classes("wrap-any soft")


def _names(intents: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {one["intent_id"]: order_name(one) for one in intents}


def _subject(intent: Mapping[str, Any]) -> str:
    return str(intent["pair"] if intent["intent_type"] == "FX_SPOT" else intent["instrument_id"])


def _move(intent: Mapping[str, Any], moves: Mapping[str, Move]) -> Move | None:
    return None if intent["intent_type"] == "FX_SPOT" else moves.get(intent["instrument_id"])


def _codes(intent: Mapping[str, Any], moves: Mapping[str, Move]) -> list[str]:
    move = _move(intent, moves)
    return [*(move.tags if move else ()), *intent.get("constraints_applied", ())]


def _tags(codes: Iterable[str]) -> None:
    for code in codes:
        tag = words_of(code)
        badge(tag.short, tag.tone).tooltip(tag.meaning)


def _reason(intent: Mapping[str, Any], move: Move | None) -> str:
    why = words_of(intent["rationale"]["code"])
    if move is None:
        return why.meaning or str(intent["rationale"]["message"])
    return f"{why.short}: {weight(move.before)} held, {weight(move.target)} wanted."


def _amounts(intent: Mapping[str, Any]) -> tuple[str, str]:
    """What an order moves, and the other side of it: an exchange's price, or the amount in base currency."""
    if intent["intent_type"] == "FX_SPOT":
        bought, sold = amount(intent["buy_amount"]), amount(intent["sell_amount_estimated"])
        return f"{bought} {intent['buy_currency']}", f"for {sold} {intent['sell_currency']}"
    notional, in_base = intent["notional"], intent["notional_base"]
    is_foreign = in_base is not None and in_base["currency"] != notional["currency"]
    return money(notional), money(in_base) if is_foreign else ""


def _share_of(intent: Mapping[str, Any], result: Mapping[str, Any]) -> Decimal | None:
    """The size of a trade as a share of the portfolio; None for an exchange or what cannot be converted."""
    in_base = intent.get("notional_base")
    return None if in_base is None else share_of_portfolio(Decimal(in_base["amount"]), result)
