"""How verdicts and luck are shown: a badge, a card in plain words, and the figures behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.shell import Tone, badge, tile, words
from steelyard.research.verdict import EVIDENCE, PBO_EVEN, PBO_LOW

_BADGES: Mapping[str, tuple[str, Tone]] = {
    "holds_up": ("Holds up", "good"),
    "inconclusive": ("Inconclusive", "doubtful"),
    "likely_luck": ("Probably luck", "bad"),
    "not_tested": ("Not tested", "neutral"),
}

Summary = Mapping[str, Any]


def verdict_badge(summary: Summary) -> None:
    """The verdict in a word or two."""
    text, tone = _BADGES[summary["verdict"]["level"]]
    badge(text, tone)


def synthetic_badge(summary: Summary) -> None:
    """A badge where a generator made the prices; nothing where they are real."""
    if summary["metadata"]["data"]["synthetic"]:
        badge("Synthetic prices", "doubtful")


def verdict_card(summary: Summary) -> None:
    """The headline and the reasons."""
    verdict = summary["verdict"]
    with ui.element("section").classes(f"card verdict is-{verdict['level']}"):
        words("h2", verdict["headline"])
        if verdict["reasons"]:
            with ui.element("ul"):
                for reason in verdict["reasons"]:
                    words("li", reason)


def luck_tiles(summary: Summary) -> None:
    """The figures of luck control, each with what it means."""
    luck, walked, best = summary["luck"], summary["out_of_sample"], summary["best"]
    cash, passive = luck.get("over_cash") or {}, luck.get("over_passive") or {}
    decisive = min((cash, passive), key=lambda part: part.get("probability", 0.0))
    with ui.element("section").classes("tiles").props('aria-label="Luck"'):
        tile(
            "Deflated Sharpe Ratio",
            figures.share(summary["deflated_sharpe"]),
            f"Over cash {figures.share(cash.get('probability'))}, over passive "
            f"{figures.share(passive.get('probability'))}. Evidence begins at {figures.share(EVIDENCE, 0)}.",
            _tone(summary["deflated_sharpe"], good=EVIDENCE, bad=0.5),
        )
        tile(
            "Probability of overfitting",
            figures.share(summary["pbo"]),
            f"Of {figures.count(luck.get('splits'))} splits of the history. Pure luck gives about 50 %.",
            _tone(summary["pbo"], good=PBO_LOW, bad=PBO_EVEN),
        )
        tile(
            "Independent trials",
            figures.count(decisive.get("independent_trials")),
            f"Over cash {figures.count(cash.get('independent_trials'))}, over passive "
            f"{figures.count(passive.get('independent_trials'))}: what {figures.count(luck['combinations'])} "
            "combinations amount to, for neighbours trade alike.",
        )
        tile(
            "Walk-forward Sharpe",
            figures.ratio(walked["sharpe_ratio"]),
            f"Chosen on the past, held through {figures.count(walked['folds'])} later spans. "
            f"The best in hindsight: {figures.ratio(best['sharpe_ratio'])}.",
            _tone(walked["sharpe_ratio"], good=0.0, bad=0.0),
        )
        tile(
            "Out-of-sample return",
            figures.percent(walked["total_return_pct"]),
            f"Buy and hold over the same bars: {figures.percent(walked['buy_and_hold_return_pct'])}.",
            _beside(walked["total_return_pct"], walked["buy_and_hold_return_pct"]),
        )
        tile(
            "Best in hindsight",
            figures.percent(best["total_return_pct"]),
            f"Windows {figures.windows(best)}. Buy and hold: "
            f"{figures.percent(summary['buy_and_hold']['total_return_pct'])}.",
        )


def _tone(value: float | None, *, good: float, bad: float) -> Tone:
    """Good from ``good`` on towards the better end, bad from ``bad`` on towards the other."""
    if value is None:
        return "neutral"
    sign = 1 if good >= bad else -1
    if sign * value >= sign * good:
        return "good"
    return "bad" if sign * value <= sign * bad else "doubtful"


def _beside(own: float | None, passive: float | None) -> Tone:
    if own is None or passive is None:
        return "neutral"
    return "good" if own > max(passive, 0) else "bad" if own <= 0 else "doubtful"
