"""The job of a book: part after part, each stored before the last ones are waited for, then the blocks.

After kill -9 the next attempt finds the parts that are stored and does none of them again.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core.errors import NotFoundError
from steelyard.infra.database import Database
from steelyard.infra.job_context import JobContext
from steelyard.infra.job_runner import Handler
from steelyard.rebalance import book_store as store
from steelyard.rebalance.book_blocks import BlockOrder, joined_blocks
from steelyard.rebalance.book_parts import PartResult, read_pieces
from steelyard.rebalance.book_processes import work_on_parts

DPM_BOOK = "dpm-book"
"""The kind of job."""

HERE_ACCOUNTS_MAX = 100
"""A book up to this size is worked on where it is: another process takes half a second to start."""

_PARTS_PERCENT = 97
Read = TypeVar("Read")
Given = ParamSpec("Given")


def book_job(database: Database, processes: int) -> Handler:
    """The handler of book jobs; its id is the book's."""

    def run(context: JobContext, _parameters: dict[str, Any]) -> dict[str, Any]:
        return _Run(context, database, processes).go()

    return run


@dataclass(slots=True, eq=False)
class _Run:
    """One attempt at one book."""

    context: JobContext
    database: Database
    processes: int

    def go(self) -> dict[str, Any]:
        """Work on what is not done yet; what it came to."""
        book_id = self.context.job.id
        book = self._read(store.find_book, self.context.job.tenant, book_id)
        if book is None:
            raise NotFoundError(f"there is no book {book_id}", code="DPM_BOOK_NOT_FOUND")
        parts = self._read(store.parts_to_do, book_id)
        if parts:
            self._work_on(book, parts)
        blocks = self._blocks()

        async def save(session: AsyncSession) -> None:
            await store.save_blocks(session, book_id, blocks)

        self.context.save_at_completion(save)
        counts = self._read(store.counts_of, [book_id])[book_id]
        return {**{status.lower(): count for status, count in counts.items()}, "blocks": len(blocks)}

    def _work_on(self, book: store.Book, parts: Sequence[store.Part]) -> None:
        """Rebalance the accounts of these parts and store what they came to."""
        book_id, left = book.book_id, sum(part.size for part in parts)
        results = work_on_parts(
            self._read(store.read_shared, book_id),
            self._packed(parts),
            processes=0 if left <= HERE_ACCOUNTS_MAX else min(self.processes, len(parts)),
            keep_going=self.context.raise_if_cancelled,
        )
        with closing(results):
            for part, encoded in zip(parts, results, strict=True):
                self._save(book, part, msgspec.msgpack.decode(encoded, type=PartResult))

    def _packed(self, parts: Sequence[store.Part]) -> Iterator[bytes]:
        for part in parts:
            yield self._read(store.read_accounts, self.context.job.id, part.number)

    def _save(self, book: store.Book, part: store.Part, result: PartResult) -> None:
        async def save(session: AsyncSession) -> None:
            await store.save_part(session, book.book_id, part, result)

        worked = part.first + part.size
        message = f"{worked:,} of {book.accounts:,} portfolios"
        self.context.save_now(save, _PARTS_PERCENT * worked / book.accounts, message)

    def _blocks(self) -> list[dict[str, Any]]:
        self.context.report(_PARTS_PERCENT, "making block orders")
        return [store.block_values(place, block) for place, block in enumerate(joined_blocks(self._pieces()))]

    def _pieces(self) -> Iterator[BlockOrder]:
        book_id = self.context.job.id
        for number in self._read(store.parts_with_pieces, book_id):
            self.context.raise_if_cancelled()
            yield from read_pieces(self._read(store.read_pieces, book_id, number))

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
