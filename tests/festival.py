"""One event with a class for every rule, and the scans that tests put in front of it.

Zones: the arena (1) with the club (2) in it and the pit (4) in that, the garden (3) beside.
"""

from typing import Any, Final

from shared.event import Day, Gate, Plan, Policy, Question, TicketClass, Window, Zone
from shared.hashing import holder_hash
from shared.instant import Instant
from shared.log.record import Shown
from shared.manifest.ticket import NO_HOLDER, Status, TicketRecord
from shared.rules.compiled import Post, Rules, compile_rules
from shared.token import BOUND, STATIC, Token
from shared.verify import Verified
from tests.scribe import EVENT, START, hashed

NOON: Final = START // 1000  # not noon anywhere, but the middle of day 1
HOUR: Final = 3600
DAY: Final = 24 * HOUR
MIDNIGHT: Final = 1_799_967_600  # day 1 begins

ARENA, CLUB, GARDEN, PIT = 1, 2, 3, 4
NORTH, SOUTH, WAY_OUT, CLUB_DOOR, GARDEN_GATE, PIT_GATE = 1, 2, 3, 4, 5, 6
(SEAT, ONCE, FOUR, FAMILY, TWO_DAYS, ROAMER, SOUTH_ONLY, EVENING, SLOW, WAIVER, CHILD, BOX_OFFICE,
 DAILY, BROKEN, ROAMING_FAMILY, HIKER, TRAVELLER, SLOW_DAYS,
 SLOW_ROAMER, SLOW_GROUP) = range(20)  # fmt: skip

WAIVER_TEXT: Final = Question(id=1, text="Waiver signed?", choices=("yes", "on paper"))
LOCKER: Final = Question(id=2, text="Locker number")
NICKNAME: Final = Question(id=3, text="Nickname", required=False)

PLAN: Final = Plan(
    zones=(
        Zone(id=ARENA, name="Arena"),
        Zone(id=CLUB, name="Club", parent=ARENA),
        Zone(id=GARDEN, name="Garden"),
        Zone(id=PIT, name="Pit", parent=CLUB),
    ),
    gates=(
        Gate(id=NORTH, name="North", zone=ARENA, direction="both"),
        Gate(id=SOUTH, name="South", zone=ARENA),
        Gate(id=WAY_OUT, name="Way out", zone=ARENA, direction="exit"),
        Gate(id=CLUB_DOOR, name="Club door", zone=CLUB, direction="both"),
        Gate(id=GARDEN_GATE, name="Garden gate", zone=GARDEN, direction="both"),
        Gate(id=PIT_GATE, name="Pit gate", zone=PIT, direction="both"),
    ),
    classes=(
        TicketClass(index=SEAT, name="Seat", zones=(ARENA,), re_entry=True),
        TicketClass(index=ONCE, name="Once", zones=(ARENA,)),
        TicketClass(index=FOUR, name="Four entries", zones=(ARENA,), allowance=4),
        TicketClass(
            index=FAMILY, name="Family", zones=(ARENA,), allowance=4, group=True, re_entry=True
        ),
        TicketClass(
            index=TWO_DAYS, name="Any two days", zones=(ARENA,), per="day", day_cap=2, re_entry=True
        ),
        TicketClass(
            index=ROAMER, name="Everywhere", zones=(ARENA, CLUB, GARDEN, PIT), re_entry=True
        ),
        TicketClass(index=SOUTH_ONLY, name="South", zones=(ARENA,), gates=(SOUTH,)),
        TicketClass(
            index=EVENING,
            name="Evening",
            zones=(ARENA,),
            valid_from=NOON,
            valid_until=NOON + 10 * HOUR,
            windows=(
                Window(start=NOON + 4 * HOUR, end=NOON + 5 * HOUR),
                Window(start=NOON + 2 * HOUR, end=NOON + 3 * HOUR),
            ),
        ),
        TicketClass(index=SLOW, name="Slow", zones=(ARENA,), re_entry=True, min_gap=900),
        TicketClass(
            index=WAIVER,
            name="Climber",
            zones=(ARENA,),
            re_entry=True,
            questions=(WAIVER_TEXT, LOCKER, NICKNAME),
        ),
        TicketClass(index=CHILD, name="Child", zones=(ARENA,), attention="Child: check ID"),
        TicketClass(index=BOX_OFFICE, name="Box office", zones=(ARENA,), collect_unpaid=True),
        TicketClass(index=DAILY, name="Every day once", zones=(ARENA,), per="day"),
        TicketClass(index=BROKEN, name="Broken", zones=(99,)),
        TicketClass(
            index=ROAMING_FAMILY,
            name="Family, everywhere",
            zones=(ARENA, CLUB, GARDEN),
            allowance=4,
            group=True,
            re_entry=True,
        ),
        TicketClass(
            index=HIKER,
            name="Hiking group",
            zones=(ARENA,),
            allowance=4,
            group=True,
            re_entry=True,
            min_gap=900,
        ),
        TicketClass(
            index=TRAVELLER, name="Twice a day", zones=(ARENA, GARDEN), per="day", allowance=2
        ),
        TicketClass(
            index=SLOW_DAYS, name="Slow days", zones=(ARENA,), per="day", re_entry=True, min_gap=900
        ),
        TicketClass(
            index=SLOW_ROAMER,
            name="Slow, everywhere",
            zones=(ARENA, GARDEN),
            re_entry=True,
            min_gap=900,
        ),
        TicketClass(
            index=SLOW_GROUP,
            name="Slow group, everywhere",
            zones=(ARENA, GARDEN),
            allowance=2,
            group=True,
            re_entry=True,
            min_gap=900,
        ),
    ),
    days=tuple(
        Day(index=i + 1, start=MIDNIGHT + i * DAY, end=MIDNIGHT + (i + 1) * DAY) for i in range(3)
    ),
)
NAMES: Final = {rule.index: rule.name for rule in PLAN.classes}


def rules(
    issued: int = NOON - HOUR, sales_end: int = NOON + 3 * DAY, plan: Plan = PLAN, **policy: Any
) -> Rules:
    """Return the festival's rules under a policy."""
    if policy:
        plan = Plan(plan.zones, plan.gates, plan.classes, plan.days, Policy(**policy))
    return compile_rules(EVENT, plan, issued, sales_end)


def post(gate: int = NORTH, *, exiting: bool = False) -> Post:
    return rules().post(gate, exiting=exiting)


def at(second: int, *, trusted: bool = True) -> Instant:
    return Instant(second * 1000, trusted)


def scan(
    ticket: str = "anna",
    ticket_class: int = SEAT,
    *,
    gen: int = 1,
    exp: int = NOON + 30 * DAY,
    holder_pk: bytes = b"",
    event: bytes = EVENT,
    shown: Shown = Shown.STATIC,
) -> Verified:
    """Return the scan of a genuine ticket."""
    kind = BOUND if holder_pk else STATIC
    bare = ticket.encode().ljust(16, b"\0")
    token = Token(kind, 0, b"kid1", event, bare, gen, ticket_class, exp, holder_pk)
    return Verified(token, shown, bytes(32), hashed(ticket))


def listed(
    scanned: Verified, status: Status = Status.ACTIVE, *, gen: int | None = None
) -> TicketRecord:
    """Return the manifest's record of a scanned ticket."""
    token = scanned.token
    holder = holder_hash(token.holder_pk) if token.holder_pk else NO_HOLDER
    known = token.gen if gen is None else gen
    return TicketRecord(scanned.ticket_hash, 0, known, token.ticket_class, status, holder)
