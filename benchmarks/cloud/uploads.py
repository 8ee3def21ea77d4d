"""100,000 check-in records of 20 gates, merged and stored (cloud/checkins/uploads.py).

Each record admits another ticket of the event, so each also moves a ticket to `used` and writes
that into its history. Half of the gates send theirs over HTTP, as `usher-cloud serve` takes them
in, the other half's are taken in by this process. Afterwards all are read and merged anew into
the event's view. Beside it, in the same run: an INSERT of as many rows of 256 bytes into a table
with nothing but a primary key.
"""

import asyncio
import os
import time
from typing import Any, Final, NamedTuple

import asyncpg
import uvloop

from benchmarks.cloud.client import ask, request
from benchmarks.cloud.issuing import fill
from benchmarks.cloud.place import Hall, Place, open_hall, tell
from benchmarks.report import Row
from cloud.checkins import devices, uploads
from cloud.checkins.view import view_of
from cloud.db.connect import open_pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.working import utc_now
from shared import hashing, keys
from shared.devices.request import Request, body_hash, sign_request
from shared.log import writer
from shared.log.record import EMPTY, SIZE, Kind, seal
from shared.log.writer import Tail

RECORDS: Final = 100_000
GATES: Final = 20
BATCH: Final = 1_000  # records an upload
AT_ONCE: Final = 4  # uploads
TICKETS: Final = "SELECT ticket_id FROM ticket WHERE event_id = $1 ORDER BY ticket_id"
BARE: Final = "CREATE TABLE bare_record (id bytea PRIMARY KEY, raw bytea NOT NULL)"
INSERT: Final = "INSERT INTO bare_record SELECT * FROM unnest($1::bytea[], $2::bytea[])"
STORED: Final = """
    SELECT (SELECT count(*) FROM record WHERE event_ref = $2) AS records,
           (SELECT count(*) FROM ticket WHERE event_id = $1 AND state = 'used') AS used
"""
WORKERS: Final = 2
RE_ENTRY_NO_CAP: Final = 0xFF


class Gate(NamedTuple):
    """A gate and its log, in pieces to be sent."""

    secret: bytes
    device: bytes
    pieces: list[bytes]


def rows_of(
    place: Place, records: int = RECORDS, gates: int = GATES, batch: int = BATCH
) -> list[Row]:
    """Let gates send what they wrote."""
    hall = open_hall(place)
    uvloop.run(fill(hall, records))
    (event,) = place.database.rows("SELECT ref FROM event WHERE event_id = $1", hall.event)
    tickets = [row["ticket_id"].bytes for row in place.database.rows(TICKETS, hall.event)]
    lines = [_write(event["ref"], tickets[first::gates], batch) for first in range(gates)]
    raws = [piece[i : i + SIZE] for gate in lines for piece in gate.pieces
            for i in range(0, len(piece), SIZE)]  # fmt: skip
    uvloop.run(_register(hall, lines))
    with place.serve(hall, WORKERS) as port:
        over_http = uvloop.run(_send(hall, port, lines[::2]))
    inside = uvloop.run(_take(hall, lines[1::2]))
    merged, present = uvloop.run(_merge(hall, event["ref"]))
    (stored,) = place.database.rows(STORED, hall.event, event["ref"])
    if not stored["records"] == stored["used"] == present == records:
        raise SystemExit(f"{records} records, {present} people, in the database {dict(stored)}")
    place.database.run(BARE)
    bare = uvloop.run(_insert(place, raws, batch))
    whole = over_http + inside
    return [
        Row(f"{records:,} check-in records stored, tickets moved", whole, "s", 10, "at most",
            f"a half over HTTP {over_http:.1f} s, a half in process {inside:.1f} s; "
            f"bare rows of 256 bytes {bare:.1f} s"),
        Row("and merged anew into the event's view", merged, "s", 10, "at most",
            f"{present:,} people inside"),
        Row("both", whole + merged, "s", 10, "at most"),
    ]  # fmt: skip


