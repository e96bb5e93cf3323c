#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several processes that write one SQLite database at once, and note outside of it what was
acknowledged.

usage: sqlite_writers.py write DATABASE JOURNAL-MODE ACKNOWLEDGED TRANSACTIONS
       sqlite_writers.py check DATABASE ACKNOWLEDGED

Each writer inserts TRANSACTIONS rows of its own and moves value between two rows that all share. One
writer after the other is killed and begins again. Ends when all are done, or at the first error.
"""
import os
import random
import signal
import sqlite3
import sys
import time

WRITERS = 4
KILLS = 6


def connect(path: str, journal: str | None = None) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=60, isolation_level=None)
    if journal:
        database.execute(f"pragma journal_mode={journal}")
        database.execute("pragma synchronous=full")
    return database


def prepare(path: str, journal: str) -> None:
    database = connect(path, journal)
    database.execute("create table if not exists row(writer, number, text, unique(writer, number))")
    database.execute("create table if not exists account(id integer primary key, value)")
    database.execute("insert or ignore into account values (1, 1000000), (2, 0)")
    database.close()


def work(writer: int, path: str, journal: str, log: str, transactions: int) -> None:
    database = connect(path, journal)
    done = open(log, "ab", buffering=0)
    first, = database.execute("select coalesce(max(number) + 1, 0) from row where writer = ?",
                              (writer,)).fetchone()
    for number in range(first, transactions):
        database.execute("begin immediate")
        database.execute("insert into row values (?, ?, ?)", (writer, number, "x" * (number % 500)))
        database.execute("update account set value = value - 1 where id = 1")
        database.execute("update account set value = value + 1 where id = 2")
        database.execute("commit")
        done.write(b"%d %d\n" % (writer, number))


def start(*arguments) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work(*arguments)
        except BaseException as error:  # a child must never go on as its parent
            print(f"writer {arguments[0]}: {error}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return pid


def write(path: str, journal: str, log: str, transactions: int) -> int:
    prepare(path, journal)
    generator = random.Random(1)
    writers = {start(n, path, journal, log, transactions): n for n in range(WRITERS)}
    failures = 0
    for _ in range(KILLS):
        time.sleep(generator.uniform(0.05, 0.2))
        if len(writers) < WRITERS:
            break
        pid, number = generator.choice(list(writers.items()))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        del writers[pid]
        writers[start(number, path, journal, log, transactions)] = number
    while writers:
        pid, status = os.wait()
        del writers[pid]
        failures += status != 0
    return failures


def check(path: str, log: str) -> None:
    database = connect(path)
    assert database.execute("pragma integrity_check").fetchall() == [("ok",)], "integrity_check"
    rows = set(database.execute("select writer, number from row").fetchall())
    with open(log, encoding="ascii") as lines:
        acknowledged = {tuple(map(int, line.split())) for line in lines}
    lost = acknowledged - rows
    assert not lost, f"{len(lost)} of {len(acknowledged)} transactions are lost: {sorted(lost)[:5]}"
    values = dict(database.execute("select id, value from account").fetchall())
    assert values == {1: 1_000_000 - len(rows), 2: len(rows)}, f"torn: {values}, {len(rows)} rows"
    print(f"{len(acknowledged)} transactions were acknowledged, {len(rows)} are there")


if sys.argv[1] == "write":
    sys.exit(min(write(*sys.argv[2:5], int(sys.argv[5])), 1))
check(*sys.argv[2:])
