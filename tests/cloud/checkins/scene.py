"""An event in a real database, its tickets really signed, and the cloud's redeemer on it.

The event is the one of tests/festival.py, so that what the cloud answers can be held against
`decide()` on the same plan.
"""

import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import msgspec

from cloud.accounts.permissions import Role, allowed
from cloud.checkins.asking import Answer, Key
from cloud.checkins.assembly import make_redeemer
from cloud.checkins.model import Redeem, Redeemed, Undo, Undone
from cloud.checkins.redeemer import Redeemer
from cloud.db.connect import Pool, open_pool
from cloud.db.tenancy import Origin, TenantTx, tenant_tx
from cloud.errors import Refusal
from cloud.http.access import Principal
from cloud.keys.sealing import MasterKey
from shared import hashing, keys
from shared.token import STATIC, Token, encode_text, issue
from tests import festival
from tests.cloud.database import Database
from tests.festival import DAY, NOON
from tests.scribe import EVENT

T = TypeVar("T")
OWNER, STAFF, SCANNER, FAN = (UUID(int=n) for n in (11, 12, 13, 14))
ROLES: Final = {OWNER: "owner", STAFF: "staff", SCANNER: "scanner"}
ISSUER: Final = keys.secret_key(sha256(b"checkins issuer").digest())
SEALER: Final = MasterKey(bytes(32))
NUMBERS: Final = count()
DATES: Final = ("2027-01-15", "2027-01-16", "2027-01-17")


class Gatekeeper:
    """Credentials are names; what each may do is the service's own table."""

    def principal(self, authorization: str, now: datetime) -> Principal:
        """Know accounts by their number, and devices."""
        scheme, _, name = authorization.partition(" ")
        if scheme == "Usher1":
            return Principal("device", "device")
        if not name.isdigit():
            raise Refusal("credentials_invalid")
        return account(UUID(int=int(name)))

    async def key_scopes(self, tx: TenantTx, secret: str) -> tuple[str, frozenset[str]]:
        """Know one API key."""
        if secret != "good":
            raise Refusal("credentials_invalid")
        return "key:door", frozenset({"checkins:write"})

    def role_scopes(self, role: str | None) -> frozenset[str]:
        """Return what a role may do."""
        return frozenset(allowed(Role(role))) if role else frozenset()


def account(who: UUID) -> Principal:
    """Return an account's credentials."""
    return Principal("account", f"account:{who}", who)


API_KEY: Final = Principal("key", "key", secret="good")


@dataclass
class Clock:
    """The time, as a test sets it."""

    ms: int = NOON * 1000

    def monotonic(self) -> float:
        """Return seconds that only rise."""
        return self.ms / 1000

    def now(self) -> datetime:
        """Return the same as a datetime."""
        return datetime.fromtimestamp(self.ms / 1000, UTC)


