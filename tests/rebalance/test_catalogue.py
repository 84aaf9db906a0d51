"""The catalogue of policy packs on both engines: given by the environment or kept, and edited."""

import pytest

from steelyard.infra.database import Database
from steelyard.rebalance.catalogue import Catalogue, Selectors
from steelyard.rebalance.policy_packs import PolicyPack
from steelyard.rebalance.toggles import Toggles

GIVEN = {"DPM_POLICY_PACKS_ENABLED": "1", "DPM_POLICY_PACK_CATALOG_JSON": '{"a": {"version": "7"}, "b": {}, "c": 3}'}


def catalogue(**environment: str) -> Catalogue:
    return Catalogue(Toggles.read(environment))


async def names(database: Database, found: Catalogue, tenant: str = "acme") -> list[str]:
    async with database.reading() as session:
        return list(await found.packs(session, tenant))


async def put(database: Database, found: Catalogue, name: str) -> None:
    async with database.transaction() as session:
        await found.put(session, "acme", PolicyPack(name))


async def delete(database: Database, found: Catalogue, name: str) -> None:
    async with database.transaction() as session:
        await found.delete(session, "acme", name)


async def test_edits_hold_for_every_worker_until_the_text_changes(database):
    await put(database, catalogue(**GIVEN), "z")
    await delete(database, catalogue(**GIVEN), "a")
    assert await names(database, catalogue(**GIVEN)) == ["b", "z"]
    assert await names(database, catalogue(**GIVEN), "other") == ["a", "b"]
    changed = GIVEN | {"DPM_POLICY_PACK_CATALOG_JSON": '{"a": {}}'}
    assert await names(database, catalogue(**changed)) == ["a"]


async def test_a_pack_that_was_deleted_can_be_put_again(database):
    given = catalogue(**GIVEN)
    await delete(database, given, "a")
    await put(database, given, "a")
    async with database.reading() as session:
        assert (await given.packs(session, "acme"))["a"] == PolicyPack("a")


async def test_a_kept_catalogue_has_nothing_of_the_environment(database):
    kept = catalogue(**GIVEN, DPM_POLICY_PACK_CATALOG_BACKEND="postgres")
    assert await names(database, kept) == []
    await put(database, kept, "k")
    assert await names(database, kept) == ["k"]
    await delete(database, kept, "k")
    assert await names(database, kept) == []


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (Selectors("r", "t", "acme"), ("r", "REQUEST")),
        (Selectors(" ", " t ", "acme"), ("t", "TENANT_DEFAULT")),
        (Selectors(None, None, " acme "), ("of-acme", "TENANT_DEFAULT")),
        (Selectors(None, None, "unknown"), ("global", "GLOBAL_DEFAULT")),
    ],
)
def test_request_then_tenant_then_deployment_select(selectors, expected):
    found = catalogue(
        **GIVEN,
        DPM_DEFAULT_POLICY_PACK_ID="global",
        DPM_TENANT_POLICY_PACK_RESOLUTION_ENABLED="1",
        DPM_TENANT_POLICY_PACK_MAP_JSON='{"acme": "of-acme", "odd": 5}',
    ).resolve(selectors)
    assert (found.selected_policy_pack_id, found.source) == expected


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "[" * 5])
def test_a_map_that_cannot_be_read_selects_nothing(text):
    switched_on = {"DPM_POLICY_PACKS_ENABLED": "1", "DPM_TENANT_POLICY_PACK_RESOLUTION_ENABLED": "1"}
    found = catalogue(**switched_on, DPM_TENANT_POLICY_PACK_MAP_JSON=text).resolve(Selectors(None, None, "acme"))
    assert (found.selected_policy_pack_id, found.source) == (None, "NONE")
