"""The values of a request, as the engine reads them.

All are frozen ``msgspec`` structs: immutable, compared by value, hashed by none of their users, and
made in 0.1 us where a frozen dataclass takes 0.5 us; a run makes a few thousand.  The wire decodes
straight into them (see ``wire``).  Field names and defaults are those of the contract.

Amounts are ``Decimal``; weights are shares of the portfolio's value, so 0.25 is a quarter.

Source: contract dpm, sections 3 and 4.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

ZERO = Decimal(0)
ONE = Decimal(1)

Days = Annotated[int, Meta(ge=0, le=10)]
Status = Literal["READY", "PENDING_REVIEW", "BLOCKED"]
TargetMethod = Literal["HEURISTIC", "SOLVER"]
ShelfStatus = Literal["APPROVED", "RESTRICTED", "BANNED", "SUSPENDED", "SELL_ONLY"]
LiquidityTier = Literal["L1", "L2", "L3", "L4", "L5"]
Severity = Literal["LOW", "MEDIUM", "HIGH"]


class Money(Struct, frozen=True, gc=False):
    """An amount of one currency; the contract allows any text as a currency."""

    amount: Decimal
    currency: str


class TaxLot(Struct, frozen=True, gc=False):
    """Units bought together; ``purchase_date`` is compared as text, so ISO dates sort."""

    lot_id: str
    quantity: Decimal
    unit_cost: Money
    purchase_date: str


class Position(Struct, frozen=True, gc=False):
    """A holding, with the custodian's value and the tax lots if they are known."""

    instrument_id: str
    quantity: Decimal
    market_value: Money | None = None
    lots: tuple[TaxLot, ...] = ()


class CashBalance(Struct, frozen=True, gc=False):
    """Cash of one currency; ``settled`` is what of it is there today, ``pending`` is only carried along."""

    currency: str
    amount: Decimal
    settled: Decimal | None = None
    pending: Decimal | None = None


class PortfolioSnapshot(Struct, frozen=True, gc=False):
    """What a client holds."""

    portfolio_id: str
    base_currency: str
    snapshot_id: str | None = None
    positions: tuple[Position, ...] = ()
    cash_balances: tuple[CashBalance, ...] = ()


class Price(Struct, frozen=True, gc=False):
    """What one unit costs."""

    instrument_id: str
    price: Decimal
    currency: str


class FxRate(Struct, frozen=True, gc=False):
    """``pair`` AAA/BBB: one AAA costs ``rate`` BBB."""

    pair: str
    rate: Decimal


class MarketDataSnapshot(Struct, frozen=True, gc=False):
    """Prices and rates of one moment."""

    snapshot_id: str | None = None
    prices: tuple[Price, ...] = ()
    fx_rates: tuple[FxRate, ...] = ()


class ModelTarget(Struct, frozen=True, gc=False):
    """The share that one instrument should have."""

    instrument_id: str
    weight: Decimal


class ModelPortfolio(Struct, frozen=True, gc=False):
    """The shares that a portfolio should have."""

    targets: tuple[ModelTarget, ...]


class ShelfEntry(Struct, frozen=True, gc=False):
    """What the bank allows to be done with an instrument, and what it knows of it."""

    instrument_id: str
    status: ShelfStatus
    asset_class: str = "UNKNOWN"
    issuer_id: str | None = None
    liquidity_tier: LiquidityTier | None = None
    settlement_days: Days = 2
    min_notional: Money | None = None
    attributes: dict[str, str] = {}
    lot_size: Decimal | None = None


class GroupConstraint(Struct, frozen=True, gc=False):
    """The most that the instruments with one attribute value may weigh together."""

    max_weight: Decimal


def _tier_limits() -> dict[LiquidityTier, Decimal]:
    return {"L4": Decimal("0.10"), "L5": Decimal("0.05")}


class SuitabilityThresholds(Struct, frozen=True, gc=False):
    """Limits of the advisory suitability scan, shares 0..1."""

    single_position_max_weight: Decimal = Decimal("0.10")
    issuer_max_weight: Decimal = Decimal("0.20")
    max_weight_by_liquidity_tier: dict[LiquidityTier, Decimal] = field(default_factory=_tier_limits)
    cash_band_min_weight: Decimal = Decimal("0.01")
    cash_band_max_weight: Decimal = Decimal("0.05")
    data_quality_issue_severity: Severity = "MEDIUM"


