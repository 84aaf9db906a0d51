"""The values of an answer: the audit bundle of a run.

Field names and their order are those of the contract; ``to_bytes`` writes them as JSON with every
decimal as text.

Source: contract dpm, section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeVar, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from steelyard.rebalance.holdings import AllocationMetric, PositionSummary, write_holdings
from steelyard.rebalance.values import ONE, ZERO, CashBalance, Money, Severity, Status, TargetMethod


class SimulatedState(Struct, frozen=True, gc=False):
    """A portfolio and how it is allocated, before or after the trades."""

    total_value: Money
    cash_balances: tuple[CashBalance, ...]
    positions: Sequence[PositionSummary]
    allocation_by_asset_class: list[AllocationMetric]
    allocation_by_instrument: Sequence[AllocationMetric]
    allocation: Sequence[AllocationMetric]
    allocation_by_attribute: dict[str, list[AllocationMetric]]


class _WrittenState(Struct, frozen=True, gc=False):
    """A state for writing: a long list, and one that occurs twice, is JSON already."""

    total_value: Money
    cash_balances: tuple[CashBalance, ...]
    positions: Sequence[PositionSummary] | msgspec.Raw
    allocation_by_asset_class: list[AllocationMetric]
    allocation_by_instrument: msgspec.Raw
    allocation: msgspec.Raw
    allocation_by_attribute: dict[str, list[AllocationMetric]]


class Written:
    """A value that is JSON until an attribute is asked for that is not ``known`` beside it."""

    __slots__ = ("_kind", "_value", "known", "raw")

    def __init__(self, raw: bytes, kind: Any, known: Mapping[str, Any]) -> None:
        self.raw, self.known, self._kind = raw, known, kind
        self._value: Any = None

    def decoded(self) -> Any:
        """The value."""
        if self._value is None:
            self._value = msgspec.json.decode(self.raw, type=self._kind)
        return self._value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what copy and pickle look for before there is anything to decode
            raise AttributeError(name)
        return self.known[name] if name in self.known else getattr(self.decoded(), name)

    def __reduce__(self) -> tuple[Any, ...]:
        return Written, (self.raw, self._kind, self.known)

    def __eq__(self, other: object) -> bool:
        return bool(self.decoded() == (other.decoded() if isinstance(other, Written) else other))

    __hash__ = None  # type: ignore[assignment]  # as a value of lists

    def __repr__(self) -> str:
        return repr(self.decoded())


class WrittenRows(Sequence[Any]):
    """A list that is JSON until one of its rows is asked for."""

    __slots__ = ("_kind", "_rows", "raw")

    def __init__(self, raw: bytes | memoryview, kind: Any) -> None:
        self.raw, self._kind = raw, kind
        self._rows: list[Any] | None = None

    def decoded(self) -> list[Any]:
        """The rows."""
        if self._rows is None:
            self._rows = msgspec.json.decode(self.raw, type=list[self._kind])  # type: ignore[name-defined]
        return self._rows

    def __reduce__(self) -> tuple[Any, ...]:
        return WrittenRows, (bytes(self.raw), self._kind)

    def __len__(self) -> int:
        return len(self.decoded())

    def __getitem__(self, place: Any) -> Any:
        return self.decoded()[place]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.decoded())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.decoded() == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return repr(self.decoded())


def count_trades(intents: Sequence[Any]) -> int:
    """How many of the orders are for instruments; of those that are JSON none is decoded."""
    if isinstance(intents, WrittenRows):
        return bytes(intents.raw).count(b'{"intent_type":"SECURITY_TRADE"')
    return sum(isinstance(intent, SecurityTrade) for intent in intents)


T = TypeVar("T")


def as_written(raw: bytes, kind: type[T], **known: Any) -> T:
    """JSON in the place of the value that it stands for, with the attributes that are ``known``."""
    return cast("T", Written(raw, kind, known))


def _raw_of(value: Any) -> msgspec.Raw:
    if isinstance(value, Written | WrittenRows):
        return msgspec.Raw(value.raw)
    raise TypeError(f"a result has no place for a {type(value).__name__}")


_ENCODER = msgspec.json.Encoder(enc_hook=_raw_of)


def encode_result(result: Any) -> bytes:
    """The JSON of a result that has a state ``before`` and one ``after_simulated``."""
    if isinstance(result.before, Written):
        return _ENCODER.encode(result)
    before = _written(result.before)
    after = before if result.after_simulated is result.before else _written(result.after_simulated)
    return _ENCODER.encode(replace(result, before=before, after_simulated=after))


def _written(state: SimulatedState) -> _WrittenState:
    positions, allocation = write_holdings(state.positions, state.allocation)
    return _WrittenState(
        state.total_value,
        state.cash_balances,
        positions,
        state.allocation_by_asset_class,
        allocation,
        allocation,
        state.allocation_by_attribute,
    )


class ExcludedInstrument(Struct, frozen=True, gc=False):
    """An instrument that may not be traded freely, and why."""

    instrument_id: str
    reason_code: str
    details: str | None = None


class Coverage(Struct, frozen=True, gc=False):
    """1 on the normal path, 0 when a run is blocked early; the contract does not compute it."""

    price_coverage_pct: Decimal
    fx_coverage_pct: Decimal


COVERED, NOT_COVERED = Coverage(ONE, ONE), Coverage(ZERO, ZERO)


class UniverseData(Struct, frozen=True, gc=False):
    """What may be bought, what may be sold, and what neither."""

    universe_id: str
    eligible_for_buy: Sequence[str]
    eligible_for_sell: Sequence[str]
    excluded: Sequence[ExcludedInstrument]
    coverage: Coverage


class TargetInstrument(Struct, frozen=True, gc=False):
    """From the model's weight to the one aimed at, with tags that say what happened between."""

    instrument_id: str
    model_weight: Decimal
    final_weight: Decimal
    final_value: Money
    tags: tuple[str, ...]


