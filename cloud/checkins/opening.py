"""What a batch of scans has to know before it decides, asked in one round trip.

Who calls, whether what the event is decided by is still what this process keeps, the tickets,
locked, and the records of them that count.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.checkins import announcing
from cloud.checkins.book import Book
from cloud.checkins.reading import Known
from cloud.checkins.tickets import Ticket, ticket
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.events.repository import plan_of
from cloud.http.access import Principal
from cloud.keys import repository as key_repository
from cloud.keys.model import KeyRow
from shared.keyset import IssuerKey, TrustedKeys
from shared.presentation import Freshness
from shared.rules.compiled import compile_rules

KEPT: Final = 256  # events
NO_SALES: Final = 0  # nothing is newer than the cloud's own word
OPEN: Final[LiteralString] = """
    SELECT known, callers, ref, stamp, tickets, records, written, heard
      FROM open_scans($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


class Opened(NamedTuple):
    """What the database says (migrations/0011_redeem.sql)."""

    known: bool | None  # the tenant; None: there is none, False: it is suspended
    callers: Sequence[Row]  # (current, role), one for each that was asked about
    ref: bytes | None  # None: no published event, or somebody is refused
    stamp: str
    tickets: dict[UUID, Ticket]
    versions: dict[UUID, str]  # of the tickets' rows
    about: list[bytes]  # whose records were read
    records: Known
    written: int  # records that there are of them, whether they count or not
    heard: bool  # whether somebody is to be told of the records that are written


class Wanted(NamedTuple):
    """What it is asked about: tickets by id, to be locked, and whatever else a code may name."""

    tickets: Collection[UUID] = ()
    hashes: Collection[bytes] = ()


async def open_scans(
    tx: TenantTx,
    event_id: UUID,
    wanted: Wanted,
    callers: Sequence[Principal] = (),
    admitting: Collection[str] = (),
    *,
    locking: bool = True,
) -> Opened:
    """Enter the tenant, and read. Nothing is locked if an account of `callers` is none any more or
    has none of the `admitting` roles. Not `locking`: nothing is at all, nor need there be a
    transaction."""
    accounts, epochs = [who.account for who in callers], [who.epoch for who in callers]
    actor = tx.origin.actor
    row = await tx.conn.fetchrow(
        OPEN, tx.tenant, actor, accounts, epochs, list(admitting), event_id,
        list(wanted.tickets), list(wanted.hashes), announcing.TOPICS, locking,
    )  # fmt: skip
    if row is None:  # a function with OUT parameters always returns one
        raise RuntimeError("open_scans() returned nothing")
    rows = row["tickets"] or ()
    return Opened(
        row["known"], row["callers"] or (), row["ref"], row["stamp"],
        {each["ticket_id"]: ticket(each) for each in rows},
        {each["ticket_id"]: each["version"] for each in rows},
        [*wanted.hashes, *(each["hash"] for each in rows)],
        _known(row["records"] or ()), row["written"] or 0, row["heard"] is True,
    )  # fmt: skip


def _known(records: Sequence[Row]) -> Known:
    found = Known({}, set(), set())
    for each in records:
        found.add(each["ticket"], each["record_id"], each["raw"], proved=each["proved"])
        if each["online"]:
            found.workers.add(each["raw"][4:20])
    return found


class Shelf:
    """The events' books that this process has been asked for, each with its stamp.

    The stamp is read in each transaction that decides, so nothing is decided by what was changed
    before.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[UUID, UUID], tuple[str, Book]] = OrderedDict()

    def kept(self, tenant: UUID, event_id: UUID) -> Book | None:
        """Return the book as it was when last asked for."""
        kept = self._kept.get((tenant, event_id))
        return kept[1] if kept else None

    def is_current(self, tenant: UUID, event_id: UUID, stamp: str) -> bool:
        """Whether the book that is kept is the one that the database has."""
        kept = self._kept.get((tenant, event_id))
        return kept is not None and kept[0] == stamp

    async def of(self, tx: TenantTx, event_id: UUID, opened: Opened) -> Book | None:
        """Return the book that `opened` speaks of: the one that is kept, or made anew."""
        if opened.ref is None:
            return None
        key = (tx.tenant, event_id)
        kept = self._kept.get(key)
        if kept is None or kept[0] != opened.stamp:
            kept = self._kept[key] = (opened.stamp, await _load(tx, event_id, opened.ref))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept[1]


async def _load(tx: TenantTx, event_id: UUID, ref: bytes) -> Book:
    plan = await plan_of(tx, event_id)
    issuers = await key_repository.keys(tx, role="issuer", event_id=event_id)
    return Book(
        event_id,
        ref,
        compile_rules(ref, plan, 0, NO_SALES),
        TrustedKeys(b"", issuers=dict(_issuer(key, ref) for key in issuers)),
        Freshness(plan.policy.live_past, plan.policy.live_future),
    )


def _issuer(key: KeyRow, ref: bytes) -> tuple[bytes, IssuerKey]:
    window = int(key.not_before.timestamp()), int(key.not_after.timestamp())
    return key.kid + ref, IssuerKey(key.public, *window, key.revoked_at is not None)
