"""Calls that come at the same time, made as one: what each would cost is paid once for all of them.

While one batch is under way the next ones gather.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Told = TypeVar("Told")


@dataclass(slots=True, eq=False)
class _Call(Generic[Asked, Told]):
    asked: Asked
    done: asyncio.Future[Told]


class Gathering(Generic[Asked, Told]):
    """Hands calls to ``answer`` in batches of at most ``batch_max``, for one event loop.

    ``answer`` returns an outcome per call, in order; an exception is that call's to hear of, and one
    that it raises is everybody's.  One batch is under way at a time.
    """

    def __init__(self, answer: Callable[[list[Asked]], Awaitable[list[Told | Exception]]], *, batch_max: int) -> None:
        self._answer = answer
        self._batch_max = batch_max
        self._waiting: list[_Call[Asked, Told]] = []
        self._worker: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many calls wait for their batch."""
        return len(self._waiting)

    async def __call__(self, asked: Asked) -> Told:
        """The outcome of one call."""
        call = _Call[Asked, Told](asked, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await call.done

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                batch, self._waiting = self._waiting[: self._batch_max], self._waiting[self._batch_max :]
                await self._serve(batch)
        finally:
            self._worker = None

    async def _gather(self) -> None:
        """Let calls that are being made now come along."""
        size = 0
        while size < len(self._waiting) < self._batch_max:
            size = len(self._waiting)
            await asyncio.sleep(0)

    async def _serve(self, batch: list[_Call[Asked, Told]]) -> None:
        try:
            outcomes = await self._answer([call.asked for call in batch])
        except Exception as failure:  # noqa: BLE001 - it is the callers' to hear of
            outcomes = [failure] * len(batch)
        for call, outcome in zip(batch, outcomes, strict=True):
            if call.done.done():  # its caller has gone
                continue
            if isinstance(outcome, Exception):
                call.done.set_exception(outcome)
            else:
                call.done.set_result(outcome)
