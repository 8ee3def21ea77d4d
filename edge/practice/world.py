"""A whole evening made up on the spot: an event, its tickets, and gates that are loaded with it.

    world = World.make(now, tickets=1000)
    world.install(folder, settings)       # a gate's folder, set up and loaded as by USB stick
    world.code("standing")                # the text of a ticket's QR code
    world.bulk(17)                        # that of the 17th of the many others

Laptops, tests and benchmarks all start from here. Labels below say what each ticket is for.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from edge.gate.clock import DeviceClock
from edge.gate.gate import Machine
from edge.gate.lanes import Choice
from edge.gate.setup import Feeding, set_up
from edge.gate.staff import pin_verifier
from edge.practice.organizer import DAY, Organizer, Sold, other_event
from edge.settings import Settings
from edge.store.identity import Identity
from edge.store.settings import Pin
from edge.store.stores import open_stores
from shared import hashing, keys
from shared.event import Day, Gate, Plan, Policy, Question, TicketClass, Window, Zone
from shared.manifest.sealed import Name
from shared.manifest.ticket import Status
from shared.token import STATIC, Token, encode_text, issue

EVENT: Final = b"practice"
PIN: Final = "2468"
ARENA, CLUB, GARDEN = 1, 2, 3  # zones; the club lies inside the arena, the garden beside it
NORTH, SOUTH, CLUB_DOOR, GARDEN_GATE, WAY_OUT = 1, 2, 3, 4, 5  # gates
STANDING, SEATED, LIVE, FAMILY, CHILD, DAILY, TWO_DAYS, UNPAID, WAIVER, EARLY, GAP, SOUTH_ONLY = (
    range(1, 13)
)
HOSTILE: Final = "<script>alert(1)</script><img src=x onerror=alert(1)>"
_FIRST: Final = [
    "Ana",
    "Bo",
    "Chen",
    "Dara",
    "Elif",
    "Finn",
    "Grace",
    "Hugo",
    "Ines",
    "Jakub",
    "Kofi",
    "Lena",
    "Mateo",
    "Nia",
    "Omar",
    "Pia",
    "Quinn",
    "Rosa",
    "Sami",
    "Tess",
    "Uma",
    "Vera",
    "Wen",
    "Xenia",
    "Yusuf",
    "Zoe",
]
_LAST: Final = [
    "Adler",
    "Brandt",
    "Castro",
    "Diallo",
    "Eriksen",
    "Fuentes",
    "García",
    "Haas",
    "Ibarra",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Müller",
    "Novák",
    "Okafor",
    "Petit",
    "Quist",
    "Romero",
    "Šimek",
    "Tanaka",
    "Urban",
    "Vidal",
    "Weiss",
    "Yilmaz",
    "Zhang",
]


def plan(now: int, *, name: str = "Night at the Arena", policy: Policy | None = None) -> Plan:
    """Return the evening's plan, about `now` (unix seconds)."""
    today = now - now % DAY
    days = tuple(Day(1 + i, today + (i - 1) * DAY, today + i * DAY) for i in range(4))
    both = (ARENA,)
    return Plan(
        zones=(
            Zone(ARENA, "Arena", capacity=12_000),
            Zone(CLUB, "Club", parent=ARENA, capacity=400),
            Zone(GARDEN, "Garden", capacity=3_000),
        ),
        gates=(
            Gate(NORTH, "North", ARENA, "both"),
            Gate(SOUTH, "South", ARENA, "both"),
            Gate(CLUB_DOOR, "Club door", CLUB, "both"),
            Gate(GARDEN_GATE, "Garden gate", GARDEN, "both"),
            Gate(WAY_OUT, "Way out", ARENA, "exit"),
        ),
        classes=(
            TicketClass(STANDING, "Standing", (ARENA, GARDEN), re_entry=True),
            TicketClass(SEATED, "Seated", both),
            TicketClass(LIVE, "Live ticket", both, re_entry=True),
            TicketClass(FAMILY, "Family of four", both, allowance=4, group=True, re_entry=True),
            TicketClass(CHILD, "Child", both, attention="Child: check that an adult comes along"),
            TicketClass(DAILY, "Festival pass", both, per="day", re_entry=True),
            TicketClass(TWO_DAYS, "Any two days", both, per="day", day_cap=2, re_entry=True),
            TicketClass(UNPAID, "Box office", both, collect_unpaid=True),
            TicketClass(
                WAIVER,
                "Climbing wall",
                both,
                questions=(
                    Question(1, "Waiver signed?", choices=("yes",)),
                    Question(2, "Locker number", required=False),
                ),
            ),
            TicketClass(EARLY, "Late show", both, windows=(Window(now + 7200, now + 9000),)),
            TicketClass(GAP, "Two visits", both, allowance=2, min_gap=600),
            TicketClass(SOUTH_ONLY, "South stand", both, gates=(SOUTH,)),
        ),
        days=days,
        policy=policy or Policy(),
        name=name,
        timezone="Europe/Madrid",
    )


