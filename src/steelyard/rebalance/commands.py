"""`steelyard simulate` and `steelyard analyze`: a request from a file, the answer as tables or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steelyard.core.errors import InvalidInputError, TooLargeError

if TYPE_CHECKING:
    from steelyard.rebalance.result import RebalanceResult

REQUEST_BYTES_MAX = 100_000_000
"""Size of a request file, in bytes."""

_FAULTS_SHOWN_MAX = 10

RequestFile = Annotated[Path, typer.Argument(help="The request as JSON; - reads standard input.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON for programs.")]


def simulate(request: RequestFile, as_json: AsJson = False) -> None:
    """Rebalance one portfolio: the trades, the rules they were held against, and who has to look."""
    from steelyard.rebalance import api  # noqa: PLC0415 - `steelyard --help` must not wait for the engine

    result = _checked(api.simulate, read_request_file(request))
    if as_json:
        typer.echo(result.to_bytes())
    else:
        _print_result(Console(), result)


def analyze(request: RequestFile, as_json: AsJson = False) -> None:
    """Run the named what-ifs of a request side by side."""
    from steelyard.rebalance import api  # noqa: PLC0415

    batch = _checked(api.analyze, read_request_file(request))
    if as_json:
        typer.echo(batch.to_bytes())
        return
    table = _table("Scenario", "Status", "Trades", "Turnover", "Warnings")
    for name, metric in batch.comparison_metrics.items():
        turnover = metric.gross_turnover_notional_base
        warnings = ", ".join(batch.results[name].diagnostics.warnings)
        amount = f"{_figure(turnover.amount)} {turnover.currency}"
        table.add_row(name, metric.status, str(metric.security_intent_count), escape(amount), escape(warnings))
    for name, reason in batch.failed_scenarios.items():
        table.add_row(name, "[red]failed[/red]", "", "", escape(reason))
    Console().print(table)


def read_request_file(path: Path) -> bytes:
    """The bytes of a request, from a file or, for ``-``, from standard input.

    Raises:
        InvalidInputError: it cannot be read.
        TooLargeError: it has more than ``REQUEST_BYTES_MAX`` bytes.
    """
    if str(path) == "-":
        body = typer.get_binary_stream("stdin").read(REQUEST_BYTES_MAX + 1)
    else:
        try:
            with path.open("rb") as file:
                body = file.read(REQUEST_BYTES_MAX + 1)
        except OSError as failure:
            message = f"`{path}` cannot be read: {failure.strerror}"
            raise InvalidInputError(message, code="FILE_UNREADABLE") from None
    if len(body) > REQUEST_BYTES_MAX:
        raise TooLargeError(f"`{path}` is larger than {REQUEST_BYTES_MAX} bytes")
    return body


def _checked(run: Any, body: bytes) -> Any:
    try:
        return run(body)
    except InvalidInputError as refused:
        message = faults_in_words(refused.details.get("errors", [])) or refused.message
        raise InvalidInputError(message, code=refused.code, details=refused.details) from None


def faults_in_words(faults: Sequence[dict[str, Any]]) -> str:
    """The first faults of a malformed request in one sentence."""
    said = [f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in faults[:_FAULTS_SHOWN_MAX]]
    more = len(faults) - len(said)
    return "; ".join(said + [f"and {more} more"] * (more > 0))


def _print_result(console: Console, result: RebalanceResult) -> None:
    gate = result.gate_decision
    verdict = f"[bold]{result.status}[/bold]"
    console.print(verdict if gate is None else f"{verdict}: {gate.gate}, next {gate.recommended_next_step}")
    before = {one.instrument_id: one.weight for one in result.before.positions}
    after = {one.instrument_id: one.weight for one in result.after_simulated.positions}
    weights = _table("Instrument", "Before", "Model", "Target", "After", "Why")
    for target in result.target.targets:
        name = target.instrument_id
        shares = (before.get(name), target.model_weight, target.final_weight, after.get(name))
        weights.add_row(escape(name), *map(_percent, shares), ", ".join(target.tags))
    _print_filled(console, weights)
    _print_filled(console, _intents(result))
    rules = _table("Rule", "Status", "Measured", "Reason")
    for rule in result.rule_results:
        colour = "green" if rule.status == "PASS" else "red"
        status = f"[{colour}]{rule.status}[/{colour}] {rule.severity}"
        rules.add_row(rule.rule_id, status, _figure(rule.measured), rule.reason_code)
    _print_filled(console, rules)
    quality = result.diagnostics.data_quality
    _print_list(console, "warnings", result.diagnostics.warnings)
    for name in ("price_missing", "fx_missing", "shelf_missing"):
        _print_list(console, name, sorted(set(getattr(quality, name))))


def _intents(result: RebalanceResult) -> Table:
    table = _table("Order", "What", "Quantity", "Notional", "Waits for", "Why")
    for intent in result.to_dict()["intents"]:
        after = ", ".join(intent["dependencies"])
        why = intent["rationale"]["code"]
        if intent["intent_type"] == "FX_SPOT":
            what = f"FX buy {intent['buy_currency']} sell {intent['sell_currency']}"
            bought = f"{_figure(Decimal(intent['buy_amount']))} {intent['buy_currency']}"
            row = (intent["intent_id"], what, "", bought, after, why)
        else:
            what, notional = f"{intent['side']} {intent['instrument_id']}", intent["notional"]
            amount = f"{_figure(Decimal(notional['amount']))} {notional['currency']}"
            row = (intent["intent_id"], what, intent["quantity"], amount, after, why)
        table.add_row(*map(escape, row))
    return table


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        is_number = column in {"Before", "Model", "Target", "Quantity", "Notional", "Measured", "Trades", "Turnover"}
        table.add_column(column, overflow="fold", justify="right" if is_number else "left")
    return table


def _print_filled(console: Console, table: Table) -> None:
    if table.row_count:
        console.print(table)


def _print_list(console: Console, title: str, items: Sequence[str]) -> None:
    if items:
        console.print(f"{title}: {escape(', '.join(items))}")


def _percent(share: Decimal | None) -> str:
    return "" if share is None else f"{share * 100:.2f} %"


def _figure(value: Decimal) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")