class TargetData(Struct, frozen=True, gc=False):
    """The targets in the order of the model, then what is held beside it."""

    target_id: str
    targets: Sequence[TargetInstrument]
    strategy: dict[str, Any] = {}


class Rationale(Struct, frozen=True, gc=False):
    """Why an order exists."""

    code: str
    message: str


class SecurityTrade(Struct, frozen=True, gc=False, tag_field="intent_type", tag="SECURITY_TRADE"):
    """An order for one instrument; ``notional`` in its currency, ``notional_base`` in the portfolio's."""

    intent_id: str
    instrument_id: str
    side: Literal["BUY", "SELL"]
    quantity: Decimal
    notional: Money
    notional_base: Money | None
    dependencies: tuple[str, ...]
    rationale: Rationale
    constraints_applied: tuple[str, ...]


class FxSpot(Struct, frozen=True, gc=False, tag_field="intent_type", tag="FX_SPOT"):
    """An exchange of one currency for another; ``pair`` is always foreign/base in DPM."""

    intent_id: str
    pair: str
    buy_currency: str
    buy_amount: Decimal
    sell_currency: str
    sell_amount_estimated: Decimal
    dependencies: tuple[str, ...]
    rationale: Rationale


Intent = SecurityTrade | FxSpot


class Reconciliation(Struct, frozen=True, gc=False):
    """Whether the value after the trades is the value before, within a tolerance."""

    before_total_value: Money
    after_total_value: Money
    delta: Money
    tolerance: Money
    status: Literal["OK", "MISMATCH"]


class TaxImpact(Struct, frozen=True, gc=False):
    """Gains and losses that the sales realise, in base currency, both as amounts >= 0."""

    total_realized_gain: Money
    total_realized_loss: Money
    budget_limit: Money | None
    budget_used: Money | None


class RuleResult(Struct, frozen=True, gc=False):
    """One rule, what was measured and whether it held."""

    rule_id: str
    severity: Literal["HARD", "SOFT", "INFO"]
    status: Literal["PASS", "FAIL"]
    measured: Decimal
    threshold: dict[str, Decimal]
    reason_code: str
    remediation_hint: str | None = None


class SuppressedIntent(Struct, frozen=True, gc=False):
    """A trade too small to be worth its cost."""

    instrument_id: str
    reason: str
    intended_notional: Money
    threshold: Money


class DroppedIntent(Struct, frozen=True, gc=False):
    """A trade that the turnover budget had no room for; ``score`` is its share of the portfolio."""

    instrument_id: str
    reason: str
    potential_notional: Money
    score: Decimal


class GroupConstraintEvent(Struct, frozen=True, gc=False):
    """A group cap that bound, and who received what it released."""

    constraint_key: str
    group_weight_before: Decimal
    max_weight: Decimal
    released_weight: Decimal
    recipients: dict[str, Decimal]
    status: Literal["CAPPED", "BLOCKED"]


