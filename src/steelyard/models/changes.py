"""Changes of one model: values in, a new value out, or the same one where nothing changes.

Counting versions and storing is the caller's: a result that *is* the argument needs no write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from steelyard.core.errors import ConflictError, NotFoundError
from steelyard.models.document import Model, Position
from steelyard.models.validation import check_portfolio_ids, check_security_id, checked_model


def add_position(model: Model, position: Position) -> Model:
    """The model with one position more; a target of 0 adds nothing.

    Raises:
        ConflictError: the model has the security already.
        InvalidInputError: the position, or the model with it, breaks a rule.
    """
    if position.security_id in _securities(model):
        msg = f"model {model.name!r} already has a position in {position.security_id}; update it instead"
        raise ConflictError(msg, code="POSITION_EXISTS", details={"securityId": position.security_id})
    changed = checked_model(replace(model, positions=(*model.positions, position)))
    return changed if position.target else model


def replace_position(model: Model, position: Position) -> Model:
    """The model with that security's position replaced, at its old place; a target of 0 removes it.

    Raises:
        NotFoundError: the model has no position in the security.
        InvalidInputError: the position, or the model with it, breaks a rule.
    """
    _require(model, position.security_id)
    swapped = (position if old.security_id == position.security_id else old for old in model.positions)
    return checked_model(replace(model, positions=tuple(swapped)))


def remove_position(model: Model, security_id: str) -> Model:
    """The model without that security.

    Raises:
        NotFoundError: the model has no position in the security.
    """
    _require(model, security_id)
    return replace(model, positions=tuple(old for old in model.positions if old.security_id != security_id))


def add_portfolios(model: Model, portfolios: Sequence[str]) -> Model:
    """The model followed by these too; those that follow already change nothing."""
    check_portfolio_ids(portfolios)
    joined = tuple(dict.fromkeys((*model.portfolios, *portfolios)))
    check_portfolio_ids(joined)
    return model if joined == model.portfolios else replace(model, portfolios=joined)


def remove_portfolios(model: Model, portfolios: Sequence[str]) -> Model:
    """The model no longer followed by these; those that do not follow change nothing."""
    check_portfolio_ids(portfolios)
    leaving = set(portfolios)
    left = tuple(portfolio_id for portfolio_id in model.portfolios if portfolio_id not in leaving)
    return model if left == model.portfolios else replace(model, portfolios=left)


def _require(model: Model, security_id: str) -> None:
    check_security_id(security_id)
    if security_id not in _securities(model):
        msg = f"model {model.name!r} has no position in {security_id}"
        raise NotFoundError(msg, code="POSITION_NOT_FOUND", details={"securityId": security_id})


def _securities(model: Model) -> set[str]:
    return {position.security_id for position in model.positions}
