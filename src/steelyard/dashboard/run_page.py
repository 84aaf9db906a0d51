"""`/sweeps/{id}`: one sweep, ticker by ticker: the verdict first, then everything it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import Request
from nicegui import events, ui
from starlette.responses import Response

from steelyard.dashboard import charts, figures, grids
from steelyard.dashboard.explorer import Explorer
from steelyard.dashboard.shell import card, facts, shell, title, words
from steelyard.dashboard.sweeps_page import run_url
from steelyard.dashboard.verdicts import luck_tiles, synthetic_badge, verdict_badge, verdict_card
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.research import service, store, views
from steelyard.research.store import SweepRun, SweepTicker
from steelyard.research.views import Windows

GRID_ROWS_MAX = 20_000
"""Rows sent to the browser, best first; the export has all."""

_FILLS = {"same_close": "the close of the signal's bar", "next_open": "the next open", "next_close": "the next close"}


def register() -> None:
    """Serve the page."""
    ui.page("/sweeps/{run_id}", title="Sweep · Steelyard", response_timeout=30)(_run)


async def _run(request: Request, run_id: str, ticker: str | None = None) -> Response | None:
    visit = await arrive(request)
    if visit is None:
        return to_login(request)
    async with visit.database.reading() as session:
        run = await service.find_run(session, visit.principal.tenant, run_id)
        tickers = await store.tickers_of(session, run.id)
        (one, *_) = await service.require_ticker(session, run, ticker)
        rows = await store.results(session, run.id, ticker=one.ticker, limit=GRID_ROWS_MAX)
        signals = await views.signals_of(session, run.id, one.ticker)
    best = next(row for row in rows if row["rank"] == 1)
    ui.page_title(f"{one.ticker} {run.strategy_type} · Steelyard")
    with shell(visit, "/"):
        _head(run, one)
        if len(tickers) > 1:
            _tabs(run, tickers, one)
        if one.summary["metadata"]["data"]["synthetic"]:
            with ui.element("div").classes("banner"):
                ui.label(
                    "These prices were made by a generator. They show how things work, never what would be earned."
                )
        verdict_card(one.summary)
        luck_tiles(one.summary)
        explorer = Explorer(visit, run, one, best, signals)
        await explorer.draw()
        _evidence(visit, one.summary, explorer)
        _table(rows, one.summary["luck"]["combinations"], explorer)
        _provenance(run, one.summary)
    return None


def _head(run: SweepRun, one: SweepTicker) -> None:
    data = one.summary["metadata"]["data"]
    span = f"{str(data['start'])[:10]} to {str(data['end'])[:10]}" if data["start"] else "times unknown"
    note = f"{figures.count(one.summary['luck']['combinations'])} combinations over {data['bars']:,} bars, {span}"
    with ui.element("div").classes("title-row"):
        title(f"{one.ticker}, {run.strategy_type}", note)
        with ui.element("div").classes("row"):
            verdict_badge(one.summary)
            synthetic_badge(one.summary)
            for kind, name in (("csv", "CSV"), ("parquet", "Parquet"), ("html", "Report")):
                address = f"/sweeps/{run.id}/export/{kind}?ticker={quote(one.ticker, safe='')}"
                ui.link(name, address).classes("quiet").props("download")


def _tabs(run: SweepRun, tickers: Sequence[SweepTicker], shown: SweepTicker) -> None:
    with ui.element("nav").classes("nav tabs").props('aria-label="Tickers"'):
        for ticker in tickers:
            link = ui.link(ticker.ticker, run_url(run.id, ticker.ticker)).classes("nav-link")
            if ticker.ticker == shown.ticker:
                link.classes("is-active").props('aria-current="page"')


def _evidence(visit: Visit, summary: Mapping[str, Any], explorer: Explorer) -> None:
    folds, bins = summary["walk_forward"], summary["luck"].get("logit_histogram")
    with ui.element("div").classes("two"):
        explorer.draw_trades()
        if folds:
            with card("Walk-forward", "Each span was traded with what was best before it, and not seen in the choice."):
                ui.echart(charts.fold_bars(folds, mode=visit.mode)).classes("chart short").mark("folds")
        if folds:
            with card("Fold by fold", "Windows chosen on the bars before, and what they then earned."):
                _fold_table(folds)
        if bins:
            note = (
                "Left of zero, the winner of one half of the history ended in the worse half of the field in the other."
            )
            with card("Overfitting, split by split", note):
                ui.echart(charts.logit_bars(bins["edges"], bins["counts"], mode=visit.mode)).classes("chart short")


def _fold_table(folds: Sequence[Mapping[str, Any]]) -> None:
    names = (("Tested", ""), ("Windows", ""), ("Sharpe before", "num"), ("Sharpe in it", "num"), ("Return", "num"))
    with ui.element("div").classes("scroll"), ui.element("table").classes("table compact"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in names:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for fold in folds:
                span = f"{str(fold['test_from'])[:10]} to {str(fold['test_to'])[:10]}" if "test_from" in fold else ""
                with ui.element("tr"):
                    words("td", span or f"bars {fold['test_start']:,} to {fold['test_end']:,}")
                    words("td", figures.windows(fold) or "in cash")
                    words("td", figures.ratio(fold["in_sample_sharpe"])).classes("num")
                    words("td", figures.ratio(fold["out_of_sample_sharpe"])).classes("num")
                    words("td", figures.percent(fold["out_of_sample_return_pct"])).classes("num")


def _table(rows: Sequence[Mapping[str, Any]], total: int, explorer: Explorer) -> None:
    note = "Click a row to see its equity above. Grey: fewer trades than asked for, ranked last."
    if total > len(rows):
        note = f"The best {len(rows):,} of {total:,}; the exports have all. " + note

    async def show(selected: events.GenericEventArguments) -> None:
        await explorer.show(Windows.of(selected.args["data"]))

    with card("Results", note):
        grid = ui.aggrid(grids.results_grid(rows), auto_size_columns=False).mark("results")
        grid.on("cellClicked", show, ["data"])


def _provenance(run: SweepRun, summary: Mapping[str, Any]) -> None:
    metadata = summary["metadata"]
    data, execution = metadata["data"], metadata["execution"]
    with card(
        "Where this comes from", "The same prices, parameters and version give the same figures to the last bit."
    ):
        facts(
            [
                ("Prices from", data["source"]),
                ("Synthetic", "yes, made by a generator" if data["synthetic"] else "no"),
                ("Data manifest", data["manifest_hash"] or figures.UNDEFINED),
                ("Hash of the prices", data["prices_hash"]),
                ("Hash of the parameters", metadata["parameters_hash"]),
                ("Engine", f"steelyard {metadata['engine_version']}"),
                ("Periods per year", f"{metadata['periods_per_year']:g}"),
                ("Fee a side", figures.share(execution["fee"], 2)),
                ("Slippage a side", f"{execution['slippage_bp']:g} bp"),
                ("Orders fill at", _FILLS[execution["fill"]]),
                ("Purge and embargo", f"{metadata['purge_bars']:,} and {metadata['embargo_bars']:,} bars"),
                ("Trades, at least", figures.count(metadata["parameters"]["min_trades"])),
                ("Ranked by", charts.METRICS.get(metadata["parameters"]["rank_by"], metadata["parameters"]["rank_by"])),
                ("Run", run.id),
                ("Computed", f"{figures.moment(run.created_at)} UTC in {figures.duration(run.execution_time_seconds)}"),
            ]
        )
        with ui.element("div").classes("row"):
            ui.link("The job", f"/jobs/{run.job_id}").classes("quiet")
