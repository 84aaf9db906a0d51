"""Take the pictures of the README from a running server that has at least one sweep.

    steelyard demo &
    python scripts/take_screenshots.py [http://127.0.0.1:8000] [docs/images]

It needs the development dependencies and a Chromium on the path.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

DESKTOP, PHONE = (1300, 900), (390, 844)
SETTLE_MS = 1_500
CHROMIUM_ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu"]


def main(url: str, folder: Path) -> None:
    """Write ``sweep.png``, ``sweep-dark.png`` and ``sweep-phone.png`` to ``folder``."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium on this machine: apt install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        _newest_sweep(browser, url, DESKTOP, "light").screenshot(path=folder / "sweep.png")
        dark = _newest_sweep(browser, url, DESKTOP, "dark")
        dark.locator(".tiles").evaluate("tiles => window.scrollTo(0, tiles.offsetTop - 70)")
        dark.screenshot(path=folder / "sweep-dark.png")
        _newest_sweep(browser, url, PHONE, "light").screenshot(path=folder / "sweep-phone.png")
        browser.close()


def _newest_sweep(browser: Browser, url: str, size: tuple[int, int], mode: str) -> Page:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.add_cookies([{"name": "steelyard_mode", "value": mode, "url": url}])
    page = context.new_page()
    page.goto(url)
    page.locator("td a").first.click()
    page.locator(".curve canvas").first.wait_for()
    page.wait_for_timeout(SETTLE_MS)
    return page


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000", Path(*(sys.argv[2:] or ["docs/images"])))