# label: (class, status, what else is particular)
KINDS: Final[Mapping[str, tuple[int, Status, Mapping[str, object]]]] = {
    "standing": (STANDING, Status.ACTIVE, {}),
    "standing 2": (STANDING, Status.ACTIVE, {}),
    "standing 3": (STANDING, Status.ACTIVE, {}),
    "seated": (SEATED, Status.ACTIVE, {"seat": "Block B, row 12, seat 7"}),
    "live": (LIVE, Status.ACTIVE, {"live": True}),
    "bound": (LIVE, Status.ACTIVE, {"live": False}),
    "family": (FAMILY, Status.ACTIVE, {}),
    "child": (CHILD, Status.ACTIVE, {}),
    "daily": (DAILY, Status.ACTIVE, {}),
    "two days": (TWO_DAYS, Status.ACTIVE, {}),
    "box office": (UNPAID, Status.UNPAID, {}),
    "unpaid": (SEATED, Status.UNPAID, {}),
    "waiver": (WAIVER, Status.ACTIVE, {}),
    "late show": (EARLY, Status.ACTIVE, {}),
    "two visits": (GAP, Status.ACTIVE, {}),
    "south only": (SOUTH_ONLY, Status.ACTIVE, {}),
    "revoked": (SEATED, Status.REVOKED, {}),
    "refunded": (SEATED, Status.REFUNDED, {}),
    "blocked": (SEATED, Status.BLOCKED, {}),
    "resold": (SEATED, Status.ACTIVE, {"gen": 1}),  # the seller's code is generation 0
    "expired": (SEATED, Status.ACTIVE, {"exp": -1}),
    "hostile": (SEATED, Status.ACTIVE, {"name": HOSTILE, "seat": HOSTILE}),
    "no class": (99, Status.ACTIVE, {}),
}


