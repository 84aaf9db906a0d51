"""The accounts of a book side by side, to be looked through by outcome and name."""

from __future__ import annotations

from urllib.parse import quote

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_books_page import book_url
from steelyard.dashboard.dpm_figures import amount
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import badge, card, cell, words
from steelyard.dashboard.visit import Visit
from steelyard.rebalance.book_rows import STATUSES, AccountRow
from steelyard.rebalance.book_store import StoredAccount, list_accounts
from steelyard.rebalance.limits import NAME_CHARACTERS_MAX
from steelyard.rebalance.values import Money

PAGE_ACCOUNTS = 25
REASONS_MAX = 2

_COLUMNS = (
    ("Portfolio", ""), ("Outcome", ""), ("Model", ""), ("Orders", "num"), ("Turnover", "num"), ("Value", "num"),
    ("Cash before", "num"), ("Cash after", "num"), ("Why", ""),
)  # fmt: skip


class AccountList:
    """A page of the accounts of a book."""

    def __init__(self, visit: Visit, book_id: str) -> None:
        self._visit, self._book_id = visit, book_id
        self._befores: list[int] = []  # where the pages before this one begin after
        self._after = -1

    async def draw(self) -> None:
        """Lay the list out."""
        note = "In the order of the book. The file has all of them."
        with card(classes="accounts"):
            with ui.element("div").classes("card-head"):
                with ui.element("div"):
                    words("h2", "Accounts")
                    ui.label(note).classes("note")
                ui.link("CSV", f"{book_url(self._book_id)}/comparison.csv").classes("quiet").props("download")
            with ui.element("div").classes("row"):
                self._search = ui.input(placeholder="A part of the portfolio's id").classes("grow")
                self._search.props(
                    f'outlined dense hide-bottom-space maxlength={NAME_CHARACTERS_MAX} aria-label="Find portfolios"'
                ).on("keydown.enter", self._restart)
                choices = {"": "Any outcome"} | {status: words_of(status).short for status in STATUSES}
                self._status = ui.select(choices, value="", on_change=self._restart)
                self._status.props('outlined dense hide-bottom-space options-dense aria-label="Outcome"')
                words("button", "Search").classes("quiet").props("type=button").on("click", self._restart)
            self._place = ui.element("div").classes("stack")
        await self._list()

    async def _restart(self) -> None:
        self._befores, self._after = [], -1
        await self._list()

    async def _list(self) -> None:
        async with self._visit.database.reading() as session:
            found = await list_accounts(
                session,
                self._book_id,
                status=self._status.value or None,
                search=(self._search.value or "").strip()[:NAME_CHARACTERS_MAX],
                after=self._after,
                limit=PAGE_ACCOUNTS + 1,
            )
        self._place.clear()
        with self._place:
            if found:
                self._table(found[:PAGE_ACCOUNTS])
            else:
                ui.label("No account like this.").classes("empty")
            self._pager(found)

    def _table(self, found: list[StoredAccount]) -> None:
        with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("accounts"):
            with ui.element("thead"), ui.element("tr"):
                for name, kind in _COLUMNS:
                    words("th", name).classes(kind)
            with ui.element("tbody"):
                for account in found:
                    self._row(account.read_row())

    def _row(self, row: AccountRow) -> None:
        says = words_of(row.status)
        with ui.element("tr"):
            with cell("").classes("wrap"):
                if row.error is None:
                    address = f"{book_url(self._book_id)}/accounts/{quote(row.portfolio_id, safe='')}"
                    ui.link(row.portfolio_id, address).classes("strong wrap-any")
                else:
                    ui.label(row.portfolio_id).classes("strong wrap-any")
            with cell("Outcome"):
                badge(says.short, says.tone)
            cell("Model", row.model).classes("wrap-any")
            cell("Orders", figures.count(row.security_intent_count + row.fx_intent_count), is_number=True)
            cell("Turnover", figures.share(None if row.turnover is None else float(row.turnover), 2), is_number=True)
            for name, value in (
                ("Value", row.total_value), ("Cash before", row.cash_before), ("Cash after", row.cash_after)
            ):  # fmt: skip
                cell(name, _money(value), is_number=True)
            cell("Why", _why(row)).classes("wrap soft")

    def _pager(self, found: list[StoredAccount]) -> None:
        async def back() -> None:
            self._after = self._befores.pop()
            await self._list()

        async def more() -> None:
            self._befores.append(self._after)
            self._after = found[PAGE_ACCOUNTS - 1].place
            await self._list()

        with ui.element("div").classes("row"):
            if self._befores:
                words("button", "Back").classes("quiet").props("type=button").on("click", back)
            if len(found) > PAGE_ACCOUNTS:
                words("button", "More").classes("quiet").props("type=button").on("click", more)


def _money(value: Money | None) -> str:
    return figures.UNDEFINED if value is None else f"{amount(value.amount)} {value.currency}"


def _why(row: AccountRow) -> str:
    if row.error is not None:
        return row.error.message
    said = [words_of(code).short for code in row.reasons]
    more = len(said) - REASONS_MAX
    return "; ".join(said[:REASONS_MAX]) + (f" and {more:,} more" if more > 0 else "")
