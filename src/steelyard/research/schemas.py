"""The wire of sweeps: what a client may send.

Forms carry ranges as JSON text, JSON bodies as ``[min, max]``; both may write ``fast_range_min`` and
``fast_range_max`` instead.  Source: requirement 004 and contract sweeps.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from steelyard.research.store import TICKERS_TEXT_CHARACTERS_MAX

PERIOD_MAX = 500
STEP_MAX = 50
MIN_TRADES_MAX = 1000
WEBHOOK_URL_CHARACTERS_MAX = 2048

_RANGES = ("fast_range", "slow_range", "signal_range")


def _read_range(value: Any) -> Any:
    """A range from JSON text; a single number is a range of one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise PydanticCustomError(
                "range_not_json", "the range was {value}; write it as [min, max]", {"value": repr(value[:64])}
            ) from None
    return [value, value] if isinstance(value, int) and not isinstance(value, bool) else value


def _in_order(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] > value[1]:
        raise PydanticCustomError(
            "range_reversed",
            "the range was [{low}, {high}]; its minimum must not exceed its maximum",
            {"low": value[0], "high": value[1]},
        )
    return value


def _short_url(value: AnyHttpUrl) -> AnyHttpUrl:
    if len(str(value)) > WEBHOOK_URL_CHARACTERS_MAX:
        raise PydanticCustomError(
            "url_too_long", "the address has {n} characters; at most 2048", {"n": len(str(value))}
        )
    return value


Period = Annotated[int, Field(ge=1, le=PERIOD_MAX)]
PeriodRange = Annotated[tuple[Period, Period], BeforeValidator(_read_range), AfterValidator(_in_order)]


class SweepRequest(BaseModel):
    """A sweep of one ticker, or of several separated by commas; every range includes both its ends."""

    model_config = ConfigDict(str_strip_whitespace=True, allow_inf_nan=False)

    ticker: Annotated[str, Field(min_length=1, max_length=TICKERS_TEXT_CHARACTERS_MAX, examples=["BTC-USD"])]
    fast_range: Annotated[PeriodRange, Field(examples=[[10, 20]])]
    slow_range: Annotated[PeriodRange, Field(examples=[[20, 30]])]
    signal_range: Annotated[PeriodRange | None, Field(description="MACD only; 9 if left out")] = None
    step: Annotated[int, Field(ge=1, le=STEP_MAX)]
    min_trades: Annotated[int, Field(ge=1, le=MIN_TRADES_MAX)] = 50
    strategy_type: Literal["SMA", "EMA", "MACD", "RSI"] = "SMA"
    config_path: Annotated[
        Literal["minimum", "standard"],
        Field(description="How the orders fill: minimum at the signal's close, standard at the next open or close"),
    ] = "minimum"
    webhook_url: Annotated[AnyHttpUrl, AfterValidator(_short_url)] | None = None
    fee: Annotated[float, Field(ge=0, lt=0.5, description="Per side, as a fraction of the traded value")] = 0.001
    slippage_bp: Annotated[float, Field(ge=0, lt=5000, description="Per side, basis points")] = 0.0
    rank_by: str = "score"
    start: date | None = None
    end: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _ends_as_two_fields(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = {name: value for name, value in data.items() if value != ""}
        for name in _RANGES:
            low, high = data.pop(f"{name}_min", None), data.pop(f"{name}_max", None)
            if name not in data and (low is not None or high is not None):
                data[name] = [low, high]
        if isinstance(data.get("strategy_type"), str):
            data["strategy_type"] = data["strategy_type"].upper()
        return data
