"""The verdict: what the figures of luck control say, in plain words, with the numbers behind each sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from steelyard.research.luck import BARS_MIN, Luck

Level = Literal["holds_up", "inconclusive", "likely_luck", "not_tested"]

EVIDENCE = 0.95
"""A Deflated Sharpe Ratio from here on is taken for evidence: on worthless trials at most 5 % reach it."""
PBO_LOW = 0.2
PBO_EVEN = 0.5
HEADLINES: Mapping[Level, str] = {
    "holds_up": "The best combination holds up: luck is an unlikely explanation of its result.",
    "inconclusive": "Inconclusive: there may be something, but luck cannot be ruled out.",
    "likely_luck": "Probably luck: the search alone explains a result as good as this one.",
    "not_tested": "Not tested for luck.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A level for programs, a headline and reasons for people."""

    level: Level
    headline: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"- {reason}" for reason in self.reasons)])


def judge(
    luck: Luck,
    *,
    bars: int,
    annual: float,
    out_of_sample: Mapping[str, float],
    below_min_trades: bool,
    min_trades: int,
) -> Verdict:
    """Weigh the figures.

    Args:
        luck: of the sweep.
        bars: T.
        annual: square root of the periods per year, turns ratios per bar into those of the table.
        out_of_sample: the walk-forward row; NaN where there was none.
        below_min_trades: whether even the best combination traded too little.
        min_trades: what was asked for.
    """
    level = _level(luck, out_of_sample["total_return_pct"], below_min_trades)
    reasons = [*_thin_evidence(luck, bars, below_min_trades, min_trades), *_deflation(luck, annual)]
    reasons += [*_overfitting(luck), *_walk(out_of_sample)]
    return Verdict(level, HEADLINES[level], tuple(reasons))


def _level(luck: Luck, out_of_sample_return: float, below_min_trades: bool) -> Level:
    if math.isnan(luck.deflated_sharpe):
        return "not_tested"
    if luck.deflated_sharpe < 0.5 or luck.pbo >= PBO_EVEN:
        return "likely_luck"
    proven = luck.deflated_sharpe >= EVIDENCE and not luck.pbo > PBO_LOW and not out_of_sample_return <= 0
    return "holds_up" if proven and not below_min_trades else "inconclusive"


def _thin_evidence(luck: Luck, bars: int, below_min_trades: bool, min_trades: int) -> list[str]:
    reasons = []
    if bars < BARS_MIN:
        reasons.append(f"The series has {bars:,} bars; at least {BARS_MIN} are needed to say anything about luck.")
    if below_min_trades:
        reasons.append(f"No combination traded at least {min_trades} times; the best of the others is shown.")
    if luck.examined and luck.examined < luck.combinations:
        reasons.append(
            f"Luck was examined on an even sample of {luck.examined:,} of the {luck.combinations:,} combinations."
        )
    return reasons


def _deflation(luck: Luck, annual: float) -> list[str]:
    if luck.over_cash is None or luck.over_passive is None:
        return []
    cash, passive = luck.over_cash, luck.over_passive
    searched = (
        f"{luck.combinations:,} combinations were tried, worth about {cash.independent_trials:.0f} independent ones"
        if luck.combinations > 1
        else "One combination was tried"
    )
    over_cash = (
        f"{searched}. By luck alone the best of so many would show a Sharpe ratio of about "
        f"{cash.luck_sharpe * annual:.2f} a year; the best here shows {cash.sharpe * annual:.2f}. "
        f"Probability that it truly beats cash: {_percent(cash.probability)}."
    )
    over_passive = (
        f"Beside holding the asset at the same average exposure, its timing shows {passive.sharpe * annual:.2f} where "
        f"luck alone would show about {passive.luck_sharpe * annual:.2f}. "
        f"Probability that the timing truly adds anything: {_percent(passive.probability)}."
    )
    deflated = (
        f"Deflated Sharpe Ratio, the smaller of the two: {_percent(luck.deflated_sharpe)}; "
        f"evidence begins at {_percent(EVIDENCE)}."
    )
    return [over_cash, over_passive, deflated]


def _overfitting(luck: Luck) -> list[str]:
    if luck.cross_validation is None:
        return []
    splits = f"{len(luck.cross_validation.logits):,}"
    sentence = (
        f"Probability of overfitting {_percent(luck.pbo)}: in so many of {splits} ways to split the history, the "
        "winner of one half ended in the worse half of the field in the other (pure luck gives about 50 %). "
        f"In {_percent(luck.cross_validation.loss_probability)} it lost money there."
    )
    return [sentence]


def _walk(row: Mapping[str, float]) -> list[str]:
    if math.isnan(row["total_return_pct"]):
        return ["The history is too short for a walk-forward analysis with these windows."]
    sentence = (
        f"Chosen on the past only and held through the bars that followed, it returned {row['total_return_pct']:.1f} % "
        f"(Sharpe ratio {row['sharpe_ratio']:.2f}); buy-and-hold returned {row['buy_and_hold_return_pct']:.1f} % over "
        "the same bars."
    )
    return [sentence]


def _percent(share: float) -> str:
    if 0 < share < 0.001 or 0.999 < share < 1:
        return "under 0.1 %" if share < 0.5 else "over 99.9 %"
    return f"{share * 100:.1f} %"
