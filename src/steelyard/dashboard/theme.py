"""The look: one palette, light and dark, for the style sheet and the charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

Mode = Literal["light", "dark"]

MODE_COOKIE = "steelyard_mode"
"""Holds ``light`` or ``dark``; written by the browser, worth nothing to anyone else."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one mode.

    Attributes:
        ground, surface, raised: behind the page, of a card, of what lies on a card.
        ink, soft, faint: of text, from most to least important.
        line: of borders and grid lines.
        steel: the accent: what can be clicked, and the strategy in every chart.
        brass: the mark of what is selected.
        passive: buy-and-hold in every chart.
        good, doubtful, bad: of verdicts and states, with ``*_wash`` behind text in that colour.
        low, middle, high: the ends and the middle of a diverging scale; told apart without red against green.
    """

    ground: str
    surface: str
    raised: str
    ink: str
    soft: str
    faint: str
    line: str
    steel: str
    brass: str
    passive: str
    good: str
    good_wash: str
    doubtful: str
    doubtful_wash: str
    bad: str
    bad_wash: str
    low: str
    middle: str
    high: str


PALETTES: Mapping[Mode, Palette] = {
    "light": Palette(
        ground="#f3f5f5",
        surface="#ffffff",
        raised="#f7f9f9",
        ink="#15212b",
        soft="#4d5b67",
        faint="#6b7883",
        line="#dfe4e6",
        steel="#1c5d88",
        brass="#a06f1c",
        passive="#8b96a0",
        good="#176b4e",
        good_wash="#e2f2ea",
        doubtful="#8a5a0b",
        doubtful_wash="#faf0dc",
        bad="#a3342c",
        bad_wash="#fae6e3",
        low="#b04f24",
        middle="#f1eee6",
        high="#11606f",
    ),
    "dark": Palette(
        ground="#0e141a",
        surface="#161e26",
        raised="#1c2630",
        ink="#e4eaef",
        soft="#a7b3bd",
        faint="#82909c",
        line="#28333d",
        steel="#6cb2de",
        brass="#dcab58",
        passive="#7d8a95",
        good="#5cc79a",
        good_wash="#16322a",
        doubtful="#e2a94f",
        doubtful_wash="#382c17",
        bad="#ec8a80",
        bad_wash="#3b2220",
        low="#dd7c48",
        middle="#27323b",
        high="#3fb3c2",
    ),
}


def mode_of(cookies: Mapping[str, str]) -> Mode:
    """The mode that a browser asked for; light for one that never did."""
    return "dark" if cookies.get(MODE_COOKIE) == "dark" else "light"


def css_variables(mode: Mode) -> str:
    """The palette as custom properties, ``--ground`` to ``--high``."""
    colours = asdict(PALETTES[mode])
    return ":root{" + "".join(f"--{name.replace('_', '-')}:{value};" for name, value in colours.items()) + "}"
