"""The bodies that the DPM routes accept, as pydantic models: documentation and the errors of malformed ones.

Well-formed bodies are read faster by ``wire``; whatever that refuses comes here, and what is wrong
with it is said in the words and shapes of FastAPI.  Unknown fields are ignored.

Source: contract dpm, sections 1, 3 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from steelyard.rebalance.limits import (
    LOTS_MAX,
    MAGNITUDE_MAX,
    MAGNITUDE_MIN,
    NAME_CHARACTERS_MAX,
    OPTION_KEYS_MAX,
    ROWS_MAX,
    SCENARIOS_MAX,
    lots_match,
    within_magnitude,
)

_SCENARIO_NAME = re.compile(r"[a-z0-9_\-]{1,64}")
_TIERS = ("L1", "L2", "L3", "L4", "L5")


def magnitude(value: Decimal) -> Decimal:
    """``value`` if it is within the limits of size."""
    if not within_magnitude(value):
        raise ValueError(f"{value} is not 0 and not between {MAGNITUDE_MIN} and {MAGNITUDE_MAX} in size")
    return value


Number = Annotated[Decimal, AfterValidator(magnitude)]
Share = Annotated[Decimal, Field(ge=0, le=1), AfterValidator(magnitude)]
NotNegative = Annotated[Decimal, Field(ge=0), AfterValidator(magnitude)]
Days = Annotated[int, Field(ge=0, le=10)]


class ValuationMode(StrEnum):
    """Whether holdings are valued by price or by the custodian's own figure."""

    CALCULATED = "CALCULATED"
    TRUST_SNAPSHOT = "TRUST_SNAPSHOT"


class TargetMethod(StrEnum):
    """How target weights are found: by rules or by projection."""

    HEURISTIC = "HEURISTIC"
    SOLVER = "SOLVER"


class ShelfStatus(StrEnum):
    """What the bank allows to be done with an instrument."""

    APPROVED = "APPROVED"
    RESTRICTED = "RESTRICTED"
    BANNED = "BANNED"
    SUSPENDED = "SUSPENDED"
    SELL_ONLY = "SELL_ONLY"


class Money(BaseModel):
    """An amount of one currency."""

    amount: Number = Field(description="Exact amount.", examples=["1250.50"])
    currency: str = Field(description="Currency code.", examples=["CHF"])


class TaxLot(BaseModel):
    """Units bought together."""

    lot_id: str = Field(description="Name of the lot.", examples=["lot-7"])
    quantity: NotNegative = Field(description="Units left in the lot.", examples=["40"])
    unit_cost: Money = Field(description="What one unit cost.", examples=[{"amount": "81.25", "currency": "USD"}])
    purchase_date: str = Field(description="Day of purchase, ISO 8601.", examples=["2023-04-17"])


class Position(BaseModel):
    """A holding."""

    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    quantity: Number = Field(description="Units held.", examples=["120"])
    market_value: Money | None = Field(
        None, description="The custodian's value.", examples=[{"amount": "9800.00", "currency": "USD"}]
    )
    lots: list[TaxLot] = Field(
        default_factory=list, max_length=LOTS_MAX, description="Tax lots; together the quantity.", examples=[[]]
    )

    @model_validator(mode="after")
    def _lots_make_up_the_quantity(self) -> Position:
        if self.lots and not lots_match([lot.quantity for lot in self.lots], self.quantity):
            raise ValueError(f"the lots of {self.instrument_id} do not add up to its quantity {self.quantity}")
        return self


class CashBalance(BaseModel):
    """Cash of one currency."""

    currency: str = Field(description="Currency code.", examples=["EUR"])
    amount: Number = Field(description="Cash in total.", examples=["5000.00"])
    settled: Number | None = Field(None, description="What of it is settled today.", examples=["4200.00"])
    pending: Number | None = Field(None, description="What is under way; carried along.", examples=["800.00"])


class PortfolioSnapshot(BaseModel):
    """What a client holds."""

    snapshot_id: str | None = Field(None, description="Name of the snapshot.", examples=["ps-2026-02-03"])
    portfolio_id: str = Field(max_length=NAME_CHARACTERS_MAX, description="Which portfolio.", examples=["pf-1001"])
    base_currency: str = Field(description="Currency in which everything is valued.", examples=["CHF"])
    positions: list[Position] = Field(default_factory=list, max_length=ROWS_MAX, description="Holdings.", examples=[[]])
    cash_balances: list[CashBalance] = Field(
        default_factory=list, max_length=ROWS_MAX, description="Cash by currency.", examples=[[]]
    )


