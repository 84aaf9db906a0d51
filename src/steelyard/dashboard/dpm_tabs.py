"""The pages of rebalances, side by side under the headline of each."""

from __future__ import annotations

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.visit import Visit
from steelyard.rebalance.review_queue import COUNTED_MAX, count_waiting

HISTORY, REVIEWS, OPERATIONS = "/rebalances", "/rebalances/reviews", "/rebalances/operations"
BOOKS = "/rebalances/books"
_TABS = (("History", HISTORY), ("Reviews", REVIEWS), ("Operations", OPERATIONS), ("Books", BOOKS))


async def show_tabs(visit: Visit, active: str = "") -> None:
    """Draw the links, for those who may follow them; the one to the reviews says how many wait."""
    if not visit.principal.may("rebalance:read"):
        return
    service = visit.rebalancing
    async with visit.database.reading() as session:
        waiting = await count_waiting(session, service.shelf(visit.principal), service.toggles)
    with ui.element("nav").classes("tabs").props('aria-label="Rebalances"'):
        for name, target in _TABS:
            link = ui.link(target=target).classes("tab")
            if target == active:
                link.classes("is-active").props('aria-current="page"')
            with link:
                ui.label(name)
                if target == REVIEWS and waiting:
                    ui.label(waiting_text(waiting)).classes("badge tone-doubtful")


def waiting_text(waiting: int) -> str:
    """How many wait; beyond what is counted a plus stands for the rest."""
    return f"{figures.count(waiting)}+" if waiting >= COUNTED_MAX else figures.count(waiting)
