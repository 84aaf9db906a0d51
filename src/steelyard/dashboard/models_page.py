"""`/models`: the models there are, and how to begin a new one."""

from __future__ import annotations

from decimal import Decimal

from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.core.errors import ConflictError, InvalidInputError
from steelyard.dashboard import figures
from steelyard.dashboard.shell import badge, card, cell, shell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.models import service
from steelyard.models.document import Model
from steelyard.models.views import decimal_text

PAGE_MODELS = 50

_COLUMNS = (
    ("Model", ""), ("Positions", "num"), ("Targets", "num"), ("Portfolios", "num"), ("Last rebalance (UTC)", "num"),
    ("Version", "num"),
)  # fmt: skip


def register() -> None:
    """Serve the page."""
    ui.page("/models", title="Models · Steelyard")(_models)


async def _models(request: Request, after: int = 0) -> Response | None:
    visit = await arrive(request, scope="models:read")
    if visit is None:
        return to_login(request)
    after = max(after, 0)
    found = await visit.models.store.list_models(
        visit.principal.tenant, offset=after, limit=PAGE_MODELS + 1, sort_by=("name",)
    )
    with shell(visit, "/models"):
        with ui.element("div").classes("title-row"):
            title("Models", "What portfolios should hold, how far they may drift, and who follows.")
            if visit.principal.may("models:write"):
                _new_model_button(visit)
        with card():
            if found:
                _table(found[:PAGE_MODELS])
                _pager(after, has_more=len(found) > PAGE_MODELS)
            else:
                ui.label("No model yet. Make one with New model, or load the demo's with: steelyard demo").classes(
                    "empty"
                )
    return None


def _table(models: list[Model]) -> None:
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards").mark("models"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in _COLUMNS:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for model in models:
                _row(model)


def _row(model: Model) -> None:
    total = sum((position.target for position in model.positions), Decimal(0))
    with ui.element("tr"):
        with cell("").classes("wrap"):
            ui.link(model.name, f"/models/{model.model_id}").classes("strong")
        cell("Positions", figures.count(len(model.positions)), is_number=True)
        cell("Targets", decimal_text(total), is_number=True)
        cell("Portfolios", figures.count(len(model.portfolios)), is_number=True)
        cell("Last rebalance (UTC)", figures.moment(model.last_rebalance_date), is_number=True).classes("soft")
        cell("Version", str(model.version), is_number=True)


def _pager(after: int, *, has_more: bool) -> None:
    if not after and not has_more:
        return
    with ui.element("div").classes("row"):
        if after:
            ui.link("Back", f"/models?after={max(after - PAGE_MODELS, 0)}").classes("quiet")
        if has_more:
            ui.link("More", f"/models?after={after + PAGE_MODELS}").classes("quiet")
        badge(f"from {after + 1:,}")


def _new_model_button(visit: Visit) -> None:
    async def create() -> None:
        name.error = None
        try:
            principal = await visit.still("models:write")
            made = await service.create_model(visit.models.store, principal, Model(name.value or ""))
        except (InvalidInputError, ConflictError) as refused:
            name.error = refused.message
            return
        ui.navigate.to(f"/models/{made.model_id}")

    with ui.dialog() as dialog, ui.card().classes("form"):
        words("h2", "New model")
        name = ui.input("Name").props("outlined dense hide-bottom-space autofocus")
        name.on("keydown.enter", create)
        with ui.element("div").classes("row"):
            words("button", "Create").classes("primary").props("type=button").on("click", create)
            words("button", "Cancel").classes("quiet").props("type=button").on("click", dialog.close)
    words("button", "New model").classes("primary").props("type=button").on("click", dialog.open)
