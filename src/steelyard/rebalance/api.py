"""Rebalances from Python: a request in, a typed result out; no server, no database.

The run's id is derived from the request, so the same request gives the same result, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.core import clock
from steelyard.core.errors import InvalidInputError
from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.result import RebalanceResult
from steelyard.rebalance.run_ids import derived_id, derived_run_id
from steelyard.rebalance.values import BatchRebalanceRequest, RebalanceRequest
from steelyard.rebalance.what_if import BatchResult, analyze_scenarios
from steelyard.rebalance.wire import MalformedBodyError, read_batch, read_options, read_request, request_hash

NO_CORRELATION = "c_none"


def simulate(
    request: RebalanceRequest | Mapping[str, Any] | bytes, *, correlation_id: str | None = None
) -> RebalanceResult:
    """Rebalance one portfolio.

    Args:
        request: the typed request, or its JSON as bytes or as plain values.
        correlation_id: carried into the result.

    Returns:
        The audit bundle; ``to_dict()`` and ``to_bytes()`` give its JSON.

    Raises:
        InvalidInputError: the request is malformed; ``details["errors"]`` lists every fault.
    """
    typed = request if isinstance(request, RebalanceRequest) else _checked(read_request, request)
    hashed = request_hash(typed)
    return rebalance(typed, RunIdentity(derived_run_id(hashed), correlation_id or NO_CORRELATION, hashed))


def analyze(
    request: BatchRebalanceRequest | Mapping[str, Any] | bytes, *, correlation_id: str | None = None
) -> BatchResult:
    """Run the scenarios of a what-if request side by side.

    Args:
        request: the typed request, or its JSON as bytes or as plain values.
        correlation_id: carried into every result, followed by the scenario's name.

    Raises:
        InvalidInputError: the request is malformed; ``details["errors"]`` lists every fault.
    """
    typed = request if isinstance(request, BatchRebalanceRequest) else _checked(read_batch, request)
    batch_id = derived_id("batch", request_hash(typed))
    return analyze_scenarios(
        typed,
        batch_id=batch_id,
        run_at_utc=clock.now().isoformat(timespec="microseconds"),
        new_run_id=lambda name: derived_id("rr", f"{batch_id}:{name}"),
        read_options=read_options,
        correlation_id=correlation_id,
    )


def _checked(read: Any, request: Mapping[str, Any] | bytes) -> Any:
    try:
        return read(request)
    except MalformedBodyError as error:
        raise InvalidInputError(str(error), code="MALFORMED_REQUEST", details={"errors": error.errors}) from None
