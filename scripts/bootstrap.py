"""Make `.venv` hold what the lock names, with nothing but the standard library.

    python3 scripts/bootstrap.py run|dev

`run` is what the server needs, `dev` adds the tests, linters and benchmarks.  Uses uv when it is
there, otherwise venv and pip.  Done once per lock: a stamp makes the next start take milliseconds.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON_MINIMUM = (3, 11)
GROUPS = ("run", "dev")
COMPILED = re.compile(rb"numba|@(njit|kernel|helper)\b")


def main(group: str) -> None:
    """Install ``group`` and warm the compiled kernels, or return at once if that is done."""
    if sys.version_info < PYTHON_MINIMUM:
        sys.exit(f"Steelyard needs Python 3.11 or newer; this is {sys.version.split()[0]} at {sys.executable}")
    if group not in GROUPS:
        sys.exit(f"usage: bootstrap.py {'|'.join(GROUPS)}; the group was {group!r}")
    done_by_dev = group == "run" and _is_current("dev")
    if not done_by_dev and not _is_current(group):
        started = time.monotonic()
        _say(f"setting up .venv ({group}); about a minute the first time")
        _install(group)
        _stamp_file(group).write_text(_fingerprint(group))
        _say(f"dependencies ready in {time.monotonic() - started:.0f} s")
    _warm_kernels()


def _install(group: str) -> None:
    lock = str(ROOT / "requirements" / f"{group}.txt")
    uv = shutil.which("uv")
    if not (BIN / "python").exists() and not (BIN / "python.exe").exists():
        _run(
            [uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(VENV)]
            if uv
            else [sys.executable, "-m", "venv", str(VENV)]
        )
    python = str(BIN / "python")
    if uv:
        installer = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    else:
        installer = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*installer, "--no-deps", "--require-hashes", "-r", lock])
    _run([*installer, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])


def _warm_kernels() -> None:
    """Compile the Numba kernels into their cache, so that no user waits for a compiler."""
    sources = sorted((ROOT / "src" / "steelyard").rglob("*.py"))
    kernels = [path for path in sources if COMPILED.search(path.read_bytes())]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in kernels)).hexdigest()
    stamp = VENV / ".steelyard-kernels"
    if not kernels or (stamp.exists() and stamp.read_text() == digest):
        return
    started = time.monotonic()
    # Numba notices a changed file, but not a changed helper that another file compiled into its kernel.
    for stale in (ROOT / "src" / "steelyard").rglob("*.nb[ic]"):
        stale.unlink()
    for warm in sorted((ROOT / "src" / "steelyard").glob("*/warm.py")):
        _run([str(BIN / "python"), "-m", f"steelyard.{warm.parent.name}.warm"])
    stamp.write_text(digest)
    _say(f"kernels compiled in {time.monotonic() - started:.0f} s")


def _fingerprint(group: str) -> str:
    inputs = [ROOT / "requirements" / f"{group}.txt", ROOT / "pyproject.toml", Path(__file__)]
    digest = hashlib.sha256(sys.version.encode() + str(ROOT).encode())
    for path in inputs:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _stamp_file(group: str) -> Path:
    return VENV / f".steelyard-{group}"


def _is_current(group: str) -> bool:
    stamp = _stamp_file(group)
    return stamp.exists() and stamp.read_text() == _fingerprint(group)


def _run(command: list[str]) -> None:
    outcome = subprocess.run(command, check=False, cwd=ROOT)
    if outcome.returncode:
        sys.exit(f"set-up failed ({outcome.returncode}): {' '.join(command)}")


def _say(text: str) -> None:
    print(f"[setup] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "dev")
