"""A manifest of 100,000 tickets: build, verify and load, and a delta of 1,000 changes."""

import sys
import time

import msgspec

from benchmarks.event import EVENT, MANIFEST_KEY, NOW, PLAN, TICKETS, trusted_keys
from benchmarks.report import Row
from shared import hashing
from shared.manifest import build, delta
from shared.manifest.head import seal_head
from shared.manifest.ticket import NO_HOLDER, Status, TicketRecord
from shared.manifest.trusted import TrustedManifest

CHANGES = 1_000
DELTAS = 20  # the median of as many


def main() -> None:
    """Print rows as JSON."""
    ids = [i.to_bytes(16, "big") for i in range(TICKETS)]
    begin = time.perf_counter()
    records = [
        TicketRecord(hashing.id_hash(ticket), i, 0, 1, Status.ACTIVE, NO_HOLDER)
        for i, ticket in enumerate(ids)
    ]
    table = build.table(EVENT, records)
    head = build.head(
        table, PLAN, version=1, issued=NOW.seconds, expires=NOW.seconds + 86_400,
        sales_end=NOW.seconds,
    )  # fmt: skip
    raw = seal_head(head, MANIFEST_KEY)
    built = time.perf_counter() - begin

    trusted = trusted_keys()
    begin = time.perf_counter()
    assembly = TrustedManifest(EVENT).preload(raw, trusted, NOW)
    for place in assembly.missing:
        assembly = assembly.add(place, table.chunks[place])
    gate = TrustedManifest(EVENT).take(assembly, trusted)
    loaded = time.perf_counter() - begin
    if gate.held is None or gate.held.table != table:
        raise SystemExit("the manifest did not load")

    spent = []
    for turn in range(DELTAS):
        changed = [
            delta.Change(record._replace(status=Status.REVOKED))
            for record in records[turn * CHANGES : (turn + 1) * CHANGES]
        ]
        step = delta.entry(head.version + 1, changed)
        table = delta.advance(table, step)
        head = build.next_head(head, table, step, issued=NOW.seconds, expires=NOW.seconds + 86_400)
        raw, log = seal_head(head, MANIFEST_KEY), delta.encode([step])
        begin = time.perf_counter()
        gate = gate.follow(raw, log, trusted, NOW)
        spent.append((time.perf_counter() - begin) * 1000)
    spent.sort()
    size = sum(map(len, table.chunks)) / 1e6
    rows = [
        Row("build and sign a manifest of 100,000 tickets", built, "s", 2, "at most",
            f"{size:.1f} MB of records"),
        Row("verify and load it", loaded, "s", 2, "at most"),
        Row("apply a delta of 1,000 changes (median)", spent[len(spent) // 2], "ms", 50,
            "at most", f"slowest of {DELTAS}: {spent[-1]:.1f} ms"),
    ]  # fmt: skip
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
