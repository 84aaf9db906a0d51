"""The stores of requirement 003, by the variables that its deployments set; all of them are our one database.

``POSTGRES`` selects the database that the store's DSN names.  ``IN_MEMORY``, ``SQL``, ``SQLITE`` and
``ENV_JSON`` are what they were meant for, a first try on one machine: they select the embedded
database, and are deprecated.

Source: contract dpm, section 15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steelyard.core.errors import ConfigurationError, UnavailableError

DATABASE_VARIABLE = "STEELYARD_DATABASE_URL"
_PACK_FLAGS = ("DPM_POLICY_PACKS_ENABLED", "DPM_POLICY_PACK_ADMIN_APIS_ENABLED")
_ON = {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class LegacyStore:
    """One store.

    Attributes:
        prefix: what the codes of its failures begin with.
        guard: how the guardrails of the production profile call it.
        backend: as chosen; None where its variable is not set.
        dsn: its own, or the one that it shares where it has none.
    """

    prefix: str
    guard: str
    variable: str
    backend: str | None
    own_dsn: str | None
    dsn: str | None

    @property
    def is_postgres(self) -> bool:
        """Whether it was told to use a server."""
        return self.backend == "POSTGRES"


@dataclass(frozen=True, slots=True)
class LegacyStores:
    """The three stores of a deployment."""

    runs: LegacyStore
    proposals: LegacyStore
    packs: LegacyStore
    packs_are_used: bool
    has_own_address: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> LegacyStores:
        """The stores as ``environment`` names them."""

        def store(prefix: str, guard: str, variable: str, shared: str | None = None) -> LegacyStore:
            backend = environment.get(variable, "").strip().upper() or None
            own = environment.get(f"{prefix}_DSN", "").strip() or None
            return LegacyStore(prefix, guard, variable, backend, own, own or shared)

        runs = store("DPM_SUPPORTABILITY_POSTGRES", "DPM", "DPM_SUPPORTABILITY_STORE_BACKEND")
        return cls(
            runs,
            store("PROPOSAL_POSTGRES", "ADVISORY", "PROPOSAL_STORE_BACKEND"),
            store("DPM_POLICY_PACK_POSTGRES", "POLICY_PACK", "DPM_POLICY_PACK_CATALOG_BACKEND", runs.dsn),
            packs_are_used=any(environment.get(name, "").strip().lower() in _ON for name in _PACK_FLAGS),
            has_own_address=bool(environment.get(DATABASE_VARIABLE, "").strip()),
        )

    @property
    def all(self) -> tuple[LegacyStore, LegacyStore, LegacyStore]:
        """In the order in which they are checked."""
        return (self.runs, self.proposals, self.packs)

    def database_url(self) -> str | None:
        """The address that the stores on a server name, or None.

        Raises:
            ConfigurationError: they name different ones, and there is one database.
        """
        dsns = {store.dsn for store in self.all if store.is_postgres and store.dsn}
        if len(dsns) > 1:
            named = ", ".join(f"{store.prefix}_DSN" for store in self.all if store.is_postgres and store.own_dsn)
            message = f"{named} name different databases; everything is kept in one, give them the same address"
            raise ConfigurationError(message, code="LEGACY_STORES_DIFFER")
        return dsns.pop() if dsns else None

    def effective(self) -> dict[str, str | None]:
        """What is set, by its variable; addresses hold passwords and are not shown."""
        backends = {store.variable: store.backend for store in self.all}
        return backends | {f"{store.prefix}_DSN": "***" if store.own_dsn else None for store in self.all}

    def deprecated(self) -> list[str]:
        """The variables that choose something other than a server, with what they choose."""
        return [f"{store.variable}={store.backend}" for store in self.all if store.backend and not store.is_postgres]

    def missing_dsn(self, store: LegacyStore, *, is_sqlite: bool) -> str | None:
        """The code of what a store lacks that was told to use a server where none is known, or None."""
        return f"{store.prefix}_DSN_REQUIRED" if store.is_postgres and not store.dsn and is_sqlite else None

    def require(self, store: LegacyStore, *, is_sqlite: bool) -> None:
        """Refuse where :meth:`missing_dsn`.

        Raises:
            UnavailableError: with the code ``<PREFIX>_DSN_REQUIRED``.
        """
        if code := self.missing_dsn(store, is_sqlite=is_sqlite):
            message = f"`{store.variable}` is POSTGRES and `{store.prefix}_DSN` is not set"
            raise UnavailableError(message, code=code)

    def production_problems(self, *, is_sqlite: bool) -> list[tuple[str, str]]:
        """What the production profile does not allow, as (reason code, sentence), in the contract's order."""
        problems = []
        speaks_legacy = any(store.backend for store in self.all) and not self.has_own_address
        for store in self.all:
            is_packs = store is self.packs
            if is_packs and not self.packs_are_used:
                continue
            code = f"PERSISTENCE_PROFILE_REQUIRES_{store.guard}_POSTGRES"
            unsaid_is_wrong = is_packs or speaks_legacy or is_sqlite
            if not store.is_postgres and (store.backend is not None or unsaid_is_wrong):
                problems.append((code, _sentence(store, asks_for_backend=is_packs or speaks_legacy)))
            elif not self.has_own_address and store.is_postgres:
                dsn = store.own_dsn if is_packs else store.dsn
                if not dsn:
                    sentence = f"`{store.prefix}_DSN` was not set; it is the address of the database"
                    problems.append((f"{code}_DSN", sentence))
        return problems


def _sentence(store: LegacyStore, *, asks_for_backend: bool) -> str:
    if store.backend is not None or asks_for_backend:
        return f"`{store.variable}` was {store.backend or 'not set'}; set it to POSTGRES"
    remedy = f"set it to a postgresql:// address, or `{store.variable}` to POSTGRES"
    return f"`{DATABASE_VARIABLE}` was an SQLite file; {remedy}"
