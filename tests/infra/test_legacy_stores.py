"""The store variables of requirement 003: which database they select, and what production asks of them."""

from typing import Any

import pytest

from steelyard.core.errors import ConfigurationError
from steelyard.infra.cutover import cutover_problems
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.settings import Settings

DSN = "postgresql://dpm:dpm@db:5432/dpm"
ON_POSTGRES = {
    "DPM_SUPPORTABILITY_STORE_BACKEND": "POSTGRES",
    "DPM_SUPPORTABILITY_POSTGRES_DSN": DSN,
    "PROPOSAL_STORE_BACKEND": "POSTGRES",
    "PROPOSAL_POSTGRES_DSN": DSN,
}


def codes(environment, *, is_sqlite):
    found = LegacyStores.read(environment).production_problems(is_sqlite=is_sqlite)
    return [code.removeprefix("PERSISTENCE_PROFILE_REQUIRES_") for code, _ in found]


def test_a_dsn_of_a_store_is_the_address_of_the_database(monkeypatch):
    for name, value in ON_POSTGRES.items():
        monkeypatch.setenv(name, value)
    assert Settings().database_url == "postgresql+psycopg://dpm:dpm@db:5432/dpm"


def test_our_own_variable_has_the_last_word(monkeypatch):
    for name, value in (ON_POSTGRES | {"STEELYARD_DATABASE_URL": "postgresql://other/db"}).items():
        monkeypatch.setenv(name, value)
    assert Settings().database_url == "postgresql+psycopg://other/db"


@pytest.mark.parametrize("backend", ["IN_MEMORY", "SQL", "SQLITE", "sqlite", "unheard-of"])
def test_any_other_backend_is_the_embedded_database_and_deprecated(backend):
    stores = LegacyStores.read({"DPM_SUPPORTABILITY_STORE_BACKEND": backend, "DPM_SUPPORTABILITY_POSTGRES_DSN": DSN})
    assert stores.database_url() is None
    assert stores.deprecated() == [f"DPM_SUPPORTABILITY_STORE_BACKEND={backend.upper()}"]


def test_stores_that_name_different_databases_are_refused():
    stores = LegacyStores.read(ON_POSTGRES | {"PROPOSAL_POSTGRES_DSN": "postgresql://elsewhere/db"})
    with pytest.raises(ConfigurationError, match="PROPOSAL_POSTGRES_DSN name different databases"):
        stores.database_url()


def test_policy_packs_share_the_dsn_of_runs():
    stores = LegacyStores.read({"DPM_POLICY_PACK_CATALOG_BACKEND": "POSTGRES", "DPM_SUPPORTABILITY_POSTGRES_DSN": DSN})
    assert stores.database_url() == DSN


@pytest.mark.parametrize(
    ("environment", "is_sqlite", "expected"),
    [
        ({}, True, ["DPM_POSTGRES", "ADVISORY_POSTGRES"]),
        ({}, False, []),
        (ON_POSTGRES, False, []),
        ({"DPM_SUPPORTABILITY_STORE_BACKEND": "POSTGRES"}, True, ["DPM_POSTGRES_DSN", "ADVISORY_POSTGRES"]),
        (
            {"DPM_SUPPORTABILITY_STORE_BACKEND": "POSTGRES", "DPM_SUPPORTABILITY_POSTGRES_DSN": DSN},
            False,
            ["ADVISORY_POSTGRES"],
        ),
        (ON_POSTGRES | {"PROPOSAL_POSTGRES_DSN": " "}, False, ["ADVISORY_POSTGRES_DSN"]),
        (ON_POSTGRES | {"DPM_POLICY_PACKS_ENABLED": "true"}, False, ["POLICY_PACK_POSTGRES"]),
        (
            ON_POSTGRES | {"DPM_POLICY_PACK_ADMIN_APIS_ENABLED": "1", "DPM_POLICY_PACK_CATALOG_BACKEND": "POSTGRES"},
            False,
            ["POLICY_PACK_POSTGRES_DSN"],
        ),
        (
            {"DPM_SUPPORTABILITY_STORE_BACKEND": "IN_MEMORY", "STEELYARD_DATABASE_URL": DSN},
            False,
            ["DPM_POSTGRES"],
        ),
    ],
)
def test_production_asks_for_a_server_for_each_store_in_order(environment, is_sqlite, expected):
    assert codes(environment, is_sqlite=is_sqlite) == expected


def test_a_store_on_a_server_without_address_is_noticed():
    stores = LegacyStores.read({"PROPOSAL_STORE_BACKEND": "POSTGRES"})
    assert stores.missing_dsn(stores.proposals, is_sqlite=True) == "PROPOSAL_POSTGRES_DSN_REQUIRED"
    assert not stores.missing_dsn(stores.proposals, is_sqlite=False)
    assert not stores.missing_dsn(stores.runs, is_sqlite=True)


async def test_cutover_needs_the_production_profile():
    assert [code for code, _ in await cutover_problems(Settings())] == ["CUTOVER_PROFILE_NOT_PRODUCTION"]


@pytest.mark.postgres
async def test_cutover_looks_at_the_migrations(postgres_url):
    strict: dict[str, Any] = {"development_key_enabled": False, "open_routes_enabled": False}
    strict["webhook_secrets"] = "whsec_1"
    ready = Settings(profile="PRODUCTION", database_url=postgres_url, **strict)
    assert await cutover_problems(ready) == []
    away = Settings(profile="PRODUCTION", database_url="postgresql://127.0.0.1:1/none", **strict)
    assert [code for code, _ in await cutover_problems(away)] == ["CUTOVER_DATABASE_UNAVAILABLE"]
    empty = Settings(profile="PRODUCTION", database_url=postgres_url.rpartition("/")[0] + "/postgres", **strict)
    assert [code for code, _ in await cutover_problems(empty)] == ["CUTOVER_MIGRATIONS_PENDING"]
