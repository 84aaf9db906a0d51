"""Fields that several answers of the DPM routes have, each described once.

Source: contract dpm, sections 5, 9 and 11.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

RunId = Annotated[str, Field(description="Id of the run.", examples=["rr_1a2b3c4d"])]
CorrelationId = Annotated[str, Field(description="Id under which the caller finds it.", examples=["corr_1a2b3c4d5e6f"])]
CreatedAt = Annotated[str, Field(description="When it was made.", examples=["2026-02-03T10:15:30.123456+00:00"])]
InstrumentId = Annotated[str, Field(description="Which instrument.", examples=["ISIN_A"])]
RequestHash = Annotated[str, Field(description="Canonical hash of the request.", examples=["sha256:6b86b273ff34fce1"])]
PortfolioId = Annotated[str, Field(description="Which portfolio.", examples=["pf-1001"])]
CurrencyCode = Annotated[str, Field(description="Currency code.", examples=["CHF"])]
OperationId = Annotated[str, Field(description="Id of the operation.", examples=["dop_1a2b3c4d5e6f"])]
OperationType = Annotated[
    Literal["ANALYZE_SCENARIOS"], Field(description="Kind of the operation.", examples=["ANALYZE_SCENARIOS"])
]
OperationStatus = Annotated[
    Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED"],
    Field(description="How far it is, or its outcome.", examples=["SUCCEEDED"]),
]
NextCursor = Annotated[
    str | None, Field(description="Where the next page begins; null on the last.", examples=["rr_1a2b3c4d"])
]
PossibleKey = Annotated[str | None, Field(description="Key of idempotency.", examples=["key-1"])]
Key = Annotated[str, Field(description="Key of idempotency.", examples=["key-1"])]
IsExecutable = Annotated[bool, Field(description="Whether it waits to be executed.", examples=[False])]
StartedAt = Annotated[str | None, Field(description="When it began.", examples=["2026-02-03T10:15:30.123456+00:00"])]
FinishedAt = Annotated[str | None, Field(description="When it ended.", examples=["2026-02-03T10:15:30.123456+00:00"])]
RunStatus = Annotated[Literal["READY", "BLOCKED", "PENDING_REVIEW"], Field(description="Outcome.", examples=["READY"])]
ReviewAction = Annotated[
    Literal["APPROVE", "REJECT", "REQUEST_CHANGES"], Field(description="What is decided.", examples=["APPROVE"])
]
Share = Annotated[Decimal, Field(description="Share of the total value, 4 decimals.", examples=["0.2500"])]
