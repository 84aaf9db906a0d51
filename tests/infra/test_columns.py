"""Column types: what is stored comes back as it was."""

import random
import threading
import zlib

import pytest
from sqlalchemy.dialects import sqlite

from steelyard.infra.columns import Compressed

COLUMN, DIALECT = Compressed(), sqlite.dialect()


def stored(value):
    return COLUMN.process_bind_param(value, DIALECT)


def read(value):
    return COLUMN.process_result_value(value, DIALECT)


@pytest.mark.parametrize("value", [None, b"", b"x", b"{}" * 50_000, random.Random(1).randbytes(5_000)])
def test_bytes_come_back_as_they_were(value):
    assert read(stored(value)) == value


def test_repetitive_json_takes_a_fraction_of_its_room():
    value = b'{"instrument_id":"EQ_1","quantity":"100"}' * 1_000
    assert len(stored(value)) * 10 < len(value)


def test_what_zlib_wrote_before_is_still_read():
    value = b'{"status":"READY"}' * 100
    assert read(zlib.compress(value, 1)) == value
    assert read(zlib.compress(b"")) == b""


def test_threads_may_compress_at_the_same_time():
    values = [random.Random(seed).randbytes(200) * 500 for seed in range(8)]
    found = {}

    def work(index):
        found[index] = all(read(stored(values[index])) == values[index] for _ in range(20))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(values))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(len(values)), True)
