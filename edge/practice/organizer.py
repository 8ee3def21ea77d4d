"""An organizer made up on the spot: keys, an event with every kind of ticket, signed documents.

All of it follows from a seed and a moment, so two runs of a test see the same tickets. What a
gate gets of it is what it would get from a real one: signed files.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from shared import hashing, keys
from shared.bundle import FileKind, Part, Section, encode
from shared.devices.badge import encode_badge
from shared.devices.command import Command, seal_stamp
from shared.devices.roster import Badge, BadgeRole, Cutoff, Device, Roster
from shared.event import Plan
from shared.keyset import Key, Keyset, Role
from shared.manifest import build, frames
from shared.manifest.head import seal_head
from shared.manifest.sealed import Name
from shared.manifest.sealed import seal as seal_name
from shared.manifest.search import Entry, make_head, packed, seal_part
from shared.manifest.search_keys import Series
from shared.manifest.table import Table
from shared.manifest.ticket import NO_HOLDER, Status, TicketRecord
from shared.presentation import answer, present
from shared.signed import Kind, seal
from shared.token import BOUND, LIVE_REQUIRED, STATIC, Token, encode_text, issue

DAY: Final = 86_400
YEAR: Final = 365 * DAY
PEOPLE: Final[dict[str, BadgeRole]] = {
    "Sam Scanner": "scan",
    "Sue Supervisor": "supervisor",
    "Tom Technician": "technician",
}


class Sold(NamedTuple):
    """One ticket that was sold."""

    number: int
    ticket: bytes  # 16: its id
    ticket_class: int
    name: Name = Name("", "")
    gen: int = 0
    status: Status = Status.ACTIVE
    holder: bytes = b""  # a bound ticket's secret
    live: bool = False
    exp: int = 0


class Organizer:
    """One tenant with one event to sell, and keys of another."""

    def __init__(self, seed: bytes, now: int, event: bytes, plan: Plan) -> None:
        self.seed = seed
        self.now = now  # unix seconds
        self.event = event
        self.plan = plan
        self.tenant = self.make(b"tenant")[:16]
        self.root = keys.public_key(self.secret("root"))
        self.devices: list[Device] = []
        self.revoked_badges: dict[str, int] = {}
        self.sold: dict[str, Sold] = {}

    def make(self, what: bytes) -> bytes:
        """Return 32 bytes that only this organizer makes."""
        return sha256(self.seed + what).digest()

    def secret(self, name: str) -> bytes:
        """Return a secret key by the name of its role or its owner."""
        return keys.secret_key(self.make(b"key " + name.encode()))

    def badge(self, person: str) -> str:
        """Return the text of somebody's badge."""
        return encode_badge(self.make(b"key badge " + person.encode()))

    def sell(self, label: str, sold: Sold) -> None:
        """List a ticket under a label of the organizer's own."""
        self.sold[label] = sold

    def token(self, sold: Sold, *, gen: int | None = None, key: str = "issuer") -> bytes:
        """Return a signed ticket, of the generation that the list has or of another."""
        secret = self.secret(key)
        form, flags = (BOUND, LIVE_REQUIRED * sold.live) if sold.holder else (STATIC, 0)
        return issue(
            Token(
                form,
                flags,
                hashing.kid(keys.public_key(secret)),
                self.event,
                sold.ticket,
                sold.gen if gen is None else gen,
                sold.ticket_class,
                sold.exp or self.now + YEAR,
                keys.public_key(sold.holder) if sold.holder else b"",
            ),
            secret,
        )

    def code(self, label: str, *, gen: int | None = None, key: str = "issuer") -> str:
        """Return a ticket as the text of its QR code."""
        return encode_text(self.token(self.sold[label], gen=gen, key=key))

    def live(self, label: str, at: int, challenge: bytes = b"") -> str:
        """Return the live code of a moment, or the answer to a challenge."""
        sold = self.sold[label]
        ticket = self.token(sold)
        if challenge:
            return encode_text(answer(ticket, sold.holder, challenge))
        return encode_text(present(ticket, sold.holder, at))

    def keyset(self, version: int = 1) -> bytes:
        """Return the keyset, signed by the root key."""
        window = (self.now - DAY, self.now + YEAR)
        issuers = {
            "issuer": (self.event, *window, False),
            "withdrawn": (self.event, *window, True),
            "not yet": (self.event, self.now + 30 * DAY, self.now + YEAR, False),
            "other": (other_event(self.event), *window, False),
        }
        listed = [
            Key("issuer", event.hex(), self.public(name), since, until, revoked=revoked)
            for name, (event, since, until, revoked) in issuers.items()
        ]
        roles: tuple[Role, ...] = ("manifest", "roster", "command")
        listed += [Key(role, None, self.public(role), *window, revoked=False) for role in roles]
        document = Keyset(
            version, self.now - 60, self.now + YEAR, self.root.hex(), None, tuple(listed)
        )
        return seal(Kind.KEYSET, document, self.secret("root"))

    def public(self, name: str) -> str:
        """Return a public key in hex."""
        return keys.public_key(self.secret(name)).hex()

    def enrol(self, name: str, pk: bytes, cutoff: Cutoff | None = None) -> None:
        """Put a device on the roster."""
        self.devices = [each for each in self.devices if each.pk != pk.hex()]
        self.devices.append(Device(pk.hex(), name, "kiosk", cutoff))

    def roster(self, version: int = 1) -> bytes:
        """Return which devices and badges may speak for the venue."""
        badges = tuple(
            Badge(self.public(f"badge {person}"), person, role, self.revoked_badges.get(person))
            for person, role in (PEOPLE | {"Rita Revoked": "supervisor"}).items()
        )
        document = Roster(
            version, self.now - 60, self.now + YEAR, self.tenant.hex(), tuple(self.devices), badges
        )
        return seal(Kind.ROSTER, document, self.secret("roster"))

    def stamp(self, ms: int) -> bytes:
        """Return the time, signed."""
        return seal_stamp(ms, self.secret("command"))

    def command(self, device: bytes, number: int, action: str, time: int | None = None) -> bytes:
        """Return an order to one device."""
        fields = (self.tenant.hex(), device.hex(), number, action, time)
        return seal(Kind.COMMAND, Command(*fields), self.secret("command"))  # type: ignore[arg-type]

    def table(self, *, names: bool = True) -> Table:
        """Return the tickets as a gate stores them."""
        every = self.sold.values()
        records = [_record(sold) for sold in every]
        if not names:
            return build.table(self.event, records)
        sealed = {
            hashing.id_hash(sold.ticket): seal_name(
                sold.name, self.token(sold), self.make(b"nonce" + sold.ticket)[:12]
            )
            for sold in every
            if sold.name != ("", "")
        }
        return build.table(self.event, records, sealed)

    def head(self, table: Table, version: int = 1, issued: int | None = None) -> bytes:
        """Return a table's signed head."""
        head = build.head(
            table,
            self.plan,
            version=version,
            issued=self.now - 60 if issued is None else issued,
            expires=self.now + 7 * DAY,
            sales_end=self.now + DAY,
        )
        return seal_head(head, self.secret("manifest"))

    def search(self, version: int = 1) -> tuple[bytes, list[bytes]]:
        """Return the head and the sealed parts of the supervisors' list, a series a version."""
        key = self.make(b"search key %d" % version)
        series = Series(self.event, key[:16], self.make(key))
        entries = (
            Entry(hashing.id_hash(s.ticket), *s.name, f"A-{s.number + 1000}", s.ticket_class)
            for s in self.sold.values()
            if s.name != ("", "")
        )
        parts = [
            seal_part(series, place, words, self.make(b"salt %d" % place + key))
            for place, words in enumerate(packed(entries))
        ]
        supervisors = [person for person, role in PEOPLE.items() if role == "supervisor"]
        badges = {
            bytes.fromhex(self.public(f"badge {person}")): self.make(key + person.encode())
            for person in supervisors
        }
        head = make_head(series, version, [sha256(part).digest() for part in parts], badges)
        return seal(Kind.SEARCH, head, self.secret("manifest")), parts

    def preload(self, version: int = 1, *, names: bool = True) -> bytes:
        """Return the file that a gate is loaded with."""
        return b"".join(encode(FileKind.PRELOAD, self.sections(version, names=names)))

    def sections(self, version: int = 1, *, names: bool = True) -> Iterator[Section]:
        """Yield the parts of that file."""
        table = self.table(names=names)
        yield Section(Part.KEYSET, self.keyset(version))
        yield Section(Part.ROSTER, self.roster(version))
        yield Section(Part.HEAD, self.head(table, version))
        yield Section(Part.CHUNKS, _framed(table.chunks))
        if names:
            yield Section(Part.NAMES, _framed(table.names))
            head, parts = self.search(version)
            yield Section(Part.SEARCH_HEAD, head)
            yield from (Section(Part.SEARCH_ENTRIES, part) for part in parts)


def other_event(event: bytes) -> bytes:
    """Return the reference of the same organizer's other event."""
    return bytes(each ^ 0xFF for each in event)


def _record(sold: Sold) -> TicketRecord:
    holder = hashing.holder_hash(keys.public_key(sold.holder)) if sold.holder else NO_HOLDER
    ticket = hashing.id_hash(sold.ticket)
    return TicketRecord(ticket, sold.number, sold.gen, sold.ticket_class, sold.status, holder)


def _framed(chunks: tuple[bytes, ...]) -> bytes:
    return b"".join(frames.encode(index, each) for index, each in enumerate(chunks) if each)
