"""A process that works on parts of one book: ``python -m steelyard.rebalance.book_worker``.

It reads frames from standard input (what the book shares, then part after part) and answers each part
with a frame on standard output.  It ends when its input does, so none outlives whoever started it,
even if that one was killed.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import IO

from steelyard.rebalance.book_parts import PartDesk

_LENGTH_BYTES = 8


def main() -> None:
    """Work until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; who started us ends us
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints must not end up between frames
    questions = sys.stdin.buffer
    shared = read_frame(questions)
    if shared is None:
        return
    desk = PartDesk(shared)
    gc.collect()
    gc.freeze()  # what is shared stays: no need to look at it again and again
    gc.disable()  # and what a part makes goes when the part is done
    while (part := read_frame(questions)) is not None:
        write_frame(answers, desk.work(part))
        gc.collect()


def write_frame(stream: IO[bytes], data: bytes) -> None:
    """Send one value."""
    stream.write(len(data).to_bytes(_LENGTH_BYTES, "little"))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Receive one value; None where the stream has ended, be it in the middle of a value."""
    head = stream.read(_LENGTH_BYTES)
    length = int.from_bytes(head, "little")
    data = stream.read(length) if len(head) == _LENGTH_BYTES else b""
    return data if len(head) == _LENGTH_BYTES and len(data) == length else None


if __name__ == "__main__":
    main()
