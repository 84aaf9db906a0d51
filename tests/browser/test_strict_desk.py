"""A desk with strict rules, in a real browser: four eyes, notes that are required, keys that may not read."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, start
from tests.browser.test_proposals_page import PROPOSALS, confirm, made, moved

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Server]:
    rules = {"PROPOSAL_FOUR_EYES_REQUIRED": "true", "PROPOSAL_OVERRIDE_NOTE_REQUIRED": "true"}
    process, server = start(tmp_path_factory.mktemp("strict"), **rules)
    yield server
    process.terminate()
    process.wait(20)


def refused(page: Page, **filled: str) -> None:
    """Say yes in the open dialog, which stays open."""
    dialog = page.get_by_role("dialog")
    for label, text in filled.items():
        dialog.get_by_label(label).fill(text)
    dialog.get_by_role("button", name="Yes, do it").click()


def test_two_others_approve_and_each_says_why(desk, page: Page):
    proposal_id = made(desk)
    moved(desk, proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT")
    page.goto(f"{desk.url}/proposals/{proposal_id}")
    page.get_by_role("button", name="Approve for risk").click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    refused(page, **{"Done by": "rita"})
    expect(alert).to_contain_text("Say why it is accepted")
    refused(page, **{"Done by": "adviser", "Why it is accepted": "It was agreed."})
    expect(alert).to_contain_text("'adviser' made this proposal or its current version")
    page.get_by_role("button", name="No", exact=True).click()
    confirm(page, "Approve for risk", **{"Done by": "rita", "Why it is accepted": "It was agreed."})
    expect(page.locator(".badge", has_text="With risk management")).to_be_visible()
    page.get_by_role("button", name="Approve for risk").click()
    refused(page, **{"Done by": " Rita ", "Why it is accepted": "Again."})
    expect(alert).to_contain_text("somebody else has to")
    page.get_by_role("button", name="No", exact=True).click()
    confirm(page, "Approve for risk", **{"Done by": "omar", "Why it is accepted": "I looked at it too."})
    expect(page.get_by_role("button", name="Record consent")).to_be_visible()
    approvals = desk.call("GET", f"{PROPOSALS}/{proposal_id}/approvals")["approvals"]
    assert [one["actor_id"] for one in approvals] == ["rita", "omar"]


def test_who_may_run_but_not_read_is_shown_the_answer_where_it_was_asked_for(closed_server, page: Page):
    command = ["keys", "create", "runner", "--scope", "rebalance:write", "--json"]
    environment = {**os.environ, "STEELYARD_DATA_DIR": str(closed_server.data_dir)}
    printed = subprocess.run(
        [sys.executable, "-m", "steelyard.cli", *command], env=environment, capture_output=True, check=True
    )
    page.goto(f"{closed_server.url}/rebalances/new")
    page.get_by_label("API key").fill(json.loads(printed.stdout)["key"])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="New rebalance")).to_be_visible()
    expect(page.get_by_role("navigation", name="Rebalances")).to_have_count(0)
    page.get_by_role("button", name="Run it").click()
    expect(page.get_by_role("heading", name="Ready: 7 trades")).to_be_visible(timeout=20_000)
    assert page.url == f"{closed_server.url}/rebalances/new"
