"""Whole DPM books in a real browser against a real server: begun, followed, read, taken away."""

import csv
import io
import json
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from steelyard.rebalance.demo import demo_book
from tests.browser.conftest import Server, until
from tests.browser.test_rebalances_page import type_request

pytestmark = pytest.mark.browser

PHONE = (390, 844)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """A book takes its time where others compute too."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


def run_book(server: Server, body: dict[str, object]) -> dict[str, object]:
    """A book that has ended, as the API has it."""
    url = server.call("POST", "/rebalance/book", body)["status_url"]
    until(lambda: server.call("GET", url)["status"] == "completed")
    book: dict[str, object] = server.call("GET", url)
    return book


def many_accounts(count: int) -> dict[str, object]:
    """A book of one portfolio under many names, the first of them a hostile one, one with an unknown model."""
    book = demo_book()
    portfolio = book["portfolios"][0]["portfolio_snapshot"]
    names = [HOSTILE, *(f"pf-{number:03}" for number in range(1, count))]
    portfolios = [{"model": "balanced", "portfolio_snapshot": portfolio | {"portfolio_id": name}} for name in names]
    portfolios[-1]["model"] = "gone"
    return book | {"portfolios": portfolios}


def test_the_example_is_run_and_its_page_shows_what_the_api_says(server, page: Page):
    page.goto(f"{server.url}/rebalances/books/new")
    page.get_by_role("button", name="Run the book").click()
    page.wait_for_url("**/rebalances/books/dpmbook*")
    book_id = page.url.rpartition("/")[2]
    expect(page.get_by_role("heading", name="Block orders")).to_be_visible()
    book = server.call("GET", f"/rebalance/book/{book_id}")
    for name, status in (("Ready", "READY"), ("Needs review", "PENDING_REVIEW"), ("Blocked", "BLOCKED")):
        tile = page.locator(".tile", has=page.get_by_text(name, exact=True))
        expect(tile.locator(".tile-value")).to_have_text(str(book["status_counts"][status]))
    blocks = server.call("GET", f"/rebalance/book/{book_id}/blocks")["gross"]
    expect(page.locator(".blocks tbody tr")).to_have_count(len(blocks))
    page.get_by_role("button", name="Allocations of SELL NESN").click()
    block = server.call("GET", f"/rebalance/book/{book_id}/blocks/SELL/NESN")
    expect(page.get_by_role("dialog").locator("tbody tr")).to_have_count(len(block["allocations"]))
    page.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="pf-1004").click()
    expect(page.get_by_role("heading", name="Ready: 10 trades and 2 exchanges")).to_be_visible()
    page.get_by_role("link", name="To the book").click()
    page.get_by_role("navigation", name="Rebalances").get_by_role("link", name="Books").click()
    expect(page.locator("tr", has_text=book_id)).to_contain_text("completed")


def test_accounts_are_looked_through_by_page_name_and_outcome(server, page: Page):
    book = run_book(server, many_accounts(60))
    page.goto(f"{server.url}/rebalances/books/{book['book_id']}")
    rows = page.locator(".accounts tbody tr")
    expect(rows).to_have_count(25)
    expect(rows.first).to_contain_text(HOSTILE)
    page.get_by_role("button", name="More").click()
    expect(rows.first).to_contain_text("pf-025")
    page.get_by_role("button", name="More").click()
    expect(rows).to_have_count(10)
    expect(rows.last).to_contain_text("the book has no model 'gone'")
    expect(rows.last.get_by_role("link")).to_have_count(0)
    page.get_by_role("button", name="Back").click()
    expect(rows.first).to_contain_text("pf-025")
    page.get_by_label("Find portfolios").fill("pf-03")
    page.get_by_role("button", name="Search").click()
    expect(rows).to_have_count(10)
    page.get_by_label("Find portfolios").fill("")
    page.get_by_role("combobox", name="Outcome").click()
    page.get_by_role("option", name="Failed").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("pf-059")


def test_the_files_are_those_of_the_api(server, page: Page):
    book = run_book(server, many_accounts(3))
    page.goto(f"{server.url}/rebalances/books/{book['book_id']}")
    for name, path in (("accounts", "comparison"), ("blocks", "blocks")):
        with page.expect_download() as download:
            page.locator(f".{name}").get_by_role("link", name="CSV").click()
        content = download.value.path().read_text()
        wanted = httpx.get(f"{server.url}/rebalance/book/{book['book_id']}/{path}", params={"format": "csv"}).text
        assert list(csv.reader(io.StringIO(content))) == list(csv.reader(io.StringIO(wanted)))


def test_what_is_wrong_with_a_book_is_told_and_nothing_is_queued(server, page: Page):
    before = server.call("GET", "/rebalance/book")["items"]
    book = demo_book()
    book["portfolios"][1]["portfolio_snapshot"]["positions"][0]["quantity"] = "many"
    page.goto(f"{server.url}/rebalances/books/new")
    type_request(page, json.dumps(book))
    page.get_by_role("button", name="Run the book").click()
    expect(page.get_by_role("alert")).to_contain_text("1 thing to correct")
    expect(page.get_by_role("alert")).to_contain_text("quantity")
    assert server.call("GET", "/rebalance/book")["items"] == before


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_nothing_is_wider_than_a_phone(server, page: Page):
    book = run_book(server, many_accounts(5))
    url = f"/rebalances/books/{book['book_id']}"
    for path in (url, "/rebalances/books", "/rebalances/books/new", f"{url}/accounts/pf-001"):
        page.goto(server.url + path, wait_until="networkidle")
        widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1], path
