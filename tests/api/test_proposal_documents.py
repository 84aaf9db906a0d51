"""A version's document and evidence over HTTP."""

import io

import httpx
import pytest
from pypdf import PdfReader

from tests.proposals.desk import buy, proposal, reference

WORDS = {"holdings": {"A": 50}, "prices": {"A": 10, "B": 10}, "cash": 500, "reference": reference({"CASH": "0.5"})}


@pytest.fixture(scope="module")
def made(base_url):
    """The id of a proposal of two versions."""
    with httpx.Client(base_url=base_url) as client:
        body = {
            "created_by": "Ärger & <b>Söhne</b>",
            "simulate_request": proposal(**WORDS, trades=[buy("B", 3)]),
            "metadata": {"title": "Less cash", "advisor_notes": "asked for", "jurisdiction": "CH"},
        }
        headers = {"Idempotency-Key": "document"}
        proposal_id = client.post("/rebalance/proposals", json=body, headers=headers).json()["proposal"]["proposal_id"]
        second = {"created_by": "another", "simulate_request": proposal(**WORDS, trades=[buy("B", 7)])}
        assert client.post(f"/rebalance/proposals/{proposal_id}/versions", json=second).status_code == 200
        return proposal_id


def test_the_document_is_html_or_pdf_and_says_what_the_version_says(anonymous, made):
    path = f"/rebalance/proposals/{made}/versions/2"
    artifact = anonymous.get(path).json()["artifact"]
    page = anonymous.get(f"{path}/document")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    pdf = anonymous.get(f"{path}/document", params={"format": "pdf"})
    assert pdf.headers["content-type"] == "application/pdf"
    assert f"{made}_v2.pdf" in pdf.headers["content-disposition"]
    text = " ".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(pdf.content)).pages)
    for shown in (artifact["artifact_id"], artifact["evidence_bundle"]["hashes"]["artifact_hash"], "70.00 CHF"):
        assert shown in page.text
        assert shown in text
    assert anonymous.get(f"{path}/document", params={"format": "pdf"}).content == pdf.content


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("{made}/versions/2/document?format=docx", 422),
        ("{made}/versions/3/document", 404),
        ("{made}/versions/0/document", 422),
        ("{made}/versions/99999999999999999999/document", 404),
        ("pp_unknown/versions/1/document", 404),
        ("pp_unknown/versions/1/verification", 404),
    ],
)
def test_what_is_not_there_is_refused_by_name(anonymous, made, path, status):
    assert anonymous.get("/rebalance/proposals/" + path.format(made=made)).status_code == status


@pytest.mark.parametrize("number", [1, 2])
def test_every_version_s_evidence_holds(anonymous, made, number):
    answer = anonymous.get(f"/rebalance/proposals/{made}/versions/{number}/verification").json()
    assert answer["holds"]
    assert [check["part"] for check in answer["checks"]] == ["artifact_hash", "request_hash", "replay", "record"]
    stored = anonymous.get(f"/rebalance/proposals/{made}/versions/{number}").json()
    assert answer["checks"][0]["found"] == stored["artifact_hash"]
    assert answer["checks"][1]["found"] == stored["request_hash"]
