"""What every page has: the head, the header with navigation, the column that holds the content, and small parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import structlog
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from steelyard._version import __version__
from steelyard.core.errors import SteelyardError
from steelyard.dashboard.install import ASSETS_URL
from steelyard.dashboard.theme import MODE_COOKIE, PALETTES, Mode, css_variables
from steelyard.dashboard.visit import Visit

log = structlog.get_logger(__name__)

Tone = Literal["good", "doubtful", "bad", "neutral", "busy"]

NAVIGATION = (
    ("Sweeps", "/"),
    ("Models", "/models"),
    ("Books", "/books"),
    ("Rebalances", "/rebalances"),
    ("Proposals", "/proposals"),
    ("Jobs", "/jobs"),
    ("Data", "/data"),
    ("API reference", "/docs"),
)
DEFECT = "Steelyard met a defect of its own; the log says more."

# A browser's first visit settles the mode by what its system prefers; from then on the cookie does.
_FIRST_VISIT = (
    f"if(!document.cookie.includes('{MODE_COOKIE}=')){{"
    "const d=matchMedia('(prefers-color-scheme: dark)').matches;"
    f"document.cookie='{MODE_COOKIE}='+(d?'dark':'light')+';path=/;max-age=31536000;samesite=lax';"
    f"if(d&&document.cookie.includes('{MODE_COOKIE}='))location.reload()}}"
)
_OTHER_MODE = "document.cookie='{cookie}={mode};path=/;max-age=31536000;samesite=lax';location.reload()"


@contextmanager
def shell(visit: Visit, active: str) -> Iterator[None]:
    """A page for a visitor: ``active`` is the address of the navigation's current entry."""
    head(visit.mode)
    _tell_what_goes_wrong()
    with ui.element("header").classes("top"), ui.element("div").classes("top-in"):
        _brand()
        with ui.element("nav").classes("nav").props('aria-label="Main"'):
            for name, target in NAVIGATION:
                link = ui.link(name, target).classes("nav-link")
                if target == active:
                    link.classes("is-active").props('aria-current="page"')
        ui.element("div").classes("grow")
        _mode_switch(visit.mode)
        if visit.has_session:
            with ui.element("form").props("action=/logout method=post").classes("logout"):
                ui.label(visit.principal.tenant).classes("tenant")
                words("button", "Log out").props("type=submit").classes("quiet")
    with ui.element("div").classes("page"):
        yield


@contextmanager
def bare_shell(mode: Mode) -> Iterator[None]:
    """A page without navigation, for those who are not in."""
    head(mode)
    with ui.element("header").classes("top"), ui.element("div").classes("top-in"):
        _brand()
        ui.element("div").classes("grow")
        _mode_switch(mode)
    with ui.element("div").classes("page narrow"):
        yield


def head(mode: Mode) -> None:
    """Style sheet, colours and mode."""
    palette = PALETTES[mode]
    ui.add_head_html(f"<script>{_FIRST_VISIT}</script><style>{css_variables(mode)}</style>")
    ui.add_head_html(f'<link rel="stylesheet" href="{ASSETS_URL}/steelyard.css?v={__version__}">')
    ui.dark_mode(value=mode == "dark")
    ui.colors(primary=palette.steel, negative=palette.bad, positive=palette.good, warning=palette.doubtful)


def words(tag: str, text: str) -> TextElement:
    """An element that holds text, and only ever as text."""
    return TextElement(tag=tag, text=text)


def title(text: str, note: str = "") -> None:
    """The page's headline, with a line beneath."""
    with ui.element("div").classes("title"):
        words("h1", text)
        if note:
            ui.label(note).classes("note")


def cell(name: str, text: str = "", *, is_number: bool = False) -> TextElement:
    """A table cell; on a phone, where rows become cards, ``name`` stands above it."""
    element = words("td", text).classes("num" if is_number else "")
    element.props["data-name"] = name
    return element


@contextmanager
def card(headline: str = "", note: str = "", *, classes: str = "") -> Iterator[None]:
    """A framed part of a page; ``headline`` and ``note`` are plain text."""
    with ui.element("section").classes(f"card {classes}"):
        if headline:
            words("h2", headline)
        if note:
            ui.label(note).classes("note")
        yield


def badge(text: str, tone: Tone = "neutral") -> ui.label:
    """A word in a pill."""
    return ui.label(text).classes(f"badge tone-{tone}")


def tile(name: str, value: str, explanation: str, tone: Tone = "neutral") -> ui.label:
    """A figure with its name and one sentence; returns the figure."""
    with ui.element("div").classes("tile"):
        ui.label(name).classes("tile-name")
        figure = ui.label(value).classes(f"tile-value ink-{tone}")
        ui.label(explanation).classes("tile-text")
    return figure


def facts(pairs: list[tuple[str, str]]) -> None:
    """Names and values in two columns."""
    with ui.element("dl").classes("facts"):
        for name, value in pairs:
            words("dt", name)
            words("dd", value)


def tell(error: Exception) -> None:
    """Show what an action met, in the words of the error; of a defect nothing of the inside."""
    if isinstance(error, SteelyardError) and error.http_status != 500:
        ui.notify(error.message, type="negative", position="top", timeout=8000, close_button="Close")
        return
    log.error("dashboard_defect", exc_info=error)
    ui.notify(DEFECT, type="negative", position="top", timeout=8000, close_button="Close")


def _tell_what_goes_wrong() -> None:
    ui.on_exception(tell)


def _brand() -> None:
    with ui.link(target="/").classes("brand"):
        ui.image(f"{ASSETS_URL}/favicon.svg").classes("brand-mark").props("no-spinner no-transition")
        ui.label("Steelyard")


def _mode_switch(mode: Mode) -> None:
    other = "light" if mode == "dark" else "dark"
    with (
        ui.element("button")
        .classes("quiet icon")
        .props(f'type=button aria-label="Switch to {other} mode"')
        .on("click", js_handler=f"() => {{{_OTHER_MODE.format(cookie=MODE_COOKIE, mode=other)}}}")
    ):
        ui.icon("light_mode" if mode == "dark" else "dark_mode", size="18px")