class RecentTrade(Struct, frozen=True, gc=False):
    """What one of the client's accounts traded lately; ``at_loss`` matters for sales."""

    instrument_id: str
    side: Literal["BUY", "SELL"]
    trade_date: str
    account_id: str | None = None
    at_loss: bool = False


class WashSaleGuard(Struct, frozen=True, gc=False):
    """How many days a loss and a purchase must lie apart, and the trades to look at."""

    window_days: Annotated[int, Meta(ge=1, le=366)] = 30
    recent_trades: tuple[RecentTrade, ...] = ()


class EngineOptions(Struct, frozen=True, gc=False, kw_only=True):
    """Constraints and switches of a run; one set serves DPM and advisory.

    ``dust_trade_threshold`` and ``proposal_apply_cash_flows_first`` are accepted and do nothing,
    as clients of the contract know them.  The options from ``cash_repair`` on are ours: off by
    default, and then nothing differs from the contract.
    """

    valuation_mode: Literal["CALCULATED", "TRUST_SNAPSHOT"] = "CALCULATED"
    target_method: TargetMethod = "HEURISTIC"
    compare_target_methods: bool = False
    compare_target_methods_tolerance: Decimal = Decimal("0.0001")
    cash_band_min_weight: Decimal = Decimal("0.00")
    cash_band_max_weight: Decimal = Decimal("1.00")
    single_position_max_weight: Decimal | None = None
    min_trade_notional: Money | None = None
    allow_restricted: bool = False
    suppress_dust_trades: bool = True
    dust_trade_threshold: Money | None = None
    fx_buffer_pct: Decimal = Decimal("0.01")
    block_on_missing_prices: bool = True
    block_on_missing_fx: bool = True
    min_cash_buffer_pct: Decimal = Decimal("0.0")
    max_turnover_pct: Decimal | None = None
    enable_tax_awareness: bool = False
    max_realized_capital_gains: Decimal | None = None
    enable_settlement_awareness: bool = False
    settlement_horizon_days: Days = 5
    fx_settlement_days: Days = 2
    max_overdraft_by_ccy: dict[str, Decimal] = {}
    group_constraints: dict[str, GroupConstraint] = {}
    link_buy_to_same_currency_sell_dependency: bool | None = None
    enable_workflow_gates: bool = True
    workflow_requires_client_consent: bool = False
    client_consent_already_obtained: bool = False
    enable_proposal_simulation: bool = False
    proposal_apply_cash_flows_first: bool = True
    proposal_block_negative_cash: bool = True
    auto_funding: bool = True
    funding_mode: Literal["AUTO_FX"] = "AUTO_FX"
    fx_generation_policy: Literal["ONE_FX_PER_CCY"] = "ONE_FX_PER_CCY"
    fx_funding_source_currency: Literal["ANY_CASH", "BASE_ONLY"] = "ANY_CASH"
    enable_drift_analytics: bool = True
    enable_instrument_drift: bool = True
    drift_top_contributors_limit: Annotated[int, Meta(ge=1, le=20)] = 5
    drift_unmodeled_exposure_threshold: Decimal = Decimal("0.01")
    enable_suitability_scanner: bool = True
    suitability_thresholds: SuitabilityThresholds = SuitabilityThresholds()
    cash_repair: bool = False
    trade_mode: Literal["FULL", "BUY_ONLY", "RAISE_CASH"] = "FULL"
    cash_to_raise: Decimal | None = None
    equivalents: dict[str, tuple[str, ...]] = {}
    as_of: str | None = None
    block_short_term_gains: bool = False
    short_term_days: Annotated[int, Meta(ge=1, le=3660)] = 365
    wash_sale_guard: WashSaleGuard | None = None


class RebalanceRequest(Struct, frozen=True, gc=False):
    """Everything a rebalance depends on."""

    portfolio_snapshot: PortfolioSnapshot
    market_data_snapshot: MarketDataSnapshot
    model_portfolio: ModelPortfolio
    shelf_entries: tuple[ShelfEntry, ...]
    options: EngineOptions


class Scenario(Struct, frozen=True, gc=False):
    """One named what-if: options still to be validated, so that a bad scenario spoils only itself."""

    description: str | None = None
    options: dict[str, object] = {}


class BatchRebalanceRequest(Struct, frozen=True, gc=False):
    """One set of snapshots under several options."""

    portfolio_snapshot: PortfolioSnapshot
    market_data_snapshot: MarketDataSnapshot
    model_portfolio: ModelPortfolio
    shelf_entries: tuple[ShelfEntry, ...]
    scenarios: dict[str, Scenario]
