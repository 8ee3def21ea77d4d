"""Checking 100,000 uploaded records: hashes, and one signature a batch (spec/log.md)."""

import sys
import time

import msgspec

from benchmarks.report import Row
from shared.log.chain import MAX_BATCH, verify_chain
from shared.log.record import SIZE, signed_by
from tests.scribe import Scribe

RECORDS = 100_000
SAMPLE = 2_000


def main() -> None:
    """Print rows as JSON."""
    gate = Scribe("gate")
    gate.boot()
    while len(gate.log) < RECORDS:
        gate.enter(f"t{len(gate.log)}")
    upload = b"".join(gate.log)
    begin = time.perf_counter()
    head = None
    for at in range(0, len(upload), MAX_BATCH * SIZE):
        checked = verify_chain(upload[at : at + MAX_BATCH * SIZE], gate.public, head)
        head = checked.head
    chained = time.perf_counter() - begin
    if head is None or head.seq != RECORDS:
        raise SystemExit("the chain did not verify")
    begin = time.perf_counter()
    if not all(signed_by(raw, gate.public) for raw in gate.log[:SAMPLE]):
        raise SystemExit("a record did not verify")
    one_by_one = (time.perf_counter() - begin) * RECORDS / SAMPLE
    batches = -(-RECORDS // MAX_BATCH)
    rows = [
        Row("verify 100,000 chained records, share of single signatures",
            100 * chained / one_by_one, "%", 10, "at most",
            f"{chained:.2f} s and {batches} signatures against {one_by_one:.1f} s one by one"),
    ]  # fmt: skip
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
