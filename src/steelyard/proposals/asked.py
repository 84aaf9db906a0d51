"""Who asks for a proposal, and under which correlation id."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from steelyard.infra.principal import Principal


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks.

    Attributes:
        correlation_id: the client's, or one of ours.
        was_sent: whether it is the client's; events name it only then.
    """

    principal: Principal
    correlation_id: str
    was_sent: bool

    @classmethod
    def by(cls, principal: Principal, sent: str | None = None, *, drawn: str | None = None) -> Asked:
        """With the correlation id that was ``sent``, else with ``drawn``, else with a new one."""
        return cls(principal, sent or drawn or f"corr_{secrets.token_hex(6)}", bool(sent))
