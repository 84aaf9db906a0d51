"""Small frames and stores for the tests of the market room."""

from pathlib import Path

import numpy as np
import pandas as pd

from steelyard.market.manifest import Source

DESK = Source("file:desk.csv", "the desk's own prices", "CC0-1.0", "24/7")


def daily(close, first="2024-01-01", **columns):
    """One bar a day from ``first`` on."""
    times = (np.datetime64(first, "D") + np.arange(len(close))).astype("datetime64[ns]")
    return pd.DataFrame({"ts": times, "close": np.asarray(close, dtype=float), **columns})


def contents(folder: Path):
    """All files below a folder that mean something, with their bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
