"""Models and books as a person uses them, in a real browser against a real server."""

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from steelyard.infra.auth import DEVELOPER
from steelyard.infra.settings import Settings
from steelyard.market.store import PriceStore
from steelyard.models.demo import demo_security_id, install_demo_models
from steelyard.server.parts import running
from tests.browser.conftest import Server, start

pytestmark = pytest.mark.browser

PHONE = (390, 844)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[Server]:
    """A server with the demo's models in it."""
    data_dir = tmp_path_factory.mktemp("models")
    asyncio.run(_install(Settings(data_dir=data_dir)))
    process, server = start(data_dir)
    yield server
    process.terminate()
    process.wait(20)


async def _install(settings: Settings) -> None:
    async with running(settings, works=False) as parts:
        await install_demo_models(parts.models.store, parts.database, DEVELOPER, PriceStore(settings.data_dir))


@pytest.fixture(scope="module")
def book_id(shop: Server) -> str:
    """A completed book of all models."""
    submitted: str = shop.call("POST", "/api/v1/rebalance-batches", {"all": True})["batchId"]
    return submitted


def new_model(shop: Server, name: str, **changes: object) -> dict[str, object]:
    positions = [
        {"securityId": demo_security_id(ticker), "target": "0.3", "lowDrift": "0.1", "highDrift": "0.1"}
        for ticker in ("KO", "PEP")
    ]
    made: dict[str, object] = shop.call("POST", "/api/v1/models", {"name": name, "positions": positions, **changes})
    return made


def test_a_model_is_made_edited_and_saved(shop, page: Page):
    page.goto(f"{shop.url}/models")
    expect(page.locator("table tbody tr")).to_have_count(len(shop.call("GET", "/api/v1/models")))
    page.get_by_role("button", name="New model").click()
    page.get_by_label("Name").fill("Edited here")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Edited here")).to_be_visible()
    page.get_by_role("button", name="Add position").click()
    page.get_by_role("textbox", name="Security").fill(demo_security_id("HD"))
    page.get_by_role("textbox", name="Target").fill("0.105")
    expect(page.get_by_role("status").first).to_have_text("Targets add up to 0.105 of at most 0.95; 0.895 stays cash")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".title .note")).to_contain_text("Version 2")
    (stored,) = [one for one in shop.call("GET", "/api/v1/models") if one["name"] == "Edited here"]
    assert stored["positions"] == [
        {"securityId": demo_security_id("HD"), "target": "0.105", "highDrift": "0.02", "lowDrift": "0.02"}
    ]


def test_wrong_values_are_refused_beside_their_field_in_the_words_of_the_api(shop, page: Page):
    model = new_model(shop, "Refused")
    page.goto(f"{shop.url}/models/{model['modelId']}")
    page.get_by_role("textbox", name="Target").first.fill("0.303")
    said = page.locator("tr.below:visible .error")
    expect(said).to_have_text("`positions[0].target` was 0.303; it is 0 or a multiple of 0.005")
    page.get_by_role("textbox", name="Target").first.fill("0.7")
    expect(page.locator(".error", has_text="the targets added up to 1.0; at most 0.95")).to_be_visible()
    expect(said).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    assert shop.call("GET", f"/api/v1/model/{model['modelId']}")["version"] == 1


def test_who_is_slower_is_told_who_was_faster_and_reloads(shop, page: Page):
    model = new_model(shop, "Contended")
    page.goto(f"{shop.url}/models/{model['modelId']}")
    page.get_by_role("textbox", name="Target").first.fill("0.25")
    expect(page.get_by_role("status").first).to_contain_text("0.55")
    faster = {"name": "Contended", "positions": [], "portfolios": [], "version": 1}
    shop.call("PUT", f"/api/v1/model/{model['modelId']}", faster)
    page.get_by_role("button", name="Save").click()
    alert = page.locator(".banner.is-bad")
    expect(alert).to_contain_text("development was faster")
    expect(alert).to_contain_text("has version 2, and the request was for version 1")
    assert shop.call("GET", f"/api/v1/model/{model['modelId']}")["positions"] == []
    page.get_by_role("button", name="Reload").click()
    expect(page.get_by_role("textbox", name="Target")).to_have_count(0)
    expect(page.locator(".title .note")).to_contain_text("Version 2")


