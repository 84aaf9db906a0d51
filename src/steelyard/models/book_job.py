"""The job of a book: part after part, each stored before the next is begun, then the blocks.

After kill -9 the next attempt finds the parts that are stored, goes on behind them with the prices
that they went by, and does none of them again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core.errors import NotFoundError, SteelyardError, UnavailableError
from steelyard.infra.database import Database
from steelyard.infra.job_context import JobContext
from steelyard.infra.job_runner import Handler
from steelyard.infra.principal import Principal
from steelyard.models import book_store as store
from steelyard.models.book_blocks import BlockBuilder
from steelyard.models.book_chunks import BookResult, ChunkResult, rebalance_chunk
from steelyard.models.book_holdings import AccountText, read_holdings
from steelyard.models.book_plan import Part
from steelyard.models.built_in import BuiltInPortfolios, BuiltInPrices, holdings_text
from steelyard.models.composition import ModelParts
from steelyard.models.providers import PortfolioSource, PriceSource
from steelyard.models.valuation import Failure, Portfolio

BOOK = "rebalance-book"
"""The kind of job."""

_PARTS_PERCENT = 95
Read = TypeVar("Read")
Given = ParamSpec("Given")


def book_job(parts: ModelParts, database: Database) -> Handler:
    """The handler of book jobs; its id is the book's."""

    def run(context: JobContext, _parameters: dict[str, Any]) -> dict[str, Any]:
        return _Run(context, parts, database).go()

    return run


async def load_accounts(
    source: PortfolioSource, tenant: str, portfolio_ids: Sequence[str]
) -> Mapping[str, AccountText | SteelyardError]:
    """Accounts of these portfolios, or why they cannot be had."""
    if isinstance(source, BuiltInPortfolios):
        return await source.texts(tenant, portfolio_ids)
    found = await source.portfolios(tenant, portfolio_ids)
    return {
        portfolio_id: AccountText(portfolio_id, one.cash, holdings_text(one.holdings))
        if isinstance(one, Portfolio)
        else one
        for portfolio_id, one in found.items()
    }


