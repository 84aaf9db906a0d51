"""`/models/{id}`: one model: what it wants, who follows it, and what a rebalance would have them trade."""

from __future__ import annotations

from collections.abc import Awaitable

from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.core.errors import SteelyardError
from steelyard.dashboard import figures
from steelyard.dashboard.followers import Followers
from steelyard.dashboard.model_form import ModelForm
from steelyard.dashboard.outcome import securities_of, show_outcome
from steelyard.dashboard.shell import card, shell, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.models import service
from steelyard.models.built_in import BuiltInPrices
from steelyard.models.document import Model
from steelyard.models.options import RebalanceOptions
from steelyard.models.rebalancing import Answer, Ask, rebalance_model, rebalance_portfolio
from steelyard.models.stores import PortfolioResult

PORTFOLIOS_MAX = 200
"""Portfolios that the page rebalances at once; more are the business of a book."""


def register() -> None:
    """Serve the page."""
    ui.page("/models/{model_id}", title="Model · Steelyard", response_timeout=30)(_model)


async def _model(request: Request, model_id: str) -> Response | None:
    visit = await arrive(request, scope="models:read")
    if visit is None:
        return to_login(request)
    model = await service.get_model(visit.models.store, visit.principal.tenant, model_id)
    tickers = await tickers_of(visit, [position.security_id for position in model.positions])
    ui.page_title(f"{model.name} · Steelyard")
    with shell(visit, "/models"):
        _Page(visit, model, tickers).draw()
    return None


async def tickers_of(visit: Visit, securities: list[str]) -> dict[str, str]:
    """The tickers that our own table knows; a security that is not there goes by its id."""
    return dict(await BuiltInPrices(visit.database).tickers(visit.principal.tenant, securities))


class _Page:
    def __init__(self, visit: Visit, model: Model, tickers: dict[str, str]) -> None:
        self._visit = visit
        self._model = model
        self._form = ModelForm(visit, model, tickers, saved=self._saved)
        self._followers = Followers(visit, model, changed=self._joined, rebalance=self._rebalance_one)

    def draw(self) -> None:
        with ui.element("div").classes("title-row"):
            with ui.element("div").classes("title"):
                self._headline = words("h1", "")
                self._note = ui.label().classes("note")
            if self._visit.principal.may("models:write"):
                self._go = words("button", "Rebalance the model").classes("primary").props("type=button")
                self._go.on("click", self._rebalance_all)
        self._show_head()
        self._form.draw()
        self._followers.draw()
        self._outcome = ui.element("div").classes("parts").props("id=outcome")

    def _show_head(self) -> None:
        model = self._model
        last = model.last_rebalance_date
        rebalanced = "never rebalanced" if last is None else f"last rebalanced {figures.moment(last)} UTC"
        self._headline.set_text(model.name)
        self._note.set_text(
            f"Version {model.version}, {figures.counted(len(model.portfolios), 'portfolio')}, {rebalanced}"
        )

    def _saved(self, model: Model) -> None:
        self._model = model
        self._show_head()
        self._followers.adopt(model)

    def _joined(self, model: Model) -> None:
        self._model = model
        self._show_head()
        self._form.adopt(model)

    async def _rebalance_one(self, portfolio_id: str) -> None:
        principal = await self._visit.still("models:write")
        ask = Ask(_options)
        answering = rebalance_portfolio(self._visit.models, principal, portfolio_id, self._model.model_id, ask)
        await self._show(answering, portfolio_id)

    async def _rebalance_all(self) -> None:
        principal = await self._visit.still("models:write")
        if (count := len(self._model.portfolios)) > PORTFOLIOS_MAX:
            ui.notify(f"{count:,} portfolios are a book: rebalance them on the page Books", position="top")
            return
        self._go.props("disabled")
        try:
            await self._show(rebalance_model(self._visit.models, principal, self._model.model_id, Ask(_options)), None)
        finally:
            self._go.props(remove="disabled")

    async def _show(self, answering: Awaitable[Answer], portfolio_id: str | None) -> None:
        """Show the answer, or the refusal: of one portfolio, or one for all."""
        answer, results = Answer(None), []
        try:
            answer = await answering
            results = list(answer.results)
        except SteelyardError as refused:
            if refused.http_status == 500:
                raise
            results = _refused(refused, portfolio_id)
        tickers = await tickers_of(self._visit, securities_of(results))
        self._outcome.clear()
        with self._outcome:
            if results:
                show_outcome(answer.record, results, tickers, mode=self._visit.mode)
            else:
                with card():
                    ui.label("The model has no portfolios: there is nothing to trade.").classes("empty")
        if answer.record is not None:
            self._model = await service.get_model(
                self._visit.models.store, self._visit.principal.tenant, self._model.model_id
            )
            self._show_head()
        ui.run_javascript("document.getElementById('outcome').scrollIntoView({behavior: 'smooth'})")


def _options(model: Model) -> RebalanceOptions:
    return model.options or RebalanceOptions()


def _refused(refused: SteelyardError, portfolio_id: str | None) -> list[PortfolioResult]:
    """A refusal as failures of the portfolios that it names, or of the one asked for."""
    named = refused.details.get("portfolios")
    if named:
        return [PortfolioResult(one["portfolioId"], place, error=one["error"]) for place, one in enumerate(named)]
    error = {"code": refused.code, "message": refused.message, "details": refused.details}
    return [PortfolioResult(portfolio_id or "All portfolios", 0, error=error)]