@dataclass(frozen=True)
class Scene:
    """A tenant with the festival."""

    database: Database
    tenant: UUID
    event: UUID

    def ticket(self, ticket_class: int = festival.SEAT, **columns: Any) -> UUID:
        """Add a ticket."""
        return self.tickets(1, ticket_class, **columns)[0]

    def tickets(
        self,
        many: int,
        ticket_class: int = festival.SEAT,
        *,
        state: str = "active",
        gen: int = 0,
        blocked: bool = False,
    ) -> list[UUID]:
        """Add tickets as they stand after whatever led there."""
        tickets = [_ticket_id() for _ in range(many)]
        rows = ", ".join(
            f"('{self.event}', '{ticket}', {next(NUMBERS)}, {ticket_class}, '{state}', {gen},"
            f" decode(repeat('00', 102), 'hex'), 'Ada Lovelace', 'A {ticket}', {blocked})"
            for ticket in tickets
        )
        self.run(
            f"""
            SELECT set_config('app.tenant', '{self.tenant}', false);
            SET session_replication_role = replica; -- the scene is set: no move is made
            INSERT INTO ticket (event_id, ticket_id, number, class_index, state, gen, token,
                                attendee, seat, blocked) VALUES {rows};
            """
        )
        return tickets

    def run(self, sql: str) -> None:
        """Run statements as the superuser, whether or not a loop runs here."""
        _aside(self.database.run, sql)

    def rows(self, sql: str, *args: object) -> list[Any]:
        """Return what is really there."""
        return _aside(self.database.rows, sql, *args)

    def state(self, ticket: UUID) -> str:
        """Return a ticket's state."""
        return self.states([ticket])[0]

    def states(self, tickets: list[UUID]) -> list[str]:
        """Return tickets' states."""
        rows = self.rows("SELECT ticket_id, state FROM ticket WHERE ticket_id = ANY($1)", tickets)
        states = {row["ticket_id"]: str(row["state"]) for row in rows}
        return [states[ticket] for ticket in tickets]

    def moves(self, ticket: UUID) -> list[tuple[str, str]]:
        """Return a ticket's moves and who made them."""
        rows = self.rows(
            "SELECT move, actor FROM ticket_move WHERE ticket_id = $1 ORDER BY move_id", ticket
        )
        return [(row["move"], row["actor"]) for row in rows]

    def raws(self, kind: int | None = None) -> list[bytes]:
        """Return all records of the tenant, log by log."""
        rows = self.rows(
            "SELECT raw, kind FROM record WHERE tenant_id = $1"
            " ORDER BY device_id, incarnation, seq", self.tenant,
        )  # fmt: skip
        return [bytes(row["raw"]) for row in rows if kind in (None, row["kind"])]

    @asynccontextmanager
    async def cloud(self, clock: Clock | None = None, lock_url: str = "") -> AsyncIterator["Cloud"]:
        """Run one process's redeemer. `lock_url`: where it keeps its slot, if not there."""
        pool = await open_pool(self.database.app_url, size=4)
        clock = clock or Clock()
        redeemer = make_redeemer(
            pool,
            lock_url or self.database.app_url,
            Gatekeeper(),
            SEALER,
            now=clock.now,
            monotonic=clock.monotonic,
            software="test",
        )
        try:
            yield Cloud(self, pool, redeemer, clock)
        finally:
            await redeemer.close()
            await pool.close()


@dataclass(frozen=True)
class Cloud:
    """One process of the cloud."""

    scene: Scene
    pool: Pool
    redeemer: Redeemer
    clock: Clock

    async def redeem(
        self,
        ticket: UUID | str = "",
        *,
        gate: int = festival.NORTH,
        who: Principal | None = None,
        key: str = "",
        ticket_class: int = festival.SEAT,
        gen: int = 0,
        **asked: Any,
    ) -> Redeemed:
        """Scan a ticket's code, or whatever text is given."""
        if isinstance(ticket, UUID):
            asked["code"] = code(ticket, ticket_class, gen=gen)
        elif ticket:
            asked["code"] = ticket
        answer = await self._ask(Redeem(gate=gate, **asked), who, key)
        assert isinstance(answer, Redeemed)
        return answer

    async def slot(self) -> int:
        """Return which worker this process is."""
        return (await self.redeemer.slots.hold()).slot

    async def undo(self, entry: str, who: Principal | None = None) -> Undone:
        """Take an entry back."""
        answer = await self._ask(Undo(entry), who, "")
        assert isinstance(answer, Undone)
        return answer

    async def _ask(self, asked: Redeem | Undo, who: Principal | None, key: str) -> Answer:
        principal = who or account(STAFF)
        fingerprint = sha256(msgspec.json.encode(asked)).digest()
        named = Key(key, fingerprint) if key else None
        scene, caller = self.scene, (principal, Origin(principal.actor, "request-1", "127.0.0.1"))
        return await self.redeemer.ask(scene.tenant, scene.event, caller, asked, named)

    @asynccontextmanager
    async def tx(self) -> AsyncIterator[TenantTx]:
        """Open a transaction in the tenant."""
        now = self.clock.now()
        async with tenant_tx(self.pool, self.scene.tenant, Origin("test"), now) as tx:
            yield tx