def test_portfolios_join_and_leave_while_what_is_typed_stays(shop, page: Page):
    model = new_model(shop, "Followed")
    page.goto(f"{shop.url}/models/{model['modelId']}")
    page.get_by_role("textbox", name="Target").first.fill("0.2")
    page.get_by_label("Portfolio ids").fill("demo-01, nobody")
    page.get_by_role("button", name="Add portfolios").click()
    row = page.locator("tr", has_text="nobody")
    expect(row).to_contain_text("PORTFOLIO_NOT_FOUND")
    expect(page.locator("tr", has_text="demo-01")).to_contain_text("outside")
    page.get_by_role("button", name="Remove nobody").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".title .note")).to_contain_text("Version 4, 1 portfolio")
    stored = shop.call("GET", f"/api/v1/model/{model['modelId']}")
    assert (stored["positions"][0]["target"], stored["portfolios"]) == ("0.2", ["demo-01"])


def test_a_portfolio_is_rebalanced_and_its_orders_are_those_that_are_stored(shop, page: Page):
    page.goto(f"{shop.url}/models")
    page.get_by_role("link", name="steady income").click()
    page.get_by_role("button", name="Rebalance demo-12").click()
    expect(page.get_by_role("heading", name="Drift of demo-12")).to_be_visible()
    expect(page.locator("#outcome canvas").first).to_be_visible()
    record = shop.call("GET", "/api/v1/rebalances?limit=1")[0]
    (stored,) = shop.call("GET", f"/api/v1/rebalance/{record['rebalanceId']}")["portfolios"]
    orders = [one for one in stored["positions"] if one["transactionType"]]
    sides = page.locator("#outcome tr:has(.badge) .badge").all_inner_texts()
    assert sides == sorted((one["transactionType"] for one in orders), reverse=True)
    assert len(sides) > 0
    for one in orders:
        row = page.locator("#outcome tr:has(.badge)", has_text=one["securityId"])
        expect(row).to_contain_text(f"{one['transactionQuantity']:,}")
    reasons = page.locator("#outcome section", has=page.get_by_role("heading", name="Why these quantities"))
    expect(reasons.locator("tbody tr")).to_have_count(len(stored["positions"]))


def test_a_model_s_rebalance_lists_the_portfolio_that_failed_with_code_words_and_details(shop, page: Page):
    page.goto(f"{shop.url}/models")
    page.get_by_role("link", name="steady income").click()
    page.get_by_role("button", name="Rebalance the model").click()
    expect(page.get_by_text("9 portfolios with orders, 1 without")).to_be_visible()
    page.locator("#outcome").get_by_role("button", name="demo-20").click()
    refusal = page.locator("#outcome section", has_text="No orders.")
    expect(refusal).to_contain_text("OPTIMIZATION_FAILED")
    expect(refusal).to_contain_text("widen the drift or change the target")
    expect(refusal.locator(".facts")).to_contain_text("INFEASIBLE")
    page.locator("#outcome").get_by_role("button", name="demo-11").click()
    expect(page.get_by_role("heading", name="Drift of demo-11")).to_be_visible()


