"""What the organizer's service does in this demo: keys, tickets, the manifest, the roster."""

import random
from typing import Final

from shared import hashing, keys
from shared.devices.roster import Badge, Device, Roster
from shared.event import Gate, Plan, Policy, TicketClass, Zone
from shared.instant import Instant
from shared.keyset import Key, Keyset, Role
from shared.manifest import build
from shared.manifest.head import seal_head
from shared.manifest.table import Table
from shared.manifest.ticket import NO_HOLDER, Status, TicketRecord
from shared.signed import Kind, seal
from shared.token import BOUND, LIVE_REQUIRED, STATIC, Token, issue

EVENT: Final = b"arena-01"
OTHER_EVENT: Final = b"arena-02"
TENANT: Final = bytes(15) + b"\1"
STANDING, LIVE, FAMILY = 1, 2, 3  # ticket classes
NORTH, SOUTH = 1, 2  # gates
YEAR: Final = 365 * 86_400

PLAN: Final = Plan(
    zones=(Zone(1, "Arena", capacity=12_000),),
    gates=(Gate(NORTH, "North", 1, "both"), Gate(SOUTH, "South", 1, "both")),
    classes=(
        TicketClass(STANDING, "Standing", (1,), re_entry=True),
        TicketClass(LIVE, "Live ticket", (1,)),
        TicketClass(FAMILY, "Family of four", (1,), allowance=4, group=True),
    ),
    policy=Policy(),
)


class Organizer:
    """Keys and tickets of one event. `rng` stands for the service's source of randomness."""

    def __init__(self, rng: random.Random, now: Instant) -> None:
        self._rng = rng
        self._now = now
        names = ("root", "issuer", "other issuer", "manifest", "roster")
        self._secrets = {name: keys.secret_key(rng.randbytes(32)) for name in names}
        self._records: list[TicketRecord] = []
        self.root = keys.public_key(self._secrets["root"])

    def sell(self, ticket_class: int, holder_pk: bytes = b"", **other: Status | int) -> bytes:
        """Return a signed ticket and list it."""
        gen, status = int(other.get("gen", 0)), Status(other.get("status", Status.ACTIVE))
        ticket = self._rng.randbytes(16)
        holder = hashing.holder_hash(holder_pk) if holder_pk else NO_HOLDER
        self._records.append(
            TicketRecord(
                hashing.id_hash(ticket), len(self._records), gen, ticket_class, status, holder
            )
        )
        return self._sign(EVENT, "issuer", ticket, ticket_class, holder_pk)

    def sell_for_another_night(self) -> bytes:
        """Return a ticket of the same organizer's other event."""
        return self._sign(OTHER_EVENT, "other issuer", self._rng.randbytes(16), STANDING, b"")

    def keyset(self) -> bytes:
        """Return the keyset, signed by the root key."""
        bounds = (self._now.seconds - 86_400, self._now.seconds + YEAR)
        roles: tuple[tuple[Role, str | None, str], ...] = (
            ("issuer", EVENT.hex(), "issuer"),
            ("issuer", OTHER_EVENT.hex(), "other issuer"),
            ("manifest", None, "manifest"),
            ("roster", None, "roster"),
        )
        listed = tuple(
            Key(role, event, keys.public_key(self._secrets[name]).hex(), *bounds, revoked=False)
            for role, event, name in roles
        )
        expires = self._now.seconds + 86_400
        keyset = Keyset(1, self._now.seconds, expires, self.root.hex(), None, listed)
        return seal(Kind.KEYSET, keyset, self._secrets["root"])

    def manifest(self) -> tuple[bytes, Table]:
        """Return the signed head and the tickets, as a gate downloads them."""
        table = build.table(EVENT, self._records)
        now = self._now.seconds
        head = build.head(
            table, PLAN, version=1, issued=now, expires=now + 86_400, sales_end=now + 3600
        )
        return seal_head(head, self._secrets["manifest"]), table

    def roster(self, device_pks: dict[str, bytes]) -> bytes:
        """Return which devices may speak for the venue."""
        devices = tuple(Device(pk.hex(), name, "kiosk", None) for name, pk in device_pks.items())
        badges: tuple[Badge, ...] = ()
        now = self._now.seconds
        roster = Roster(1, now, now + 86_400, TENANT.hex(), devices, badges)
        return seal(Kind.ROSTER, roster, self._secrets["roster"])

    def _sign(
        self, event: bytes, key: str, ticket: bytes, ticket_class: int, holder_pk: bytes
    ) -> bytes:
        secret = self._secrets[key]
        form, flags = (BOUND, LIVE_REQUIRED) if holder_pk else (STATIC, 0)
        kid = hashing.kid(keys.public_key(secret))
        exp = self._now.seconds + YEAR
        return issue(
            Token(form, flags, kid, event, ticket, 0, ticket_class, exp, holder_pk), secret
        )
