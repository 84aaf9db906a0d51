"""`/`: the sweeps there are, newest first, each with its best combination and what is to be thought of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.dashboard import figures
from steelyard.dashboard.new_sweep import new_sweep_button
from steelyard.dashboard.shell import badge, card, cell, shell, title, words
from steelyard.dashboard.verdicts import synthetic_badge, verdict_badge
from steelyard.dashboard.visit import arrive, to_login
from steelyard.research import views
from steelyard.research.views import RunLine

PAGE_RUNS = 30
TICKERS_SHOWN = 5

_COLUMNS = (
    ("Ticker", ""), ("Strategy", ""), ("Verdict", ""), ("Best", ""), ("Return", "num"), ("Sharpe", "num"),
    ("Deflated Sharpe", "num"), ("Overfitting", "num"), ("Combinations", "num"), ("When (UTC)", "num"),
)  # fmt: skip


def register() -> None:
    """Serve the page."""
    ui.page("/", title="Sweeps · Steelyard")(_sweeps)


async def _sweeps(request: Request, older: int = 0) -> Response | None:
    visit = await arrive(request)
    if visit is None:
        return to_login(request)
    older = max(older, 0)
    async with visit.database.reading() as session:
        lines = await views.run_lines(session, visit.principal.tenant, limit=PAGE_RUNS, offset=older)
        total = await views.count_runs(session, visit.principal.tenant)
    with shell(visit, "/"):
        with ui.element("div").classes("title-row"):
            title("Strategy sweeps", "Every combination of windows, and how much of the best one is luck.")
            if visit.principal.may("sweeps:write"):
                new_sweep_button(visit)
        with card():
            if lines:
                _table(lines)
                _pager(older, total)
            else:
                ui.label("No sweep yet. Start one with New sweep, or with: steelyard sweep AAPL").classes("empty")
    return None


def _table(lines: list[RunLine]) -> None:
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards").mark("sweeps"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in _COLUMNS:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for line in lines:
                for position, ticker in enumerate(line.tickers[:TICKERS_SHOWN]):
                    _row(line, ticker.ticker, ticker.summary, is_first=position == 0)
                if (more := len(line.tickers) - TICKERS_SHOWN) > 0:
                    with ui.element("tr"), ui.element("td").props(f"colspan={len(_COLUMNS)}"):
                        ui.link(f"and {more} more tickers", f"/sweeps/{line.run.id}")


def _row(line: RunLine, ticker: str, summary: dict[str, Any], *, is_first: bool) -> None:
    run, best = line.run, summary["best"]
    with ui.element("tr"):
        with cell(""), ui.element("div").classes("row"):
            ui.link(ticker, run_url(run.id, ticker)).classes("strong")
            synthetic_badge(summary)
        cell("Strategy", run.strategy_type)
        with cell("Verdict"):
            verdict_badge(summary)
        cell("Best", figures.windows(best))
        cell("Return", figures.percent(best["total_return_pct"]), is_number=True)
        cell("Sharpe", figures.ratio(best["sharpe_ratio"]), is_number=True)
        cell("Deflated Sharpe", figures.share(summary["deflated_sharpe"]), is_number=True)
        cell("Overfitting", figures.share(summary["pbo"]), is_number=True)
        cell("Combinations", figures.count(summary["luck"]["combinations"]), is_number=True)
        when = figures.moment(run.created_at) if is_first else ""
        cell("When (UTC)", when, is_number=True).classes("soft")


def _pager(older: int, total: int) -> None:
    if total <= PAGE_RUNS and not older:
        return
    with ui.element("div").classes("row"):
        if older:
            ui.link("Newer", f"/?older={max(older - PAGE_RUNS, 0)}").classes("quiet")
        if older + PAGE_RUNS < total:
            ui.link("Older", f"/?older={older + PAGE_RUNS}").classes("quiet")
        badge(f"{older + 1:,} to {min(older + PAGE_RUNS, total):,} of {total:,}")


def run_url(run_id: str, ticker: str) -> str:
    """The address of one ticker of a run."""
    return f"/sweeps/{run_id}?ticker={quote(ticker, safe='')}"
