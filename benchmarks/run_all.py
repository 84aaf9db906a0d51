"""Run every benchmark and write docs/benchmarks.md: `make bench`, or `run_all.py NAME ...` for some.

Each benchmark prints a table for people and, as its last line, one JSON object for programs.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPORT = HERE.parent / "docs" / "benchmarks.md"
RECORDS = HERE.parent / "docs" / "benchmarks"
TIMEOUT_SECONDS = 3600
_HELPERS = {"run_all", "http_load", "on_engines"}


def main(names: list[str]) -> int:
    """Run the named benchmarks (all if none) and rewrite the report; the status counts failures."""
    chosen = names or sorted(path.stem for path in HERE.glob("*.py") if path.stem not in _HELPERS)
    failures = sum(not _run(name) for name in chosen)
    _write_report()
    return failures


def _run(name: str) -> bool:
    print(f"== {name}", flush=True)
    command = [sys.executable, str(HERE / f"{name}.py")]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    print(outcome.stdout + outcome.stderr, flush=True)
    if outcome.returncode:
        return False
    lines = outcome.stdout.rstrip().splitlines()
    json.loads(lines[-1])  # a benchmark without its last line has no result
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / f"{name}.md").write_text(f"## {name}\n\n{_machine()}\n\n```\n{os.linesep.join(lines)}\n```\n")
    return True


def _machine() -> str:
    day = datetime.now(UTC).date().isoformat()
    return f"{day}, {_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, `python benchmarks/…py`"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _write_report() -> None:
    head = "# Benchmarks\n\nWritten by `make bench`; each section is one run of one file in `benchmarks/`.\n"
    sections = [path.read_text() for path in sorted(RECORDS.glob("*.md"))]
    REPORT.write_text("\n".join([head, *sections]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
