"""The catalog of policy packs: the environment's with the edits made on it, or one kept in the database.

Edits of the environment's catalog hold for every worker, until its text changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.rebalance.policy_packs import read_catalog
from steelyard.rebalance.policy_schemas import DpmPolicyPackDefinition
from steelyard.rebalance.tables import PolicyPackRow
from steelyard.rebalance.toggles import Toggles


async def catalog(session: AsyncSession, tenant: str, toggles: Toggles) -> Mapping[str, DpmPolicyPackDefinition]:
    """Every pack that ``tenant`` sees, by id in order."""
    packs = {} if toggles.packs_in_database else dict(read_catalog(toggles.policy_pack_catalog_json))
    rows = await session.scalars(select(PolicyPackRow).filter_by(tenant=tenant, catalog=_catalog(toggles)))
    for row in rows:
        if row.definition is None:
            packs.pop(row.pack_id, None)
        else:
            packs[row.pack_id] = DpmPolicyPackDefinition.model_validate_json(row.definition)
    return dict(sorted(packs.items()))


async def put_pack(session: AsyncSession, tenant: str, toggles: Toggles, pack: DpmPolicyPackDefinition) -> None:
    """Add a pack, or replace the one of its id."""
    await _write(session, tenant, toggles, pack.policy_pack_id, pack.model_dump_json())


async def delete_pack(session: AsyncSession, tenant: str, toggles: Toggles, pack_id: str) -> None:
    """Remove a pack."""
    await _write(session, tenant, toggles, pack_id, None)


async def _write(session: AsyncSession, tenant: str, toggles: Toggles, pack_id: str, definition: str | None) -> None:
    place: dict[str, Any] = {"tenant": tenant, "catalog": _catalog(toggles), "pack_id": pack_id}
    if definition is None and toggles.packs_in_database:
        await session.execute(delete(PolicyPackRow).filter_by(**place))
    else:
        await session.merge(PolicyPackRow(**place, definition=definition))


def _catalog(toggles: Toggles) -> str:
    if toggles.packs_in_database:
        return ""
    return "sha256:" + hashlib.sha256(toggles.policy_pack_catalog_json.encode()).hexdigest()