def word(ticket: UUID) -> str:
    """Return what a scribe calls a ticket."""
    return ticket.bytes.rstrip(b"\0").decode()


def _ticket_id() -> UUID:
    return UUID(bytes=secrets.token_hex(6).encode().ljust(16, b"\0"))


def _aside(call: Callable[..., T], *args: object) -> T:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call, *args).result()


def code(
    ticket: UUID,
    ticket_class: int = festival.SEAT,
    *,
    gen: int = 0,
    secret: bytes = ISSUER,
    event: bytes = EVENT,
    exp: int = NOON + 30 * DAY,
) -> str:
    """Return a ticket's signed code."""
    kid = hashing.kid(keys.public_key(secret))
    token = Token(STATIC, 0, kid, event, ticket.bytes, gen, ticket_class, exp)
    return encode_text(issue(token, secret))


def refused(error: BaseException) -> str:
    """Return a refusal's code."""
    assert isinstance(error, Refusal)
    return error.code


def set_scene(database: Database) -> Scene:
    """Make a tenant with the festival in it."""
    tenant, venue, event = uuid4(), uuid4(), uuid4()
    plan = festival.PLAN
    zones = ", ".join(
        f"('{venue}', {z.id}, '{z.name}', {z.parent or 'NULL'}, {z.capacity})" for z in plan.zones
    )
    gates = ", ".join(
        f"('{venue}', {g.id}, '{g.name}', {g.zone}, '{g.direction}')" for g in plan.gates
    )
    classes = ", ".join(
        f"('{event}', {c.index}, '{c.name}', 0, 1000000, '{_entry(c)}')" for c in plan.classes
    )
    members = ", ".join(f"('{who}', '{role}')" for who, role in ROLES.items())
    accounts = ", ".join(f"('{who}')" for who in (*ROLES, FAN))
    days = msgspec.json.encode([{"date": date, "opens": "00:00"} for date in DATES]).decode()
    database.run(
        f"""
        INSERT INTO tenant (tenant_id, slug, name) VALUES ('{tenant}', 't{tenant.hex[:12]}', 'T');
        INSERT INTO account (account_id) VALUES {accounts} ON CONFLICT DO NOTHING;
        SELECT set_config('app.tenant', '{tenant}', false);
        INSERT INTO member (account_id, role) VALUES {members};
        INSERT INTO venue (venue_id, name, timezone) VALUES ('{venue}', 'Arena', 'Europe/Madrid');
        INSERT INTO zone (venue_id, zone_id, name, parent, capacity) VALUES {zones};
        INSERT INTO gate (venue_id, gate_id, name, zone_id, direction) VALUES {gates};
        INSERT INTO event (event_id, ref, venue_id, name, timezone, doors_at, starts_at, ends_at,
                           days, currency, state)
        VALUES ('{event}', '\\x{EVENT.hex()}', '{venue}', 'Festival', 'Europe/Madrid',
                '2027-01-15 00:00+01', '2027-01-15 00:00+01', '2027-01-18 00:00+01',
                '{days}', 'eur', 'published');
        INSERT INTO ticket_class (event_id, class_index, name, price, capacity, entry)
        VALUES {classes};
        INSERT INTO tenant_key (public, role, event_id, sealed, not_before, not_after, signs_from)
        VALUES ('\\x{keys.public_key(ISSUER).hex()}', 'issuer', '{event}', '\\x00',
                '2026-01-01', '2028-01-01', '2026-01-01');
        """
    )
    return Scene(database, tenant, event)


def _entry(ticket_class: Any) -> str:
    """Return the JSON of an entry rule."""
    entry = msgspec.to_builtins(ticket_class)
    return msgspec.json.encode(
        {name: value for name, value in entry.items() if name not in ("index", "name")}
    ).decode()
