"""Tickets issued by the thousand: signed in a thread while the database stores those before.

    await issue(pool, issuers, tenant, event, class_index=0, count=100_000, told=print)

A piece is stored in one transaction with its numbers, so that a process which is killed leaves
whole pieces and no gap. libsodium lets go of Python's lock: signing one piece and storing the
other share no time on two cores.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

from cloud.db.connect import Pool
from cloud.db.tenancy import Origin, TenantTx, tenant_tx
from cloud.errors import Refusal
from cloud.keys.issuers import Issuer, Issuers
from cloud.tickets import issuing_rows
from cloud.tickets.counting import make_known
from cloud.tickets.issuing_rows import ClassFacts, Given
from cloud.tickets.signing import Unsigned, tokens

PIECE: Final = 2500  # tickets
OPERATOR: Final = Origin("operator")
ISSUED: Final = "ticket.issued"
Random = Callable[[int], bytes]
Told = Callable[[int], None]
Classes = Mapping[int, ClassFacts]


class Guest(NamedTuple):
    """Who is given a ticket, as far as anybody said."""

    class_index: int
    attendee: str | None = None
    email: str | None = None
    seat: str | None = None


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


async def issue(
    pool: Pool,
    issuers: Issuers,
    tenant: UUID,
    event_id: UUID,
    class_index: int,
    count: int,
    told: Told | None = None,
    *,
    origin: Origin = OPERATOR,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Issue `count` tickets of a class without seats; `told` is told how many are stored."""
    async with tenant_tx(pool, tenant, origin, clock()) as tx:
        await issuing_rows.check_open(tx, event_id)
        classes = await issuing_rows.classes(tx, event_id)
        _check(classes, class_index)
        issuer = await issuers.of(tx, event_id)
    guests = (Guest(class_index) for _ in range(count))
    done = 0
    async with aclosing(signed(issuer, classes, guests)) as pieces:
        async for piece in pieces:
            async with tenant_tx(pool, tenant, origin, clock()) as tx:
                first = await issuing_rows.open_event(tx, event_id, len(piece))
                await store(tx, issuers, issuer, classes, event_id, first, piece)
                await tell(tx, event_id, first, len(piece))
            done += len(piece)
            if told is not None:
                told(done)
    async with tenant_tx(pool, tenant, origin, clock()) as tx:
        await make_known(tx, event_id)


async def signed(
    issuer: Issuer, classes: Classes, guests: Iterable[Guest], random: Random = os.urandom
) -> AsyncGenerator[list[Given], None]:
    """Yield tickets in pieces; the next piece is being signed while one is used."""
    pieces = _pieces(guests)

    def make() -> list[Given]:
        return sign_all(issuer, classes, next(pieces, ()), random)

    ahead = asyncio.ensure_future(asyncio.to_thread(make))
    try:
        while piece := await ahead:
            ahead = asyncio.ensure_future(asyncio.to_thread(make))
            yield piece
    finally:
        await asyncio.wait([ahead])


def sign_all(
    issuer: Issuer, classes: Classes, guests: Sequence[Guest], random: Random
) -> list[Given]:
    """Return a signed ticket for each guest; unsigned where a phone has to be bound first."""
    raw = random(16 * len(guests))
    ids = [UUID(bytes=raw[place : place + 16], version=4) for place in range(0, len(raw), 16)]
    unsigned = [
        Unsigned(ticket_id, 0, guest.class_index, None, classes[guest.class_index].live)
        for ticket_id, guest in zip(ids, guests, strict=True)
    ]
    return [
        Given(ticket_id, *guest, token)
        for ticket_id, guest, token in zip(ids, guests, tokens(issuer, unsigned), strict=True)
    ]


async def store(
    tx: TenantTx,
    issuers: Issuers,
    issuer: Issuer,
    classes: Classes,
    event_id: UUID,
    first: int,
    piece: Sequence[Given],
) -> None:
    """Store signed tickets; signed anew if their key has been replaced meanwhile.

    The event is locked.
    """
    await issuing_rows.keep_keys(tx, event_id)
    now = await issuers.of(tx, event_id)
    if now.kid != issuer.kid:
        piece = _again(now, classes, piece)
    await issuing_rows.insert(tx, event_id, first, now.kid, piece)


async def tell(tx: TenantTx, event_id: UUID, first: int, count: int, **more: object) -> None:
    """Write down and publish that the tickets with these numbers were issued."""
    subject = f"event:{event_id}"
    await tx.audit("tickets.issued", subject, first=first, count=count, **more)
    await tx.publish(ISSUED, subject, event_id=event_id, first=first, count=count, **more)


def _again(issuer: Issuer, classes: Classes, piece: Sequence[Given]) -> list[Given]:
    unsigned = [
        Unsigned(each.ticket_id, 0, each.class_index, None, classes[each.class_index].live)
        for each in piece
    ]
    return [
        each._replace(token=token)
        for each, token in zip(piece, tokens(issuer, unsigned), strict=True)
    ]


def _pieces(guests: Iterable[Guest]) -> Iterator[list[Guest]]:
    rest = iter(guests)
    while piece := list(islice(rest, PIECE)):
        yield piece


def _check(classes: Classes, class_index: int) -> None:
    if class_index not in classes:
        raise Refusal("class_unknown", field="class_index", accepted=f"one of {sorted(classes)}")
    if classes[class_index].seated:
        raise Refusal("class_seated", field="class_index", accepted="a class without seats")
