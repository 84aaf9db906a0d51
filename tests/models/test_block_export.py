"""Blocks as text."""

import csv
import io
from datetime import datetime, timedelta, timezone

import pytest

from steelyard.core.errors import InvalidInputError
from steelyard.models.block_export import SOH, blocks_to_csv, blocks_to_fix
from steelyard.models.blocks import Allocation, Block
from steelyard.models.orders import Side
from tests.models.domain import security

BLOCKS = [
    Block(security("B"), Side.SELL, 138, (Allocation("p1", 138),)),
    Block(security("A"), Side.BUY, 1024, (Allocation("=p,1", 125), Allocation("p2", 899))),
]
SENT = datetime(2026, 3, 2, 10, 30, 0, 123_000, tzinfo=timezone(timedelta(hours=1)))


def fix(sender="STEELYARD"):
    named = blocks_to_fix(
        BLOCKS, sender=sender, target="BROKER", sent_at=SENT, order_id=lambda block: f"o-{block.security_id[0]}"
    )
    return list(named)


def test_csv_has_a_line_for_each_allocation_and_reads_back():
    rows = list(csv.reader(io.StringIO(blocks_to_csv(BLOCKS), newline="")))
    assert rows == [
        ["side", "securityId", "blockQuantity", "portfolioId", "quantity"],
        ["SELL", security("B"), "138", "p1", "138"],
        ["BUY", security("A"), "1024", "'=p,1", "125"],
        ["BUY", security("A"), "1024", "p2", "899"],
    ]


def test_a_fix_message_says_what_the_block_says():
    first, second = ([field.split("=", 1) for field in message.split(SOH)[:-1]] for message in fix())
    assert dict(first) | {"9": "", "10": ""} == {
        "8": "FIX.4.4", "9": "", "35": "D", "49": "STEELYARD", "56": "BROKER", "34": "1",
        "52": "20260302-09:30:00.123", "11": "o-B", "78": "1", "79": "p1", "80": "138",
        "55": security("B"), "54": "2", "60": "20260302-09:30:00.123", "38": "138", "40": "1", "10": "",
    }  # fmt: skip
    assert [value for tag, value in second if tag in {"79", "80"}] == ["=p,1", "125", "p2", "899"]


def test_length_and_checksum_are_those_of_the_bytes():
    for message in fix(sender="STÉ"):
        data = message.encode()
        head, rest = data.split(b"\x0135=", 1)
        assert int(head.split(b"9=")[1]) == len(b"35=" + rest) - len(b"10=000\x01")
        assert data.endswith(b"10=%03d\x01" % (sum(data[: -len(b"10=000\x01")]) % 256))


@pytest.mark.parametrize("bad", ["", "a\x01b", "a\nb"])
def test_a_value_that_would_end_its_field_is_refused(bad):
    with pytest.raises(InvalidInputError, match="49"):
        fix(sender=bad)