@dataclass(slots=True, eq=False)
class _Run:
    """One attempt at one book."""

    context: JobContext
    parts: ModelParts
    database: Database

    def go(self) -> dict[str, Any]:
        """Work on what is not done yet; what it came to."""
        book_id = self.context.job.id
        book = self._read(store.find_book, self.context.job.tenant, book_id)
        if book is None:
            raise NotFoundError(f"there is no book {book_id}", code="BATCH_NOT_FOUND")
        numbers, done = self._read(store.part_numbers, book_id)
        prices = self._read(store.prices_of, book_id, sorted(done))
        for number in numbers:
            if number not in done:
                self._work_on(book, number, len(numbers), prices)
        blocks = self._blocks(numbers)
        for place in self._read(store.models_rebalanced, book_id):
            by = Principal(self.context.job.tenant, self.context.job.created_by, frozenset())
            model_id = book.models[place].model_id
            self.context.wait_for(self.parts.store.mark_rebalanced(by, model_id, book.created_at))

        async def save(session: AsyncSession) -> None:
            await store.save_blocks(session, book_id, blocks)

        self.context.save_at_completion(save)
        counts = self._read(store.counts_of, [book_id])[book_id]
        return {"rebalanced": counts.rebalanced, "failed": counts.failed, "blocks": len(blocks)}

    def _work_on(self, book: store.Book, number: int, parts: int, prices: dict[str, Decimal | None]) -> None:
        """Rebalance one part and store it; ``prices`` grows by those that it is the first to need."""
        context = self.context
        part = self._read(store.read_part, book.book_id, number)
        model = book.models[part.model]
        accounts, failures = self._accounts(part)
        securities = sorted(position.security_id for position in model.positions)
        holdings = read_holdings(accounts, securities)
        if unknown := [one for one in holdings.securities if one not in prices]:
            source = self.parts.providers.prices
            prices |= self._asked(source, source.prices(context.job.tenant, unknown))
        known = {one: prices[one] for one in holdings.securities}
        result = rebalance_chunk(
            model,
            accounts,
            holdings,
            known,
            trade_date=book.trade_date,
            threads=os.cpu_count() or 1,
            keep_going=context.raise_if_cancelled,
        )
        whole = _in_place(part, result, failures)
        columns = whole.columns.to_bytes()
        context.raise_if_cancelled()

        async def save(session: AsyncSession) -> None:
            await store.save_part(session, book.book_id, part, known, whole, columns)

        worked = part.first + len(part.portfolio_ids)
        percent = _PARTS_PERCENT * (number + 1) / parts
        context.save_now(save, percent, f"{worked:,} of {book.portfolios:,} portfolios")

    def _accounts(self, part: Part) -> tuple[list[AccountText], dict[str, Failure]]:
        """The accounts that there are, and why the others are not.

        Raises:
            UnavailableError: not one of them could be had, because a service does not answer.
        """
        failures = {one: _follows_several(one, models) for one, models in part.several.items()}
        wanted = [one for one in part.portfolio_ids if one not in failures]
        source = self.parts.providers.portfolios
        found = self._asked(source, load_accounts(source, self.context.job.tenant, wanted))
        accounts = [one for one in found.values() if isinstance(one, AccountText)]
        refused = {one: error for one, error in found.items() if isinstance(error, SteelyardError)}
        if refused and not accounts and all(isinstance(one, UnavailableError) for one in refused.values()):
            raise next(iter(refused.values()))  # the job tries again, rather than to refuse a whole book
        failures |= {one: Failure(one, why.code, why.message, why.details) for one, why in refused.items()}
        return accounts, failures

    def _blocks(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        builder = BlockBuilder()
        for number in numbers:
            self.context.raise_if_cancelled()
            first, prices, columns = self._read(store.read_columns, self.context.job.id, number)
            builder.add(first, tuple(prices), columns)
        self.context.report(_PARTS_PERCENT, "making block orders")
        blocks = []
        for place, block in enumerate(builder.blocks()):
            self.context.raise_if_cancelled()
            blocks.append(store.block_values(place, block))
        return blocks

    def _asked(self, source: PortfolioSource | PriceSource, coroutine: Coroutine[Any, Any, Read]) -> Read:
        """What a provider answers; a service may take its time, and a query of ours is better not cut off."""
        is_ours = isinstance(source, BuiltInPortfolios | BuiltInPrices)
        return self.context.wait_for(coroutine) if is_ours else self.context.wait_or_stop(coroutine)

    def _read(
        self,
        query: Callable[Concatenate[AsyncSession, Given], Coroutine[Any, Any, Read]],
        *given: Given.args,
        **named: Given.kwargs,
    ) -> Read:
        async def read() -> Read:
            async with self.database.reading() as session:
                return await query(session, *given, **named)

        return self.context.wait_for(read())


def _in_place(part: Part, result: ChunkResult, failures: Mapping[str, Failure]) -> ChunkResult:
    """The result with a row for each portfolio of the part, those without an account included."""
    places = {portfolio_id: row for row, portfolio_id in enumerate(part.portfolio_ids)}
    results = [BookResult(one, failure=failures.get(one)) for one in part.portfolio_ids]
    rows = np.array([places[one.portfolio_id] for one in result.results], np.int32)
    for row, one in zip(rows, result.results, strict=True):
        results[row] = one
    columns = result.columns.with_portfolios(rows[result.columns.portfolio])
    return ChunkResult(tuple(results), columns)


def _follows_several(portfolio_id: str, model_ids: Sequence[str]) -> Failure:
    listed = ", ".join(model_ids[:10])
    msg = (
        f"portfolio {portfolio_id} follows {len(model_ids)} models of this book: {listed}; rebalance it to one of them"
    )
    details = {"portfolioId": portfolio_id, "modelIds": list(model_ids)}
    return Failure(portfolio_id, "PORTFOLIO_FOLLOWS_SEVERAL_MODELS", msg, details)
