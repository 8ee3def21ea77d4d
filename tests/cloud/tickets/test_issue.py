"""Tickets issued by the thousand, on a real database: complete, dense, signed, in order."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.errors import Refusal
from cloud.keys.issuers import Issuers, revoke
from cloud.keys.keyring import Keyring
from cloud.keys.sealing import MasterKey
from cloud.tickets import issuing, issuing_rows
from cloud.tickets.issuing import Guest, issue
from cloud.tickets.issuing_rows import ClassFacts, Given
from shared import hashing, keys, token
from shared.manifest.chunk import MAX_TICKETS
from tests.cloud.database import Database, awaited

TENANT, VENUE = UUID(int=1), UUID(int=2)
SCENE = f"""
    INSERT INTO tenant (tenant_id, slug, name) VALUES ('{TENANT}', 'one', 'One');
    SELECT set_config('app.tenant', '{TENANT}', false);
    INSERT INTO venue (venue_id, name, timezone) VALUES ('{VENUE}', 'Park', 'UTC');
"""
EVENT = """
    SELECT set_config('app.tenant', '{tenant}', false);
    INSERT INTO event (event_id, ref, venue_id, name, timezone, doors_at, starts_at, ends_at,
                       currency, state, next_number)
    SELECT '{event}', decode('{ref}', 'hex'), '{venue}', 'Night', 'UTC', t, t,
           t + interval '6 hours', 'eur', '{state}', {next}
      FROM (VALUES ('{doors}'::timestamptz)) AS v (t);
    INSERT INTO ticket_class (event_id, class_index, name, price, capacity, live, seated, entry)
    VALUES ('{event}', 0, 'Static', 0, 0, false, false, '{{}}'),
           ('{event}', 1, 'Live', 0, 0, true, false, '{{}}'),
           ('{event}', 2, 'Seated', 0, 0, false, true, '{{}}');
"""
Work = Callable[[Pool, Issuers], Coroutine[Any, Any, Any]]


class Press:
    """A database with a tenant, and what issues there."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.run(SCENE)

    def event(self, state: str = "published", first: int = 0) -> UUID:
        """Make an event without a ticket."""
        event = uuid4()
        doors = datetime.now(UTC) + timedelta(days=30)
        self.database.run(
            EVENT.format(
                tenant=TENANT, event=event, ref=event.hex[:16], venue=VENUE, state=state,
                doors=doors.isoformat(), next=first,
            )
        )  # fmt: skip
        return event

    def run(self, work: Work) -> Any:
        """Do something with a pool and the keys."""

        async def opened() -> Any:
            pool = await self.database.pool()
            try:
                return await work(pool, Issuers(Keyring(MasterKey(bytes(range(32))))))
            finally:
                await pool.close()

        return awaited(opened())

    def issue(self, event: UUID, class_index: int, count: int, told: Any = None) -> None:
        """Issue tickets."""
        self.run(
            lambda pool, issuers: issue(pool, issuers, TENANT, event, class_index, count, told)
        )

    def tickets(self, event: UUID) -> list[Any]:
        """Return an event's tickets by their numbers."""
        return self.database.rows("SELECT * FROM ticket WHERE event_id = $1 ORDER BY number", event)

    def key(self, event: UUID) -> bytes:
        """Return the public key that signs for an event."""
        rows = self.database.rows(
            "SELECT public FROM tenant_key WHERE event_id = $1 AND revoked_at IS NULL", event
        )
        return bytes(rows[0]["public"])


@pytest.fixture(scope="module")
def press(database: Database) -> Press:
    """The tenant of this file."""
    return Press(database)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "PIECE", 40)


def is_signed(ticket: Any, public: bytes) -> bool:
    """Whether a ticket's code is its own, and the key's."""
    raw = bytes(ticket["token"])
    said = token.parse(token.encode_text(raw)).token
    own = (ticket["ticket_id"].bytes, ticket["gen"], ticket["class_index"], hashing.kid(public))
    return own == (said.ticket, said.gen, said.ticket_class, said.kid) and keys.verify(
        public, token.DOMAIN, raw[: -keys.SIGNATURE_SIZE], raw[-keys.SIGNATURE_SIZE :]
    )


