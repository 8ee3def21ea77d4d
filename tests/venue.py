"""One event, its keys and one ticket of each class, all really signed.

Zones: the arena with the club in it, the garden beside. A zone has one gate of its own
number, and any device may be posted there either way.
"""

from hashlib import sha256
from typing import Final

from shared import hashing, keys
from shared.devices.roster import Badge, Device, Roster, TrustedRoster
from shared.event import Day, Gate, Plan, Policy, TicketClass, Zone
from shared.instant import Instant
from shared.keyset import Key, Keyset, TrustedKeys
from shared.manifest.ticket import Status, TicketRecord
from shared.rules.compiled import Post, Rules, compile_rules
from shared.signed import Kind, seal
from shared.token import STATIC, Token, encode_text, issue

EVENT: Final = b"arena-01"
TENANT: Final = bytes(15) + b"\1"
MIDNIGHT: Final = 1_799_967_600  # day 1 begins
DAY: Final = 86_400
YEAR: Final = 365 * DAY
WINDOW: Final = (MIDNIGHT - YEAR, MIDNIGHT + YEAR)
GAP: Final = 900

ARENA, CLUB, GARDEN = ZONES = (1, 2, 3)
ONCE, SEAT, TRIO, CARD, PASS, SLOW, ROAM, CLAN = TICKETS = (
    "once", "seat", "trio", "card", "pass", "slow", "roam", "clan",
)  # fmt: skip
DEVICES: Final = ("X", "Y", "Z", "W")

PLAN: Final = Plan(
    zones=(Zone(ARENA, "Arena"), Zone(CLUB, "Club", ARENA), Zone(GARDEN, "Garden")),
    gates=tuple(Gate(zone, f"Gate {zone}", zone, "both") for zone in ZONES),
    classes=(
        TicketClass(0, ONCE, (ARENA,)),
        TicketClass(1, SEAT, (ARENA,), re_entry=True),
        TicketClass(2, TRIO, (ARENA,), allowance=3, group=True, re_entry=True),
        TicketClass(3, CARD, (ARENA,), allowance=3),
        TicketClass(4, PASS, (ARENA,), per="day", day_cap=2, re_entry=True),
        TicketClass(5, SLOW, (ARENA,), re_entry=True, min_gap=GAP),
        TicketClass(6, ROAM, ZONES, re_entry=True),
        TicketClass(7, CLAN, ZONES, allowance=3, group=True, re_entry=True),
    ),
    days=tuple(Day(i + 1, MIDNIGHT + i * DAY, MIDNIGHT + (i + 1) * DAY) for i in range(3)),
    policy=Policy(warn_age=YEAR, restrict_age=YEAR),
)
CLASSES: Final = {rule.name: rule for rule in PLAN.classes}  # by ticket, called by its class


def secret(name: str) -> bytes:
    """Return the signing key of a device, a badge or a role."""
    return keys.secret_key(sha256(name.encode()).digest())


def pk(name: str) -> bytes:
    """Return the public key that belongs to it."""
    return keys.public_key(secret(name))


def _keys() -> TrustedKeys:
    listed = (
        Key("issuer", EVENT.hex(), pk("issuer").hex(), *WINDOW, revoked=False),
        Key("roster", None, pk("roster").hex(), *WINDOW, revoked=False),
    )
    raw = seal(Kind.KEYSET, Keyset(1, *WINDOW, pk("root").hex(), None, listed), secret("root"))
    return TrustedKeys(pk("root")).update([raw], Instant(MIDNIGHT * 1000))


def _roster() -> TrustedRoster:
    devices = tuple(Device(pk(name).hex(), name, "handheld", None) for name in DEVICES)
    badges = (Badge(pk("badge").hex(), "Supervisor", "supervisor", None),)
    roster = Roster(1, *WINDOW, TENANT.hex(), devices, badges)
    raw = seal(Kind.ROSTER, roster, secret("roster"))
    return TrustedRoster(TENANT).update(raw, KEYS, Instant(MIDNIGHT * 1000))


def _code(ticket: str) -> str:
    kid, index = hashing.kid(pk("issuer")), CLASSES[ticket].index
    token = Token(STATIC, 0, kid, EVENT, _id(ticket), 1, index, MIDNIGHT + YEAR)
    return encode_text(issue(token, secret("issuer")))


def _id(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()[:16]


KEYS: Final = _keys()
ROSTER: Final = _roster()
RULES: Final[Rules] = compile_rules(EVENT, PLAN, MIDNIGHT, MIDNIGHT + YEAR)
POSTS: Final[dict[tuple[int, bool], Post]] = {
    (zone, exiting): RULES.post(zone, exiting=exiting)
    for zone in ZONES
    for exiting in (False, True)
}
CODES: Final = {ticket: _code(ticket) for ticket in TICKETS}
HASHES: Final = {ticket: hashing.id_hash(_id(ticket)) for ticket in TICKETS}
LISTED: Final = {
    ticket: TicketRecord(HASHES[ticket], i, 1, CLASSES[ticket].index, Status.ACTIVE)
    for i, ticket in enumerate(TICKETS)
}
