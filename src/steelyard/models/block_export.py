"""Blocks as text for other systems: CSV, and FIX-style new orders with their allocations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from steelyard.core.csv_text import csv_lines
from steelyard.core.errors import InvalidInputError
from steelyard.models.blocks import Block
from steelyard.models.orders import Side

SOH = "\x01"
CSV_COLUMNS = ("side", "securityId", "blockQuantity", "portfolioId", "quantity")
_FIX_SIDE = {Side.BUY: "1", Side.SELL: "2"}


def blocks_to_csv(blocks: Iterable[Block]) -> str:
    """One line for each allocation, with a header; lines end with CR LF as RFC 4180 has it.

    A portfolio id that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    return csv_header() + "".join(map(block_lines, blocks))


def csv_header() -> str:
    """The first line of :func:`blocks_to_csv`."""
    return csv_lines([CSV_COLUMNS])


def block_lines(block: Block) -> str:
    """The lines of one block, for a file that is written block by block."""
    return csv_lines(
        (block.side, block.security_id, block.quantity, one.portfolio_id, one.quantity) for one in block.allocations
    )


def blocks_to_fix(
    blocks: Iterable[Block],
    *,
    sender: str,
    target: str,
    sent_at: datetime,
    order_id: Callable[[Block], str],
    first_sequence: int = 1,
) -> Iterator[str]:
    """One FIX 4.4 NewOrderSingle (35=D) for each block: a market order with its pre-trade allocations.

    Args:
        blocks: in the order to send.
        sender: company id, tag 49.
        target: company id, tag 56.
        sent_at: aware; tags 52 and 60 in UTC.
        order_id: gives tag 11, unique for each block.
        first_sequence: tag 34 of the first message.

    Raises:
        InvalidInputError: a value with a control character, which would end its field.
    """
    moment = sent_at.astimezone(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]
    for sequence, block in enumerate(blocks, start=first_sequence):
        fields = [
            (35, "D"),
            (49, sender),
            (56, target),
            (34, str(sequence)),
            (52, moment),
            (11, order_id(block)),
            (78, str(len(block.allocations))),
        ]
        for one in block.allocations:
            fields += [(79, one.portfolio_id), (80, str(one.quantity))]
        fields += [
            (55, block.security_id),
            (54, _FIX_SIDE[block.side]),
            (60, moment),
            (38, str(block.quantity)),
            (40, "1"),
        ]
        yield _framed(fields)


def _framed(fields: list[tuple[int, str]]) -> str:
    """The message with its begin string, length in bytes and checksum."""
    for tag, value in fields:
        if not value or any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
            msg = f"FIX tag {tag} was {value!r}; a value is not empty and has no control characters"
            raise InvalidInputError(msg, code="FIX_VALUE_INVALID")
    body = "".join(f"{tag}={value}{SOH}" for tag, value in fields)
    head = f"8=FIX.4.4{SOH}9={len(body.encode())}{SOH}"
    checksum = sum((head + body).encode()) % 256
    return f"{head}{body}10={checksum:03}{SOH}"
