"""The catalogue of policy packs: the environment's with the edits made on it, or one kept in the database.

Edits of the environment's catalogue hold for every worker, until its text changes.

Source: contract dpm, section 10.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.rebalance.policy_packs import PolicyPack, Resolution, resolve_pack
from steelyard.rebalance.policy_schemas import read_catalogue
from steelyard.rebalance.tables import PolicyPackRow
from steelyard.rebalance.toggles import Toggles


@dataclass(frozen=True, slots=True)
class Selectors:
    """What a request's headers say about the pack it wants."""

    pack_id: str | None = None
    tenant_pack_id: str | None = None
    tenant_id: str | None = None


class Catalogue:
    """The packs of a deployment."""

    def __init__(self, toggles: Toggles) -> None:
        self._toggles = toggles
        text = toggles.policy_pack_catalog_json
        self._given = {} if toggles.packs_in_database else read_catalogue(text)
        self._name = "" if toggles.packs_in_database else "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        self._by_tenant = _texts(toggles.tenant_policy_pack_map_json)

    def resolve(self, selectors: Selectors) -> Resolution:
        """Which pack counts, whether or not there is one of that name."""
        toggles = self._toggles
        tenant_default = (selectors.tenant_pack_id or "").strip() or None
        if tenant_default is None and toggles.tenant_policy_pack_resolution:
            tenant_default = self._by_tenant.get((selectors.tenant_id or "").strip())
        return resolve_pack(
            enabled=toggles.policy_packs,
            requested=selectors.pack_id,
            tenant_default=tenant_default,
            global_default=toggles.default_policy_pack_id,
        )

    async def packs(self, session: AsyncSession, tenant: str) -> dict[str, PolicyPack]:
        """Every pack that ``tenant`` sees, in the order of their ids."""
        packs = dict(self._given)
        for row in await session.scalars(select(PolicyPackRow).filter_by(tenant=tenant, catalogue=self._name)):
            if row.definition is None:
                packs.pop(row.pack_id, None)
            else:
                packs[row.pack_id] = msgspec.json.decode(row.definition, type=PolicyPack)
        return dict(sorted(packs.items()))

    async def put(self, session: AsyncSession, tenant: str, pack: PolicyPack) -> None:
        """Add a pack, or replace the one of its id."""
        await self._write(session, tenant, pack.policy_pack_id, msgspec.json.encode(pack).decode())

    async def delete(self, session: AsyncSession, tenant: str, pack_id: str) -> None:
        """Remove a pack."""
        if self._toggles.packs_in_database:
            place = {"tenant": tenant, "catalogue": self._name, "pack_id": pack_id}
            await session.execute(delete(PolicyPackRow).filter_by(**place))
        else:
            await self._write(session, tenant, pack_id, None)

    async def _write(self, session: AsyncSession, tenant: str, pack_id: str, definition: str | None) -> None:
        row = PolicyPackRow(tenant=tenant, catalogue=self._name, pack_id=pack_id, definition=definition)
        await session.merge(row)


def _texts(text: str) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
