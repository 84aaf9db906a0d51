"""The part of a run's page that is explored: the heatmap, and the life of the combination clicked in it."""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import events, ui

from steelyard.core.errors import SteelyardError
from steelyard.dashboard import charts, figures, grids
from steelyard.dashboard.chart_parts import Options
from steelyard.dashboard.shell import card, tell, words
from steelyard.dashboard.visit import Visit
from steelyard.research import views
from steelyard.research.store import SweepRun, SweepTicker
from steelyard.research.views import Windows

Row = dict[str, Any]


class Explorer:
    """Heatmap, curve and trades of one ticker of a run; they change together."""

    def __init__(self, visit: Visit, run: SweepRun, ticker: SweepTicker, best: Row, signals: list[int]) -> None:
        self._visit, self._run, self._ticker = visit, run, ticker
        self._best = self._row = best
        self._signals = signals
        self._signal: int | None = best["signal_period"]
        self._metric = "sharpe_ratio"
        self._cells: list[Row] = []

    async def draw(self) -> None:
        """Lay the parts out; the curve comes once the browser is connected."""
        await self._read_cells()
        with ui.element("div").classes("two wide-right"):
            with card(classes="heatmap"):
                self._draw_heatmap()
            with card(classes="curve"):
                with ui.element("div").classes("card-head"):
                    self._headline = words("h2", "")
                    self._figures = ui.label().classes("note")
                self._waiting = ui.label("Running it again over its prices").classes("note")
                self._problem = ui.label().classes("banner is-bad").props("role=alert")
                self._problem.set_visibility(False)
                self._curve = ui.echart({}).classes("chart").mark("curve")
                ui.label("Shaded: the spans on which the walk-forward was judged.").classes("note")
        self._show_head()

    def draw_trades(self) -> None:
        """The trades of the combination, wherever the page wants them; call it once, after :meth:`draw`."""
        with card("Trades of this combination"):
            self._trades = ui.aggrid(grids.trades_grid([]), auto_size_columns=False).classes("fill")
        ui.timer(0, self._replay, once=True)

    async def show(self, windows: Windows) -> None:
        """Turn to another combination."""
        async with self._visit.database.reading() as session:
            self._row = await views.combination(session, self._run.id, self._ticker.ticker, windows)
        self._signal = self._row["signal_period"]
        self._show_head()
        await self._redraw_heatmap()
        await self._replay()

    def _draw_heatmap(self) -> None:
        with ui.element("div").classes("card-head"):
            words("h2", "All combinations")
            if len(self._signals) > 1:
                signals = {signal: f"Signal {signal}" for signal in self._signals}
                ui.select(signals, value=self._signal, on_change=self._choose_signal).props(
                    "outlined dense options-dense"
                )
            metrics = dict(charts.METRICS)
            chooser = ui.select(metrics, value=self._metric, on_change=self._choose_metric).mark("metric")
            chooser.props('outlined dense options-dense aria-label="Metric"')
        self._heatmap = ui.echart(self._heatmap_options(), on_point_click=self._click).classes("chart").mark("heatmap")
        ui.label("Click a cell to see its equity and trades. Diamond: the best. Dots: undefined.").classes("note")

    def _heatmap_options(self) -> Options:
        if self._row["slow_period"] is None:
            return charts.profile(self._cells, self._metric, mode=self._visit.mode, shown=self._row["fast_period"])
        best = self._best if self._best["signal_period"] == self._signal else None
        return charts.heatmap(
            self._cells,
            self._metric,
            mode=self._visit.mode,
            shown=(self._row["fast_period"], self._row["slow_period"]),
            best=None if best is None else (best["fast_period"], best["slow_period"]),
        )

    async def _redraw_heatmap(self) -> None:
        await self._read_cells()
        _replace(self._heatmap, self._heatmap_options())

    async def _read_cells(self) -> None:
        async with self._visit.database.reading() as session:
            self._cells = await views.cells(
                session, self._run.id, self._ticker.ticker, self._metric, signal=self._signal
            )

    async def _choose_metric(self, change: events.ValueChangeEventArguments[Any]) -> None:
        self._metric = change.value
        await self._redraw_heatmap()

    async def _choose_signal(self, change: events.ValueChangeEventArguments[Any]) -> None:
        self._signal = change.value
        await self._redraw_heatmap()

    async def _click(self, click: events.EChartPointClickEventArguments) -> None:
        if click.series_index != 0:
            return
        if self._row["slow_period"] is None:
            await self.show(Windows(int(click.name), None, None))
            return
        place: Any = click.data
        x, y = int(place[0]), int(place[1])
        slows = sorted({cell["slow_period"] for cell in self._cells})
        fasts = sorted({cell["fast_period"] for cell in self._cells})
        await self.show(Windows(fasts[y], slows[x], self._signal))

    def _show_head(self) -> None:
        row = self._row
        which = "the best" if row["rank"] == 1 else f"rank {row['rank']:,}"
        self._headline.set_text(f"{row['strategy_type']} {figures.windows(row)}, {which}")
        self._figures.set_text(
            f"Return {figures.percent(row['total_return_pct'])}, Sharpe {figures.ratio(row['sharpe_ratio'])}, "
            f"drawdown {figures.percent(row['max_drawdown_pct'])}, {figures.count(row['total_trades'])} trades"
        )

    async def _replay(self) -> None:
        row = self._row
        self._waiting.set_visibility(True)
        try:
            found = await asyncio.to_thread(
                views.replay, self._run.parameters, self._ticker.summary, row, data_dir=self._visit.settings.data_dir
            )
        except SteelyardError as refused:
            self._problem.set_text(refused.message)
            self._problem.set_visibility(True)
            return
        except Exception as defect:  # noqa: BLE001 - a timer has no caller to tell
            tell(defect)
            return
        finally:
            self._waiting.set_visibility(False)
        if row is not self._row:
            return  # another cell was clicked meanwhile
        self._problem.set_visibility(False)
        _replace(self._curve, charts.equity(found, mode=self._visit.mode))
        self._trades.options["rowData"] = grids.trades_grid(found["trades"])["rowData"]
        self._trades.update()


def _replace(chart: ui.echart, options: Options) -> None:
    chart.options.clear()
    chart.options.update(options)
    chart.update()
