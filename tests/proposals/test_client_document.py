"""The document for the client says what the artifact says, in HTML and in PDF alike."""

import copy
import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from steelyard.core.clock import frozen_at
from steelyard.core.errors import DataIntegrityError
from steelyard.proposals.client_document import build_client_document
from steelyard.proposals.client_html import client_html
from steelyard.proposals.client_parts import ROWS_MAX, Facts, Figure, Range, Table, Text, percent, quantity
from steelyard.proposals.client_pdf import client_pdf
from steelyard.proposals.evidence import verify
from steelyard.rebalance.artifact import hash_without
from tests.proposals.desk import buy, buy_for, document, reference, sell
from tests.proposals.test_golden import CASES, post

SHELF = {
    "A": {"asset_class": "EQUITY", "issuer_id": "I", "liquidity_tier": "L1"},
    "C": {"asset_class": "BOND", "issuer_id": "K", "liquidity_tier": "L5"},
}
WORDS = {
    "holdings": {"A": 50, "B": 10},
    "prices": {"A": 10, "B": (10, "USD"), "C": ("10.333", "USD")},
    "fx": {"USD/CHF": "0.9"},
    "cash": 500,
    "flows": [("CHF", "100.5")],
    "trades": [sell("A", 10), buy_for("C", 200, "USD")],
    "shelf": SHELF,
    "reference": reference({"EQUITY": "0.5", "CASH": "0.1"}, {"A": "0.3"}),
}
ARTIFACT = document(**WORDS)
RECORDED = [
    body for case in CASES if case["path"].endswith("artifact") for status, body in [post(case)] if status == 200
]
MINUS = "\N{MINUS SIGN}"
NUMBER = re.compile(rf"[{MINUS}-]?\d[\d,]*(?:\.\d+)?")
HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=y>', "&amp;", "<b>", "</td>", "${title}", "]]>", "a\x00b"]


def leaves(value):
    """All texts and numbers of a JSON value, as texts."""
    match value:
        case dict():
            for key, item in value.items():
                yield key
                yield from leaves(item)
        case list():
            for item in value:
                yield from leaves(item)
        case None:
            pass
        case _:
            yield str(value)


def blocks(made, key) -> Any:
    return next(section.blocks for section in made.sections if section.key == key)


def cells(made):
    for section in made.sections:
        for block in section.blocks:
            match block:
                case Facts(rows):
                    yield from (cell for _, cell in rows)
                case Table(_, rows):
                    yield from (cell for row in rows for cell in row)


def figures(made):
    for cell in cells(made):
        if isinstance(cell, Figure):
            yield cell
        if isinstance(cell, Range):
            yield from (cell.low, cell.high)


def decimals(texts):
    for text in texts:
        try:
            yield Decimal(text)
        except ArithmeticError:
            continue


def as_number(text):
    return Decimal(text.replace(",", "").replace(MINUS, "-"))


class _Visible(HTMLParser):
    """The text that a browser shows, and the tags there are."""

    def __init__(self):
        super().__init__()
        self.texts, self.tags, self._hidden = [], set(), 0

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self._hidden += tag in {"style", "title"}
        assert not any(name in {"src", "href", "action", "background"} or name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag):
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data):
        if not self._hidden:
            self.texts.append(data)


def visible(html):
    parser = _Visible()
    parser.feed(html)
    return parser


def html_text(made):
    return " ".join(visible(client_html(made)).texts)


def pdf_text(made):
    pages = PdfReader(io.BytesIO(client_pdf(made))).pages
    return "\n".join(re.sub(r"Page \d+\n", "", page.extract_text().replace(made.footer, "")) for page in pages)


