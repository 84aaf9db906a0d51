"""The bodies and the catalogue of policy packs, as pydantic models.

Source: contract dpm, section 10.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from pydantic import BaseModel, Field, ValidationError, field_validator

from steelyard.rebalance.limits import NAME_CHARACTERS_MAX, OPTION_KEYS_MAX
from steelyard.rebalance.policy_packs import PolicyPack, Source
from steelyard.rebalance.schemas import Days, GroupConstraint, NotNegative, Share, is_group_key


class DpmPolicyPackTurnoverPolicy(BaseModel):
    """How much may be traded."""

    max_turnover_pct: Share | None = Field(None, description="Share of the value.", examples=["0.15"])


class DpmPolicyPackTaxPolicy(BaseModel):
    """Whether sales respect tax lots, and the budget of gains."""

    enable_tax_awareness: bool | None = Field(None, description="Whether lots count.", examples=[True])
    max_realized_capital_gains: NotNegative | None = Field(None, description="Budget of gains.", examples=["2500"])


class DpmPolicyPackSettlementPolicy(BaseModel):
    """Whether the cash ladder is checked, and how far."""

    enable_settlement_awareness: bool | None = Field(None, description="Whether it is checked.", examples=[True])
    settlement_horizon_days: Days | None = Field(None, description="Least length in days.", examples=[5])


class DpmPolicyPackConstraintPolicy(BaseModel):
    """Caps on positions and groups."""

    single_position_max_weight: Share | None = Field(None, description="Most of one position.", examples=["0.10"])
    group_constraints: dict[str, GroupConstraint] = Field(
        default_factory=dict,
        max_length=OPTION_KEYS_MAX,
        description="Caps by attribute:value.",
        examples=[{"sector:TECH": {"max_weight": "0.30"}}],
    )

    @field_validator("group_constraints")
    @classmethod
    def _group_keys(cls, value: dict[str, GroupConstraint]) -> dict[str, GroupConstraint]:
        for key in value:
            if not is_group_key(key):
                raise ValueError(f"group_constraints had the key {key!r}; it reads attribute:value")
        return value


class DpmPolicyPackWorkflowPolicy(BaseModel):
    """Who is asked."""

    enable_workflow_gates: bool | None = Field(None, description="Whether gates are decided.", examples=[True])
    workflow_requires_client_consent: bool | None = Field(None, description="Whether the client is.", examples=[True])
    client_consent_already_obtained: bool | None = Field(None, description="Whether they agreed.", examples=[False])


class DpmPolicyPackIdempotencyPolicy(BaseModel):
    """Whether a repeated key is answered from memory."""

    replay_enabled: bool | None = Field(None, description="Whether it is.", examples=[True])


class _Policies(BaseModel):
    version: str = Field(max_length=NAME_CHARACTERS_MAX, description="Version of the pack.", examples=["2"])
    turnover_policy: DpmPolicyPackTurnoverPolicy = Field(
        default_factory=DpmPolicyPackTurnoverPolicy, description="Turnover.", examples=[{"max_turnover_pct": "0.15"}]
    )
    tax_policy: DpmPolicyPackTaxPolicy = Field(
        default_factory=DpmPolicyPackTaxPolicy, description="Tax.", examples=[{"enable_tax_awareness": True}]
    )
    settlement_policy: DpmPolicyPackSettlementPolicy = Field(
        default_factory=DpmPolicyPackSettlementPolicy, description="Settlement.", examples=[{}]
    )
    constraint_policy: DpmPolicyPackConstraintPolicy = Field(
        default_factory=DpmPolicyPackConstraintPolicy, description="Caps.", examples=[{}]
    )
    workflow_policy: DpmPolicyPackWorkflowPolicy = Field(
        default_factory=DpmPolicyPackWorkflowPolicy, description="Workflow.", examples=[{}]
    )
    idempotency_policy: DpmPolicyPackIdempotencyPolicy = Field(
        default_factory=DpmPolicyPackIdempotencyPolicy, description="Replay.", examples=[{}]
    )


class DpmPolicyPackUpsertRequest(_Policies):
    """A pack to store under the id of the path."""


class DpmPolicyPackDefinition(_Policies):
    """A pack of the catalogue."""

    policy_pack_id: str = Field(description="Id of the pack.", examples=["low_turnover"])


class DpmPolicyPackMutationResponse(BaseModel):
    """A pack as it was stored."""

    item: DpmPolicyPackDefinition = Field(description="The pack.", examples=[{"policy_pack_id": "low_turnover"}])


class DpmEffectivePolicyPackResolution(BaseModel):
    """Which pack counts, and who selected it."""

    enabled: bool = Field(description="Whether packs are switched on.", examples=[True])
    selected_policy_pack_id: str | None = Field(None, description="The pack's id.", examples=["low_turnover"])
    source: Source = Field(description="Who selected it.", examples=["REQUEST"])


class DpmPolicyPackCatalogResponse(BaseModel):
    """Every pack, and the one that counts."""

    enabled: bool = Field(description="Whether packs are switched on.", examples=[True])
    total: int = Field(description="How many packs there are.", examples=[2])
    selected_policy_pack_id: str | None = Field(None, description="The pack that counts.", examples=["low_turnover"])
    selected_policy_pack_present: bool = Field(description="Whether the catalogue has it.", examples=[True])
    selected_policy_pack_source: Source = Field(description="Who selected it.", examples=["GLOBAL_DEFAULT"])
    items: list[DpmPolicyPackDefinition] = Field(description="The packs, by id.", examples=[[]])


def pack_of(policy_pack_id: str, body: DpmPolicyPackUpsertRequest) -> PolicyPack:
    """The pack that a body describes."""
    return msgspec.convert({"policy_pack_id": policy_pack_id, **body.model_dump()}, PolicyPack)


def read_catalogue(text: str | None) -> dict[str, PolicyPack]:
    """The packs of a JSON object id -> partial definition; what cannot be read is left out."""
    try:
        entries = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(entries, dict):
        return {}
    read = {name.strip(): _read_entry(name.strip(), entry) for name, entry in entries.items()}
    return {name: pack for name, pack in read.items() if pack is not None and name}


def _read_entry(name: str, entry: Any) -> PolicyPack | None:
    if not isinstance(entry, dict):
        return None
    try:
        return pack_of(name, DpmPolicyPackUpsertRequest.model_validate({"version": "1", **entry}))
    except ValidationError:
        return None
