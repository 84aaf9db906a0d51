"""How a book is cut into parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import TooLargeError
from steelyard.models.book_plan import PORTFOLIOS_MAX, plan_book
from steelyard.models.document import Model
from tests.models.domain import TODAY

followers = st.lists(st.integers(0, 30).map(str), unique=True, max_size=25).map(tuple)


@given(st.lists(followers, max_size=5), st.integers(1, 9))
def test_every_follower_of_every_model_is_in_one_place_of_one_part(portfolios, size):
    models = [Model(f"m{n}", portfolios=ids, model_id=str(n)) for n, ids in enumerate(portfolios)]
    plan = plan_book(models, TODAY, part_portfolios=size)
    placed = [
        (part.first + row, models[part.model].model_id, portfolio_id)
        for part in plan.parts
        for row, portfolio_id in enumerate(part.portfolio_ids)
    ]
    everyone = [(model.model_id, portfolio_id) for model in models for portfolio_id in model.portfolios]
    assert placed == [(place, *one) for place, one in enumerate(everyone)]
    assert [part.number for part in plan.parts] == list(range(len(plan.parts)))
    assert all(0 < len(part.portfolio_ids) <= size for part in plan.parts)
    assert plan.portfolios == len(everyone)


@given(st.lists(followers, max_size=5), st.integers(1, 9))
def test_who_follows_several_models_is_named_with_all_of_them(portfolios, size):
    models = [Model(f"m{n}", portfolios=ids, model_id=str(n)) for n, ids in enumerate(portfolios)]
    plan = plan_book(models, TODAY, part_portfolios=size)
    for part in plan.parts:
        for portfolio_id in part.portfolio_ids:
            follows = [model.model_id for model in models if portfolio_id in model.portfolios]
            assert part.several.get(portfolio_id, follows[:1]) == follows


def test_a_book_has_a_largest_size():
    ids = tuple(map(str, range(PORTFOLIOS_MAX // 2 + 1)))
    with pytest.raises(TooLargeError, match="name fewer models"):
        plan_book([Model("a", portfolios=ids), Model("b", portfolios=ids)], TODAY)