def _write(event: bytes, tickets: list[bytes], batch: int) -> Gate:
    """Write a gate's log as the gate does: each ticket admitted once."""
    secret = keys.secret_key(os.urandom(keys.SEED_SIZE))
    device = hashing.device_id(keys.public_key(secret))
    now = int(time.time() * 1000)
    raws = [seal(writer.boot(Tail(device), EMPTY, now, 0), secret)]
    tail = writer.advance(Tail(device), raws[0])
    for ticket in tickets:
        known_as = hashing.id_hash(ticket)
        draft = EMPTY._replace(
            kind=Kind.IN, event=event, gate=1, zone=1, allowance=1, terms=RE_ENTRY_NO_CAP,
            ticket=known_as, ref=hashing.root_right(event, known_as, 1, 0, 0),
            evidence=hashing.evidence(ticket),
        )  # fmt: skip
        raws.append(seal(writer.place(tail, draft, now, 0), secret))
        tail = writer.advance(tail, raws[-1])
    return Gate(secret, device, [b"".join(raws[i : i + batch]) for i in range(0, len(raws), batch)])


def _in_turn(gates: list[Gate]) -> list[tuple[Gate, bytes]]:
    """Return all pieces: each gate's first, then each gate's second."""
    most = max(len(gate.pieces) for gate in gates)
    return [(gate, gate.pieces[i]) for i in range(most) for gate in gates if i < len(gate.pieces)]


async def _register(hall: Hall, gates: list[Gate]) -> None:
    pool = await open_pool(hall.settings.database_url, size=1)
    async with tenant_tx(pool, hall.tenant, WORKER, utc_now()) as tx:
        for number, gate in enumerate(gates):
            await devices.register(tx, keys.public_key(gate.secret), f"gate {number}")
    await pool.close()


async def _send(hall: Hall, port: int, gates: list[Gate]) -> float:
    path = f"/v1/tenants/{hall.tenant}/log"
    sent = [_signed(path, port, gate, piece) for gate, piece in _in_turn(gates)]
    begin = time.perf_counter()
    answers = await ask(port, sent, AT_ONCE)
    seconds = time.perf_counter() - begin
    for answer in answers:
        if answer.status != 200:
            raise SystemExit(f"an upload was answered {answer.status} {answer.body!r}")
    return seconds


def _signed(path: str, port: int, gate: Gate, piece: bytes) -> bytes:
    asked = Request("POST", f"127.0.0.1:{port}", path, body_hash(piece))
    header = sign_request(asked, gate.secret, int(time.time() * 1000), os.urandom(16))
    return request("POST", path, port, header, piece, "application/octet-stream")


async def _take(hall: Hall, gates: list[Gate]) -> float:
    pool = await open_pool(hall.settings.database_url, size=AT_ONCE)
    waiting = iter(_in_turn(gates))

    async def line() -> None:
        for gate, piece in waiting:
            async with tenant_tx(pool, hall.tenant, WORKER, utc_now()) as tx:
                await uploads.take(tx, gate.device, piece)

    begin = time.perf_counter()
    await asyncio.gather(*(line() for _ in range(AT_ONCE)))
    seconds = time.perf_counter() - begin
    await pool.close()
    return seconds


async def _merge(hall: Hall, ref: bytes) -> tuple[float, int]:
    pool = await open_pool(hall.settings.database_url, size=1)
    begin = time.perf_counter()
    async with tenant_tx(pool, hall.tenant, WORKER, utc_now()) as tx:
        view = await view_of(tx, ref)
        present = view.present(ref, 1)
    seconds = time.perf_counter() - begin
    await pool.close()
    return seconds, present


async def _insert(place: Place, raws: list[bytes], batch: int) -> float:
    conn: Any = await asyncpg.connect(place.database.root_url)
    begin = time.perf_counter()
    for first in range(0, len(raws), batch):
        piece = raws[first : first + batch]
        await conn.execute(INSERT, [raw[-64:] for raw in piece], piece)
    seconds = time.perf_counter() - begin
    await conn.close()
    return seconds


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