class TaxBudgetConstraintEvent(Struct, frozen=True, gc=False):
    """A sale that the gains budget cut."""

    instrument_id: str
    requested_quantity: Decimal
    allowed_quantity: Decimal
    reason_code: str


class CashLadderPoint(Struct, frozen=True, gc=False):
    """Cash of one currency some days from now."""

    date_offset: int
    currency: str
    projected_balance: Decimal


class CashLadderBreach(Struct, frozen=True, gc=False):
    """A day on which cash is below what is allowed."""

    date_offset: int
    currency: str
    projected_balance: Decimal
    allowed_floor: Decimal
    reason_code: str


class TradeAdjustment(Struct, frozen=True, gc=False):
    """What an option beyond the contract did to a trade or a target."""

    instrument_id: str
    reason_code: str
    requested_quantity: Decimal | None = None
    allowed_quantity: Decimal | None = None
    substitute_id: str | None = None


class DataQuality(Struct, frozen=True, gc=False):
    """What was asked for and not there; each stage adds what it misses, so a name may occur again."""

    price_missing: list[str] = []
    fx_missing: list[str] = []
    shelf_missing: list[str] = []


class Diagnostics(Struct, frozen=True, gc=False):
    """The diary of a run: the stages append to its lists."""

    warnings: list[str] = []
    suppressed_intents: list[SuppressedIntent] = []
    dropped_intents: list[DroppedIntent] = []
    group_constraint_events: list[GroupConstraintEvent] = []
    tax_budget_constraint_events: list[TaxBudgetConstraintEvent] = []
    cash_ladder: list[CashLadderPoint] = []
    cash_ladder_breaches: list[CashLadderBreach] = []
    missing_fx_pairs: list[str] = []
    funding_plan: list[Any] = []
    insufficient_cash: list[Any] = []
    data_quality: DataQuality = msgspec.field(default_factory=DataQuality)
    trade_adjustments: list[TradeAdjustment] = []

    def warn(self, code: str) -> None:
        """Note ``code`` once."""
        if code not in self.warnings:
            self.warnings.append(code)


class GateReason(Struct, frozen=True, gc=False):
    """One reason for a gate, and who gives it."""

    reason_code: str
    severity: Severity
    source: Literal["RULE_ENGINE", "SUITABILITY", "DATA_QUALITY"]
    details: dict[str, str]


class GateSummary(Struct, frozen=True, gc=False):
    """How many of what led to the gate."""

    hard_fail_count: int
    soft_fail_count: int
    new_high_suitability_count: int
    new_medium_suitability_count: int


class GateDecision(Struct, frozen=True, gc=False):
    """Who has to look at a result before it may be executed."""

    gate: str
    recommended_next_step: str
    reasons: list[GateReason]
    summary: GateSummary


class MethodComparison(Struct, frozen=True, gc=False):
    """How the other target method would have decided."""

    primary_method: TargetMethod
    primary_status: Status
    alternate_method: TargetMethod
    alternate_status: Status
    tolerance: Decimal
    differing_instruments: list[str]
    alternate_warnings: list[str]


class Explanation(Struct, frozen=True, gc=False):
    """The outcome in a word; the comparison is there whenever the run got past the data checks."""

    summary: str
    target_method_comparison: MethodComparison | msgspec.UnsetType | None = msgspec.UNSET


class Lineage(Struct, frozen=True, gc=False):
    """What the answer was made of."""

    portfolio_snapshot_id: str
    market_data_snapshot_id: str
    request_hash: str
    idempotency_key: str | None = None
    engine_version: str | None = None


class RebalanceResult(Struct, frozen=True, gc=False):
    """The audit bundle: everything needed to retrace a decision."""

    rebalance_run_id: str
    correlation_id: str
    status: Status
    before: SimulatedState
    universe: UniverseData
    target: TargetData
    intents: Sequence[Intent]
    after_simulated: SimulatedState
    reconciliation: Reconciliation | None
    tax_impact: TaxImpact | None
    rule_results: list[RuleResult]
    explanation: Explanation
    diagnostics: Diagnostics
    gate_decision: GateDecision | None
    lineage: Lineage

    def to_bytes(self) -> bytes:
        """The body of an answer: JSON, UTF-8, decimals as text."""
        return encode_result(self)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, decimals as text."""
        plain: dict[str, Any] = msgspec.json.decode(self.to_bytes())
        return plain
