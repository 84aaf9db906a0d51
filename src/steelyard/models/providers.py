"""Who knows what portfolios hold, what securities cost, and how portfolios are called.

Three ports, each with a built-in provider on our own tables (:mod:`steelyard.models.built_in`) and
one that asks a service over HTTP (:mod:`steelyard.models.upstream_sources`).  Where no address is set for a
service, the built-in provider answers, so that nothing else needs to be installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from steelyard.core.errors import NotFoundError, SteelyardError
from steelyard.models.valuation import Portfolio


class PortfolioSource(Protocol):
    """Cash and holdings."""

    async def portfolios(self, tenant: str, portfolio_ids: Sequence[str]) -> Mapping[str, Portfolio | SteelyardError]:
        """Each portfolio, or why it cannot be had: a failure concerns no other portfolio."""


class PriceSource(Protocol):
    """Prices."""

    async def prices(self, tenant: str, security_ids: Iterable[str]) -> Mapping[str, Decimal | None]:
        """The price of each security, None where there is none.

        Raises:
            UnavailableError: a service does not answer; None is never a way to say so.
        """


class NameSource(Protocol):
    """Names of portfolios, which nobody needs in order to trade."""

    async def names(self, tenant: str, portfolio_ids: Sequence[str]) -> Mapping[str, str]:
        """The names that are known; never an error."""


@dataclass(frozen=True, slots=True)
class Providers:
    """One of each."""

    portfolios: PortfolioSource
    prices: PriceSource
    names: NameSource


def unknown_portfolio(portfolio_id: str, why: str) -> NotFoundError:
    """The refusal of a portfolio that nobody knows."""
    details = {"portfolioId": portfolio_id}
    return NotFoundError(f"there is no portfolio {portfolio_id}: {why}", code="PORTFOLIO_NOT_FOUND", details=details)
