"""The history of rebalances, their reviews and the operations, in a real browser against a real server."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from steelyard.rebalance.demo import demo_named
from tests.browser.conftest import Server, start

pytestmark = pytest.mark.browser

PHONE = (390, 844)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Server]:
    """A server whose runs are reviewed and whose analyses wait to be run."""
    process, server = start(
        tmp_path_factory.mktemp("desk"), DPM_WORKFLOW_ENABLED="true", DPM_ASYNC_EXECUTION_MODE="ACCEPT_ONLY"
    )
    yield server
    process.terminate()
    process.wait(20)


def post(server: Server, path: str, body: object, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = {"Content-Type": "application/json", **named}
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), content)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read())


def simulated(server: Server, portfolio_id: str, *, reviewed: bool = True, key: str = "") -> str:
    """A run whose review waits, or one that needs none; its id."""
    demo = demo_named("tech-cap" if reviewed else "balanced")
    assert demo is not None
    body = json.loads(json.dumps(demo.request))
    body["portfolio_snapshot"]["portfolio_id"] = portfolio_id
    run = post(server, "/rebalance/simulate", body, Idempotency_Key=key or portfolio_id)
    assert (run["status"] == "PENDING_REVIEW") is reviewed
    return str(run["rebalance_run_id"])


def decided(server: Server, run_id: str, action: str, **body: object) -> None:
    asked = {"action": action, "reason_code": "REVIEWED", "actor_id": "anna", **body}
    post(server, f"/rebalance/runs/{run_id}/workflow/actions", asked)


def decisions(server: Server, run_id: str) -> list[tuple[str, str, str | None, str]]:
    history = server.call("GET", f"/rebalance/runs/{run_id}/workflow/history")["decisions"]
    return [(one["action"], one["reason_code"], one["comment"], one["actor_id"]) for one in history]


def item(page: Page, run_id: str):
    return page.get_by_role("article", name=f"Run {run_id}")


def test_an_empty_desk_leads_to_the_first_run(desk, page: Page):
    page.goto(f"{desk.url}/rebalances/reviews")
    expect(page.get_by_text("Nothing waits for a review.")).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("No rebalance yet.")).to_be_visible()
    page.get_by_role("link", name="Run the first one").click()
    expect(page.get_by_role("heading", name="New rebalance")).to_be_visible()


def test_where_reviews_are_off_the_page_says_how_they_are_switched_on(server, page: Page):
    page.goto(f"{server.url}/rebalances/reviews")
    expect(page.get_by_role("heading", name="Reviews are switched off")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("DPM_WORKFLOW_ENABLED=true")


def test_runs_are_listed_newest_first_and_found_by_their_names(desk, page: Page):
    hostile = simulated(desk, HOSTILE, key="key-hostile")
    ready = simulated(desk, "pf-ready", reviewed=False)
    page.goto(f"{desk.url}/rebalances")
    rows = page.locator("tbody tr")
    expect(rows.nth(0)).to_contain_text("pf-ready")
    expect(rows.nth(0)).to_contain_text("Ready")
    expect(rows.nth(1)).to_contain_text(HOSTILE)
    expect(rows.nth(1)).to_contain_text("Waits")
    trades = desk.call("GET", f"/rebalance/runs/{hostile}")["result"]["intents"]
    count = sum(one["intent_type"] == "SECURITY_TRADE" for one in trades)
    expect(rows.nth(1).locator('td[data-name="Trades"]')).to_have_text(str(count))
    page.get_by_role("searchbox").fill("key-hostile")
    page.get_by_role("button", name="Search").click()
    expect(rows).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("key-hostile")
    page.get_by_label("Outcome").select_option("Ready")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No run was found.")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    rows.filter(has_text="pf-ready").get_by_role("link").click()
    page.wait_for_url(f"**/rebalances/{ready}")
    page.goto(f"{desk.url}/rebalances?since=2100-01-01&until=2000-01-01")
    expect(page.get_by_role("alert")).to_have_text("2100-01-01 is after 2000-01-01.")


def test_a_long_history_is_read_page_by_page(desk, page: Page):
    for number in range(26):
        simulated(desk, "pf-long", reviewed=False, key=f"long-{number}")
    page.goto(f"{desk.url}/rebalances?find=pf-long")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(25)
    page.get_by_role("link", name="Older").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("long-0")
    page.get_by_role("link", name="Newest").click()
    expect(rows).to_have_count(25)


def test_a_run_is_approved_from_the_queue_with_its_reason_and_comment(desk, page: Page):
    run_id = simulated(desk, "pf-approve")
    page.goto(f"{desk.url}/rebalances/reviews")
    one = item(page, run_id)
    expect(one.get_by_role("listitem").first).not_to_be_empty()
    one.get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Approve: portfolio pf-approve")
    dialog.get_by_label("Comment").fill("as agreed " + HOSTILE)
    dialog.get_by_role("button", name="Approve").click()
    expect(one).to_contain_text("Approved")
    expect(one).to_contain_text("Reviewed, nothing speaks against it, says development")
    expect(one.get_by_role("button")).to_have_count(0)
    assert decisions(desk, run_id) == [("APPROVE", "REVIEWED", "as agreed " + HOSTILE, "development")]
    page.reload()
    expect(one).to_have_count(0)
    expect(page.locator("tr", has_text=run_id)).to_contain_text("as agreed")


def test_a_reason_of_ones_own_is_checked_before_it_is_written(desk, page: Page):
    run_id = simulated(desk, "pf-own-reason")
    page.goto(f"{desk.url}/rebalances/reviews")
    item(page, run_id).get_by_role("button", name="Ask for changes").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason", exact=True).click()
    page.get_by_role("option", name="Another reason").click()
    dialog.get_by_label("Code of the reason").fill("no such")
    dialog.get_by_role("button", name="Ask for changes").click()
    expect(dialog.get_by_role("alert").filter(has_text="capital letters")).to_be_visible()
    assert decisions(desk, run_id) == []
    dialog.get_by_label("Code of the reason").fill("FX_LIMIT")
    dialog.get_by_role("button", name="Ask for changes").click()
    expect(item(page, run_id)).to_contain_text("Changes requested")
    expect(item(page, run_id)).to_contain_text("Fx limit, says development")
    assert decisions(desk, run_id) == [("REQUEST_CHANGES", "FX_LIMIT", None, "development")]
    expect(item(page, run_id).get_by_role("button")).to_have_count(3)  # it still waits


def test_who_is_slower_sees_what_was_decided_and_writes_nothing(desk, page: Page):
    run_id = simulated(desk, "pf-contended")
    page.goto(f"{desk.url}/rebalances/reviews")
    one = item(page, run_id)
    one.get_by_role("button", name="Reject").click()
    decided(desk, run_id, "APPROVE", comment="looks fine to me")
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(one).to_contain_text("Somebody else decided meanwhile; yours was not written.")
    expect(one).to_contain_text("looks fine to me")
    assert [action for action, *_ in decisions(desk, run_id)] == ["APPROVE"]
    page.get_by_role("link", name="The queue has changed").click(timeout=15_000)
    expect(one).to_have_count(0)


def test_the_page_of_a_run_shows_its_decisions_and_takes_one(desk, page: Page):
    run_id = simulated(desk, "pf-panel")
    decided(desk, run_id, "APPROVE")
    page.goto(f"{desk.url}/rebalances/{run_id}")
    panel = page.locator(".review")
    expect(panel).to_contain_text("Approved")
    expect(panel.get_by_role("button")).to_have_text(["Ask for changes", "Reject"])
    decided(desk, run_id, "REQUEST_CHANGES", comment="wait")
    panel.get_by_role("button", name="Reject").click()
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(panel.get_by_role("alert")).to_contain_text("Somebody else decided meanwhile")
    expect(panel.locator("tbody tr")).to_have_count(2)
    panel.get_by_role("button", name="Reject").click()
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(panel.locator("tbody tr")).to_have_count(3)
    expect(panel.get_by_role("alert")).to_be_hidden()
    expect(panel.get_by_role("button")).to_have_text(["Ask for changes"])


def test_a_run_that_needs_no_review_has_no_panel(desk, page: Page):
    page.goto(f"{desk.url}/rebalances/{simulated(desk, 'pf-free', reviewed=False)}")
    expect(page.get_by_role("heading", name="Portfolio pf-free")).to_be_visible()
    expect(page.locator(".review")).to_have_count(0)


def test_an_analysis_that_waits_is_run_from_its_row(desk, page: Page):
    demo = demo_named("balanced")
    assert demo is not None
    body = {name: value for name, value in demo.request.items() if name != "options"}
    body["scenarios"] = {"plain": {"options": {}}, "broken": {"options": {"max_turnover_pct": "2"}}}
    accepted = post(desk, "/rebalance/analyze/async", body, X_Correlation_Id="corr-operation")
    page.goto(f"{desk.url}/rebalances/operations")
    row = page.locator("tr", has_text=accepted["operation_id"])
    expect(row).to_contain_text("Waits")
    row.get_by_role("button", name="Run now").click()
    expect(row).to_contain_text("Done")
    expect(row.get_by_role("button", name="Run now")).to_have_count(0)
    row.get_by_role("button", name="Results").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("tr", has_text="broken")).to_contain_text("Its options are refused: max_turnover_pct was 2")
    dialog.get_by_role("link", name="plain").click()
    page.wait_for_url("**/rebalances/rr_*")


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_nothing_is_wider_than_a_phone(desk, page: Page):
    run_id = simulated(desk, "pf-" + "long" * 40)
    for path in ("", "/reviews", "/operations", f"/{run_id}"):
        page.goto(f"{desk.url}/rebalances{path}")
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