def test_a_book_is_submitted_followed_and_its_blocks_are_taken_away(shop, page: Page):
    page.goto(f"{shop.url}/books")
    page.get_by_role("button", name="Rebalance book").click()
    page.get_by_role("checkbox", name="All models").click()
    page.get_by_role("button", name="Rebalance", exact=True).click()
    expect(page.locator(".form .error")).to_contain_text("at least 1 item")
    page.get_by_label("Models", exact=True).click()
    page.get_by_role("option", name="steady income").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rebalance", exact=True).click()
    page.wait_for_url("**/books/book_*")
    batch = page.url.rpartition("/")[2]
    expect(page.locator(".badge", has_text="completed")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    tiles = page.locator(".tile-value")
    blocks = shop.call("GET", f"/api/v1/rebalance-batches/{batch}/blocks")
    expect(tiles).to_have_text(["9", "1", "0", str(len(blocks))])
    expect(page.locator("tr", has_text="demo-20")).to_contain_text("OPTIMIZATION_FAILED")
    page.get_by_role("button", name="Details of demo-20").click()
    expect(page.get_by_role("dialog").locator(".facts")).to_contain_text("would weigh")
    page.get_by_role("button", name="Close").click()
    first = blocks[0]
    page.get_by_role("button", name=f"Allocations of {first['side']} {first['securityId']}").click()
    units = page.get_by_role("dialog").locator("td.num")
    expect(units).to_have_count(first["numberOfPortfolios"])
    assert sum(int(text.replace(",", "")) for text in units.all_inner_texts()) == first["quantity"]
    page.get_by_role("button", name="Close").click()
    for name, begins in (("CSV", "side,securityId,"), ("FIX", "8=FIX.4.4")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.path().read_text().startswith(begins)


def test_a_portfolio_of_a_book_shows_its_orders_and_one_that_is_not_in_it_is_told(shop, book_id, page: Page):
    page.goto(f"{shop.url}/books/{book_id}")
    wanted = page.get_by_label("Portfolio id")
    wanted.fill("nobody")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".q-field--error")).to_contain_text("has no result for portfolio nobody")
    wanted.fill("demo-03")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="Drift of demo-03")).to_be_visible()
    page.goto(f"{shop.url}/books")
    counts = shop.call("GET", f"/api/v1/rebalance-batches/{book_id}")["portfolios"]
    row = page.locator("tr", has_text=book_id)
    expect(row.locator('[data-name="Portfolios"]')).to_have_text(str(counts["total"]))
    expect(row.locator('[data-name="Failed"]')).to_have_text(str(counts["failed"]))


def test_what_others_wrote_is_only_ever_text(shop, page: Page):
    shop.call(
        "POST",
        "/api/v1/securities",
        {"securities": [{"securityId": "H" * 24, "ticker": HOSTILE, "price": "10"}]},
    )
    positions = [{"securityId": "H" * 24, "target": "0.5", "lowDrift": "0.1", "highDrift": "0.1"}]
    model = new_model(shop, HOSTILE, positions=positions, portfolios=[HOSTILE])
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(f"{shop.url}/models")
    page.get_by_role("link", name=HOSTILE).click()
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    expect(page.locator("tr", has_text="PORTFOLIO_NOT_FOUND")).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Rebalance the model").click()
    expect(page.locator("#outcome")).to_contain_text("PORTFOLIO_NOT_FOUND")
    assert page.locator("img[src=x]").count() == 0
    shop.call("DELETE", f"/api/v1/model/{model['modelId']}/portfolio", {"portfolios": [HOSTILE]})


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_no_page_scrolls_sideways_on_a_phone(shop, book_id, page: Page):
    (model,) = [one for one in shop.call("GET", "/api/v1/models") if "steady income" in one["name"]]
    for path in ("/models", f"/models/{model['modelId']}", "/books", f"/books/{book_id}"):
        page.goto(shop.url + path, wait_until="networkidle")
        expect(page.locator(".page")).to_be_visible()
        widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1], path
    page.goto(f"{shop.url}/models/{model['modelId']}")
    page.get_by_role("button", name="Rebalance demo-11").click()
    expect(page.get_by_role("heading", name="Why these quantities")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_book_is_watched_while_it_runs_and_cancelled(shop, page: Page):
    strangers = [f"stranger-{number}" for number in range(100_000)]
    model = new_model(shop, "Crowd", portfolios=strangers)
    wanted = {"modelIds": [model["modelId"]]}
    batch = shop.call("POST", "/api/v1/rebalance-batches", wanted)["batchId"]
    page.goto(f"{shop.url}/books/{batch}")
    expect(page.get_by_text("of 100,000 portfolios")).to_be_visible()
    page.get_by_role("button", name="Cancel the book").click()
    expect(page.locator(".badge", has_text="cancelled")).to_be_visible()
    expect(page.get_by_role("button", name="Go on where it stopped")).to_be_visible()
    expect(page.get_by_role("heading", name="Block orders")).to_have_count(0)
    counts = shop.call("GET", f"/api/v1/rebalance-batches/{batch}")["portfolios"]
    assert 0 < counts["pending"] < 100_000
    expect(page.locator(".tile-value").nth(2)).to_have_text(f"{counts['pending']:,}")
