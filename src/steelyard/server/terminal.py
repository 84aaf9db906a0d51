"""What commands share that run jobs or write files: the parts of a process, a progress bar, whole files."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from steelyard.infra.jobs_store import JobEvent
from steelyard.infra.settings import get_settings

if TYPE_CHECKING:
    from steelyard.server.parts import Parts

Made = TypeVar("Made")


def with_parts(work: Callable[[Parts], Awaitable[Made]], *, works: bool = False) -> Made:
    """What ``work`` makes with the parts of a process, which has a worker if it ``works``."""

    async def go() -> Made:
        from steelyard.server.parts import running  # noqa: PLC0415 - `steelyard --help` must not wait for the engines

        async with running(get_settings(), works=works) as parts:
            return await work(parts)

    return asyncio.run(go())


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[JobEvent], None]]:
    """A bar on the terminal's error stream, so that standard output stays clean; none where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rebalancing", total=100)
        yield lambda event: bar.update(task, completed=event.percent, description=event.message or "rebalancing")


@contextmanager
def writing(path: Path | None) -> Iterator[Callable[[str], object]]:
    """To standard output, or to a file that is there whole or not at all."""
    if path is None:
        yield sys.stdout.write
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.part")
    try:
        with half.open("w", newline="", encoding="utf-8") as file:
            yield file.write
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
