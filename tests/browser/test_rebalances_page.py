"""Rebalances as a portfolio manager runs them, in a real browser against a real server."""

import copy
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from steelyard.rebalance.demo import DEMOS, demo_named
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

PHONE = (390, 844)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """An analysis takes its time where others compute too; nothing here is about how fast it is."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


def stored(server: Server, page: Page) -> dict[str, object]:
    """The run whose page is open, as the API has it."""
    page.wait_for_url("**/rebalances/rr_*")
    run: dict[str, object] = server.call("GET", f"/rebalance/runs/{page.url.rpartition('/')[2]}")
    return run


def type_request(page: Page, text: str) -> None:
    editor = page.locator(".cm-content")
    expect(editor).to_contain_text("_snapshot")  # the example, which would else come after what is typed
    editor.fill(text)


def test_an_example_is_run_and_its_page_shows_what_is_stored(server, page: Page):
    page.goto(f"{server.url}/rebalances/new")
    page.get_by_role("button", name="Three currencies").click()
    expect(page.locator(".cm-content")).to_contain_text("pf-1004")
    key = page.get_by_label("Idempotency key").input_value()
    page.get_by_role("button", name="Run it").click()
    run = stored(server, page)
    assert run["idempotency_key"] == key
    assert run["portfolio_id"] == "pf-1004"
    expect(page.get_by_role("heading", name="Ready: 10 trades and 2 exchanges")).to_be_visible()
    expect(page.locator(".orders tbody tr")).to_have_count(len(run["result"]["intents"]))  # type: ignore[index]
    expect(page.locator(".orders tr", has_text="JNJ")).to_contain_text("Buy USD, Sell AAPL")
    for heading in ("Weights", "Gate", "Rules", "Order of execution", "Cash until settlement", "Targets"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    assert page.locator("canvas").count() == 5  # weights, order of execution, a ladder for each of three currencies
    expect(page.locator(".facts", has_text="Idempotency key")).to_contain_text(key)


def test_a_request_is_pasted_and_each_status_is_told(server, page: Page):
    for name, headline in (("tech-cap", "Needs review"), ("missing-price", "Blocked: nothing may be traded")):
        request = demo_named(name).request  # type: ignore[union-attr]
        page.goto(f"{server.url}/rebalances/new")
        type_request(page, json.dumps(request))
        page.get_by_role("button", name="Run it").click()
        assert stored(server, page)["portfolio_id"] == request["portfolio_snapshot"]["portfolio_id"]
        expect(page.get_by_role("heading", name=headline)).to_be_visible()


def test_a_file_is_uploaded_and_one_too_long_to_show_runs_as_it_is(server, page: Page, tmp_path):
    small, large = tmp_path / "small.json", tmp_path / "large.json"
    small.write_text(json.dumps(DEMOS[0].request))
    large.write_text(json.dumps(DEMOS[1].request) + " " * 600_000)
    page.goto(f"{server.url}/rebalances/new")
    page.locator("input[type=file]").set_input_files(small)
    expect(page.locator(".cm-content")).to_contain_text('"portfolio_id": "pf-1001"')
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_role("status").first).to_contain_text("large.json, 0.6 MB, is too long to show")
    page.get_by_role("button", name="Run it").click()
    assert stored(server, page)["portfolio_id"] == "pf-1002"


def test_what_is_wrong_is_told_beside_the_text_with_its_line(server, page: Page):
    request = copy.deepcopy(dict(DEMOS[0].request))
    request["portfolio_snapshot"]["positions"][1]["quantity"] = "many"
    request["options"] = {"max_turnover_pct": 3}
    text = json.dumps(request, indent=1)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "many" in line or "turnover" in line]
    page.goto(f"{server.url}/rebalances/new")
    type_request(page, text)
    page.get_by_role("button", name="Run it").click()
    expect(page.get_by_role("heading", name="2 things to correct")).to_be_visible()
    faults = page.locator(".faults li")
    expect(faults.nth(0)).to_contain_text("portfolio snapshot, position 2, quantity")
    expect(faults.nth(0)).to_contain_text("is not a number; it was 'many'")
    expect(faults.nth(1)).to_contain_text("it is a share between 0 and 1")
    expect(page.locator(".faults button")).to_have_text([f"Line {number}" for number in lines])
    page.locator(".faults button").first.click()
    expect(page.locator(".cm-line.is-faulty", has_text="many")).to_be_visible()
    type_request(page, text.replace("many", "1450").replace('"max_turnover_pct": 3', '"max_turnover_pct": "0.3"'))
    page.get_by_role("button", name="Run it").click()
    assert stored(server, page)["portfolio_id"] == "pf-1001"


def test_a_key_that_was_used_for_another_request_is_refused_in_words(server, page: Page):
    for name in ("A balanced portfolio that drifted", "A price is missing"):
        page.goto(f"{server.url}/rebalances/new")
        page.get_by_role("button", name=name).click()
        page.get_by_label("Idempotency key").fill("used-twice")
        page.get_by_role("button", name="Run it").click()
        if "balanced" in name:
            stored(server, page)
    expect(page.get_by_role("alert").filter(has_text="was used before with another request")).to_be_visible()
    assert page.url.endswith("/rebalances/new")


def test_documents_are_taken_away_and_their_hash_is_verified(server, page: Page):
    page.goto(f"{server.url}/rebalances/new?demo=tax")
    page.get_by_role("button", name="Run it").click()
    stored(server, page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Artifact").click()
    document = json.loads(download.value.path().read_text())
    assert page.get_by_label("Hash to compare").input_value() == document["evidence"]["hashes"]["artifact_hash"]
    page.get_by_role("button", name="Verify the artifact's hash").click()
    expect(page.get_by_text("The same: nothing was changed since.")).to_be_visible()
    page.get_by_label("Hash to compare").fill("sha256:0000")
    page.get_by_role("button", name="Verify the artifact's hash").click()
    expect(page.get_by_text("Not the same: the run gives sha256:")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Support bundle").click()
    assert json.loads(download.value.path().read_text())["artifact"] == document


def test_scenarios_are_compared_and_one_that_fails_spoils_only_itself(server, page: Page):
    page.goto(f"{server.url}/rebalances/what-if")
    page.get_by_role("button", name="Add scenario").click()
    expect(page.locator(".scenario")).to_have_count(5)
    added = page.locator(".scenario").last
    added.get_by_label("Name").fill("too-much")
    added.get_by_label("Set an option").click()
    page.get_by_role("option", name="Most turnover share").click()
    share = added.get_by_role("textbox", name="Most turnover share")
    expect(share).to_have_value("0.15")
    share.fill("7")
    expect(added.locator(".error:visible")).to_have_text("max_turnover_pct was 7; it is a share between 0 and 1")
    page.locator(".scenario .q-item").nth(1).click()
    caps = page.get_by_role("textbox", name="Group constraints")
    expect(caps).to_have_value("sector:TECH 0.30")
    caps.fill("sector:TECH")
    expect(page.get_by_text("it is to look like 'sector:TECH 0.30'")).to_be_visible()
    caps.fill("sector:TECH 0.30\nregion:US 0.40")
    page.get_by_role("button", name="Run the scenarios").click()
    table = page.locator("table", has=page.locator("th", has_text="Largest differences"))
    expect(table.locator("tbody tr")).to_have_count(4)
    expect(page.locator("section", has_text="Scenarios that failed")).to_contain_text("too-much")
    expect(table.locator("tr", has_text="tech-at-30")).to_contain_text("SWISS-BOND-FUND +")
    with page.expect_navigation():
        table.locator("tr", has_text="tech-at-30").get_by_role("link", name="Open").click()
    run = stored(server, page)
    assert str(run["correlation_id"]).endswith(":tech-at-30")
    expect(page.locator(".findings")).to_contain_text("Group cap: sector TECH")


def test_options_are_edited_as_json_and_scenarios_are_taken_from_a_text(server, page: Page):
    demo = demo_named("balanced")
    assert demo is not None
    page.goto(f"{server.url}/rebalances/what-if")
    type_request(page, json.dumps({**demo.request, "scenarios": {"one": {"options": {"cash_repair": True}}}}))
    page.get_by_role("button", name="Take them from the text").click()
    expect(page.locator(".scenario")).to_have_count(1)
    page.locator(".scenario .q-item").first.click()
    page.get_by_role("tab", name="JSON").click()
    options = page.get_by_label("Options as JSON")
    expect(options).to_have_value('{\n  "cash_repair": true\n}')
    options.fill('{"max_turnover_pct": ')
    expect(page.locator(".scenario")).to_contain_text("line 1 is not JSON")
    page.get_by_role("button", name="Run the scenarios").click()
    expect(page.get_by_text("the options of 'one' cannot be read")).to_be_visible()
    options.fill('{"max_turnover_pct": "0.02"}')
    page.get_by_role("tab", name="Form").click()
    expect(page.get_by_role("textbox", name="Most turnover share")).to_have_value("0.02")
    page.get_by_role("button", name="Run the scenarios").click()
    row = page.locator("table tr", has_text="one").first
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    expect(row).to_be_visible()


def test_faults_of_the_portfolio_are_told_on_the_page_of_scenarios_too(server, page: Page):
    page.goto(f"{server.url}/rebalances/what-if")
    type_request(page, '{"portfolio_snapshot": {"portfolio_id": "a"}}')
    page.get_by_role("button", name="Run the scenarios").click()
    expect(page.locator(".faults li", has_text="base currency")).to_contain_text("is missing")


def test_what_others_wrote_is_only_ever_text(server, page: Page):
    request = json.loads(json.dumps(demo_named("currencies").request).replace('"ROG"', json.dumps(HOSTILE)))  # type: ignore[union-attr]
    request["portfolio_snapshot"]["portfolio_id"] = HOSTILE
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(f"{server.url}/rebalances/new")
    type_request(page, json.dumps(request))
    page.get_by_role("button", name="Run it").click()
    stored(server, page)
    expect(page.get_by_role("heading", name=f"Portfolio {HOSTILE}")).to_be_visible()
    expect(page.locator(".orders")).to_contain_text(HOSTILE)
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_no_page_scrolls_sideways_on_a_phone(server, page: Page):
    page.goto(f"{server.url}/rebalances/what-if", wait_until="networkidle")
    page.get_by_role("button", name="Run the scenarios").click()
    expect(page.get_by_role("heading", name="Weights in figures")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.goto(f"{server.url}/rebalances/new?demo=settlement", wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.get_by_role("button", name="Run it").click()
    stored(server, page)
    expect(page.get_by_role("heading", name="Where this comes from")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