class World:
    """One organizer's evening."""

    def __init__(self, organizer: Organizer, many: int) -> None:
        self.organizer = organizer
        self.many = many  # of the tickets that have numbers and no label

    @classmethod
    def make(
        cls,
        now: int,
        *,
        tickets: int = 200,
        seed: bytes = b"practice",
        plan_of: Plan | None = None,
        event: bytes = EVENT,
    ) -> "World":
        """Return an evening of one ticket of each kind and `tickets` others."""
        organizer = Organizer(seed, now, event, plan_of or plan(now))
        for number, (label, kind) in enumerate(KINDS.items()):
            organizer.sell(label, _particular(organizer, number, label, *kind))
        for index in range(tickets):
            organizer.sell(f"#{index}", _plain(organizer, len(KINDS) + index, index))
        return cls(organizer, tickets)

    def code(self, label: str, *, gen: int | None = None, key: str = "issuer") -> str:
        """Return the text of a ticket's QR code."""
        return self.organizer.code(label, gen=gen, key=key)

    def bulk(self, index: int) -> str:
        """Return the text of one of the many."""
        return self.organizer.code(f"#{index}")

    def live(self, at: int, challenge: bytes = b"", label: str = "live") -> str:
        """Return the live code of a moment, or the answer to a challenge."""
        return self.organizer.live(label, at, challenge)

    def unlisted(self, ticket_class: int = STANDING) -> str:
        """Return a genuine ticket that no list has."""
        sold = Sold(0, self.organizer.make(b"unlisted")[:16], ticket_class)
        return encode_text(self.organizer.token(sold))

    def of_another_night(self) -> str:
        """Return a ticket of the organizer's other event."""
        secret = self.organizer.secret("other")
        kid = self.kid("other")
        event = other_event(self.organizer.event)
        ticket = self.organizer.make(b"another night")[:16]
        token = Token(STATIC, 0, kid, event, ticket, 0, 1, self.organizer.now + DAY)
        return encode_text(issue(token, secret))

    def kid(self, name: str) -> bytes:
        """Return the short name of a key."""
        return hashing.kid(keys.public_key(self.organizer.secret(name)))

    def install(
        self,
        settings: Settings,
        *,
        name: str = "North",
        names: bool = True,
        machine: Machine | None = None,
    ) -> Identity:
        """Set a gate's folder up and load it, as a technician with a USB stick does."""
        organizer = self.organizer
        me = set_up(settings.data_folder, organizer.tenant, organizer.root)
        organizer.enrol(name, me.pk)
        self.load(settings, me, names=names, machine=machine)
        stores = open_stores(settings.data_folder)
        try:
            stores.settings.put_pin(Pin("Pat Pin", "scan", pin_verifier(PIN)))
        finally:
            stores.close()
        return me

    def load(
        self,
        settings: Settings,
        me: Identity,
        version: int = 1,
        *,
        names: bool = True,
        machine: Machine | None = None,
    ) -> list[str]:
        """Load a gate with what is in force now."""
        return feed(settings, me, self.organizer.preload(version, names=names), machine)


def feed(
    settings: Settings, me: Identity, data: bytes, machine: Machine | None = None
) -> list[str]:
    """Give a gate a file; return in words what it brought."""
    machine = machine or Machine()
    stores = open_stores(settings.data_folder)
    try:
        vouched = settings.clock != "none"
        clock = DeviceClock(stores.settings, machine.monotonic, machine.wall, vouched=vouched)
        return Feeding(stores, me, clock).load(data)
    finally:
        stores.close()


def post_lane(settings: Settings, lane: str, gate: int = NORTH, *, exiting: bool = False) -> None:
    """Post a lane as staff would, before the gate runs."""
    stores = open_stores(settings.data_folder)
    try:
        choice = Choice(EVENT.hex(), gate, exiting)
        stores.settings.put({f"lane:{lane}": msgspec.json.encode(choice)})
    finally:
        stores.close()


def _plain(organizer: Organizer, number: int, index: int) -> Sold:
    first, last = _FIRST[index % len(_FIRST)], _LAST[index // len(_FIRST) % len(_LAST)]
    ticket = organizer.make(b"ticket %d" % index)[:16]
    kind = (STANDING, SEATED)[index % 2]
    seat = f"Block {'ABCDEF'[index % 6]}, row {index % 40 + 1}" if kind == SEATED else ""
    return Sold(number, ticket, kind, Name(f"{first} {last}", seat))


def _particular(
    organizer: Organizer,
    number: int,
    label: str,
    ticket_class: int,
    status: Status,
    other: Mapping[str, object],
) -> Sold:
    bound = "live" in other
    return Sold(
        number,
        organizer.make(b"ticket " + label.encode())[:16],
        ticket_class,
        Name(str(other.get("name", label.title())), str(other.get("seat", ""))),
        gen=int(str(other.get("gen", 0))),
        status=status,
        holder=organizer.secret(f"phone {label}") if bound else b"",
        live=bool(other.get("live", False)),
        exp=organizer.now - 1 if other.get("exp") else 0,
    )
