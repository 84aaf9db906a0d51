"""API keys: random, shown once, kept as a hash, scoped, revocable."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.core import clock
from steelyard.core.errors import InvalidInputError, NotFoundError
from steelyard.core.ids import new_id
from steelyard.infra.columns import Base, UtcDateTime
from steelyard.infra.principal import DEFAULT_TENANT, Principal, checked_scopes

DEVELOPMENT_KEY = "dev-key-" + "0" * 24
KEY_LENGTH_MIN = 32
KEY_LENGTH_MAX = 256
_NAME_LENGTH_MAX = 100
_PREFIX_LENGTH = 10


class ApiKeyRow(Base):
    """A key, without the key."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100), index=True)
    name: Mapped[str] = mapped_column(String(_NAME_LENGTH_MAX))
    prefix: Mapped[str] = mapped_column(String(_PREFIX_LENGTH))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What may be shown of a key: its first characters, never the rest."""

    id: str
    tenant: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


async def create_key(
    session: AsyncSession, *, name: str, scopes: list[str], tenant: str = DEFAULT_TENANT
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which cannot be had again.

    Raises:
        InvalidInputError: an unknown scope, or an empty or overlong name.
    """
    if not 0 < len(name) <= _NAME_LENGTH_MAX:
        raise InvalidInputError(f"`name` had {len(name)} characters; it has 1 to {_NAME_LENGTH_MAX}")
    secret = "sy_" + secrets.token_urlsafe(32)
    row = ApiKeyRow(
        id=new_id("key"),
        tenant=tenant,
        name=name,
        prefix=secret[:_PREFIX_LENGTH],
        key_hash=secret_hash(secret),
        scopes=sorted(checked_scopes(scopes)),
        created_at=clock.now(),
        revoked_at=None,
    )
    session.add(row)
    await session.flush()
    return _shown(row), secret


async def list_keys(session: AsyncSession, *, tenant: str | None = None) -> list[ApiKey]:
    """The keys of ``tenant``, of all tenants if None, oldest first, revoked ones included."""
    query = select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.id)
    if tenant is not None:
        query = query.where(ApiKeyRow.tenant == tenant)
    return [_shown(row) for row in await session.scalars(query)]


async def revoke_key(session: AsyncSession, key_id: str) -> ApiKey:
    """End a key and every session that was opened with it; revoking twice changes nothing.

    Raises:
        NotFoundError: no such key.
    """
    await session.execute(
        update(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None)).values(revoked_at=clock.now())
    )
    row = await session.get(ApiKeyRow, key_id, populate_existing=True)
    if row is None:
        raise NotFoundError(f"there is no key `{key_id[:100]}`", code="KEY_NOT_FOUND")
    return _shown(row)


async def find_principal(session: AsyncSession, key: str) -> Principal | None:
    """The principal of a key that is good now."""
    if not KEY_LENGTH_MIN <= len(key) <= KEY_LENGTH_MAX:
        return None
    row = await session.scalar(
        select(ApiKeyRow).where(ApiKeyRow.key_hash == secret_hash(key), ApiKeyRow.revoked_at.is_(None))
    )
    return None if row is None else Principal(row.tenant, f"key:{row.id}", frozenset(row.scopes), row.id)


def secret_hash(secret: str) -> str:
    """Hex SHA-256; the secrets are 256 random bits, so a slow hash would protect nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _shown(row: ApiKeyRow) -> ApiKey:
    return ApiKey(row.id, row.tenant, row.name, row.prefix, tuple(row.scopes), row.created_at, row.revoked_at)
