"""Which order waits for which, as a graph in three columns: sales, exchanges, purchases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.chart_parts import Options, base, tooltip
from steelyard.dashboard.dpm_figures import amount, money
from steelyard.dashboard.dpm_trades import order_name, side_of
from steelyard.dashboard.shell import card
from steelyard.dashboard.theme import PALETTES, Mode, Palette

NODES_MAX = 24
"""Orders of a graph; those that wait or are waited for come first, in the order of execution."""
ROW_PX = 54
FRAME_PX = 40
BOX_PX = 40
WIDE_PX, NARROW_PX = 196, 102
"""Height of a box, and its width on a wide and on a narrow chart."""
NARROW_CHART_PX = 660

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
    if not any(one["dependencies"] for one in intents):
        with card("Order of execution", "No order waits for another: all of them may be sent at once."):
            return
    graph = order_graph(intents)
    note = "An arrow leads to an order that waits for the one before it."
    if graph.left_out:
        note += f" {figures.counted(graph.left_out, 'more order')} in the table above."
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
    axis = {"axisLine": {"show": False}, "axisTick": {"show": False}, "splitLine": {"show": False}}
    places = {node.intent_id: [node.column, node.row] for node in graph.nodes}
    labels = [
        {
            "name": f"{node.name}\n{node.amount}", "value": places[node.intent_id],
            "label": {"formatter": f"{{name|{_plain(node.name)}}}\n{{amount|{_plain(node.amount)}}}"},
        }
        for node in graph.nodes
    ]  # fmt: skip
    boxes = [{"value": places[node.intent_id], "itemStyle": {"color": colours[node.column]}} for node in graph.nodes]
    drawn: Options = {"type": "custom", "silent": True, "tooltip": {"show": False}, "clip": False}
    return {
        "baseOption": {
            **base(palette),
            "aria": {"enabled": True, "label": {"description": f"Which of {len(graph.nodes)} orders waits for which"}},
            "grid": {"left": 0, "right": 0, "top": 28, "bottom": 4},
            "xAxis": axis | {
                "type": "category", "position": "top", "data": list(_TITLES),
                "axisLabel": {"color": palette.soft, "fontSize": 12, "fontWeight": 600, "interval": 0, "margin": 6},
            },
            "yAxis": axis | {
                "type": "value", "inverse": True, "min": -0.5, "max": max(graph.rows, 1) - 0.5,
                "axisLabel": {"show": False},
            },
            "tooltip": {**tooltip(palette), ":formatter": "p => p.name"},
            "series": [
                drawn | {
                    "z": 1, "itemStyle": {"color": palette.faint}, ":renderItem": _ARROW,
                    "data": [[*places[first], *places[then]] for first, then in graph.edges],
                },
                drawn | {"z": 2, "data": boxes, ":renderItem": _BOX.replace("SURFACE", palette.surface)},
                {
                    "type": "scatter", "z": 3, "cursor": "default", "data": labels, "symbol": "rect",
                    "itemStyle": {"color": "transparent"}, **_label(palette, WIDE_PX),
                },
            ],
        },
        "media": [
            {"query": {"maxWidth": NARROW_CHART_PX}, "option": {"series": [{}, {}, _label(palette, NARROW_PX)]}},
            {"option": {"series": [{}, {}, _label(palette, WIDE_PX)]}},
        ],
    }  # fmt: skip


def _label(palette: Palette, width: int) -> Options:
    """What is written in a box, and where the pointer finds it."""
    part = {"width": width - 10, "overflow": "truncate", "align": "center"}
    return {
        "symbolSize": [width, BOX_PX],
        "label": {
            "show": True,
            "position": "inside",
            "rich": {
                "name": {**part, "color": palette.ink, "fontSize": 12, "fontWeight": 600, "lineHeight": 16},
                "amount": {**part, "color": palette.soft, "fontSize": 11, "lineHeight": 15},
            },
        },
    }


def _size(intent: Mapping[str, Any]) -> str:
    if intent["intent_type"] == "FX_SPOT":
        return f"{amount(intent['buy_amount'])} {intent['buy_currency']}"
    return money(intent["notional"])


def _plain(text: str) -> str:
    """Text that means itself in a rich label."""
    return text.replace("{", "(").replace("}", ")").replace("|", "/")


_HALF = f"const half = (api.getWidth() <= {NARROW_CHART_PX} ? {NARROW_PX} : {WIDE_PX}) / 2;"
_BOX = f"""(params, api) => {{
  {_HALF}
  const [x, y] = api.coord([api.value(0), api.value(1)]);
  return {{type: 'rect', shape: {{x: x - half, y: y - {BOX_PX // 2}, width: 2 * half, height: {BOX_PX}, r: 7}},
    style: {{fill: 'SURFACE', stroke: api.visual('color'), lineWidth: 1.5}}}};
}}"""
_ARROW = f"""(params, api) => {{
  {_HALF}
  const [x1, y1] = api.coord([api.value(0), api.value(1)]), [x2, y2] = api.coord([api.value(2), api.value(3)]);
  const from = x1 + half, to = x2 - half - 2, bend = (to - from) * 0.45, colour = api.visual('color');
  return {{type: 'group', children: [
    {{type: 'bezierCurve', style: {{stroke: colour, fill: 'none', lineWidth: 1.2}},
      shape: {{x1: from, y1, x2: to - 4, y2, cpx1: from + bend, cpy1: y1, cpx2: to - bend, cpy2: y2}}}},
    {{type: 'polygon', style: {{fill: colour}}, shape: {{points: [[to, y2], [to - 7, y2 - 4], [to - 7, y2 + 4]]}}}},
  ]}};
}}"""
