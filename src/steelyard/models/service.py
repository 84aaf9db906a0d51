"""Use cases of models: create, read, change, forget.

A change of one position or of portfolios names no version: it is read, changed and put back until
no other writer was in between, so none is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from steelyard.core.errors import ConflictError, InvalidInputError, NotFoundError
from steelyard.infra.principal import Principal
from steelyard.models.document import Model
from steelyard.models.stores import SORT_FIELDS, ModelStore, RebalanceRecord
from steelyard.models.validation import checked_model

CHANGE_ATTEMPTS_MAX = 50
"""How often a change is tried again because another writer was in between."""

_ID = re.compile(r"[0-9a-f]{24}", re.ASCII)
_SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")


def checked_id(name: str, value: str) -> str:
    """An id in lower case.

    Raises:
        InvalidInputError: not 24 hex digits.
    """
    if not _ID.fullmatch(value.lower()):
        raise InvalidInputError(f"`{name}` was {value[:40]!r}; it is 24 hex digits", code="ID_INVALID")
    return value.lower()


def sort_fields(text: str | None) -> tuple[str, ...]:
    """The fields of ``sort_by``, which come separated by commas, in either spelling.

    Raises:
        InvalidInputError: an unknown one.
    """
    fields = tuple(_SNAKE.sub("_", part.strip()).lower() for part in (text or "").split(",") if part.strip())
    if unknown := [field for field in fields if field not in SORT_FIELDS]:
        msg = f"`sort_by` named {unknown[0][:40]!r}; known are {', '.join(SORT_FIELDS)}"
        raise InvalidInputError(msg, code="SORT_FIELD_UNKNOWN")
    return fields


async def create_model(store: ModelStore, by: Principal, model: Model) -> Model:
    """Keep a new model.

    Raises:
        InvalidInputError: it breaks a rule.
        ConflictError: its name is taken.
    """
    return await store.create(by, _checked(model))


async def get_model(store: ModelStore, tenant: str, model_id: str) -> Model:
    """The model.

    Raises:
        InvalidInputError: the id is malformed.
        NotFoundError: there is none; another tenant's is none.
    """
    found = await store.find(tenant, checked_id("modelId", model_id))
    if found is None:
        raise NotFoundError(f"there is no model {model_id}", code="MODEL_NOT_FOUND", details={"modelId": model_id})
    return found


async def replace_model(
    store: ModelStore, by: Principal, model: Model, *, keep_options: bool, rebalanced: datetime | None
) -> Model:
    """Put ``model`` in place of its version; ``keep_options`` leaves the options that are stored.

    Raises:
        InvalidInputError: it breaks a rule.
        NotFoundError: there is no such model.
        ConflictError: its version is not the stored one any more, or its name is taken.
    """
    stored = await get_model(store, by.tenant, model.model_id)
    wanted = _checked(replace(model, model_id=stored.model_id, options=stored.options) if keep_options else model)
    if stored.version != model.version:
        raise _version_conflict("model", model.model_id, model.version, stored.version)
    replaced = await store.replace(by, wanted, rebalanced=rebalanced)
    if replaced is None:
        raise _version_conflict("model", model.model_id, model.version, None)
    return replaced


async def change_model(store: ModelStore, by: Principal, model_id: str, change: Callable[[Model], Model]) -> Model:
    """Apply a change of :mod:`steelyard.models.changes`; one that changes nothing writes nothing.

    Raises:
        NotFoundError: there is no such model.
        ConflictError: other writers were in between ``CHANGE_ATTEMPTS_MAX`` times.
        SteelyardError: what ``change`` raises.
    """
    for _ in range(CHANGE_ATTEMPTS_MAX):
        stored = await get_model(store, by.tenant, model_id)
        changed = change(stored)
        if changed is stored:
            return stored
        if (replaced := await store.replace(by, _checked(changed))) is not None:
            return replaced
    raise _version_conflict("model", model_id, stored.version, None)


async def delete_model(store: ModelStore, by: Principal, model_id: str, version: int) -> None:
    """Forget a model.

    Raises:
        NotFoundError: there is no such model.
        ConflictError: its version is another one.
    """
    stored = await get_model(store, by.tenant, model_id)
    if not await store.delete(by, stored.model_id, version):
        raise _version_conflict("model", model_id, version, stored.version if stored.version != version else None)


async def get_rebalance(store: ModelStore, tenant: str, rebalance_id: str) -> RebalanceRecord:
    """A stored rebalance.

    Raises:
        InvalidInputError: the id is malformed.
        NotFoundError: there is none; another tenant's is none.
    """
    found = await store.find_rebalance(tenant, checked_id("rebalanceId", rebalance_id))
    if found is None:
        details = {"rebalanceId": rebalance_id}
        raise NotFoundError(f"there is no rebalance {rebalance_id}", code="REBALANCE_NOT_FOUND", details=details)
    return found


async def delete_rebalance(store: ModelStore, by: Principal, rebalance_id: str, version: int) -> None:
    """Forget a stored rebalance.

    Raises:
        NotFoundError: there is no such record.
        ConflictError: its version is another one.
    """
    stored = await get_rebalance(store, by.tenant, rebalance_id)
    if not await store.delete_rebalance(by, stored.rebalance_id, version):
        raise _version_conflict("rebalance", rebalance_id, version, stored.version)


def _checked(model: Model) -> Model:
    """The model as it is to be stored; its options must fit its positions."""
    checked = checked_model(model)
    if checked.options is not None:
        checked.options.check_against(checked)
    return checked


def _version_conflict(kind: str, which: str, given: int, stored: int | None) -> ConflictError:
    now = "changed meanwhile" if stored is None else f"has version {stored}"
    details = {f"{kind}Id": which, "version": given} | ({} if stored is None else {"storedVersion": stored})
    msg = f"{kind} {which} {now}, and the request was for version {given}; read it again and repeat the change"
    return ConflictError(msg, code="VERSION_CONFLICT", details=details)