class Price(BaseModel):
    """What one unit of an instrument costs."""

    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    price: Number = Field(description="Price of one unit; one not above zero counts as missing.", examples=["81.90"])
    currency: str = Field(description="Currency of the price.", examples=["USD"])


class FxRate(BaseModel):
    """A rate of exchange."""

    pair: str = Field(description="AAA/BBB: one AAA costs `rate` BBB.", examples=["USD/CHF"])
    rate: Number = Field(description="Rate of the pair.", examples=["0.8841"])


class MarketDataSnapshot(BaseModel):
    """Prices and rates of one moment."""

    snapshot_id: str | None = Field(None, description="Name of the snapshot.", examples=["md-2026-02-03"])
    prices: list[Price] = Field(
        default_factory=list,
        max_length=ROWS_MAX,
        description="Prices; an instrument's first row counts.",
        examples=[[]],
    )
    fx_rates: list[FxRate] = Field(
        default_factory=list, max_length=ROWS_MAX, description="Rates; a pair's first row counts.", examples=[[]]
    )


class ModelTarget(BaseModel):
    """The share that an instrument should have."""

    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    weight: Number = Field(description="Share of the portfolio's value.", examples=["0.25"])


class ModelPortfolio(BaseModel):
    """The shares that a portfolio should have."""

    targets: list[ModelTarget] = Field(
        max_length=ROWS_MAX, description="Targets, in the order of trading.", examples=[[]]
    )


class ShelfEntry(BaseModel):
    """What the bank allows to be done with an instrument, and what it knows of it."""

    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    status: ShelfStatus = Field(description="What is allowed.", examples=["APPROVED"])
    asset_class: str = Field("UNKNOWN", description="Asset class of the allocation.", examples=["EQUITY"])
    issuer_id: str | None = Field(None, description="Who issued it.", examples=["ISS_A"])
    liquidity_tier: Literal["L1", "L2", "L3", "L4", "L5"] | None = Field(
        None, description="How liquid it is, L1 the most.", examples=["L1"]
    )
    settlement_days: Days = Field(2, description="Days from trade to cash.", examples=[2])
    min_notional: Money | None = Field(
        None, description="Smaller trades are dust.", examples=[{"amount": "500.00", "currency": "CHF"}]
    )
    attributes: dict[str, str] = Field(
        default_factory=dict,
        max_length=OPTION_KEYS_MAX,
        description="Names for group caps.",
        examples=[{"sector": "TECH"}],
    )
    lot_size: Number | None = Field(
        None, gt=0, description="Beyond the contract: trades are multiples of it.", examples=["100"]
    )


class GroupConstraint(BaseModel):
    """The most that a group may weigh."""

    max_weight: Number = Field(description="Share of the portfolio's value, 0..1.", examples=["0.30"])

    @field_validator("max_weight")
    @classmethod
    def _is_a_share(cls, value: Decimal) -> Decimal:
        if not 0 <= value <= 1:
            raise ValueError(f"max_weight was {value}; it is a share between 0 and 1")
        return value