def test_as_many_as_asked_for_with_dense_numbers(press: Press) -> None:
    """Signed by the event's key, each with its first move, the numbers after those before."""
    event = press.event(first=7)
    said: list[int] = []
    press.issue(event, 0, 130, said.append)
    assert said == [40, 80, 120, 130]
    tickets = press.tickets(event)
    assert [each["number"] for each in tickets] == list(range(7, 137))
    public = press.key(event)
    assert all(is_signed(each, public) for each in tickets)
    assert {(each["state"], each["gen"]) for each in tickets} == {("active", 0)}
    moves = press.database.rows(
        "SELECT move, actor, count(DISTINCT ticket_id) AS n, count(*) AS moves FROM ticket_move"
        " WHERE event_id = $1 GROUP BY move, actor", event,
    )  # fmt: skip
    assert [tuple(row) for row in moves] == [("issue", "operator", 130, 130)]


def test_a_message_a_piece_says_which_numbers(press: Press) -> None:
    """Not one a ticket; the audit says the same."""
    event = press.event()
    press.issue(event, 0, 90)
    told = press.database.rows(
        "SELECT payload->>'first' AS first, payload->>'count' AS count FROM outbox"
        " WHERE topic = 'ticket.issued' AND key = $1 ORDER BY message_id", f"event:{event}",
    )  # fmt: skip
    assert [(int(row["first"]), int(row["count"])) for row in told] == [(0, 40), (40, 40), (80, 10)]
    written = press.database.rows(
        "SELECT detail->>'count' AS n FROM audit WHERE action = 'tickets.issued' AND subject = $1"
        " ORDER BY audit_id", f"event:{event}",
    )  # fmt: skip
    assert [row["n"] for row in written] == ["40", "40", "10"]


def test_tickets_for_a_live_code_wait_unsigned(press: Press) -> None:
    """A copy of a signed static one would admit."""
    event = press.event()
    press.issue(event, 1, 3)
    assert {(each["token"], each["kid"]) for each in press.tickets(event)} == {(None, None)}


@pytest.mark.parametrize(
    ("state", "class_index", "code"),
    [
        ("draft", 0, "event_not_published"),
        ("cancelled", 0, "event_closed"),
        ("ended", 0, "event_closed"),
        ("published", 9, "class_unknown"),
        ("published", 2, "class_seated"),
    ],
)
def test_what_can_not_be_issued(press: Press, state: str, class_index: int, code: str) -> None:
    """Refused before anything is made."""
    event = press.event(state)
    with pytest.raises(Refusal) as caught:
        press.issue(event, class_index, 1)
    assert caught.value.code == code
    assert press.tickets(event) == []


def test_no_event_no_tickets(press: Press) -> None:
    """Neither of an unknown event nor in an unknown tenant."""
    with pytest.raises(Refusal) as caught:
        press.issue(uuid4(), 0, 1)
    assert caught.value.code == "not_found"


def test_an_event_has_a_largest_number_of_tickets(press: Press) -> None:
    """The piece that would pass it is not stored."""
    event = press.event(first=MAX_TICKETS - 50)
    with pytest.raises(Refusal) as caught:
        press.issue(event, 0, 60)
    assert caught.value.code == "too_many_tickets"
    assert len(press.tickets(event)) == 40


def test_two_who_issue_at_once_share_the_numbers(press: Press) -> None:
    """Every number once, without a gap."""
    event = press.event()

    async def both(pool: Pool, issuers: Issuers) -> None:
        await asyncio.gather(
            *(issue(pool, issuers, TENANT, event, 0, 200) for _ in range(3)),
        )

    press.run(both)
    assert [each["number"] for each in press.tickets(event)] == list(range(600))


