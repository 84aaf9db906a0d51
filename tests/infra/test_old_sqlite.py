"""DBOS's clock on an SQLite that lacks it."""

import sqlite3
import time

from steelyard.infra.old_sqlite import install_subsec


def test_the_epoch_has_milliseconds_also_as_the_default_of_a_column():
    connection = sqlite3.connect(":memory:")
    install_subsec(connection)
    connection.execute("CREATE TABLE t (a INT, at INT NOT NULL DEFAULT (unixepoch('subsec') * 1000))")
    before = time.time() * 1000
    connection.execute("INSERT INTO t (a) VALUES (1)")
    ((at,),) = connection.execute("SELECT at FROM t").fetchall()
    connection.close()
    assert before - 1 <= at <= time.time() * 1000


def test_other_databases_are_left_alone():
    install_subsec(object())
