"""Policy packs: options that a bank sets for its desks, laid over those of a request.

A pack is chosen by the request, else by the tenant, else for all; what it says replaces the option,
what it leaves open does not.  A chosen pack that the catalogue does not have changes nothing.

Source: contract dpm, section 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict, replace

from steelyard.rebalance.values import Days, EngineOptions, GroupConstraint

Source = Literal["DISABLED", "REQUEST", "TENANT_DEFAULT", "GLOBAL_DEFAULT", "NONE"]


class TurnoverPolicy(Struct, frozen=True):
    """How much may be traded."""

    max_turnover_pct: Decimal | None = None


class TaxPolicy(Struct, frozen=True):
    """Whether sales respect tax lots, and the budget of gains."""

    enable_tax_awareness: bool | None = None
    max_realized_capital_gains: Decimal | None = None


class SettlementPolicy(Struct, frozen=True):
    """Whether the cash ladder is checked, and how far."""

    enable_settlement_awareness: bool | None = None
    settlement_horizon_days: Days | None = None


class ConstraintPolicy(Struct, frozen=True):
    """Caps on positions and groups."""

    single_position_max_weight: Decimal | None = None
    group_constraints: dict[str, GroupConstraint] = {}


class WorkflowPolicy(Struct, frozen=True):
    """Who is asked."""

    enable_workflow_gates: bool | None = None
    workflow_requires_client_consent: bool | None = None
    client_consent_already_obtained: bool | None = None


class IdempotencyPolicy(Struct, frozen=True):
    """Whether a repeated key is answered from memory."""

    replay_enabled: bool | None = None


class PolicyPack(Struct, frozen=True):
    """A pack; every part may be left open."""

    policy_pack_id: str
    version: str = "1"
    turnover_policy: TurnoverPolicy = TurnoverPolicy()
    tax_policy: TaxPolicy = TaxPolicy()
    settlement_policy: SettlementPolicy = SettlementPolicy()
    constraint_policy: ConstraintPolicy = ConstraintPolicy()
    workflow_policy: WorkflowPolicy = WorkflowPolicy()
    idempotency_policy: IdempotencyPolicy = IdempotencyPolicy()


class Resolution(Struct, frozen=True):
    """Which pack applies and who chose it."""

    enabled: bool
    selected_policy_pack_id: str | None
    source: Source


def resolve_pack(
    *,
    enabled: bool,
    requested: str | None = None,
    tenant_default: str | None = None,
    global_default: str | None = None,
) -> Resolution:
    """The first choice that is not blank, in the order of the arguments."""
    if not enabled:
        return Resolution(enabled=False, selected_policy_pack_id=None, source="DISABLED")
    choices: dict[Source, str | None] = {
        "REQUEST": requested,
        "TENANT_DEFAULT": tenant_default,
        "GLOBAL_DEFAULT": global_default,
    }
    for source, choice in choices.items():
        if choice is not None and (name := choice.strip()):
            return Resolution(enabled=True, selected_policy_pack_id=name, source=source)
    return Resolution(enabled=True, selected_policy_pack_id=None, source="NONE")


def chosen_pack(resolution: Resolution, catalogue: Mapping[str, PolicyPack]) -> PolicyPack | None:
    """The pack itself, if the catalogue has it."""
    return catalogue.get(resolution.selected_policy_pack_id or "")


def apply_pack(options: EngineOptions, pack: PolicyPack | None) -> EngineOptions:
    """``options`` with what the pack says in their places."""
    if pack is None:
        return options
    policies = (
        pack.turnover_policy,
        pack.tax_policy,
        pack.settlement_policy,
        pack.constraint_policy,
        pack.workflow_policy,
    )
    said = {name: value for policy in policies for name, value in asdict(policy).items() if value not in (None, {})}
    return replace(options, **said)


def is_replay_enabled(pack: PolicyPack | None, *, default: bool) -> bool:
    """Whether a repeated key is answered from memory: as the pack says, else ``default``."""
    said = pack.idempotency_policy.replay_enabled if pack is not None else None
    return default if said is None else said
