"""How fast this machine scans, beside the raw operations that a scan is made of.

Shared by `usher-edge bench` and the project's own benchmarks: each returns single durations in
milliseconds, so that whoever prints them takes median and tail from the same list.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from edge.gate.gate import Gate
from edge.store.database import PRAGMAS
from shared import keys
from shared.log.record import SIZE
from shared.outcomes import Signal

LANE: Final = "kiosk"


def timed(works: Iterable[Callable[[], object]]) -> list[float]:
    """Return how long each took, in milliseconds, in order of length."""
    spent = []
    for work in works:
        begin = time.perf_counter()
        work()
        spent.append((time.perf_counter() - begin) * 1e3)
    return sorted(spent)


def share(ordered: Sequence[float], part: float) -> float:
    """Return the duration that `part` of all did not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def verdicts(gate: Gate, codes: Iterable[str]) -> list[float]:
    """Return the durations from the text of a code to a durable, green verdict."""

    def scan(code: str) -> None:
        verdict = gate.station.scan(code, LANE, "hand")
        if verdict.signal is not Signal.ADMIT:
            raise SystemExit(f"a benchmark's ticket was not admitted: {verdict.code}")

    return timed(partial(scan, code) for code in codes)


def verifications(times: int) -> list[float]:
    """Return the durations of single Ed25519 verifications of a ticket's length."""
    secret = keys.secret_key(bytes(32))
    message, pk = bytes(38), keys.public_key(secret)
    signature = keys.sign(secret, b"", message)
    return timed((lambda: keys.verify(pk, b"", message, signature)) for _ in range(times))


@contextmanager
def bare(folder: Path) -> Iterator[Callable[[], None]]:
    """Give a durable insert of 256 bytes, by the gate's own settings."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO bare VALUES (?, ?)", (os.urandom(16), bytes(SIZE)))
        connection.execute("COMMIT")

    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        connection.execute("CREATE TABLE bare (id BLOB PRIMARY KEY, raw BLOB NOT NULL) STRICT")
        yield insert
    finally:
        connection.close()


def syncs(folder: Path, times: int) -> list[float]:
    """Return the durations of single appends of one page with fdatasync: the disk's own."""
    file = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:

        def sync() -> None:
            os.write(file, bytes(4096))
            os.fdatasync(file)

        return timed(sync for _ in range(times))
    finally:
        os.close(file)
