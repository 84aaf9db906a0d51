"""The report: one file, whole, the same bytes for the same sweep, safe with any name."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import steelyard as sy
from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import PriceSeries
from steelyard.research.report import ROWS_MAX, report_html


def prices(bars=900, symbol="ABC"):
    close = 100 * np.exp(np.random.default_rng(4).normal(0.0003, 0.012, bars).cumsum())
    times = pd.bdate_range("2019-01-01", periods=bars).to_numpy("datetime64[ns]")
    return PriceSeries(symbol, close, times)


def swept(**choices):
    return sy.sweep(prices(**choices), fast=range(3, 30, 3), slow=range(20, 101, 10))


class Page(HTMLParser):
    """Open tags, texts and addresses of a page."""

    def __init__(self, html):
        super().__init__()
        self.open, self.texts, self.addresses, self.rows = [], [], [], 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.rows += tag == "tr"
        self.addresses += [value for name, value in attrs if name in {"src", "href", "action"}]
        if tag not in {"meta", "br", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def without_scripts(html):
    return re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)


def test_the_report_is_one_well_formed_page_that_fetches_nothing(tmp_path):
    path = swept().to_html(tmp_path / "report.html")
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == []
    assert page.addresses == []
    assert not re.search(r"@import|url\(", without_scripts(html))
    assert "Plotly.newPlot" in html
    assert list(tmp_path.iterdir()) == [path]


def test_the_report_says_the_verdict_and_shows_the_best_rows_and_every_fold():
    r = swept()
    page = Page(report_html(r))
    assert r.verdict.headline in page.texts
    for reason in r.verdict.reasons:
        assert reason in page.texts
    assert f"{r.best['score']:.2f}" in page.texts
    trades = min(40, len(r.backtest.trades))
    assert page.rows == (1 + min(ROWS_MAX, len(r.table))) + (1 + len(r.walk_forward)) + (1 + 4) + (1 + trades)


def test_the_same_sweep_writes_the_same_bytes():
    assert report_html(swept()) == report_html(swept())


def test_a_name_made_to_break_out_of_the_page_stays_text():
    name = "</script><img src=x onerror=alert(1)>"
    page = Page(report_html(swept(symbol=name)))
    assert page.addresses == []
    assert f"{name}: SMA sweep" in page.texts


def test_a_sweep_too_short_to_judge_has_a_report_too():
    r = sy.sweep(prices(bars=120), fast=[3, 5], slow=[10, 20])
    html = report_html(r)
    assert "Not tested for luck" in html
    assert "too short for a walk-forward" in html
    assert "nan" not in re.sub(r"[a-z]+nan|nan[a-z]+", "", " ".join(Page(without_scripts(html)).texts).lower())


def test_an_endless_profit_factor_is_shown_as_such():
    rising = np.concatenate([np.linspace(100, 90, 30), np.linspace(90, 140, 60), np.linspace(140, 120, 20)])
    r = sy.sweep(rising, fast=2, slow=5, fee=0.0)
    assert "∞" in report_html(r)


def test_a_missing_folder_is_named_and_nothing_is_written(tmp_path):
    with pytest.raises(InvalidInputError, match="missing") as refused:
        swept().to_html(tmp_path / "missing" / "report.html")
    assert refused.value.code == "NO_SUCH_FOLDER"
    assert list(tmp_path.iterdir()) == []
