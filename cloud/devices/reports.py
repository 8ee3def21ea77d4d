"""What gates report of themselves, and how that compares with what is newest here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString, NamedTuple, cast
from uuid import UUID

import msgspec

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.devices.model import Appliance, Document
from shared.wire import MAX_EVENTS, Report

SOON: Final = timedelta(days=1)  # before doors

PUT: Final[LiteralString] = """
    INSERT INTO device_report (device_id, received_at, address, body) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, device_id) DO UPDATE
       SET received_at = excluded.received_at, address = excluded.address, body = excluded.body
"""


async def put(tx: TenantTx, device: bytes, report: Report) -> None:
    """Keep a device's newest report, when it came in and from where."""
    body = msgspec.to_builtins(report)
    await tx.conn.execute(PUT, device, tx.now, tx.origin.address, body)


class Gate(NamedTuple):
    """A gate, and what it said last."""

    device_id: bytes
    name: str
    appliance: Appliance
    site: int
    revoked: bool
    commands: int  # number of the newest
    received_at: datetime | None
    address: str | None
    report: Report | None


LIST: Final[LiteralString] = """
    SELECT d.device_id, d.name, d.appliance, d.site, d.revoked_at, r.received_at,
           host(r.address) AS address, r.body,
           (SELECT coalesce(max(number), 0) FROM device_command c
             WHERE c.tenant_id = d.tenant_id AND c.device_id = d.device_id) AS commands
      FROM device d LEFT JOIN device_report r USING (tenant_id, device_id)
     WHERE d.tenant_id = current_tenant() AND d.kind = 'gate' AND d.device_id > $1
       AND ($2 OR d.revoked_at IS NULL)
     ORDER BY d.device_id LIMIT $3
"""


async def every(tx: TenantTx, after: bytes, limit: int, *, revoked: bool) -> list[Gate]:
    """Return gates in the order of their ids; `revoked`: also those that were withdrawn."""
    return [_gate(row) for row in await tx.conn.fetch(LIST, after, revoked, limit)]


class Newest(NamedTuple):
    """The newest manifest of an event that gates are told of."""

    event_id: UUID
    ref: str  # hex
    name: str
    version: int
    soon: bool


# The same events as in SyncState (cloud/sync/state.py).
EVENTS: Final[LiteralString] = """
    SELECT e.event_id, e.ref, e.name, m.version, e.doors_at < $2 AS soon
      FROM event e JOIN manifest m USING (tenant_id, event_id)
     WHERE e.tenant_id = current_tenant() AND e.state <> 'draft' AND m.version > 0
       AND e.ends_at > $1::timestamptz - interval '24 hours'
       AND e.doors_at < $1 + interval '14 days'
     ORDER BY e.doors_at, e.ref LIMIT $3
"""


async def events(tx: TenantTx) -> list[Newest]:
    """Return what every gate should hold."""
    rows = await tx.conn.fetch(EVENTS, tx.now, tx.now + SOON, MAX_EVENTS)
    return [
        Newest(row["event_id"], row["ref"].hex(), row["name"], row["version"], row["soon"])
        for row in rows
    ]


# When a version was followed by the next: by the log, or, where that begins later, by its
# first entry; where there is none, by the newest version itself.
FOLLOWED: Final[LiteralString] = """
    SELECT n.place, coalesce(d.issued_at, m.issued_at) AS since
      FROM unnest($1::integer[], $2::bytea[], $3::bigint[]) AS n (place, ref, version)
      JOIN event e ON e.tenant_id = current_tenant() AND e.ref = n.ref
      JOIN manifest m ON (m.tenant_id, m.event_id) = (e.tenant_id, e.event_id)
       AND m.version > n.version
      LEFT JOIN LATERAL (
           SELECT issued_at FROM manifest_delta s
            WHERE s.tenant_id = e.tenant_id AND s.event_id = e.event_id AND s.version > n.version
            ORDER BY s.version LIMIT 1) d ON true
"""


async def followed(tx: TenantTx, gates: Sequence[Gate]) -> dict[tuple[bytes, str], datetime]:
    """Return since when there was a newer manifest, by device and event, where there is one."""
    held = [
        (gate.device_id, each)
        for gate in gates
        for each in (gate.report.manifests if gate.report else ())
    ]
    refs = [bytes.fromhex(each.event) for _, each in held]
    versions = [each.version for _, each in held]
    rows = await tx.conn.fetch(FOLLOWED, list(range(len(held))), refs, versions)
    return {(held[row["place"]][0], held[row["place"]][1].event): row["since"] for row in rows}


DOCUMENTS: Final[LiteralString] = """
    SELECT (SELECT (version, issued_at) FROM keyset
             WHERE tenant_id = current_tenant() ORDER BY version DESC LIMIT 1) AS keyset,
           (SELECT (version, issued_at) FROM roster
             WHERE tenant_id = current_tenant() ORDER BY version DESC LIMIT 1) AS roster
"""


class Documents(NamedTuple):
    """The newest keyset and roster: version, and when it was signed. None: there is none yet."""

    keyset: tuple[int, datetime] | None
    roster: tuple[int, datetime] | None


async def documents(tx: TenantTx) -> Documents:
    """Return what is newest of the tenant's own documents."""
    row = await tx.conn.fetchrow(DOCUMENTS)
    return Documents(row["keyset"], row["roster"]) if row else Documents(None, None)


def document(newest: tuple[int, datetime] | None, at: datetime) -> Document:
    """Return a document as it was to a device that reported then."""
    return Document(0, 0) if newest is None else Document(newest[0], _apart(newest[1], at))


def _apart(since: datetime, at: datetime) -> float:
    return max(0.0, (at - since).total_seconds())


def _gate(row: Row) -> Gate:
    body = row["body"]
    return Gate(
        row["device_id"], row["name"], cast("Appliance", row["appliance"]), row["site"],
        row["revoked_at"] is not None, row["commands"], row["received_at"], row["address"],
        None if body is None else msgspec.convert(body, Report),
    )  # fmt: skip
