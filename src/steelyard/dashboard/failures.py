"""Why a portfolio got no orders: code, words, and the facts behind them as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from steelyard.dashboard.shell import badge, facts

FACTS_MAX = 30
"""Facts of one failure that are shown; the API has all."""

_SAID_ELSEWHERE = ("portfolioId", "portfolios", "nearest")


def show_failure(error: Mapping[str, Any], tickers: Mapping[str, str]) -> None:
    """Draw ``code, message, details`` of one portfolio."""
    with ui.element("div").classes("stack tight"):
        with ui.element("div").classes("row"):
            badge(error["code"], "bad")
        ui.label(error["message"]).classes("wrap-any")
        facts(failure_facts(error["details"], tickers))


def failure_facts(details: Mapping[str, Any], tickers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Details as names and values, those of securities under their tickers; at most ``FACTS_MAX``."""
    plain = [(_spaced(name), _text(value, tickers)) for name, value in details.items() if name not in _SAID_ELSEWHERE]
    near = [(tickers.get(one, one), _near(facts)) for one, facts in details.get("nearest", {}).items()]
    found = plain + near
    more = len(found) - FACTS_MAX
    return found if more <= 0 else [*found[:FACTS_MAX], ("and more", f"{more:,} in the API's answer")]


def _near(facts: Mapping[str, Any]) -> str:
    quantities = [f"{one['quantity']} would weigh {one['weight']}" for one in facts["quantities"]]
    return "; ".join([f"target worth {facts['targetValue']}, one unit {facts['price']}", *quantities])


def _spaced(name: str) -> str:
    """``solverStatus`` as ``Solver status``."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced[:1].upper() + spaced[1:]


def _text(value: Any, tickers: Mapping[str, str]) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{tickers.get(name, name)}: {_text(one, tickers)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(one, tickers) for one in value)
    return tickers.get(str(value), str(value))
