"""The dashboard as a person uses it, in a real browser against a real server."""

import json
import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

PHONE = (390, 844)
MANY_TICKERS = "AAPL,AMD,BAC,BBY,CVX,GE,HD,JNJ,JPM,KO"


@pytest.fixture(scope="session")
def run_id(server: Server) -> str:
    return server.sweep()


def test_a_sweep_is_submitted_in_the_form_followed_and_opened(server, page: Page):
    page.goto(server.url)
    page.get_by_role("button", name="New sweep").click()
    page.get_by_label("Fast window, from").fill("10")
    page.get_by_label("to", exact=True).first.fill("30")
    page.get_by_role("button", name="Run the sweep").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("link", name="Open the sweep").click()
    expect(page.get_by_role("heading", name="AAPL, SMA", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="SMA", exact=False).nth(1)).to_contain_text("the best")
    expect(page.locator(".curve canvas").first).to_be_visible()
    page.goto(server.url)
    expect(page.locator("table")).to_contain_text("AAPL")


def test_wrong_input_is_refused_beside_its_field_in_the_words_of_the_api(server, page: Page):
    page.goto(server.url)
    page.get_by_role("button", name="New sweep").click()
    page.get_by_label("Fast window, from").fill("90")
    page.get_by_label("to", exact=True).first.fill("50")
    page.get_by_role("button", name="Run the sweep").click()
    said = page.locator(".q-field--error .q-field__messages")
    expect(said).to_have_text("the range was [90, 50]; its minimum must not exceed its maximum")
    page.get_by_label("Fast window, from").fill("5")
    page.get_by_label("Step of all windows").fill("0")
    page.get_by_role("button", name="Run the sweep").click()
    expect(said).to_have_text("Input should be greater than or equal to 1")


def test_a_run_says_what_it_found_and_what_it_rests_on(server, run_id, page: Page):
    page.goto(f"{server.url}/sweeps/{run_id}")
    summary = server.call("GET", f"/api/v1/sweeps/{run_id}")["tickers"][0]
    expect(page.locator(".verdict h2")).to_have_text(summary["verdict"]["headline"])
    expect(page.locator(".verdict li")).to_have_text(summary["verdict"]["reasons"])
    expect(page.get_by_label("Luck")).to_contain_text("Deflated Sharpe Ratio")
    expect(page.locator(".facts")).to_contain_text(summary["metadata"]["data"]["manifest_hash"])
    expect(page.locator(".facts")).to_contain_text("252")


def test_the_results_are_sorted_filtered_and_a_row_shows_its_combination(server, run_id, page: Page):
    page.goto(f"{server.url}/sweeps/{run_id}")
    grid = page.locator(".nicegui-aggrid", has=page.get_by_text("Profit factor"))
    first = grid.locator('.ag-center-cols-container .ag-row[row-index="0"] [col-id="slow_period"]')
    expect(first).to_be_visible()
    header = grid.locator('.ag-header-cell[col-id="slow_period"]').first
    header.click()
    expect(first).to_have_text("30")
    header.click()
    expect(first).to_have_text("60")
    grid.get_by_role("spinbutton", name="Fast Filter Input").fill("15")
    expect(grid.locator('.ag-center-cols-container [col-id="fast_period"]')).to_have_text(["15"] * 7)
    first.click()
    expect(page.locator(".curve h2")).to_contain_text("SMA 15 / 60")


def test_a_click_on_a_cell_of_the_heatmap_shows_its_equity_and_trades(server, run_id, page: Page):
    page.goto(f"{server.url}/sweeps/{run_id}")
    expect(page.locator(".curve .note").first).not_to_have_text("")
    chart = page.locator(".heatmap .chart")
    box = chart.bounding_box()
    assert box is not None
    # The cell of the shortest windows is the one at the lower left of the grid.
    chart.click(position={"x": 48 + 20, "y": box["height"] - 88 - 20})
    expect(page.locator(".curve h2")).to_contain_text("SMA 5 / 30")
    stored = [
        row
        for row in server.call("GET", f"/api/v1/sweeps/{run_id}?limit=1000")["results"]
        if (row["fast_period"], row["slow_period"]) == (5, 30)
    ]
    trades = page.locator(".nicegui-aggrid.fill .ag-center-cols-container .ag-row[row-index='0'] [col-id='number']")
    expect(trades).to_have_text(str(stored[0]["total_trades"]))


