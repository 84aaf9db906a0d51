"""The bodies that the advisory routes accept, as pydantic models.

Three numbers are refused as JSON floats, which have already lost the value that was meant: a cash
flow's amount, a trade's quantity and a notional's amount.

Source: contract dpm, section 12.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from steelyard.rebalance.limits import ROWS_MAX
from steelyard.rebalance.schemas import (
    EngineOptions,
    MarketDataSnapshot,
    Number,
    PortfolioSnapshot,
    ShelfEntry,
    magnitude,
)

INVALID_INPUT = "PROPOSAL_INVALID_TRADE_INPUT"


def _no_float(value: Any) -> Any:
    if isinstance(value, float):
        message = f"{INVALID_INPUT}: {value!r} was a JSON float; write it as text so that it stays exact"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports a ValueError as a fault of the body
    return value


ExactNumber = Annotated[Decimal, BeforeValidator(_no_float), AfterValidator(magnitude)]
PositiveExact = Annotated[Decimal, Field(gt=0), BeforeValidator(_no_float), AfterValidator(magnitude)]


class ProposedNotional(BaseModel):
    """The size of a trade as an amount."""

    amount: ExactNumber = Field(description="Exact amount, above zero.", examples=["25000.00"])
    currency: str = Field(description="Currency of the instrument's price.", examples=["USD"])


class ProposedCashFlow(BaseModel):
    """Money that the client brings (+) or takes (-)."""

    intent_type: Literal["CASH_FLOW"] = Field("CASH_FLOW", description="Kind of intent.", examples=["CASH_FLOW"])
    currency: str = Field(description="Currency code.", examples=["CHF"])
    amount: ExactNumber = Field(description="Exact amount, either sign.", examples=["-5000.00"])
    description: str | None = Field(None, description="What it is for.", examples=["client instruction"])


class ProposedTrade(BaseModel):
    """What the adviser wants to trade."""

    intent_type: Literal["SECURITY_TRADE"] = Field(
        "SECURITY_TRADE", description="Kind of intent.", examples=["SECURITY_TRADE"]
    )
    side: Literal["BUY", "SELL"] = Field(description="Buy or sell.", examples=["BUY"])
    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    quantity: PositiveExact | None = Field(None, description="Units; or give a notional.", examples=["40"])
    notional: ProposedNotional | None = Field(
        None, description="Amount; or give a quantity.", examples=[{"amount": "25000.00", "currency": "USD"}]
    )

    @model_validator(mode="after")
    def _has_one_size(self) -> ProposedTrade:
        if (self.quantity is None) == (self.notional is None):
            given = "neither" if self.quantity is None else "both"
            raise ValueError(f"{INVALID_INPUT}: {given} of quantity and notional were given for {self.instrument_id}")
        if self.notional is not None and self.notional.amount <= 0:
            raise ValueError(f"{INVALID_INPUT}: notional was {self.notional.amount}; it must be above zero")
        return self


class ReferenceAssetClassTarget(BaseModel):
    """The share that an asset class should have."""

    asset_class: str = Field(description="Asset class, CASH for cash.", examples=["EQUITY"])
    weight: Number = Field(description="Share of the portfolio's value.", examples=["0.60"])


class ReferenceInstrumentTarget(BaseModel):
    """The share that an instrument should have."""

    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    weight: Number = Field(description="Share of the portfolio's value.", examples=["0.10"])


class ReferenceModel(BaseModel):
    """What drift is measured against."""

    model_id: str = Field(description="Name of the model.", examples=["mdl_balanced"])
    as_of: str = Field(description="Its day.", examples=["2026-02-01"])
    base_currency: str = Field(description="Its currency; another than the portfolio's is no use.", examples=["CHF"])
    asset_class_targets: list[ReferenceAssetClassTarget] = Field(
        default_factory=list, max_length=ROWS_MAX, description="Shares by asset class.", examples=[[]]
    )
    instrument_targets: list[ReferenceInstrumentTarget] = Field(
        default_factory=list, max_length=ROWS_MAX, description="Shares by instrument.", examples=[[]]
    )


class ProposalSimulateRequest(BaseModel):
    """Everything that a proposal depends on."""

    portfolio_snapshot: PortfolioSnapshot = Field(description="What is held.", examples=[{}])
    market_data_snapshot: MarketDataSnapshot = Field(description="Prices and rates.", examples=[{}])
    shelf_entries: list[ShelfEntry] = Field(max_length=ROWS_MAX, description="What is allowed.", examples=[[]])
    options: EngineOptions = Field(
        default_factory=EngineOptions, description="Constraints and switches.", examples=[{}]
    )
    proposed_cash_flows: list[ProposedCashFlow] = Field(
        default_factory=list, max_length=ROWS_MAX, description="Money in and out, first of all.", examples=[[]]
    )
    proposed_trades: list[ProposedTrade] = Field(
        default_factory=list, max_length=ROWS_MAX, description="Trades.", examples=[[]]
    )
    reference_model: ReferenceModel | None = Field(None, description="What drift is measured against.", examples=[None])
