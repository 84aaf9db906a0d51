"""The ways in which a path names a run; routes under each of them are the same.

A dependency here only says how to find the run: it is looked for when the endpoint asks, after what
the contract wants refused first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.rebalance.runs import Shelf, run_by_correlation, run_by_id, run_by_key
from steelyard.rebalance.tables import RunRow

Find = Callable[[AsyncSession, Shelf], Awaitable[RunRow]]
"""Finds the run; NotFoundError if there is none."""


def _by_correlation(correlation_id: str) -> Find:
    return partial(_found, run_by_correlation, correlation_id)


def _by_key(idempotency_key: str) -> Find:
    return partial(_found, run_by_key, idempotency_key)


def _by_id(rebalance_run_id: str) -> Find:
    return partial(_found, run_by_id, rebalance_run_id)


async def _found(
    look: Callable[[AsyncSession, Shelf, str], Awaitable[RunRow]], name: str, session: AsyncSession, shelf: Shelf
) -> RunRow:
    return await look(session, shelf, name)


WAYS: tuple[tuple[str, Any], ...] = (
    ("/runs/by-correlation/{correlation_id}", Depends(_by_correlation)),
    ("/runs/idempotency/{idempotency_key}", Depends(_by_key)),
    ("/runs/{rebalance_run_id}", Depends(_by_id)),
)
"""Each path and its dependency, those with a word of their own before the one that would match it."""
