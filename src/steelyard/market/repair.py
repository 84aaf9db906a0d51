"""Repairs that an importer may ask for; each says what it did, bar by bar."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from steelyard.market.quality import PRICE_COLUMNS, find_defects

if TYPE_CHECKING:
    import pandas as pd

REPAIRS_LISTED_MAX = 100
"""Sentences about one symbol; a last one counts the rest."""


class Repair(StrEnum):
    """What to do with bars that are refused otherwise."""

    SORT = "sort"
    DROP_DUPLICATES = "drop-duplicates"
    DROP_BAD_ROWS = "drop-bad-rows"


_CODES = {
    "NOT_SORTED": (Repair.SORT, "sorted"),
    "DUPLICATE_TIMESTAMP": (Repair.DROP_DUPLICATES, "the earlier bar was dropped"),
    "NOT_A_NUMBER": (Repair.DROP_BAD_ROWS, "dropped"),
    "NOT_POSITIVE": (Repair.DROP_BAD_ROWS, "dropped"),
    "NOT_A_TIME": (Repair.DROP_BAD_ROWS, "dropped"),
}


def repair(frame: pd.DataFrame, repairs: Collection[Repair]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The frame with the asked-for repairs done, and a sentence about each bar concerned.

    Bad rows go first, then the rest is sorted by time (bars of one time stay in their order), then
    of several bars of one time the last is kept.
    """
    done = [
        f"{defect.sentence.removesuffix('.')}: {_CODES[defect.code][1]}."
        for defect in find_defects(frame)
        if defect.code in _CODES and _CODES[defect.code][0] in repairs
    ]
    if Repair.DROP_BAD_ROWS in repairs:
        prices = frame[[name for name in PRICE_COLUMNS if name in frame]].to_numpy(np.float64)
        good = (np.isfinite(prices) & (prices > 0)).all(axis=1) & frame["ts"].notna().to_numpy()
        frame = frame[good]
    if Repair.SORT in repairs:
        frame = frame.sort_values("ts", kind="stable")
    if Repair.DROP_DUPLICATES in repairs:
        frame = frame[~frame["ts"].duplicated(keep="last")]
    if (more := len(done) - REPAIRS_LISTED_MAX) > 0:
        done[REPAIRS_LISTED_MAX:] = [f"{more} more repairs."]
    return frame.reset_index(drop=True), tuple(done)
