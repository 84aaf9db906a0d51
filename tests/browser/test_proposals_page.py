"""Proposals as a person uses them, in a real browser against a real server."""

import copy
import io
import json
import secrets
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from steelyard.proposals.demo import demo_request
from tests.browser.conftest import Server
from tests.proposals.test_client_document import NUMBER, visible

pytestmark = pytest.mark.browser

PHONE = (390, 844)
HOSTILE = "<img src=x onerror=alert(1)>"
PROPOSALS = "/rebalance/proposals"


@pytest.fixture
def desk(server: Server) -> Server:
    return server


def asked(portfolio: str = "pf", trades: int = 6) -> dict[str, Any]:
    request = copy.deepcopy(demo_request())
    request["portfolio_snapshot"]["portfolio_id"] = portfolio
    request["proposed_trades"] = request["proposed_trades"][:trades]
    return request


def made(desk: Server, portfolio: str = "pf", **metadata: str) -> str:
    """The id of a new proposal, as the API makes it."""
    body = {"created_by": "adviser", "simulate_request": asked(portfolio), "metadata": metadata}
    answer = httpx.post(desk.url + PROPOSALS, json=body, headers={"Idempotency-Key": secrets.token_hex(8)})
    proposal_id: str = answer.raise_for_status().json()["proposal"]["proposal_id"]
    return proposal_id


def moved(desk: Server, proposal_id: str, event: str, state: str) -> None:
    body = {"event_type": event, "actor_id": "somebody", "expected_state": state}
    desk.call("POST", f"{PROPOSALS}/{proposal_id}/transitions", body)


def confirm(page: Page, move: str, **filled: str) -> None:
    """Press a button of the page and say yes."""
    page.get_by_role("button", name=move).click()
    dialog = page.get_by_role("dialog")
    for label, text in filled.items():
        dialog.get_by_label(label).fill(text)
    dialog.get_by_role("button", name="Yes, do it").click()
    expect(dialog).to_have_count(0)


def test_a_proposal_goes_from_the_example_to_the_client_s_consent_and_execution(desk, page: Page):
    page.goto(f"{desk.url}/proposals?creator=nobody")
    expect(page.get_by_text("No proposal is of that portfolio and maker.")).to_be_visible()
    page.get_by_role("button", name="New proposal").click()
    page.get_by_label("Made by").last.fill("anna")
    page.get_by_label("Title").fill("Less cash")
    page.get_by_role("button", name="Use the demo example").click()
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/proposals/pp_*")
    proposal_id = page.url.rpartition("/")[2]
    expect(page.get_by_role("heading", name="Less cash")).to_be_visible()
    confirm(page, "Send to risk management", Comment="please look")
    expect(page.locator(".badge", has_text="With risk management")).to_be_visible()
    confirm(page, "Approve for risk", **{"Done by": "rita", "Why it is accepted": "It was agreed."})
    confirm(page, "Record consent")
    confirm(page, "Mark as executed")
    expect(page.locator(".badge", has_text="Executed")).to_be_visible()
    expect(page.get_by_label("Actions")).to_have_count(0)
    history = page.locator("section", has=page.get_by_role("heading", name="History"))
    expect(history).to_contain_text("rita")
    expect(history).to_contain_text("Accepted although it asked for a review: It was agreed.")
    stored = desk.call("GET", f"{PROPOSALS}/{proposal_id}/workflow-events")
    assert [event["event_type"] for event in stored["events"]] == [
        "CREATED", "SUBMITTED_FOR_RISK_REVIEW", "RISK_APPROVED", "CLIENT_CONSENT_RECORDED", "EXECUTED",
    ]  # fmt: skip
    assert stored["events"][1]["reason"] == {"comment": "please look"}
    approvals = desk.call("GET", f"{PROPOSALS}/{proposal_id}/approvals")["approvals"]
    assert [(one["approval_type"], one["approved"]) for one in approvals] == [("RISK", True), ("CLIENT_CONSENT", True)]


def test_who_is_slower_is_told_that_somebody_was_faster_and_nothing_happens(desk, page: Page):
    proposal_id = made(desk)
    page.goto(f"{desk.url}/proposals/{proposal_id}")
    page.get_by_role("button", name="Cancel the proposal").click()
    moved(desk, proposal_id, "SUBMITTED_FOR_COMPLIANCE_REVIEW", "DRAFT")
    page.get_by_role("button", name="Yes, do it").click()
    alert = page.locator(".banner.is-bad")
    expect(alert).to_contain_text("Somebody was faster")
    stored = desk.call("GET", f"{PROPOSALS}/{proposal_id}")
    assert stored["proposal"]["current_state"] == "COMPLIANCE_REVIEW"
    alert.get_by_role("button", name="Reload").click()
    expect(page.get_by_role("button", name="Approve for compliance")).to_be_visible()
    expect(page.get_by_role("button", name="Send to")).to_have_count(0)


def test_nobody_approves_a_version_that_they_have_not_seen(desk, page: Page):
    proposal_id = made(desk)
    moved(desk, proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT")
    page.goto(f"{desk.url}/proposals/{proposal_id}")
    page.get_by_role("button", name="Approve for risk").click()
    desk.call("POST", f"{PROPOSALS}/{proposal_id}/versions", {"created_by": "a", "simulate_request": asked(trades=2)})
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.locator(".banner.is-bad")).to_contain_text("Somebody was faster")
    assert desk.call("GET", f"{PROPOSALS}/{proposal_id}")["proposal"]["current_state"] == "RISK_REVIEW"


