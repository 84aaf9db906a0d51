"""Policy packs over HTTP: which one counts, the catalogue, and its upkeep.

Source: contract dpm, sections 2 and 10.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from steelyard.core.errors import InvalidInputError, NotFoundError
from steelyard.infra.audit import record
from steelyard.infra.web import Session
from steelyard.rebalance.careful import CarefulRoute
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.limits import NAME_CHARACTERS_MAX
from steelyard.rebalance.policy_packs import PolicyPack
from steelyard.rebalance.policy_schemas import (
    DpmEffectivePolicyPackResolution,
    DpmPolicyPackCatalogResponse,
    DpmPolicyPackDefinition,
    DpmPolicyPackMutationResponse,
    DpmPolicyPackUpsertRequest,
    pack_of,
)
from steelyard.rebalance.service import Rebalancing
from steelyard.rebalance.toggles import require_enabled
from steelyard.rebalance.web import (
    PolicyPackId,
    Reader,
    Service,
    TenantId,
    TenantPolicyPackId,
    Writer,
    as_json,
    packs_store,
)

PackId = Annotated[str, Path(max_length=NAME_CHARACTERS_MAX)]

router = APIRouter(
    prefix="/rebalance/policies",
    route_class=CarefulRoute,
    dependencies=[Depends(packs_store)],
    tags=["DPM Run Supportability"],
)


@router.get("/effective", response_model=DpmEffectivePolicyPackResolution)
async def effective_pack(
    *,
    principal: Reader,  # noqa: ARG001 - who may read
    service: Service,
    x_policy_pack_id: PolicyPackId = None,
    x_tenant_policy_pack_id: TenantPolicyPackId = None,
    x_tenant_id: TenantId = None,
) -> Response:
    """Which policy pack counts for a request with these headers, and who selected it."""
    return as_json(service.catalogue.resolve(Selectors(x_policy_pack_id, x_tenant_policy_pack_id, x_tenant_id)))


@router.get("/catalog", response_model=DpmPolicyPackCatalogResponse)
async def list_packs(
    *,
    principal: Reader,
    service: Service,
    session: Session,
    x_policy_pack_id: PolicyPackId = None,
    x_tenant_policy_pack_id: TenantPolicyPackId = None,
    x_tenant_id: TenantId = None,
) -> Response:
    """Every policy pack, and the one that counts for a request with these headers."""
    resolution = service.catalogue.resolve(Selectors(x_policy_pack_id, x_tenant_policy_pack_id, x_tenant_id))
    packs = await service.catalogue.packs(session, principal.tenant)
    return as_json(
        {
            "enabled": resolution.enabled,
            "total": len(packs),
            "selected_policy_pack_id": resolution.selected_policy_pack_id,
            "selected_policy_pack_present": resolution.selected_policy_pack_id in packs,
            "selected_policy_pack_source": resolution.source,
            "items": list(packs.values()),
        }
    )


@router.get("/catalog/{policy_pack_id}", response_model=DpmPolicyPackDefinition)
async def read_pack(policy_pack_id: PackId, principal: Reader, service: Service, session: Session) -> Response:
    """A policy pack."""
    return as_json(await _known(service, session, principal.tenant, policy_pack_id))


@router.put("/catalog/{policy_pack_id}", response_model=DpmPolicyPackMutationResponse)
async def put_pack(
    policy_pack_id: PackId, body: DpmPolicyPackUpsertRequest, principal: Writer, service: Service, session: Session
) -> Response:
    """Add a policy pack, or replace the one of this id."""
    require_enabled("DPM_POLICY_PACK_ADMIN_APIS", enabled=service.toggles.policy_pack_admin_apis)
    name = policy_pack_id.strip()
    if not name:
        raise InvalidInputError("`policy_pack_id` was blank; a pack has a name", code="DPM_POLICY_PACK_ID_REQUIRED")
    pack = pack_of(name, body)
    await service.catalogue.put(session, principal.tenant, pack)
    record(session, principal, "policy_pack.put", name, {"version": pack.version})
    return as_json({"item": pack})


@router.delete("/catalog/{policy_pack_id}", status_code=204)
async def delete_pack(policy_pack_id: PackId, principal: Writer, service: Service, session: Session) -> Response:
    """Remove a policy pack."""
    require_enabled("DPM_POLICY_PACK_ADMIN_APIS", enabled=service.toggles.policy_pack_admin_apis)
    pack = await _known(service, session, principal.tenant, policy_pack_id)
    await service.catalogue.delete(session, principal.tenant, pack.policy_pack_id)
    record(session, principal, "policy_pack.delete", pack.policy_pack_id)
    return Response(status_code=204)


async def _known(service: Rebalancing, session: AsyncSession, tenant: str, pack_id: str) -> PolicyPack:
    pack = (await service.catalogue.packs(session, tenant)).get(pack_id.strip())
    if pack is None:
        raise NotFoundError(f"there is no policy pack {pack_id[:100]!r}", code="DPM_POLICY_PACK_NOT_FOUND")
    return pack