def test_the_metric_of_the_heatmap_can_be_changed(server, run_id, page: Page):
    page.goto(f"{server.url}/sweeps/{run_id}")
    page.get_by_label("Metric").click()
    page.get_by_role("option", name="Max drawdown").click()
    expect(page.locator(".heatmap")).to_contain_text("Max drawdown")


def test_a_run_can_be_taken_away_as_csv(server, run_id, page: Page):
    page.goto(f"{server.url}/sweeps/{run_id}")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("ticker,rank,")
    assert len(lines) == 1 + 5 * 7


def test_the_report_and_the_parquet_table_can_be_taken_away(server, run_id, page: Page):
    page.goto(f"{server.url}/sweeps/{run_id}")
    for name, begins in (("Parquet", b"PAR1"), ("Report", b"<!doctype html>")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.path().read_bytes()[: len(begins)].lower() == begins.lower()


def test_a_running_job_is_cancelled(server, page: Page):
    body = {"ticker": MANY_TICKERS, "fast_range": [1, 250], "slow_range": [2, 500], "step": 1, "min_trades": 1}
    job_id = server.call("POST", "/api/v1/strategy/sweep", body)["job_id"]
    page.goto(f"{server.url}/jobs/{job_id}")
    expect(page.locator(".badge", has_text="running")).to_be_visible()
    expect(page.locator(".events")).to_contain_text("%")
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.locator(".badge", has_text="cancelled")).to_be_visible(timeout=5_000)
    expect(page.get_by_role("button", name="Cancel the job")).to_have_count(0)
    page.goto(f"{server.url}/jobs")
    expect(page.locator("tr", has_text=job_id)).to_contain_text("cancelled")


def test_synthetic_prices_are_called_so_everywhere(server, page: Page):
    run = server.sweep(ticker="NVDA")
    page.goto(f"{server.url}/sweeps/{run}")
    expect(page.locator(".banner", has_text="made by a generator")).to_be_visible()
    for path in ("/", "/data"):
        page.goto(server.url + path)
        expect(page.get_by_text("Synthetic prices").first).to_be_visible()


def test_who_is_not_logged_in_is_sent_to_the_login_page(closed_server, page: Page):
    for path in ("/", "/jobs", "/data", "/sweeps/run_1", "/jobs/job_1"):
        page.goto(closed_server.url + path, wait_until="commit")
        assert page.url == f"{closed_server.url}/login?next={quote(path, safe='')}"


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_no_page_scrolls_sideways_on_a_phone(server, page: Page):
    run_id = server.sweep(ticker=MANY_TICKERS)
    job_id = server.call("GET", f"/api/v1/sweeps/{run_id}")["job_id"]
    for path in ("/", f"/sweeps/{run_id}", "/jobs", f"/jobs/{job_id}", "/data", "/login"):
        page.goto(server.url + path, wait_until="networkidle")
        expect(page.locator(".page")).to_be_visible()
        widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1], path
    for canvas in page.locator("canvas").all():
        box = canvas.bounding_box()
        assert box is not None
        assert box["width"] <= PHONE[0]


def test_the_mode_is_switched_and_stays(server, page: Page):
    page.goto(server.url)
    page.get_by_label("Switch to dark mode").click()
    expect(page.get_by_label("Switch to light mode")).to_be_visible()
    page.goto(f"{server.url}/jobs")
    assert page.evaluate("document.body.classList.contains('body--dark')")


@pytest.mark.parametrize(
    ("path", "words"),
    [("/sweeps/run_none", "there is no sweep `run_none`"), ("/jobs/job_<b>none", "there is no job `job_<b>none`"),
     ("/nowhere", "No page has this address.")],
)  # fmt: skip
def test_what_is_not_there_has_a_friendly_page_with_status_404(server, page: Page, path, words):
    response = page.goto(server.url + path)
    assert response is not None
    assert response.status == 404
    expect(page.locator(".page")).to_contain_text(words)
    expect(page.get_by_role("link", name="To the sweeps")).to_be_visible()


def test_a_key_opens_a_session_a_wrong_one_does_not_and_logging_out_ends_it(closed_server, page: Page):
    command = ["keys", "create", "browser", "--scope", "sweeps:read", "--json"]
    environment = {**os.environ, "STEELYARD_DATA_DIR": str(closed_server.data_dir)}
    made = subprocess.run(
        [sys.executable, "-m", "steelyard.cli", *command], env=environment, capture_output=True, check=True
    )
    key = json.loads(made.stdout)["key"]
    page.goto(f"{closed_server.url}/jobs")
    page.get_by_label("API key").fill("wrong" * 10)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("The API key is unknown or revoked.")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    page.goto(f"{closed_server.url}/jobs")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
