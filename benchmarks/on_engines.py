"""A benchmark on SQLite and, where a server lets us in, on PostgreSQL in a database of our own that is dropped again.

Each engine runs in a process of its own, so that its peak memory is its own.  Not a benchmark by
itself; `book.py` and `dpm_book.py` use it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg

SERVERS = ("postgresql://root@127.0.0.1:5432/postgres", "postgresql://postgres@127.0.0.1:5432/postgres")

Figures = dict[str, float]


def run_on_engines(
    *,
    of: str,
    default: int,
    description: str | None,
    fill: Callable[[str, int], Coroutine[Any, Any, None]],
    measure: Callable[[str, int], Coroutine[Any, Any, Figures]],
) -> None:
    """Run the benchmark that was started, and print its figures.

    Args:
        of: what there is a number of, the name of its option.
        default: that number.
        description: for ``--help``.
        fill: puts that many into the database at a URL; not timed, and its memory is not counted.
        measure: the benchmark itself, of the database at a URL.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(f"--{of}", dest="number", type=int, default=default)
    parser.add_argument("--engine", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--at", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.at:
        print(json.dumps(asyncio.run(measure(arguments.at, arguments.number))))
        return

    def run(url: str) -> Figures:
        asyncio.run(fill(url, arguments.number))
        command = [sys.executable, sys.argv[0], "--at", url, f"--{of}", str(arguments.number)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        figures: Figures = json.loads(done.stdout.splitlines()[-1])
        return figures

    found = {}
    for engine in arguments.engine or ["sqlite", "postgresql"]:
        figures = _on_sqlite(run) if engine == "sqlite" else _on_postgresql(run)
        if figures is None:
            print("no PostgreSQL lets us in: left out")
            continue
        found[engine] = figures
        print(f"{engine}: {figures}")
    print(json.dumps(found))


def _on_sqlite(run: Callable[[str], Figures]) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        return run(f"sqlite:///{folder}/bench.db")


def _on_postgresql(run: Callable[[str], Figures]) -> Figures | None:
    server = _server()
    if server is None:
        return None
    name = f"steelyard_bench_{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            return run(f"{server.rpartition('/')[0]}/{name}")
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _server() -> str | None:
    for url in SERVERS:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            continue
        return url
    return None
