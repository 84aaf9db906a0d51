"""Which order waits for which, as a graph in three columns: sales, exchanges, purchases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from steelyard.dashboard.chart_parts import Options, base, faded, tooltip
from steelyard.dashboard.dpm_figures import amount, money
from steelyard.dashboard.dpm_trades import order_name, side_of
from steelyard.dashboard.shell import card
from steelyard.dashboard.theme import PALETTES, Mode

NODES_MAX = 60
"""Orders of a graph; those that wait or are waited for come first."""
ROW_PX = 54
FRAME_PX = 40
NARROW_PX = 620
"""Below this width of the chart its nodes are narrow."""

COLUMNS = ("SELL", "FX", "BUY")
_TITLES = ("1  Sell", "2  Exchange", "3  Buy")


@dataclass(frozen=True, slots=True)
class Node:
    """An order and its place: ``column`` of :data:`COLUMNS`, ``row`` from the top, in halves."""

    intent_id: str
    name: str
    amount: str
    column: int
    row: float


@dataclass(frozen=True, slots=True)
class Graph:
    """Orders, who waits for whom as (first, then), and how many orders were left out."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    left_out: int

    @property
    def rows(self) -> int:
        """Rows of the longest column."""
        return max((sum(node.column == column for node in self.nodes) for column in range(len(COLUMNS))), default=0)


def show_graph(result: Mapping[str, Any], *, mode: Mode) -> None:
    """Draw the card; nothing where there is at most one order."""
    intents = result["intents"]
    if len(intents) < 2:
        return
    graph = order_graph(intents)
    if not graph.edges:
        with card("Order of execution", "No order waits for another: all of them may be sent at once."):
            return
    note = "An arrow leads to an order that waits for the one before it."
    if graph.left_out:
        note += f" {graph.left_out:,} orders that nothing waits for are not drawn."
    with card("Order of execution", note):
        chart = ui.echart(graph_chart(graph, mode=mode)).classes("chart").mark("graph")
        chart.style(f"height: {FRAME_PX + ROW_PX * graph.rows}px")


def order_graph(intents: Sequence[Mapping[str, Any]]) -> Graph:
    """The graph of at most ``NODES_MAX`` orders; an edge to an order that is not drawn is not drawn either."""
    known = {one["intent_id"] for one in intents}
    edges = [(first, one["intent_id"]) for one in intents for first in one["dependencies"] if first in known]
    tied = {end for edge in edges for end in edge}
    chosen = sorted(intents, key=lambda one: one["intent_id"] not in tied)[:NODES_MAX]
    columns = [[one for one in chosen if side_of(one) == side] for side in COLUMNS]
    rows = max(map(len, columns), default=0)
    nodes = tuple(
        Node(one["intent_id"], order_name(one), _size(one), place, row + (rows - len(column)) / 2)
        for place, column in enumerate(columns)
        for row, one in enumerate(column)
    )
    drawn = {node.intent_id for node in nodes}
    kept = tuple(edge for edge in edges if set(edge) <= drawn)
    return Graph(nodes, kept, len(intents) - len(chosen))


def graph_chart(graph: Graph, *, mode: Mode) -> Options:
    """Boxes on a grid of three columns, arrows from left to right; narrow boxes on a narrow screen."""
    palette = PALETTES[mode]
    colours = (palette.doubtful, palette.steel, palette.good)
    nodes = [
        {
            "id": node.intent_id, "name": f"{node.name}\n{node.amount}", "value": [node.column, node.row],
            "itemStyle": {
                "color": palette.surface, "borderColor": colours[node.column], "borderWidth": 1.5,
            },
            "label": {"formatter": f"{{name|{_plain(node.name)}}}\n{{amount|{_plain(node.amount)}}}"},
        }
        for node in graph.nodes
    ]  # fmt: skip
    axis = {"axisLine": {"show": False}, "axisTick": {"show": False}, "splitLine": {"show": False}}
    series = {
        "type": "graph", "coordinateSystem": "cartesian2d", "layout": "none", "symbol": "roundRect",
        "symbolSize": [196, 40], "edgeSymbol": ["none", "arrow"], "edgeSymbolSize": 7, "cursor": "default",
        "data": nodes,
        "links": [{"source": first, "target": then} for first, then in graph.edges],
        "label": _label(palette.ink, palette.faint, 180),
        "lineStyle": {"color": faded(palette.soft, 0.75), "width": 1.2, "curveness": 0.08},
        "emphasis": {"focus": "adjacency", "lineStyle": {"width": 2, "color": palette.steel}},
    }  # fmt: skip
    return {
        "baseOption": {
            **base(palette),
            "aria": {"enabled": True, "label": {"description": f"Which of {len(graph.nodes)} orders waits for which"}},
            "grid": {"left": 0, "right": 0, "top": 28, "bottom": 4},
            "xAxis": axis | {
                "type": "category", "position": "top", "data": list(_TITLES), "offset": 0,
                "axisLabel": {"color": palette.soft, "fontSize": 12, "fontWeight": 600, "interval": 0, "margin": 6},
            },
            "yAxis": axis | {
                "type": "value", "inverse": True, "min": -0.5, "max": max(graph.rows, 1) - 0.5,
                "axisLabel": {"show": False},
            },
            "tooltip": {**tooltip(palette), ":formatter": "p => p.dataType === 'node' ? p.name : ''"},
            "series": [series],
        },
        "media": [
            {
                "query": {"maxWidth": NARROW_PX},
                "option": {
                    "series": [{"symbolSize": [102, 40], "label": _label(palette.ink, palette.faint, 94)}],
                },
            }
        ],
    }  # fmt: skip


def _label(ink: str, faint: str, width: int) -> Options:
    part = {"width": width, "overflow": "truncate", "align": "center"}
    return {
        "show": True,
        "position": "inside",
        "rich": {
            "name": {**part, "color": ink, "fontSize": 12, "fontWeight": 600, "lineHeight": 16},
            "amount": {**part, "color": faint, "fontSize": 11, "lineHeight": 15},
        },
    }


def _size(intent: Mapping[str, Any]) -> str:
    if intent["intent_type"] == "FX_SPOT":
        return f"{amount(intent['buy_amount'])} {intent['buy_currency']}"
    return money(intent["notional"])


def _plain(text: str) -> str:
    """Text that means itself in a rich label."""
    return text.replace("{", "(").replace("}", ")").replace("|", "/")