def test_two_versions_are_compared(desk, page: Page):
    proposal_id = made(desk)
    page.goto(f"{desk.url}/proposals/{proposal_id}")
    page.get_by_role("button", name="New version").click()
    text = page.get_by_label("Request as JSON")
    before = json.loads(text.input_value())
    before["proposed_trades"][4]["quantity"] = "300"
    text.fill(json.dumps({**before, "proposed_trades": before["proposed_trades"][:5]}))
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("Version 2 of 2")).to_be_visible()
    page.get_by_role("button", name="Compare", exact=True).click()
    difference = page.locator("#difference")
    expect(difference.locator("tr", has_text="Buy DEMO_CHF_BONDS").first).to_contain_text("520")
    expect(difference.locator("tr", has_text="Buy DEMO_CHF_BONDS").first).to_contain_text("300")
    expect(difference.locator("tr", has_text="Buy DEMO_GOLD").first).to_contain_text("Gone")
    expect(difference).to_contain_text("Risk management has to review it → The client has to consent")
    page.get_by_role("link", name="Version 1").click()
    expect(page.get_by_text("This is an older version.")).to_be_visible()
    expect(page.get_by_role("button", name="Send to")).to_have_count(0)
    expect(page.locator("tr", has_text="DEMO_GOLD").first).to_be_visible()


def test_the_evidence_is_computed_again_and_a_forged_record_is_found(desk, page: Page):
    proposal_id = made(desk)
    page.goto(f"{desk.url}/proposals/{proposal_id}")
    page.get_by_role("button", name="Verify").click()
    expect(page.locator(".badge", has_text="Everything holds")).to_be_visible()
    with sqlite3.connect(desk.data_dir / "steelyard.db", timeout=20) as database:
        database.execute("UPDATE proposals SET title = 'forged' WHERE id = ?", (proposal_id,))
    page.get_by_role("button", name="Verify").click()
    expect(page.locator(".badge", has_text="Not as it was made")).to_be_visible()
    expect(page.get_by_text("Request: computed sha256:")).to_be_visible()


def test_the_client_s_document_is_taken_away_with_the_numbers_of_the_artifact(desk, page: Page):
    proposal_id = made(desk, title="For the client")
    version = desk.call("GET", f"{PROPOSALS}/{proposal_id}/versions/1")
    page.goto(f"{desk.url}/proposals/{proposal_id}")
    files: dict[str, bytes] = {}
    for name in ("Client document, PDF", "Artifact, JSON"):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.suggested_filename.startswith(f"{proposal_id}_v1.")
        files[name] = Path(download.value.path()).read_bytes()
    assert json.loads(files["Artifact, JSON"]) == version["artifact"]
    pdf = PdfReader(io.BytesIO(files["Client document, PDF"]))
    in_pdf = set(NUMBER.findall(" ".join(sheet.extract_text() for sheet in pdf.pages)))
    with page.expect_popup() as popup:
        page.get_by_role("link", name="HTML").click()
    expect(popup.value.get_by_role("heading", name="Proposal for pf")).to_be_visible()
    html = httpx.get(f"{desk.url}{PROPOSALS}/{proposal_id}/versions/1/document").text
    assert popup.value.locator("main").inner_text().split() == " ".join(visible(html).texts).split()
    in_html = set(NUMBER.findall(" ".join(visible(html).texts)))
    assert {"694,262.33", "116,850.00", "45.26"} <= in_html <= in_pdf


def test_a_request_that_is_wrong_is_refused_in_words(desk, page: Page):
    page.goto(f"{desk.url}/proposals")
    page.get_by_role("button", name="New proposal").click()
    text, create = page.get_by_label("Request as JSON"), page.get_by_role("button", name="Create")
    said = page.get_by_role("dialog").locator(".error")
    create.click()
    expect(said).to_contain_text(["This is no JSON"])
    text.fill('{"options": {}}')
    create.click()
    expect(said).to_contain_text(["portfolio_snapshot", "market_data_snapshot", "shelf_entries: Field required"])
    text.fill(json.dumps({**asked(), "options": {}}))
    create.click()
    expect(said).to_contain_text(["set it to simulate proposals"])
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a file").click()
    body = {"simulate_request": asked("uploaded"), "metadata": {"title": "From a file"}}
    content = json.dumps(body).encode()
    chooser.value.set_files({"name": "request.json", "mimeType": "application/json", "buffer": content})
    expect(page.get_by_text(f"request.json, {len(content):,} bytes")).to_be_visible()
    create.dblclick()
    expect(page.get_by_role("heading", name="From a file")).to_be_visible()
    assert len(desk.call("GET", f"{PROPOSALS}?portfolio_id=uploaded")["items"]) == 1


@pytest.mark.parametrize("page", [PHONE, (1300, 900)], indirect=True)
def test_hostile_names_are_shown_as_text_and_nothing_is_wider_than_the_screen(desk, page: Page):
    proposal_id = made(desk, HOSTILE, title=HOSTILE, advisor_notes=HOSTILE)
    page.goto(f"{desk.url}/proposals?portfolio={HOSTILE}")
    expect(page.locator(".lane-card .strong").first).to_have_text(HOSTILE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(f".lane-card[href$='{proposal_id}']").click()
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("img[src=x]").count() == 0


def test_the_board_is_searched_by_portfolio_and_maker_and_its_lanes_open(desk, page: Page):
    ids = {made(desk, "searched") for _ in range(13)}
    page.goto(f"{desk.url}/proposals")
    page.get_by_label("Portfolio").fill("searched")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".lane-card")).to_have_count(12)
    expect(page.locator(".lane-count").first).to_have_text("13")
    page.get_by_role("link", name="All of them").click()
    expect(page.locator("tbody tr")).to_have_count(13)
    assert set(page.locator("tbody a").evaluate_all("links => links.map(a => a.href.split('/').pop())")) == ids
    page.get_by_label("Made by").fill("nobody")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No proposal is in this state.")).to_be_visible()
