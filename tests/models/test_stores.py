"""The laws of the model store, on every engine that may carry it."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from steelyard.core.errors import ConflictError
from steelyard.core.ids import new_hex_id
from steelyard.models import changes, service
from steelyard.models.document import Model, Position
from steelyard.models.options import Mode, RebalanceOptions
from steelyard.models.stores import IdempotencyKey, PortfolioResult, RebalanceRecord
from tests.models.domain import position, security
from tests.models.stores import ACME, ZETA

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TWO = (position("A", "0.300"), position("B", "0.25"))
ROUTE = "POST /api/v1/model/x/rebalance"


def growth(name="growth", portfolios=("p1", "p2"), **more):
    return Model(name, TWO, tuple(portfolios), **more)


def record(model, at=NOON, key=None, portfolios=1):
    moment = at.replace(microsecond=at.microsecond // 1000 * 1000)
    given = None if key is None else IdempotencyKey(ROUTE, key, "sha256:1")
    made = RebalanceRecord(new_hex_id(at), model.model_id, model.name, moment, date(2026, 3, 2), portfolios, key=given)
    return replace(made, options={"lotSize": 10})


def result(portfolio_id="p1", place=0, value="100000.10"):
    positions = ({"securityId": security("A"), "actual": "0.3000", "transactionType": "BUY", "transactionQuantity": 9},)
    amounts = (Decimal(value), Decimal("100.0"), Decimal("0.55"))
    return PortfolioResult(portfolio_id, place, "Pension", *amounts, positions)


async def test_a_model_comes_back_digit_for_digit(store):
    digits = Position(
        security("C"), Decimal("0.1000"), Decimal("0.1234567890123456789012345678901234"), Decimal("0.00")
    )
    options = RebalanceOptions(
        mode=Mode.RAISE_CASH,
        raise_cash=Decimal("10.50"),
        lot_size=100,
        never_sell=frozenset({security("A"), security("B")}),
        equivalents={security("C"): (security("Y"), security("X"))},
    )
    made = await store.create(ACME, Model("growth", (*TWO, digits), ("p 2", "p1"), options=options))
    found = await store.find("acme", made.model_id)
    assert found == made
    assert [str(one.target) for one in found.positions] == ["0.300", "0.25", "0.1000"]
    assert str(found.positions[2].high_drift) == "0.1234567890123456789012345678901234"
    assert str(found.positions[2].low_drift) == "0.00"
    assert found.options == options
    assert found.version == 1


async def test_an_empty_model_is_kept_too(store):
    made = await store.create(ACME, Model("empty"))
    assert await store.find("acme", made.model_id) == made


async def test_a_name_is_taken_once_in_each_tenant(store):
    first = await store.create(ACME, growth())
    with pytest.raises(ConflictError, match="growth") as refused:
        await store.create(ACME, growth())
    assert refused.value.code == "MODEL_NAME_TAKEN"
    await store.create(ZETA, growth())
    other = await store.create(ACME, growth("value"))
    with pytest.raises(ConflictError):
        await store.replace(ACME, replace(other, name="growth"))
    assert [model.model_id for model in await store.list_models("acme")] == [first.model_id, other.model_id]


async def test_of_many_creations_at_once_with_one_name_one_wins(store):
    outcomes = await asyncio.gather(*(store.create(ACME, growth()) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, Model) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 7


async def test_another_tenant_sees_and_changes_nothing(store):
    made = await store.create(ACME, growth())
    assert await store.find("zeta", made.model_id) is None
    assert await store.list_models("zeta") == []
    assert await store.followed_by("zeta", "p1") == []
    assert await store.replace(ZETA, made) is None
    assert await store.delete(ZETA, made.model_id, 1) is False
    stored = record(made, key="k")
    await store.save_rebalance(ACME, stored, [result()])
    assert await store.find_rebalance("zeta", stored.rebalance_id) is None
    assert await store.find_by_key("zeta", ROUTE, "k") is None
    assert await store.list_rebalances("zeta", limit=10) == []
    assert await store.rebalances_of("zeta", ["p1"], limit=10) == []
    assert await store.results_of("zeta", stored.rebalance_id) == []
    assert await store.delete_rebalance(ZETA, stored.rebalance_id, 1) is False
    assert await store.find("acme", made.model_id) is not None


async def test_a_change_counts_the_version_and_a_stale_one_changes_nothing(store):
    made = await store.create(ACME, growth())
    changed = await store.replace(ACME, replace(made, name="renamed", positions=TWO[:1], portfolios=("p3",)))
    assert (changed.version, changed.name, changed.positions, changed.portfolios) == (2, "renamed", TWO[:1], ("p3",))
    assert await store.replace(ACME, replace(made, name="stale")) is None
    assert await store.find("acme", made.model_id) == changed
    assert await store.delete(ACME, made.model_id, 1) is False
    assert await store.delete(ACME, made.model_id, 2) is True
    assert await store.delete(ACME, made.model_id, 2) is False
    assert await store.find("acme", made.model_id) is None


async def test_of_eight_writers_with_one_version_one_wins(store):
    made = await store.create(ACME, growth())
    wanted = [replace(made, portfolios=(f"w{number}",)) for number in range(8)]
    outcomes = await asyncio.gather(*(store.replace(ACME, one) for one in wanted))
    (won,) = [outcome for outcome in outcomes if outcome is not None]
    assert await store.find("acme", made.model_id) == won
    assert won.version == 2


async def test_changes_that_name_no_version_are_all_made_however_many_come_at_once(store):
    made = await store.create(ACME, growth(portfolios=()))

    def joining(number):
        return lambda model: changes.add_portfolios(model, [f"p{number}"])

    await asyncio.gather(*(service.change_model(store, ACME, made.model_id, joining(n)) for n in range(8)))
    found = await store.find("acme", made.model_id)
    assert sorted(found.portfolios) == [f"p{n}" for n in range(8)]
    assert found.version == 9


@pytest.mark.parametrize(
    "after",
    [("p1", "p2", "p3", "p9"), ("p1", "p3"), ("p3", "p2", "p1"), (), ("p2", "p0", "p3"), ("p9", "p1", "p2", "p3")],
    ids=lambda after: "-".join(after) or "none",
)
async def test_portfolios_keep_the_order_that_was_given(store, after):
    made = await store.create(ACME, growth(portfolios=("p1", "p2", "p3")))
    changed = await store.replace(ACME, replace(made, portfolios=after))
    again = await store.replace(ACME, replace(changed, portfolios=(*after, "new")))
    assert changed.portfolios == after
    assert again.portfolios == (*after, "new")


async def test_many_portfolios_join_and_leave(store):
    many = tuple(f"p{number:05}" for number in range(6_001))
    made = await store.create(ACME, growth(portfolios=many))
    left = await store.replace(ACME, replace(made, portfolios=many[1::2]))
    assert (await store.find("acme", made.model_id)).portfolios == left.portfolios == many[1::2]


async def test_models_are_listed_oldest_first_or_as_asked(store):
    ids = {name: (await store.create(ACME, growth(name))).model_id for name in ("b", "c", "a")}
    await store.save_rebalance(ACME, record(growth("c", model_id=ids["c"])), [result()])
    assert [model.name for model in await store.list_models("acme")] == ["b", "c", "a"]
    assert [model.name for model in await store.list_models("acme", sort_by=["name"])] == ["a", "b", "c"]
    assert [model.name for model in await store.list_models("acme", sort_by=["last_rebalance_date"])] == ["b", "a", "c"]
    assert [model.name for model in await store.list_models("acme", offset=1, limit=1)] == ["c"]
    assert await store.list_models("acme", offset=3) == []


async def test_a_portfolio_knows_the_models_that_it_follows(store):
    first, second = [
        await store.create(ACME, growth(name, portfolios)) for name, portfolios in (("a", "xy"), ("b", "yz"))
    ]
    assert [model.name for model in await store.followed_by("acme", "y")] == ["a", "b"]
    await store.replace(ACME, replace(first, portfolios=("x",)))
    assert await store.followed_by("acme", "y") == [second]
    assert await store.followed_by("acme", "nobody") == []


async def test_a_record_comes_back_whole_and_sets_the_date_but_not_the_version(store):
    made = await store.create(ACME, growth())
    failed = PortfolioResult(
        "p2", 1, error={"code": "NEGATIVE_CASH", "message": "no", "details": {"portfolioId": "p2"}}
    )
    stored = record(made, key="k")
    assert await store.save_rebalance(ACME, stored, [result(), failed]) is True
    assert await store.find_rebalance("acme", stored.rebalance_id) == stored
    assert await store.find_by_key("acme", ROUTE, "k") == stored
    assert await store.results_of("acme", stored.rebalance_id) == [result(), failed]
    assert await store.results_of("acme", stored.rebalance_id, ["p2", "p9"]) == [failed]
    assert await store.rebalances_of("acme", ["p1", "p2"], limit=10) == [stored]
    assert await store.rebalances_of("acme", ["p2"], limit=10) == []
    model = await store.find("acme", made.model_id)
    assert (model.last_rebalance_date, model.version) == (NOON, 1)


async def test_amounts_of_any_length_are_kept(store):
    made = await store.create(ACME, growth())
    stored = record(made)
    long = "123456789012345678901234567890123456789.0123456789012345678901234567890123456789"
    await store.save_rebalance(ACME, stored, [result(value=long)])
    (found,) = await store.results_of("acme", stored.rebalance_id)
    assert str(found.market_value) == long


async def test_the_date_of_the_last_rebalance_never_goes_back(store):
    made = await store.create(ACME, growth())
    for moment in (NOON, NOON - timedelta(hours=1)):
        await store.save_rebalance(ACME, record(made, moment), [result()])
    assert (await store.find("acme", made.model_id)).last_rebalance_date == NOON
    earlier = await store.replace(ACME, made, rebalanced=NOON - timedelta(days=1))
    assert earlier.last_rebalance_date == NOON
    later = await store.replace(ACME, earlier, rebalanced=NOON + timedelta(days=1))
    assert later.last_rebalance_date == NOON + timedelta(days=1)


async def test_a_rebalance_and_a_change_at_once_lose_nothing(store):
    made = await store.create(ACME, growth())
    stored = record(made)
    await asyncio.gather(
        store.save_rebalance(ACME, stored, [result()]), store.replace(ACME, replace(made, portfolios=("p9",)))
    )
    found = await store.find("acme", made.model_id)
    assert (found.last_rebalance_date, found.portfolios, found.version) == (NOON, ("p9",), 2)


async def test_records_come_newest_first(store):
    made = await store.create(ACME, growth())
    ids: list[str] = []
    for second in range(5):
        stored = record(made, NOON + timedelta(seconds=second))
        await store.save_rebalance(ACME, stored, [result(f"p{second % 2}")])
        ids.insert(0, stored.rebalance_id)
    assert [one.rebalance_id for one in await store.list_rebalances("acme", limit=10)] == ids
    assert [one.rebalance_id for one in await store.list_rebalances("acme", offset=1, limit=2)] == ids[1:3]
    assert [one.rebalance_id for one in await store.rebalances_of("acme", ["p0"], limit=2)] == [ids[0], ids[2]]


async def test_of_many_records_with_one_key_one_is_kept(store):
    made = await store.create(ACME, growth())
    records = [record(made, key="k") for _ in range(8)]
    outcomes = await asyncio.gather(*(store.save_rebalance(ACME, one, [result()]) for one in records))
    assert outcomes.count(True) == 1
    kept = records[outcomes.index(True)]
    assert await store.find_by_key("acme", ROUTE, "k") == kept
    assert await store.list_rebalances("acme", limit=10) == [kept]
    assert [await store.results_of("acme", one.rebalance_id) for one in records].count([]) == 7


async def test_a_deleted_record_is_gone_with_its_results_and_its_key(store):
    made = await store.create(ACME, growth())
    stored = record(made, key="k")
    await store.save_rebalance(ACME, stored, [result()])
    assert await store.delete_rebalance(ACME, stored.rebalance_id, 2) is False
    assert await store.delete_rebalance(ACME, stored.rebalance_id, 1) is True
    assert await store.find_rebalance("acme", stored.rebalance_id) is None
    assert await store.find_by_key("acme", ROUTE, "k") is None
    assert await store.results_of("acme", stored.rebalance_id) == []
    assert await store.rebalances_of("acme", ["p1"], limit=10) == []
    assert await store.save_rebalance(ACME, record(made, key="k"), [result()]) is True


async def test_records_outlive_their_model(store):
    made = await store.create(ACME, growth())
    stored = record(made)
    await store.save_rebalance(ACME, stored, [result()])
    await store.delete(ACME, made.model_id, 1)
    assert await store.find_rebalance("acme", stored.rebalance_id) == stored


async def test_the_date_of_the_last_rebalance_moves_forward_and_never_back(store):
    made = await store.create(ACME, growth())
    for moment in (NOON, NOON - timedelta(hours=1)):
        await store.mark_rebalanced(ACME, made.model_id, moment)
        found = await store.find(ACME.tenant, made.model_id)
        assert (found.last_rebalance_date, found.version) == (NOON, 1)
    await store.mark_rebalanced(ZETA, made.model_id, NOON + timedelta(hours=1))
    assert (await store.find(ACME.tenant, made.model_id)).last_rebalance_date == NOON
