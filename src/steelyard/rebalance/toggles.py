"""The switches of requirement 003, each under the name that its deployments set already.

A flag is on for ``1, true, yes, on`` in any case and off for anything else; a number that cannot be
read, or is below its least value, is the default.  They are read once, when the server starts.

Source: contract dpm, sections 1 and 15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from steelyard.core.errors import NotFoundError

_ON = {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class Toggles:
    """What is switched on, and how much is kept for how long."""

    support_apis: bool
    artifacts: bool
    async_operations: bool
    async_manual_execution: bool
    async_execution_mode: Literal["INLINE", "ACCEPT_ONLY"]
    async_operations_ttl_s: int
    workflow: bool
    workflow_statuses: frozenset[str]
    lineage_apis: bool
    idempotency_history_apis: bool
    supportability_summary_apis: bool
    support_bundle_apis: bool
    supportability_retention_days: int
    artifact_store_mode: Literal["DERIVED", "PERSISTED"]
    idempotency_replay: bool
    idempotency_cache_size_max: int
    policy_packs: bool
    policy_pack_admin_apis: bool
    default_policy_pack_id: str | None
    policy_pack_catalog_json: str
    packs_in_database: bool
    tenant_policy_pack_resolution: bool
    tenant_policy_pack_map_json: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """The switches as ``environment`` sets them."""

        def on(name: str, *, default: bool) -> bool:
            return flag(environment, name, default=default)

        mode = environment.get("DPM_ASYNC_EXECUTION_MODE", "").strip().upper()
        kept = environment.get("DPM_ARTIFACT_STORE_MODE", "").strip().upper()
        statuses = environment.get("DPM_WORKFLOW_REQUIRES_REVIEW_FOR_STATUSES", "PENDING_REVIEW")
        return cls(
            support_apis=on("DPM_SUPPORT_APIS_ENABLED", default=True),
            artifacts=on("DPM_ARTIFACTS_ENABLED", default=True),
            async_operations=on("DPM_ASYNC_OPERATIONS_ENABLED", default=True),
            async_manual_execution=on("DPM_ASYNC_MANUAL_EXECUTION_ENABLED", default=True),
            async_execution_mode="ACCEPT_ONLY" if mode == "ACCEPT_ONLY" else "INLINE",
            async_operations_ttl_s=whole_number(environment, "DPM_ASYNC_OPERATIONS_TTL_SECONDS", 86_400),
            workflow=on("DPM_WORKFLOW_ENABLED", default=False),
            workflow_statuses=frozenset(part.strip() for part in statuses.split(",") if part.strip()),
            lineage_apis=on("DPM_LINEAGE_APIS_ENABLED", default=False),
            idempotency_history_apis=on("DPM_IDEMPOTENCY_HISTORY_APIS_ENABLED", default=False),
            supportability_summary_apis=on("DPM_SUPPORTABILITY_SUMMARY_APIS_ENABLED", default=True),
            support_bundle_apis=on("DPM_SUPPORT_BUNDLE_APIS_ENABLED", default=True),
            supportability_retention_days=whole_number(
                environment, "DPM_SUPPORTABILITY_RETENTION_DAYS", 0, least=0, most=_RETENTION_DAYS_MAX
            ),
            artifact_store_mode="PERSISTED" if kept == "PERSISTED" else "DERIVED",
            idempotency_replay=on("DPM_IDEMPOTENCY_REPLAY_ENABLED", default=True),
            idempotency_cache_size_max=whole_number(environment, "DPM_IDEMPOTENCY_CACHE_MAX_SIZE", 1000),
            policy_packs=on("DPM_POLICY_PACKS_ENABLED", default=False),
            policy_pack_admin_apis=on("DPM_POLICY_PACK_ADMIN_APIS_ENABLED", default=False),
            default_policy_pack_id=environment.get("DPM_DEFAULT_POLICY_PACK_ID", "").strip() or None,
            policy_pack_catalog_json=environment.get("DPM_POLICY_PACK_CATALOG_JSON", ""),
            packs_in_database=environment.get("DPM_POLICY_PACK_CATALOG_BACKEND", "").strip().upper() == "POSTGRES",
            tenant_policy_pack_resolution=on("DPM_TENANT_POLICY_PACK_RESOLUTION_ENABLED", default=False),
            tenant_policy_pack_map_json=environment.get("DPM_TENANT_POLICY_PACK_MAP_JSON", ""),
        )


_RETENTION_DAYS_MAX = 100_000
_NUMBER_MAX = 2_000_000_000


def flag(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Whether the variable switches on."""
    value = environment.get(name)
    return default if value is None else value.strip().lower() in _ON


def whole_number(
    environment: Mapping[str, str], name: str, default: int, *, least: int = 1, most: int = _NUMBER_MAX
) -> int:
    """The variable as a number, or ``default`` where it is none or below ``least``; at most ``most``."""
    try:
        number = int(environment.get(name, ""))
    except ValueError:
        return default
    return default if number < least else min(number, most)


def require_enabled(feature: str, *, enabled: bool) -> None:
    """Refuse unless ``enabled``.

    Raises:
        NotFoundError: with the code ``<feature>_DISABLED``.
    """
    if not enabled:
        raise NotFoundError(f"this is switched off; set {feature}_ENABLED to true", code=f"{feature}_DISABLED")
