"""A book when it is submitted: its models as they are now, cut into parts of some thousand portfolios.

A part never spans two models.  A portfolio that follows several models of the book would get the
orders of each, which undo one another; it gets none and is told why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from steelyard.core.errors import TooLargeError
from steelyard.models.document import Model

PART_PORTFOLIOS = 5_000
"""Portfolios of one part: half a second of work, and as much as is done again after a crash."""
PORTFOLIOS_MAX = 250_000
"""Portfolios of one book."""


@dataclass(frozen=True, slots=True)
class Part:
    """Portfolios of one model that are worked on and stored together.

    Attributes:
        model: place of the model in the book.
        first: place of the first portfolio in the book.
        several: ids of the models of each portfolio that follows several of the book.
    """

    number: int
    model: int
    first: int
    portfolio_ids: tuple[str, ...]
    several: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BookPlan:
    """What a book rebalance goes by from its beginning to its end.

    Attributes:
        models: without their portfolios, with the options to go by.
        counts: portfolios of each model.
    """

    trade_date: date
    models: tuple[Model, ...]
    counts: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def portfolios(self) -> int:
        """How many portfolios there are; one that follows two models counts twice."""
        return sum(self.counts)


def plan_book(models: Sequence[Model], trade_date: date, *, part_portfolios: int = PART_PORTFOLIOS) -> BookPlan:
    """Cut the portfolios of these models into parts.

    Raises:
        TooLargeError: there are more than ``PORTFOLIOS_MAX``.
    """
    counts = tuple(len(model.portfolios) for model in models)
    if sum(counts) > PORTFOLIOS_MAX:
        msg = f"the models have {sum(counts)} portfolios; a book has at most {PORTFOLIOS_MAX}: name fewer models"
        raise TooLargeError(msg, code="TOO_MANY_PORTFOLIOS", details={"portfolios": sum(counts)})
    several = _followers_of_several(models)
    parts: list[Part] = []
    first = 0
    for place, model in enumerate(models):
        for start in range(0, len(model.portfolios), part_portfolios):
            ids = model.portfolios[start : start + part_portfolios]
            named = {one: several[one] for one in ids if one in several} if several else {}
            parts.append(Part(len(parts), place, first + start, ids, named))
        first += len(model.portfolios)
    return BookPlan(trade_date, tuple(replace(model, portfolios=()) for model in models), counts, tuple(parts))


def _followers_of_several(models: Sequence[Model]) -> dict[str, list[str]]:
    seen: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for model in models:
        for portfolio_id in model.portfolios:
            if portfolio_id in seen:
                several.setdefault(portfolio_id, [seen[portfolio_id]]).append(model.model_id)
            else:
                seen[portfolio_id] = model.model_id
    return several
