"""The demo's models: there once, labelled, and good for orders and for one refusal."""

from typing import Any

import pytest

from steelyard.infra.auth import DEVELOPER
from steelyard.infra.settings import Settings
from steelyard.market.store import PriceStore
from steelyard.models.built_in import list_accounts, list_securities
from steelyard.models.changes import remove_portfolios
from steelyard.models.demo import ACCOUNTS_PER_MODEL, DEMO_MODELS, install_demo_models
from steelyard.models.options import RebalanceOptions
from steelyard.models.rebalancing import Ask, rebalance_model
from steelyard.models.service import change_model
from steelyard.server.parts import running


@pytest.fixture
async def parts(tmp_path):
    async with running(Settings(data_dir=tmp_path), works=False) as parts:
        yield parts


async def test_the_demo_s_portfolios_get_orders_and_the_smallest_is_refused(parts, tmp_path):
    store = parts.models.store
    assert await install_demo_models(store, parts.database, DEVELOPER, PriceStore(tmp_path)) == len(DEMO_MODELS)
    results: list[Any] = []
    for model in await store.list_models("default"):
        assert "synthetic" in model.name
        answer = await rebalance_model(parts.models, DEVELOPER, model.model_id, Ask(lambda _: RebalanceOptions()))
        results += answer.results
    assert len(results) == len(DEMO_MODELS) * ACCOUNTS_PER_MODEL
    assert [one.portfolio_id for one in results if one.error] == ["demo-20"]
    assert any(position["transactionType"] for one in results for position in one.positions)


async def test_installing_again_changes_nothing_that_was_changed_meanwhile(parts, tmp_path):
    store, prices = parts.models.store, PriceStore(tmp_path)
    await install_demo_models(store, parts.database, DEVELOPER, prices)
    (first, *_) = await store.list_models("default")
    await change_model(store, DEVELOPER, first.model_id, lambda model: remove_portfolios(model, model.portfolios[:1]))
    before = await store.list_models("default")
    async with parts.database.reading() as session:
        kept = (
            await list_accounts(session, "default", limit=100),
            await list_securities(session, "default", limit=100),
        )
    assert await install_demo_models(store, parts.database, DEVELOPER, prices) == 0
    assert await store.list_models("default") == before
    async with parts.database.reading() as session:
        accounts, securities = (
            await list_accounts(session, "default", limit=100), await list_securities(session, "default", limit=100)
        )  # fmt: skip
    assert (accounts, securities) == kept
    assert all("synthetic" in (account.name or "") for account in accounts)


async def test_two_installations_hold_the_same(tmp_path):
    found = []
    for name in ("one", "two"):
        async with running(Settings(data_dir=tmp_path / name), works=False) as parts:
            await install_demo_models(parts.models.store, parts.database, DEVELOPER, PriceStore(tmp_path / name))
            async with parts.database.reading() as session:
                found.append(await list_accounts(session, "default", limit=100))
    assert found[0] == found[1]
