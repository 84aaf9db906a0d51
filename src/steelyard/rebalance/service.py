"""Rebalances as a service: computed by the pure engine, recorded by the ledger, answered as bytes.

Source: contract dpm, sections 9 to 11.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from steelyard.core import clock
from steelyard.core.errors import UnavailableError
from steelyard.infra.database import Database
from steelyard.infra.legacy_stores import LegacyStore, LegacyStores
from steelyard.infra.principal import Principal
from steelyard.rebalance.artifact import RunRecord, build_artifact
from steelyard.rebalance.catalogue import Catalogue, Selectors
from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.ledger import Ledger, RunIdTakenError
from steelyard.rebalance.policy_packs import PolicyPack, apply_pack, chosen_pack, is_replay_enabled
from steelyard.rebalance.result import RebalanceResult, count_trades
from steelyard.rebalance.runs import Run, Shelf
from steelyard.rebalance.toggles import Toggles
from steelyard.rebalance.values import BatchRebalanceRequest, EngineOptions, RebalanceRequest
from steelyard.rebalance.what_if import BatchResult, analyze_scenarios
from steelyard.rebalance.wire import read_options, request_hash

NO_CORRELATION = "c_none"
IDS_DRAWN_MAX = 8
"""How often a run that met another one with its id is computed again."""

INLINE_ROWS_MAX = 400
"""Rows (positions, targets, shelf), times scenarios, computed on the event loop in a few ms; more take a thread."""

_WITH_ARTIFACT = 4  # an artifact is built from a decoded result and hashed: some times the work of the run

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and what the headers say.

    Attributes:
        correlation_id: None where there is none or it is empty.
    """

    principal: Principal
    correlation_id: str | None
    selectors: Selectors


class Rebalancing:
    """The use cases of the DPM routes, for one event loop."""

    def __init__(self, database: Database, toggles: Toggles, stores: LegacyStores) -> None:
        self.toggles = toggles
        self.stores = stores
        self.catalogue = Catalogue(toggles)
        self._database = database
        self._work_per_row = _WITH_ARTIFACT if toggles.artifact_store_mode == "PERSISTED" else 1
        self._ledger = Ledger(database, keys_max=toggles.idempotency_cache_size_max, kept_since=self.kept_since)

    def kept_since(self) -> datetime | None:
        """When the oldest run was made that is still kept; None: all are."""
        days = self.toggles.supportability_retention_days
        return clock.now() - timedelta(days=days) if days else None

    def require_store(self, store: LegacyStore) -> None:
        """Refuse where a store was told to use a server and none is known.

        Raises:
            UnavailableError: with the code ``<PREFIX>_DSN_REQUIRED``.
        """
        self.stores.require(store, is_sqlite=self._database.is_sqlite)

    def shelf(self, principal: Principal) -> Shelf:
        """The runs that ``principal`` may see."""
        return Shelf(principal.tenant, self.kept_since())

    async def simulate(self, asked: Asked, request: RebalanceRequest, key: str) -> bytes:
        """Rebalance one portfolio and record the run; the answer of a key that comes again is the first one's.

        Raises:
            ConflictError: the key came before with another request.
        """
        hashed = request_hash(request)
        pack = await self.pack_for(asked)
        governed = _with_pack(request, pack)
        may_replay = is_replay_enabled(pack, default=self.toggles.idempotency_replay)
        if may_replay:
            answer = await self._ledger.answered(asked.principal.tenant, key, hashed)
            if answer is not None:
                return answer

        def compute() -> Run:
            identity = RunIdentity(new_run_id(), asked.correlation_id or NO_CORRELATION, hashed)
            return self._run(asked, rebalance(governed, identity), key)

        for _ in range(IDS_DRAWN_MAX):
            run = await _computed(compute, _rows(request) * self._work_per_row)
            try:
                return await self._ledger.record(run, may_replay=may_replay)
            except RunIdTakenError:
                continue
        raise no_free_id()

    async def analyze(self, asked: Asked, request: BatchRebalanceRequest) -> bytes:
        """Run the scenarios side by side and record a run of each."""
        pack = await self.pack_for(asked)

        def compute() -> tuple[bytes, list[Run]]:
            batch = run_scenarios(request, pack, asked.correlation_id)
            return batch.to_bytes(), self.runs_of(asked, batch)

        rows = _rows(request) * len(request.scenarios) * self._work_per_row
        for _ in range(IDS_DRAWN_MAX):
            answer, runs = await _computed(compute, rows)
            try:
                await self._ledger.record_all(runs)
            except RunIdTakenError:
                continue
            return answer
        raise no_free_id()

    async def pack_for(self, asked: Asked) -> PolicyPack | None:
        """The policy pack that counts for a request, if the catalog has it."""
        resolution = self.catalogue.resolve(asked.selectors)
        if resolution.selected_policy_pack_id is None:
            return None
        async with self._database.reading() as session:
            return chosen_pack(resolution, await self.catalogue.packs(session, asked.principal.tenant))

    def runs_of(self, asked: Asked, batch: BatchResult) -> list[Run]:
        """The runs of a what-if analysis, ready to be stored."""
        return [self._run(asked, result, None) for result in batch.results.values()]

    def _run(self, asked: Asked, result: RebalanceResult, key: str | None) -> Run:
        portfolio_id, hashed = result.lineage.portfolio_snapshot_id, result.lineage.request_hash
        created_at = clock.now()
        artifact = None
        if self.toggles.artifact_store_mode == "PERSISTED":
            record = RunRecord(portfolio_id, hashed, timestamp(created_at), key)
            artifact = msgspec.json.encode(build_artifact(result, record))
        return Run(
            id=result.rebalance_run_id,
            tenant=asked.principal.tenant,
            correlation_id=result.correlation_id,
            request_hash=hashed,
            idempotency_key=key,
            portfolio_id=portfolio_id,
            status=result.status,
            created_at=created_at,
            result=result.to_bytes(),
            artifact=artifact,
            trades=count_trades(result.intents),
        )


def run_scenarios(request: BatchRebalanceRequest, pack: PolicyPack | None, correlation_id: str | None) -> BatchResult:
    """The what-if analysis under a policy pack, with ids drawn at random."""

    def options_under_pack(options: Mapping[str, Any]) -> EngineOptions:
        return apply_pack(read_options(options), pack)

    return analyze_scenarios(
        request,
        batch_id=f"batch_{secrets.token_hex(4)}",
        run_at_utc=timestamp(clock.now()),
        new_run_id=lambda _: new_run_id(),
        read_options=options_under_pack,
        correlation_id=correlation_id,
    )


def new_run_id() -> str:
    """A run id, drawn at random."""
    return f"rr_{secrets.token_hex(4)}"


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and ``+00:00``."""
    return moment.isoformat(timespec="microseconds")


async def _computed(compute: Callable[[], Answer], rows: int) -> Answer:
    return compute() if rows <= INLINE_ROWS_MAX else await asyncio.to_thread(compute)


def _rows(request: RebalanceRequest | BatchRebalanceRequest) -> int:
    portfolio = request.portfolio_snapshot
    return len(portfolio.positions) + len(request.model_portfolio.targets) + len(request.shelf_entries)


def _with_pack(request: RebalanceRequest, pack: PolicyPack | None) -> RebalanceRequest:
    options = apply_pack(request.options, pack)
    return request if options is request.options else msgspec.structs.replace(request, options=options)


def no_free_id() -> UnavailableError:
    """What is said when chance is against us."""
    return UnavailableError(f"no free run id was found in {IDS_DRAWN_MAX} draws; try again", code="NO_FREE_RUN_ID")
