"""What an approval must bring beyond the right state, where a deployment asks for it.

*Four eyes*: a review by risk or compliance counts when two people have approved the version, and the
client's consent when one has; neither of them made the proposal or the version.  *Override*: whoever
says yes to a version with soft breaches may, or must, say why.  Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from steelyard.core.errors import ConflictError, InvalidInputError
from steelyard.proposals.lifecycle import APPROVALS, APPROVING, ApprovalType, Event

_REVIEWERS = {"RISK": 2, "COMPLIANCE": 2, "CLIENT_CONSENT": 1}
_REVIEWS: frozenset[Event] = frozenset({"RISK_APPROVED", "COMPLIANCE_APPROVED"})


@dataclass(frozen=True, slots=True)
class Tally:
    """How far the approvals of a version are."""

    given: int
    needed: int

    @property
    def is_complete(self) -> bool:
        """Whether nobody else is needed."""
        return self.given >= self.needed


def count_eyes(
    approval_type: ApprovalType, actor_id: str, *, authors: Collection[str], approvers: Sequence[str]
) -> Tally:
    """The tally with ``actor_id``'s approval added to those of ``approvers``.

    Raises:
        InvalidInputError: FOUR_EYES_AUTHOR, they made what they approve.
        ConflictError: FOUR_EYES_SAME_APPROVER, they approved it already.
    """
    if _person(actor_id) in map(_person, authors):
        message = f"{actor_id!r} made this proposal or its current version and cannot give its {approval_type} approval"
        raise InvalidInputError(message, code="FOUR_EYES_AUTHOR", details={"reason": f"{actor_id} is the author"})
    if _person(actor_id) in map(_person, approvers):
        message = f"{actor_id!r} gave the {approval_type} approval of this version already; somebody else has to"
        details = {"reason": f"{actor_id} approved already"}
        raise ConflictError(message, code="FOUR_EYES_SAME_APPROVER", details=details)
    return Tally(len(approvers) + 1, _REVIEWERS[approval_type])


def require_approval(event: Event) -> None:
    """Refuse an approving event that comes as a mere transition, past the four eyes.

    Raises:
        InvalidInputError: FOUR_EYES_APPROVAL_REQUIRED.
    """
    if event in APPROVING:
        kind = next(rule.approval_type for rule in APPROVALS if rule.event == event)
        message = f"{event} needs four eyes here; give it as an approval of type {kind}"
        details = {"reason": f"{event} is given as an approval"}
        raise InvalidInputError(message, code="FOUR_EYES_APPROVAL_REQUIRED", details=details)


def override_of(
    event: Event, note: str | None, breaches: Sequence[str], *, version_no: int, is_required: bool
) -> dict[str, Any] | None:
    """What an event's reason says of the soft breaches it overrides; None where it overrides none.

    Raises:
        InvalidInputError: OVERRIDE_NOT_POSSIBLE, there is nothing to override; OVERRIDE_NOTE_REQUIRED, a
            review says yes to breaches without a word.
    """
    if note is None:
        if is_required and breaches and event in _REVIEWS:
            named = ", ".join(breaches)
            message = f"version {version_no} breaches {named}; {event} needs an `override_note` that says why"
            raise InvalidInputError(message, code="OVERRIDE_NOTE_REQUIRED", details={"reason": named})
        return None
    if event not in APPROVING or not breaches:
        why = f"{event} approves nothing" if breaches else f"version {version_no} has no soft breach"
        message = f"`override_note` was given and {why}; leave it out"
        raise InvalidInputError(message, code="OVERRIDE_NOT_POSSIBLE", details={"reason": why})
    return {"note": note, "version_no": version_no, "overridden": list(breaches)}


def _person(name: str) -> str:
    """One name however it is typed: case and spaces around it make no second person."""
    return name.strip().casefold()