def test_a_key_withdrawn_meanwhile_signs_no_more(press: Press) -> None:
    """What was signed ahead is signed anew by the key that took its place."""
    event = press.event()
    classes = {0: ClassFacts(0, "Static", live=False, seated=False)}

    async def work(pool: Pool, issuers: Issuers) -> None:
        async with tenant_tx(pool, TENANT, WORKER, datetime.now(UTC)) as tx:
            before = await issuers.of(tx, event)
        ahead = issuing.sign_all(before, classes, [Guest(0)] * 5, os.urandom)
        async with tenant_tx(pool, TENANT, WORKER, datetime.now(UTC)) as tx:
            await revoke(tx, issuers, before.kid)
        async with tenant_tx(pool, TENANT, WORKER, datetime.now(UTC)) as tx:
            first = await issuing_rows.open_event(tx, event, len(ahead))
            await issuing.store(tx, issuers, before, classes, event, first, ahead)

    press.run(work)
    public, tickets = press.key(event), press.tickets(event)
    assert len(tickets) == 5
    assert all(is_signed(each, public) for each in tickets)
    assert {bytes(each["kid"]) for each in tickets} == {hashing.kid(public)}


def test_a_key_is_withdrawn_before_or_after_but_not_while_it_signs(press: Press) -> None:
    """Withdrawing waits for who is storing tickets, so that it finds them to sign anew."""
    event, order = press.event(), []

    async def work(pool: Pool, issuers: Issuers) -> None:
        now = datetime.now(UTC)
        async with tenant_tx(pool, TENANT, WORKER, now) as tx:
            kid = (await issuers.of(tx, event)).kid

        async def withdraw() -> None:
            async with tenant_tx(pool, TENANT, WORKER, now) as tx:
                await revoke(tx, issuers, kid)
                order.append("withdrawn")

        async with tenant_tx(pool, TENANT, WORKER, now) as tx:
            await issuing_rows.keep_keys(tx, event)
            task = asyncio.ensure_future(withdraw())
            for _ in range(PATIENCE):
                if await tx.conn.fetchval(WAITS):
                    order.append("stored")
                    break
                await asyncio.sleep(0.01)
        await task

    press.run(work)
    assert order == ["stored", "withdrawn"]


def test_two_that_are_first_at_once_wait_for_one_key(press: Press) -> None:
    """Of an event that has none: they don't wait for each other."""
    event, ready, kids = press.event(), list[bool](), list[bytes]()

    async def work(pool: Pool, issuers: Issuers) -> None:
        async def sign() -> None:
            async with tenant_tx(pool, TENANT, WORKER, datetime.now(UTC)) as tx:
                await issuing_rows.keep_keys(tx, event)
                ready.append(True)
                for _ in range(PATIENCE):
                    if len(ready) == 2 or await tx.conn.fetchval(WAITS):
                        break
                    await asyncio.sleep(0.01)
                kids.append((await issuers.of(tx, event)).kid)

        await asyncio.gather(sign(), sign())

    press.run(work)
    assert len(kids) == 2
    assert len(set(kids)) == 1


PATIENCE = 3000  # looks, ten milliseconds apart
WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"


def test_pieces_are_signed_ahead_and_in_order(press: Press) -> None:
    """The next piece is made while one is used, and never the one after it."""
    event, made = press.event(), []

    def guests() -> Any:
        for number in range(100):
            made.append(number)
            yield Guest(0, f"Guest {number}")

    async def work(pool: Pool, issuers: Issuers) -> list[Given]:
        async with tenant_tx(pool, TENANT, WORKER, datetime.now(UTC)) as tx:
            issuer = await issuers.of(tx, event)
        classes = {0: ClassFacts(0, "Static", live=False, seated=False)}
        seen: list[Given] = []
        async for piece in issuing.signed(issuer, classes, guests()):
            ahead = min(100, len(seen) + 80)
            for _ in range(PATIENCE):
                if len(made) >= ahead:
                    break
                await asyncio.sleep(0.01)
            assert len(made) == ahead
            seen += piece
        return seen

    seen = press.run(work)
    assert [each.attendee for each in seen] == [f"Guest {number}" for number in range(100)]
    assert len({each.ticket_id for each in seen}) == 100
