"""Webhooks: written in the transaction of what they tell, delivered by jobs, every attempt on record.

A delivery is retried on a schedule of about a day.  It may arrive more than once (a worker can die
between the receiver's answer and our note of it), always with the same ``webhook-id``.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from steelyard._version import __version__
from steelyard.core import clock
from steelyard.core.errors import SteelyardError
from steelyard.core.ids import new_id
from steelyard.infra.columns import Base, UtcDateTime
from steelyard.infra.database import Database
from steelyard.infra.job_context import JobContext
from steelyard.infra.jobs import Jobs
from steelyard.infra.outbound import Outbound, checked_url
from steelyard.infra.settings import Settings
from steelyard.infra.webhook_signatures import checked_secrets, sign

_KIND = "webhook"
_JITTER = 0.1
_GONE = 410
_ERROR_LENGTH_MAX = 500


class WebhookRow(Base):
    """A message for one receiver."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_tenant_subject", "tenant", "subject"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WebhookAttemptRow(Base):
    """One try to deliver it."""

    __tablename__ = "webhook_attempts"

    webhook_id: Mapped[str] = mapped_column(ForeignKey(WebhookRow.id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int]
    status_code: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the receiver's status, or why there was none."""

    number: int
    at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook and its attempts so far; ``status`` is pending, delivered, failed or gone."""

    id: str
    url: str
    status: str
    created_at: datetime
    attempts: tuple[Attempt, ...]


class Webhooks:
    """Sends events to the addresses that users gave."""

    def __init__(self, settings: Settings, database: Database, jobs: Jobs, outbound: Outbound) -> None:
        self._settings = settings
        self._secrets = checked_secrets(settings.webhook_secrets)
        self._database = database
        self._jobs = jobs
        self._outbound = outbound
        jobs.register(_KIND, self._attempt, is_errand=True)

    async def send(
        self, session: AsyncSession, *, tenant: str, subject: str, url: str, event: Mapping[str, Any]
    ) -> str:
        """Have ``event`` delivered to ``url`` once the transaction of ``session`` is committed; the webhook's id.

        Args:
            session: in the transaction of what the event tells.
            tenant: whose event it is.
            subject: the id of what it is about, such as a job's, under which its attempts are found.
            url: http or https.
            event: JSON-ready.

        Raises:
            InvalidInputError: the URL is none.
        """
        checked_url(url)
        row = WebhookRow(
            id=new_id("msg"),
            tenant=tenant,
            subject=subject,
            url=url,
            body=json.dumps(event, separators=(",", ":"), allow_nan=False),
            status="pending",
            created_at=clock.now(),
        )
        session.add(row)
        await session.flush()
        await self._schedule(session, row, 1)
        return row.id

    async def deliveries(self, session: AsyncSession, *, tenant: str, subject: str) -> list[Delivery]:
        """The webhooks about ``subject`` and their attempts, oldest first."""
        rows = await session.scalars(
            select(WebhookRow).filter_by(tenant=tenant, subject=subject).order_by(WebhookRow.id)
        )
        found = []
        for row in rows.all():
            tries = await session.scalars(
                select(WebhookAttemptRow).filter_by(webhook_id=row.id).order_by(WebhookAttemptRow.number)
            )
            attempts = tuple(Attempt(t.number, t.at, t.duration_ms, t.status_code, t.error) for t in tries)
            found.append(Delivery(row.id, row.url, row.status, row.created_at, attempts))
        return found

    def _attempt(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        webhook_id, number = parameters["webhook_id"], parameters["number"]
        attempt = context.wait_for(self._deliver(webhook_id, number))

        async def note(session: AsyncSession) -> None:
            session.add(attempt)
            row = await session.get_one(WebhookRow, webhook_id)
            row.status = self._status_after(attempt)
            await session.flush()
            if row.status == "pending":
                await self._schedule(session, row, number + 1)

        context.save_at_completion(note)
        return {"status_code": attempt.status_code}

    async def _deliver(self, webhook_id: str, number: int) -> WebhookAttemptRow:
        async with self._database.reading() as session:
            row = await session.get_one(WebhookRow, webhook_id)
        body = row.body.encode()
        at, started_s = clock.now(), time.perf_counter()
        status_code, error = None, None
        try:
            reply = await self._outbound.send(
                "POST", row.url, headers=self._headers(row.id, at, body), content=body, timeout_s=self._timeout_s
            )
            status_code = reply.status
            error = None if 200 <= reply.status < 300 else f"the receiver answered {reply.status}"
        except SteelyardError as failure:
            error = failure.message[:_ERROR_LENGTH_MAX]
        duration_ms = round((time.perf_counter() - started_s) * 1000)
        return WebhookAttemptRow(
            webhook_id=webhook_id, number=number, at=at, duration_ms=duration_ms, status_code=status_code, error=error
        )

    @property
    def _timeout_s(self) -> float:
        return self._settings.webhook_timeout_s

    def _headers(self, webhook_id: str, at: datetime, body: bytes) -> dict[str, str]:
        signed = sign(self._secrets, webhook_id, at, body)
        return {"content-type": "application/json", "user-agent": f"steelyard/{__version__}", **signed}

    def _status_after(self, attempt: WebhookAttemptRow) -> str:
        if attempt.error is None:
            return "delivered"
        if attempt.status_code == _GONE:
            return "gone"
        return "failed" if attempt.number >= len(self._settings.webhook_schedule_s) else "pending"

    async def _schedule(self, session: AsyncSession, row: WebhookRow, number: int) -> None:
        due_s = delay_s(self._settings.webhook_schedule_s, number, (clock.now() - row.created_at).total_seconds())
        await self._jobs.submit(
            session,
            _KIND,
            {"webhook_id": row.id, "number": number},
            tenant=row.tenant,
            created_by="webhooks",
            job_id=f"{row.id}_{number}",
            delay_s=due_s,
        )


def delay_s(schedule_s: Sequence[float], number: int, age_s: float) -> float:
    """Seconds from now to attempt ``number`` of a message that is ``age_s`` old, up to a tenth later by chance.

    An attempt that is overdue, because the one before it took long or no worker ran, keeps the distance
    that the schedule has between the two.
    """
    due_s = schedule_s[number - 1]
    gap_s = due_s - schedule_s[number - 2] if number > 1 else 0.0
    wait_s = due_s - age_s if due_s > age_s else gap_s
    return wait_s * random.uniform(1, 1 + _JITTER)  # noqa: S311 - spreads load, guards nothing