def require_figures_of(artifact):
    """Each figure is a number of the artifact, within half a digit of what is shown."""
    numbers = set(decimals(leaves(artifact)))
    for figure in figures(build_client_document(artifact)):
        if figure.exact == artifact["created_at"]:
            continue
        assert Decimal(figure.exact) in numbers
        (shown,) = NUMBER.findall(figure.text.split(" ")[0])
        shown = as_number(shown) / (100 if figure.text.endswith("%") else 1)
        half_a_digit = abs(shown - Decimal(figure.exact)) * 2 * 10 ** -int(shown.as_tuple().exponent)
        assert half_a_digit <= 1


@pytest.mark.parametrize("artifact", [ARTIFACT, *RECORDED], ids=lambda artifact: artifact["artifact_id"])
def test_every_figure_is_a_number_of_the_artifact_only_formatted(artifact):
    require_figures_of(artifact)


AMOUNTS = st.decimals("-1E12", "1E12", places=5, allow_nan=False)
PRICES = st.decimals("0.00001", "1E9", places=5)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.sampled_from("ABC"), st.decimals(0, "1E9", places=3), max_size=3),
    st.tuples(PRICES, PRICES, PRICES),
    AMOUNTS,
    st.lists(st.tuples(st.sampled_from([buy, sell]), st.sampled_from("ABC"), st.integers(1, 10**6)), max_size=4),
)
def test_whatever_is_proposed_its_figures_are_the_artifact_s_and_its_evidence_holds(held, prices, cash, wanted):
    first, second, third = prices
    artifact = document(
        holdings=held,
        prices={"A": first, "B": (second, "USD"), "C": (third, "JPY")},
        fx={"USD/CHF": "0.9", "JPY/CHF": "0.0063"},
        cash=cash,
        trades=[make(name, units) for make, name, units in wanted],
        reference=WORDS["reference"],
    )
    require_figures_of(artifact)
    assert verify(artifact).holds


def test_bars_are_as_long_as_the_weights_beside_them():
    for key in ("allocation", "instruments"):
        (table,) = [block for block in blocks(build_client_document(ARTIFACT), key) if isinstance(block, Table)]
        shares = [[Decimal(getattr(cell, "exact", "0")) for cell in row[1:3]] for row in table.rows]
        longest = max(max(pair) for pair in shares)
        for row, pair in zip(table.rows, shares, strict=True):
            bars: Any = row[3]
            assert (bars.before, bars.after) == pytest.approx([float(share / longest) for share in pair])


@pytest.mark.parametrize("artifact", [ARTIFACT, *RECORDED], ids=lambda artifact: artifact["artifact_id"])
def test_no_text_of_the_document_has_a_digit_that_the_artifact_lacks(artifact):
    """Figures aside, digits come with names, hashes and notes, word for word."""
    made = build_client_document(artifact)
    known = {text for text in leaves(artifact) if re.search(r"\d", text)} | {figure.text for figure in figures(made)}
    known.add(blocks(made, "evidence")[0].rows[2][1].text)  # when it was made, to the minute
    text = html_text(made)
    for one in sorted(known, key=len, reverse=True):
        text = text.replace(one, "")
    assert re.findall(r"\d+", text) == []


@pytest.mark.parametrize(
    "artifact", [ARTIFACT, RECORDED[0], RECORDED[-1]], ids=lambda artifact: artifact["artifact_id"]
)
def test_the_pdf_has_the_numbers_of_the_html_no_more_and_no_less(artifact):
    made = build_client_document(artifact)
    in_html = NUMBER.findall(html_text(made).replace(made.footer, ""))
    in_pdf = NUMBER.findall(pdf_text(made))
    assert sorted(in_pdf) == sorted(in_html)
    assert len(in_html) > 30


def test_the_same_artifact_makes_the_same_bytes_whenever_it_is_asked():
    made = set()
    for day in (1, 2):
        with frozen_at(datetime(2026, 2, day, tzinfo=UTC)):
            one = build_client_document(copy.deepcopy(ARTIFACT))
            made.add((client_html(one), client_pdf(one)))
    assert len(made) == 1