class SuitabilityThresholds(BaseModel):
    """Limits of the advisory suitability scan."""

    single_position_max_weight: Share = Field(Decimal("0.10"), description="Of one position.", examples=["0.10"])
    issuer_max_weight: Share = Field(Decimal("0.20"), description="Of all positions of an issuer.", examples=["0.20"])
    max_weight_by_liquidity_tier: dict[str, Number] = Field(
        default_factory=lambda: {"L4": Decimal("0.10"), "L5": Decimal("0.05")},
        description="Of all positions of a tier.",
        examples=[{"L5": "0.05"}],
    )
    cash_band_min_weight: Share = Field(Decimal("0.01"), description="Least cash.", examples=["0.01"])
    cash_band_max_weight: Share = Field(Decimal("0.05"), description="Most cash.", examples=["0.05"])
    data_quality_issue_severity: Literal["LOW", "MEDIUM", "HIGH"] = Field(
        "MEDIUM", description="How grave missing enrichment is.", examples=["MEDIUM"]
    )

    @field_validator("max_weight_by_liquidity_tier")
    @classmethod
    def _tiers_and_shares(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for tier, weight in value.items():
            if tier not in _TIERS or not 0 <= weight <= 1:
                raise ValueError(f"{tier}: {weight} is not a tier L1..L5 with a share between 0 and 1")
        return value

    @model_validator(mode="after")
    def _band_is_ordered(self) -> SuitabilityThresholds:
        if self.cash_band_min_weight > self.cash_band_max_weight:
            raise ValueError(
                f"cash_band_min_weight {self.cash_band_min_weight} is above cash_band_max_weight "
                f"{self.cash_band_max_weight}"
            )
        return self


class RecentTrade(BaseModel):
    """What one of the client's accounts traded lately."""

    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    side: Literal["BUY", "SELL"] = Field(description="Bought or sold.", examples=["SELL"])
    trade_date: str = Field(description="Day of the trade, ISO 8601.", examples=["2026-01-20"])
    account_id: str | None = Field(None, description="In which account.", examples=["acc-2"])
    at_loss: bool = Field(False, description="Whether a sale realised a loss.", examples=[True])


class WashSaleGuard(BaseModel):
    """Keeps losses and purchases of an instrument apart."""

    window_days: Annotated[int, Field(ge=1, le=366)] = Field(30, description="Days between them.", examples=[30])
    recent_trades: list[RecentTrade] = Field(
        default_factory=list, max_length=ROWS_MAX, description="Trades of all accounts.", examples=[[]]
    )


class EngineOptions(BaseModel):
    """Constraints and switches of a run."""

    valuation_mode: ValuationMode = Field(
        ValuationMode.CALCULATED, description="Value by price, or trust the snapshot.", examples=["CALCULATED"]
    )
    target_method: TargetMethod = Field(
        TargetMethod.HEURISTIC, description="How targets are found.", examples=["HEURISTIC"]
    )
    compare_target_methods: bool = Field(False, description="Run the other method beside.", examples=[False])
    compare_target_methods_tolerance: Number = Field(
        Decimal("0.0001"), description="Weights further apart differ.", examples=["0.0001"]
    )
    cash_band_min_weight: Number = Field(Decimal("0.00"), description="Least cash.", examples=["0.01"])
    cash_band_max_weight: Number = Field(Decimal("1.00"), description="Most cash.", examples=["0.05"])
    single_position_max_weight: Number | None = Field(
        None, description="Most that one position may weigh.", examples=["0.10"]
    )
    min_trade_notional: Money | None = Field(
        None,
        description="Smaller trades are dust; overrides the shelf.",
        examples=[{"amount": "1000", "currency": "CHF"}],
    )
    allow_restricted: bool = Field(False, description="Whether RESTRICTED may be bought.", examples=[False])
    suppress_dust_trades: bool = Field(True, description="Whether dust is left out.", examples=[True])
    dust_trade_threshold: Money | None = Field(
        None, description="Accepted, without effect.", examples=[{"amount": "100", "currency": "CHF"}]
    )
    fx_buffer_pct: Number = Field(Decimal("0.01"), description="Share bought beyond a shortage.", examples=["0.01"])
    block_on_missing_prices: bool = Field(True, description="Whether a missing price blocks.", examples=[True])
    block_on_missing_fx: bool = Field(True, description="Whether a missing rate blocks.", examples=[True])
    min_cash_buffer_pct: Number = Field(Decimal("0.0"), description="Cash that the heuristic keeps.", examples=["0.02"])
    max_turnover_pct: Number | None = Field(
        None, description="Most that may be traded, share of the value, 0..1.", examples=["0.15"]
    )
    enable_tax_awareness: bool = Field(False, description="Whether sales respect tax lots.", examples=[False])
    max_realized_capital_gains: NotNegative | None = Field(
        None, description="Budget of realised gains, base currency.", examples=["2500"]
    )
    enable_settlement_awareness: bool = Field(
        False, description="Whether the cash ladder is checked.", examples=[False]
    )
    settlement_horizon_days: Days = Field(5, description="Least length of the ladder.", examples=[5])
    fx_settlement_days: Days = Field(2, description="Days from exchange to cash.", examples=[2])
    max_overdraft_by_ccy: dict[str, Number] = Field(
        default_factory=dict, max_length=OPTION_KEYS_MAX, description="Overdraft allowed.", examples=[{"CHF": "1000"}]
    )
    group_constraints: dict[str, GroupConstraint] = Field(
        default_factory=dict,
        max_length=OPTION_KEYS_MAX,
        description="Caps by attribute:value.",
        examples=[{"sector:TECH": {"max_weight": "0.30"}}],
    )
    link_buy_to_same_currency_sell_dependency: bool | None = Field(
        None, description="Whether purchases wait for sales; null: in DPM yes, in advisory no.", examples=[True]
    )
    enable_workflow_gates: bool = Field(True, description="Whether the gate is decided.", examples=[True])
    workflow_requires_client_consent: bool = Field(False, description="Whether the client is asked.", examples=[False])
    client_consent_already_obtained: bool = Field(False, description="Whether the client has agreed.", examples=[False])
    enable_proposal_simulation: bool = Field(False, description="Switches the advisory routes on.", examples=[True])
    proposal_apply_cash_flows_first: bool = Field(True, description="Accepted, without effect.", examples=[True])
    proposal_block_negative_cash: bool = Field(True, description="Whether a withdrawal may overdraw.", examples=[True])
    auto_funding: bool = Field(True, description="Whether missing currency is bought.", examples=[True])
    funding_mode: Literal["AUTO_FX"] = Field("AUTO_FX", description="How.", examples=["AUTO_FX"])
    fx_generation_policy: Literal["ONE_FX_PER_CCY"] = Field(
        "ONE_FX_PER_CCY", description="How many exchanges.", examples=["ONE_FX_PER_CCY"]
    )
    fx_funding_source_currency: Literal["ANY_CASH", "BASE_ONLY"] = Field(
        "ANY_CASH", description="Which cash pays.", examples=["ANY_CASH"]
    )
    enable_drift_analytics: bool = Field(True, description="Whether drift is analysed.", examples=[True])
    enable_instrument_drift: bool = Field(True, description="Whether by instrument too.", examples=[True])
    drift_top_contributors_limit: Annotated[int, Field(ge=1, le=20)] = Field(
        5, description="Length of the lists of drift.", examples=[5]
    )
    drift_unmodeled_exposure_threshold: Share = Field(
        Decimal("0.01"), description="From what weight a holding beside the model is named.", examples=["0.01"]
    )
    enable_suitability_scanner: bool = Field(True, description="Whether suitability is scanned.", examples=[True])
    suitability_thresholds: SuitabilityThresholds = Field(
        default_factory=SuitabilityThresholds, description="Limits of the scan.", examples=[{}]
    )
    cash_repair: bool = Field(
        False, description="Beyond the contract: cut purchases until base cash is not negative.", examples=[True]
    )
    trade_mode: Literal["FULL", "BUY_ONLY", "RAISE_CASH"] = Field(
        "FULL", description="Beyond the contract: trade one side only.", examples=["BUY_ONLY"]
    )
    cash_to_raise: NotNegative | None = Field(
        None, description="Beyond the contract: amount at which RAISE_CASH stops, base currency.", examples=["5000"]
    )
    equivalents: dict[str, list[str]] = Field(
        default_factory=dict,
        max_length=ROWS_MAX,
        description="Beyond the contract: stand-ins of targets that cannot be bought, best first.",
        examples=[{"ISIN_A": ["ISIN_B"]}],
    )
    as_of: str | None = Field(
        None, description="Beyond the contract: day of the run, ISO 8601; the guards need it.", examples=["2026-02-03"]
    )
    block_short_term_gains: bool = Field(
        False, description="Beyond the contract: keep young lots that gain; needs tax awareness.", examples=[True]
    )
    short_term_days: Annotated[int, Field(ge=1, le=3660)] = Field(
        365, description="Beyond the contract: until what age a lot is young.", examples=[365]
    )
    wash_sale_guard: WashSaleGuard | None = Field(
        None,
        description="Beyond the contract: keep losses and purchases apart; sales only with tax awareness.",
        examples=[{"window_days": 30}],
    )

    @field_validator("max_turnover_pct")
    @classmethod
    def _turnover_is_a_share(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and not 0 <= value <= 1:
            raise ValueError(f"max_turnover_pct was {value}; it is a share between 0 and 1")
        return value

    @field_validator("max_overdraft_by_ccy")
    @classmethod
    def _overdrafts(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for currency, amount in value.items():
            if not currency or amount < 0:
                raise ValueError(f"max_overdraft_by_ccy had {currency!r}: {amount}; it needs a currency and no minus")
        return value

    @model_validator(mode="after")
    def _guards_have_a_day(self) -> EngineOptions:
        if (problem := guard_problem(self)) is not None:
            raise ValueError(problem)
        return self

    @field_validator("group_constraints")
    @classmethod
    def _group_keys(cls, value: dict[str, GroupConstraint]) -> dict[str, GroupConstraint]:
        for key in value:
            if not is_group_key(key):
                raise ValueError(f"group_constraints had the key {key!r}; it reads attribute:value")
        return value


class RebalanceRequest(BaseModel):
    """Everything that a rebalance depends on."""

    portfolio_snapshot: PortfolioSnapshot = Field(description="What is held.", examples=[{}])
    market_data_snapshot: MarketDataSnapshot = Field(description="Prices and rates.", examples=[{}])
    model_portfolio: ModelPortfolio = Field(description="What should be held.", examples=[{"targets": []}])
    shelf_entries: list[ShelfEntry] = Field(max_length=ROWS_MAX, description="What is allowed.", examples=[[]])
    options: EngineOptions = Field(description="Constraints and switches.", examples=[{}])


class SimulationScenario(BaseModel):
    """One what-if."""

    description: str | None = Field(None, description="What it asks.", examples=["half the turnover"])
    options: dict[str, Any] = Field(
        default_factory=dict, description="Its options, validated when it runs.", examples=[{"max_turnover_pct": "0.1"}]
    )


class BatchRebalanceRequest(BaseModel):
    """One set of snapshots under several options."""

    portfolio_snapshot: PortfolioSnapshot = Field(description="What is held.", examples=[{}])
    market_data_snapshot: MarketDataSnapshot = Field(description="Prices and rates.", examples=[{}])
    model_portfolio: ModelPortfolio = Field(description="What should be held.", examples=[{"targets": []}])
    shelf_entries: list[ShelfEntry] = Field(max_length=ROWS_MAX, description="What is allowed.", examples=[[]])
    scenarios: dict[str, SimulationScenario] = Field(
        description="What-ifs by name, 1 to 20.", examples=[{"base": {"options": {}}}]
    )

    @field_validator("scenarios")
    @classmethod
    def _names(cls, value: dict[str, SimulationScenario]) -> dict[str, SimulationScenario]:
        if (problem := scenario_problem(value)) is not None:
            raise ValueError(problem)
        return value


class _GuardOptions(Protocol):
    @property
    def as_of(self) -> str | None: ...
    @property
    def block_short_term_gains(self) -> bool: ...
    @property
    def enable_tax_awareness(self) -> bool: ...
    @property
    def wash_sale_guard(self) -> object: ...


def guard_problem(options: _GuardOptions) -> str | None:
    """What the lot guards lack, or None: both need the day of the run, one of them the lots."""
    if options.block_short_term_gains and not options.enable_tax_awareness:
        return "block_short_term_gains needs enable_tax_awareness, which was false"
    if options.as_of is None:
        guarded = options.block_short_term_gains or options.wash_sale_guard is not None
        return "as_of was null; the guards need the day of the run" if guarded else None
    try:
        date.fromisoformat(options.as_of)
    except ValueError:
        return f"as_of was {options.as_of!r}; it is a day such as 2026-02-03"
    return None


def is_group_key(key: str) -> bool:
    """Whether ``key`` reads ``attribute:value`` with one colon and both sides."""
    sides = key.split(":")
    return len(sides) == 2 and all(sides)


def scenario_problem(scenarios: Mapping[str, object]) -> str | None:
    """What is wrong with the names of the scenarios, or None."""
    if not 1 <= len(scenarios) <= SCENARIOS_MAX:
        return f"there were {len(scenarios)} scenarios; a request has 1 to {SCENARIOS_MAX}"
    for name in scenarios:
        if not _SCENARIO_NAME.fullmatch(name):
            return f"a scenario was named {name!r}; names have 1 to 64 of a-z, 0-9, _ and -"
    return None
