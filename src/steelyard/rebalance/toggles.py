"""The switches of requirement 003, each under the name that its deployments set already.

A flag is on for ``1, true, yes, on`` in any case and off for anything else; a number that cannot be
read, or is below its least value, is the default.  They are read once, when the server starts.

Source: contract dpm, sections 1 and 15.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, Self

from steelyard.core.errors import NotFoundError

_ON = {"1", "true", "yes", "on"}


def variable(name: str, read: Callable[[Mapping[str, str]], Any]) -> Any:
    """A switch: the variable that sets it, and how it is read from the environment."""
    return field(metadata={"variable": name, "read": read})


def switch(name: str, *, default: bool) -> Any:
    """A flag."""
    return variable(name, lambda environment: flag(environment, name, default=default))


def number(name: str, default: int, **limits: int) -> Any:
    """A whole number."""
    return variable(name, lambda environment: whole_number(environment, name, default, **limits))


def one_of(name: str, usual: str, other: str) -> Any:
    """A choice of two words; ``usual`` unless the variable is ``other``."""
    return variable(name, lambda environment: other if _word(environment, name) == other else usual)


class Variables:
    """Switches that are read together; a dataclass of fields made with :func:`variable` and its kin."""

    __slots__ = ()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """The switches as ``environment`` sets them."""
        return cls(**{each.name: each.metadata["read"](environment) for each in _fields(cls)})

    def effective(self) -> dict[str, Any]:
        """The value of each, by its variable, ready for JSON."""
        found = {each.metadata["variable"]: getattr(self, each.name) for each in _fields(type(self))}
        return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in found.items()}


def _fields(cls: Any) -> tuple[Field[Any], ...]:
    return fields(cls)


def _word(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip().upper()


def _statuses(environment: Mapping[str, str]) -> frozenset[str]:
    named = environment.get(REVIEWED_STATUSES_VARIABLE, "PENDING_REVIEW")
    return frozenset(part.strip() for part in named.split(",") if part.strip())


_RETENTION_DAYS_MAX = 100_000
_PACKS_BACKEND = "DPM_POLICY_PACK_CATALOG_BACKEND"
_DEFAULT_PACK = "DPM_DEFAULT_POLICY_PACK_ID"
_PACKS = "DPM_POLICY_PACK_CATALOG_JSON"
_PACK_MAP = "DPM_TENANT_POLICY_PACK_MAP_JSON"
REVIEWED_STATUSES_VARIABLE = "DPM_WORKFLOW_REQUIRES_REVIEW_FOR_STATUSES"


@dataclass(frozen=True, slots=True)
class Toggles(Variables):
    """What is switched on, and how much is kept for how long."""

    support_apis: bool = switch("DPM_SUPPORT_APIS_ENABLED", default=True)
    artifacts: bool = switch("DPM_ARTIFACTS_ENABLED", default=True)
    async_operations: bool = switch("DPM_ASYNC_OPERATIONS_ENABLED", default=True)
    async_manual_execution: bool = switch("DPM_ASYNC_MANUAL_EXECUTION_ENABLED", default=True)
    async_execution_mode: Literal["INLINE", "ACCEPT_ONLY"] = one_of("DPM_ASYNC_EXECUTION_MODE", "INLINE", "ACCEPT_ONLY")
    async_operations_ttl_s: int = number("DPM_ASYNC_OPERATIONS_TTL_SECONDS", 86_400)
    workflow: bool = switch("DPM_WORKFLOW_ENABLED", default=False)
    workflow_statuses: frozenset[str] = variable(REVIEWED_STATUSES_VARIABLE, _statuses)
    lineage_apis: bool = switch("DPM_LINEAGE_APIS_ENABLED", default=False)
    idempotency_history_apis: bool = switch("DPM_IDEMPOTENCY_HISTORY_APIS_ENABLED", default=False)
    supportability_summary_apis: bool = switch("DPM_SUPPORTABILITY_SUMMARY_APIS_ENABLED", default=True)
    support_bundle_apis: bool = switch("DPM_SUPPORT_BUNDLE_APIS_ENABLED", default=True)
    supportability_retention_days: int = number(
        "DPM_SUPPORTABILITY_RETENTION_DAYS", 0, least=0, most=_RETENTION_DAYS_MAX
    )
    artifact_store_mode: Literal["DERIVED", "PERSISTED"] = one_of("DPM_ARTIFACT_STORE_MODE", "DERIVED", "PERSISTED")
    idempotency_replay: bool = switch("DPM_IDEMPOTENCY_REPLAY_ENABLED", default=True)
    idempotency_cache_size_max: int = number("DPM_IDEMPOTENCY_CACHE_MAX_SIZE", 1000)
    policy_packs: bool = switch("DPM_POLICY_PACKS_ENABLED", default=False)
    policy_pack_admin_apis: bool = switch("DPM_POLICY_PACK_ADMIN_APIS_ENABLED", default=False)
    default_policy_pack_id: str | None = variable(_DEFAULT_PACK, lambda env: env.get(_DEFAULT_PACK, "").strip() or None)
    policy_pack_catalog_json: str = variable(_PACKS, lambda env: env.get(_PACKS, ""))
    packs_in_database: bool = variable(_PACKS_BACKEND, lambda env: _word(env, _PACKS_BACKEND) == "POSTGRES")
    tenant_policy_pack_resolution: bool = switch("DPM_TENANT_POLICY_PACK_RESOLUTION_ENABLED", default=False)
    tenant_policy_pack_map_json: str = variable(_PACK_MAP, lambda env: env.get(_PACK_MAP, ""))


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