def hostile(text):
    """An artifact whose every text that a user writes is ``text``."""
    words = {
        **WORDS,
        "holdings": {text: 50},
        "prices": {text: 10, "A": 10},
        "trades": [sell(text, 1), buy("A", 1)],
        "shelf": {text: {"asset_class": text, "issuer_id": text}, "A": {"issuer_id": text}},
        "reference": {**reference({text: "0.5"}, {text: "0.5"}), "model_id": text, "as_of": text},
    }
    artifact = document(**words)
    artifact["evidence_bundle"]["inputs"]["portfolio_snapshot"]["portfolio_id"] = text
    artifact["summary"]["title"] = f"Proposal for {text}"
    artifact["summary"]["advisor_notes"] = [text]
    artifact["disclosures"]["risk_disclaimer"] = text
    artifact["evidence_bundle"]["engine_outputs"]["proposal_result"]["intents"][0]["description"] = text
    return artifact


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_shown_and_do_nothing(text):
    made = build_client_document(hostile(text))
    html = client_html(made)
    page = visible(html)
    assert page.tags == visible(client_html(build_client_document(ARTIFACT))).tags
    if "\x00" not in text:
        assert f"Proposal for {text}" in page.texts
    shown = "".join(text.replace("\x00", "[U+0000]").split())
    assert shown in "".join(pdf_text(made).split())


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_text_can_be_drawn(text):
    made = build_client_document(hostile(text))
    assert visible(client_html(made)).tags <= visible(client_html(build_client_document(ARTIFACT))).tags | {"p"}
    assert client_pdf(made).startswith(b"%PDF-")


def test_html_asks_nobody_for_anything():
    html = client_html(build_client_document(ARTIFACT))
    assert re.search(r"https?:|//|<script|<link|@import|url\(", html) is None


def test_characters_that_the_font_lacks_are_named_in_the_pdf():
    assert "[U+4E2D]" in pdf_text(build_client_document(hostile("中")))


@pytest.mark.parametrize("change", [{"summary": None}, {"portfolio_impact": {}}, {"evidence_bundle": {"inputs": []}}])
def test_what_is_no_artifact_is_refused_by_name(change):
    with pytest.raises(DataIntegrityError) as refusal:
        build_client_document({**ARTIFACT, **change})
    assert refusal.value.code == "ARTIFACT_MALFORMED"


def test_a_blocked_proposal_says_what_is_to_be_settled():
    made = build_client_document(document(holdings={"A": 5}, prices={"A": 10}, cash=1, flows=[("CHF", -5)]))
    summary = blocks(made, "summary")
    assert summary[0] == Text("As it stands, this proposal cannot be carried out.", "bad")
    table = summary[-1]
    assert "A withdrawal is larger than the cash of its currency." in [row[0] for row in table.rows]


def test_long_tables_end_and_say_where_the_rest_is():
    held = {f"I{number}": 1 for number in range(ROWS_MAX + 1)}
    made = build_client_document(document(holdings=held, prices=dict.fromkeys(held, 10), cash=1))
    (table,) = blocks(made, "instruments")
    assert (len(table.rows), table.note) == (ROWS_MAX, "Further rows are in the artifact.")


@pytest.mark.parametrize(
    ("make", "exact", "text"),
    [
        (percent, "0.1651", "16.51 %"),
        (percent, "-0.00001", "0.00 %"),
        (percent, "-0.12345", f"{MINUS}12.34 %"),
        (quantity, "1000", "1,000"),
        (quantity, "19.35546307945417594115939224", "19.355463"),
        (quantity, "1E+3", "1,000"),
    ],
)
def test_figures_are_written_for_people(make, exact, text):
    assert make(exact) == Figure(text, exact)


def test_the_document_carries_the_hash_that_anyone_can_recompute():
    rows = dict(blocks(build_client_document(ARTIFACT), "evidence")[0].rows)
    assert rows["Artifact hash"] == hash_without(ARTIFACT, "created_at", "artifact_hash")
