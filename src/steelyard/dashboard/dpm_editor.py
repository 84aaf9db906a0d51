"""The editor of a request: pasted, uploaded or one of the examples, with what is wrong with it beside its lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import events, ui

from steelyard.core.errors import InvalidInputError
from steelyard.dashboard import figures
from steelyard.dashboard.dpm_faults import FAULTS_MAX, Fault, explain
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import badge, card, tell, words
from steelyard.dashboard.visit import Visit
from steelyard.rebalance.demo import DEMOS, Demo, demo_named

TEXT_BYTES_MAX = 300_000
"""Bytes of a text in the editor, which come in one message; a longer one is uploaded and kept as a file."""

_TOO_MUCH_TO_PASTE = (
    "event => {"
    f" if (new Blob([event.clipboardData?.getData('text') ?? '']).size > {TEXT_BYTES_MAX})"
    " { event.preventDefault(); event.stopPropagation(); emit(); } }"
)


class RequestEditor:
    """A request as it is typed, and the file in its place where one was uploaded that is too long to show."""

    def __init__(self, visit: Visit, *, bytes_max: int | None = None) -> None:
        self._visit = visit
        self._bytes_max = bytes_max or visit.settings.body_bytes_max
        self._file: tuple[str, bytes] | None = None

    def draw(self, *, note: str, is_beside: bool = False) -> None:
        """Lay the text out; ``is_beside`` something else it is lower, and the examples are in a list to choose from."""
        with card("Request", note):
            with ui.element("div").classes("row"):
                words("button", "Upload a file").classes("quiet").props("type=button").on("click", self._pick)
                words("button", "Clear").classes("quiet").props("type=button").on("click", lambda: self.fill(""))
                if is_beside:
                    self._draw_chooser()
            self._upload = ui.upload(
                auto_upload=True,
                max_file_size=self._bytes_max,
                on_upload=self._uploaded,
                on_rejected=self._rejected,
            )
            self._upload.classes("unseen").props('accept=".json,application/json,text/plain"').mark("upload")
            self._kept = ui.element("div").classes("banner kept").props("role=status")
            self._kept.set_visibility(False)
            self._text = ui.codemirror(language="JSON", indent="  ").classes("request-text").mark("request")
            self._text.classes("is-short" if is_beside else "")
            self._text.set_theme("githubDark" if self._visit.mode == "dark" else "githubLight")
            self._text.on("paste.capture", self._paste_refused, js_handler=_TOO_MUCH_TO_PASTE)

    def place_faults(self) -> None:
        """Say what is wrong with it here; unseen while nothing is."""
        self._faults = ui.element("div").classes("parts").props("role=alert id=faults")

    def draw_examples(self) -> None:
        """Lay out the examples; a click puts one into the text."""
        with (
            card("Examples", "Made up, to see what can happen. A click puts one into the text."),
            ui.element("ul").classes("examples"),
        ):
            for demo in DEMOS:
                with ui.element("li"):
                    says = words_of(demo.status)
                    button = ui.element("button").props("type=button").classes("example")
                    button.on("click", lambda _, one=demo: self.fill_with(one))
                    with button:
                        with ui.element("span").classes("row"):
                            words("span", demo.title).classes("strong grow")
                            badge(says.short, says.tone)
                        words("span", demo.shows).classes("soft small")

    def fill_with(self, demo: Demo) -> None:
        """Put an example into the text."""
        self.fill(json.dumps(demo.request, indent=2))

    def fill(self, text: str) -> None:
        """Put ``text`` into the editor, in the place of a file too."""
        self._file = None
        self._kept.set_visibility(False)
        self._text.set_visibility(True)
        self._text.set_value(text)
        self.clear_faults()

    def body(self) -> bytes:
        """What was typed or uploaded."""
        return self._file[1] if self._file is not None else (self._text.value or "").encode()

    async def show_faults(self, errors: Sequence[Mapping[str, Any]]) -> None:
        """Say what is wrong, and mark the lines."""
        text = self.body().decode("utf-8", "replace")
        faults = await asyncio.to_thread(explain, errors, text)
        self.clear_faults()
        with self._faults, card(_count(len(errors)), "The request was not run.", classes="verdict is-bad"):
            with ui.element("ul").classes("faults").mark("faults"):
                for fault in faults:
                    with ui.element("li"):
                        self._draw_fault(fault)
            if len(errors) > FAULTS_MAX:
                ui.label(f"and {len(errors) - FAULTS_MAX:,} more").classes("note")
        if self._file is None:
            lines = sorted({fault.line for fault in faults if fault.line is not None})
            self._text.decorations = [{"kind": "line", "line": line, "class": "is-faulty"} for line in lines]
            if lines:
                self._text.reveal_line(lines[0])
        ui.run_javascript("document.getElementById('faults').scrollIntoView({behavior: 'smooth', block: 'nearest'})")

    def clear_faults(self) -> None:
        """Say no more of what was wrong."""
        self._faults.clear()
        self._text.decorations = []

    def _draw_chooser(self) -> None:
        def choose(change: events.ValueChangeEventArguments[str | None]) -> None:
            if change.value and (demo := demo_named(change.value)):
                self.fill_with(demo)

        names = {demo.name: demo.title for demo in DEMOS}
        chooser = ui.select(names, label="Take an example", on_change=choose).classes("grow from-examples")
        chooser.props("outlined dense hide-bottom-space options-dense")

    def _draw_fault(self, fault: Fault) -> None:
        if fault.line is not None and self._file is None:
            line = words("button", f"Line {fault.line:,}").classes("quiet line").props("type=button")
            line.on("click", lambda: self._text.reveal_line(fault.line or 1))
        elif fault.line is not None:
            ui.label(f"Line {fault.line:,}").classes("soft small")
        else:
            ui.label()
        with ui.element("div").classes("wrap-any"):
            ui.label(fault.place).classes("strong")
            ui.label(fault.message).classes("soft")

    async def _uploaded(self, upload: events.UploadEventArguments) -> None:
        content = await upload.file.read()
        self._upload.reset()
        if len(content) > TEXT_BYTES_MAX:
            self._keep(upload.file.name, content)
            return
        try:
            self.fill(content.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            tell(InvalidInputError(f"the file {upload.file.name[:100]!r} is not UTF-8 text: {error.reason}"))

    def _keep(self, name: str, content: bytes) -> None:
        self.fill("")
        self._file = (name, content)
        self._kept.clear()
        with self._kept:
            ui.label(f"{name[:100]}, {len(content) / 1_000_000:,.1f} MB, is too long to show. It runs as it is.")
        self._kept.set_visibility(True)
        self._text.set_visibility(False)

    def _pick(self) -> None:
        self._upload.run_method("pickFiles")

    def _rejected(self) -> None:
        tell(InvalidInputError(f"the file has more than {self._bytes_max:,} bytes, or is no JSON"))

    def _paste_refused(self) -> None:
        tell(InvalidInputError(f"that is more than {TEXT_BYTES_MAX:,} bytes; upload it as a file"))


def _count(number: int) -> str:
    return f"{figures.counted(number, 'thing')} to correct"
