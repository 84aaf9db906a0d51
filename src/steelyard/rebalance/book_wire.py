"""From the bytes of a book to its values: portfolio after portfolio, so that a large book needs little memory.

A portfolio is decoded straight into frozen values, checked, and kept as canonical JSON.  What that
way refuses is explained by the pydantic models of ``book_schemas``, as everywhere in ``wire``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw, Struct

from steelyard.rebalance import book_schemas, limits, schemas
from steelyard.rebalance.book import BookRequest
from steelyard.rebalance.hashing import CANONICAL
from steelyard.rebalance.values import (
    EngineOptions,
    MarketDataSnapshot,
    ModelPortfolio,
    PortfolioSnapshot,
    RebalanceRequest,
    ShelfEntry,
)
from steelyard.rebalance.wire import (
    MalformedBodyError,
    are_sound_options,
    is_sound_book,
    read_carefully,
)

FAULTS_MAX = 1_000
"""Faults that are looked for in one book."""


class _Portfolio(Struct, frozen=True, gc=False):
    model: str
    portfolio_snapshot: PortfolioSnapshot | None = None
    snapshot_name: str | None = None
    content_hash: str | None = None
    options: Raw | None = None


class _Head(Struct, frozen=True, gc=False):
    market_data_snapshot: MarketDataSnapshot
    shelf_entries: tuple[ShelfEntry, ...]
    models: dict[str, ModelPortfolio]
    options: EngineOptions = EngineOptions()


@dataclass(frozen=True, slots=True)
class GivenPortfolio:
    """An account as it was asked for.

    Attributes:
        portfolio_id: None where a stored snapshot says it.
        content: canonical JSON of an inline portfolio.
        options: place in ``GivenBook.option_sets``.
    """

    model: str
    options: int
    portfolio_id: str | None = None
    content: bytes = b""
    snapshot_name: str | None = None
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class GivenBook:
    """A book as it was asked for."""

    shared: BookRequest
    option_sets: tuple[EngineOptions, ...]
    portfolios: tuple[GivenPortfolio, ...]


def read_book(body: bytes) -> GivenBook:
    """The book that ``body`` asks for.

    Raises:
        MalformedBodyError: with the faults found.
    """
    try:
        fields = msgspec.json.decode(body, type=dict[str, Raw])
    except msgspec.DecodeError as refused:
        read_carefully(body, book_schemas.BookRequest, dict[str, Any])
        raise MalformedBodyError([_unreadable(("body",), refused)]) from None  # what only Python takes for JSON
    portfolios = _listed(fields.get("portfolios"))
    head = _head(fields, portfolios)
    reader = _PortfolioReader(head.options, fields.get("options"))
    read = [reader.read(place, raw) for place, raw in enumerate(portfolios or ())]
    faults = reader.faults + _twice(read)
    if faults:
        raise MalformedBodyError(faults)
    shared = BookRequest(head.market_data_snapshot, head.shelf_entries, head.models, (), head.options)
    return GivenBook(shared, tuple(reader.option_sets), tuple(one for one in read if one is not None))


def duplicate_fault(place: int, portfolio_id: str) -> dict[str, Any]:
    """The fault of a portfolio that is in a book twice."""
    message = f"Value error, portfolio {portfolio_id!r} is in the book already; each has one account"
    return {"type": "value_error", "loc": ("body", "portfolios", place), "msg": message, "input": portfolio_id}


def _listed(raw: Raw | None) -> list[Raw] | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=list[Raw])
    except msgspec.DecodeError:
        return None


def _head(fields: Mapping[str, Raw], portfolios: Sequence[Raw] | None) -> _Head:
    """What is shared; explains what is wrong with it or with the number of portfolios."""
    shared = {name: raw for name, raw in fields.items() if name in _Head.__struct_fields__}
    if portfolios is not None and 1 <= len(portfolios) <= limits.BOOK_ACCOUNTS_MAX:
        try:
            head = msgspec.json.decode(msgspec.json.encode(shared), type=_Head)
        except msgspec.DecodeError:
            pass
        else:
            if _is_sound(head):
                return head
    plain = {name: json.loads(bytes(raw)) for name, raw in shared.items()}
    if portfolios is not None:
        plain["portfolios"] = [None] * len(portfolios)
    elif "portfolios" in fields:
        plain["portfolios"] = json.loads(bytes(fields["portfolios"]))
    return read_carefully(plain, book_schemas.BookShape, _Head)


def _is_sound(head: _Head) -> bool:
    return (
        1 <= len(head.models) <= limits.BOOK_MODELS_MAX
        and are_sound_options(head.options)
        and all(
            is_sound_book(RebalanceRequest(_NOBODY, head.market_data_snapshot, model, head.shelf_entries, head.options))
            for model in head.models.values()
        )
    )


_NOBODY = PortfolioSnapshot("", "")
_NO_MARKET, _NO_MODEL, _NO_OPTIONS = MarketDataSnapshot(), ModelPortfolio(()), EngineOptions()


class _PortfolioReader:
    """Reads portfolios one by one and collects what is wrong with them."""

    def __init__(self, options: EngineOptions, given: Raw | None) -> None:
        self.faults: list[dict[str, Any]] = []
        self.option_sets = [options]
        self._shared = msgspec.json.decode(given, type=dict[str, Raw]) if given is not None else {}
        self._places = {CANONICAL.encode(options): 0}
        self._known: dict[bytes, int | list[dict[str, Any]]] = {}

    def read(self, place: int, raw: Raw) -> GivenPortfolio | None:
        """The portfolio; None if it has faults, or if there are enough of them already."""
        if len(self.faults) >= FAULTS_MAX:
            return None
        portfolio = _quick(raw)
        if portfolio is None:
            try:
                portfolio = _careful(raw)
            except MalformedBodyError as refused:
                self._refuse(("body", "portfolios", place), refused.errors)
                return None
        options = self._options(portfolio.options)
        if isinstance(options, list):
            self._refuse(("body", "portfolios", place, "options"), options)
            return None
        snapshot = portfolio.portfolio_snapshot
        return GivenPortfolio(
            portfolio.model,
            options,
            portfolio_id=snapshot.portfolio_id if snapshot is not None else None,
            content=CANONICAL.encode(snapshot) if snapshot is not None else b"",
            snapshot_name=portfolio.snapshot_name,
            content_hash=portfolio.content_hash,
        )

    def _refuse(self, at: tuple[str | int, ...], errors: Sequence[dict[str, Any]]) -> None:
        self.faults += [{**error, "loc": (*at, *error["loc"][1:])} for error in errors]

    def _options(self, own: Raw | None) -> int | list[dict[str, Any]]:
        """The place of the shared options with ``own`` over them, or what is wrong with those."""
        if own is None:
            return 0
        key = bytes(own)
        if key not in self._known:
            self._known[key] = self._merged(own)
        return self._known[key]

    def _merged(self, own: Raw) -> int | list[dict[str, Any]]:
        encoded = msgspec.json.encode({**self._shared, **msgspec.json.decode(own, type=dict[str, Raw])})
        try:
            options = msgspec.json.decode(encoded, type=EngineOptions)
        except msgspec.DecodeError:
            options = None
        if options is None or not are_sound_options(options):
            try:
                options = read_carefully(encoded, schemas.EngineOptions, EngineOptions)
            except MalformedBodyError as refused:
                return refused.errors
        text = CANONICAL.encode(options)  # 0.1 and 0.10 are equal, and not the same request
        if text in self._places:
            return self._places[text]
        if len(self.option_sets) >= limits.BOOK_OPTION_SETS_MAX:
            message = f"Value error, a book has at most {limits.BOOK_OPTION_SETS_MAX} different sets of options"
            return [{"type": "value_error", "loc": ("body",), "msg": message, "input": None}]
        self.option_sets.append(options)
        self._places[text] = len(self._places)
        return self._places[text]


def _quick(raw: Raw) -> _Portfolio | None:
    try:
        portfolio = msgspec.json.decode(raw, type=_Portfolio)
    except msgspec.DecodeError:
        return None
    snapshot, is_odd = portfolio.portfolio_snapshot, portfolio.options is not None and not _is_object(portfolio.options)
    if is_odd or len(portfolio.model) > limits.NAME_CHARACTERS_MAX:
        return None
    if snapshot is None or portfolio.snapshot_name is not None or portfolio.content_hash is not None:
        return None  # few words: the careful way is quick enough
    return portfolio if _is_sound_snapshot(snapshot) else None


def _careful(raw: Raw) -> _Portfolio:
    given = read_carefully(bytes(raw), book_schemas.BookPortfolio, dict[str, Any])
    try:
        own = msgspec.json.decode(raw, type=dict[str, Raw]).get("options") if given.pop("options") else None
        portfolio = msgspec.convert(given, _Portfolio)
        msgspec.json.encode(portfolio)
    except (msgspec.DecodeError, UnicodeEncodeError) as refused:
        raise MalformedBodyError([_unreadable(("body",), refused)]) from None
    return msgspec.structs.replace(portfolio, options=own)


def _is_object(raw: Raw) -> bool:
    return bytes(raw)[:1] == b"{"


def _is_sound_snapshot(snapshot: PortfolioSnapshot) -> bool:
    return is_sound_book(RebalanceRequest(snapshot, _NO_MARKET, _NO_MODEL, (), _NO_OPTIONS))


def _twice(portfolios: Sequence[GivenPortfolio | None]) -> list[dict[str, Any]]:
    """Faults of portfolios that came before."""
    known: set[str] = set()
    faults = []
    for place, one in enumerate(portfolios):
        if one is None or one.portfolio_id is None:
            continue
        if one.portfolio_id in known:
            faults.append(duplicate_fault(place, one.portfolio_id))
        known.add(one.portfolio_id)
    return faults[:FAULTS_MAX]


def _unreadable(at: tuple[str | int, ...], refused: Exception) -> dict[str, Any]:
    context = {"error": str(refused)}
    return {"type": "json_invalid", "loc": at, "msg": "JSON decode error", "input": {}, "ctx": context}
