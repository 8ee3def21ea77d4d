"""Vectors of what may be wrong with a ticket before its entries are counted."""

from hashlib import sha256
from typing import Final

from tests.festival import (
    BROKEN,
    CHILD,
    DAILY,
    DAY,
    EVENING,
    HOUR,
    MIDNIGHT,
    NOON,
    ONCE,
    SEAT,
    SOUTH_ONLY,
    TWO_DAYS,
)
from tests.vectors.rules_parts import (
    HOLDER,
    NO_CAP,
    OTHER_EVENT,
    RE_ENTRY,
    admit,
    after,
    case,
    deny,
    draft,
    empty,
    given,
    history,
    hold,
    now,
    pool,
    root,
    trouble,
    visit,
)
from tests.vectors.suite import Json

FIRST: Final = draft("IN", root())
FIRST_ONCE: Final = draft("IN", root(), terms=NO_CAP)
HASHED: Final = sha256(b"usher/holder/v1\0" + HOLDER).digest()[:4].hex()
BOUND: Final = {"holder_pk": HOLDER.hex()}


def dated(day: int, terms: int = RE_ENTRY | 2) -> Json:
    return draft("IN", root(0, 1, day), day=day, terms=terms)


def tickets() -> list[Json]:
    """Return the vectors of the ticket itself."""
    return [
        case("first-entry", "An active, unused ticket takes root right 0.",
             given(SEAT), admit(FIRST)),
        case("wrong-event", "A ticket of another event: counted, and not in this event's log.",
             given(SEAT, scan={"event": OTHER_EVENT.hex()}),
             deny("wrong_event", 76, drafts=[], overridable=False)),
        case("wrong-event-before-all", "It is the first thing that staff hear, whatever else.",
             given(BROKEN, scan={"event": OTHER_EVENT.hex(), "exp": 0}, record=None),
             deny("wrong_event", 76, drafts=[], overridable=False)),
        case("revoked", "Its own code.", given(SEAT, record={"status": "revoked"}),
             deny("revoked", 67)),
        case("refunded", "Its own code.", given(SEAT, record={"status": "refunded"}),
             deny("refunded", 69)),
        case("blocked", "Its own code.", given(SEAT, record={"status": "blocked"}),
             deny("blocked", 71)),
        case("unpaid", "The class does not let anybody collect.",
             given(SEAT, record={"status": "unpaid"}), deny("unpaid", 70)),
        case("unpaid-supervisor-alone", "A signature alone does not make a class collect.",
             given(SEAT, record={"status": "unpaid"}, ask={"supervisor": True}),
             deny("unpaid", 70)),
        case("superseded-by-manifest", "The manifest knows a newer generation.",
             given(SEAT, record={"gen": 2}), deny("superseded", 68)),
        case("superseded-by-token", "A token of a newer generation was seen.",
             given(SEAT, history=history(gen=2)), deny("superseded", 68)),
        case("newer-generation", "Newer than anything known: admitted, and the token attached.",
             given(SEAT, scan={"gen": 3}, record={"gen": 2}), admit(FIRST, raises=True)),
        case("generation-already-known", "As new as a token that was seen: nothing to raise.",
             given(SEAT, scan={"gen": 3}, record={"gen": 2}, history=history(gen=3)),
             admit(FIRST)),
        case("bound", "Bound to the key that the manifest names.",
             given(SEAT, scan=BOUND, record={"holder": HASHED}), admit(FIRST)),
        case("other-holder", "The same generation under another key than the manifest's.",
             given(SEAT, scan=BOUND, record={"holder": "01020304"}), deny("superseded", 68)),
        case("holder-lost", "The manifest binds the ticket, and the code does not.",
             given(SEAT, record={"holder": HASHED}), deny("superseded", 68)),
        case("other-holder-newer", "A newer generation may have another key.",
             given(SEAT, scan=BOUND | {"gen": 2}, record={"holder": "01020304"}),
             admit(FIRST, raises=True)),
        case("exp-last-second", "The last second of a signed expiry.",
             given(SEAT, scan={"exp": NOON + 1}), admit(FIRST)),
        case("exp-passed", "The signed expiry is the first second that is too late.",
             given(SEAT, scan={"exp": NOON}), deny("expired", 72, when=NOON)),
        case("withdrawn-before-expired", "The more basic reason is told.",
             given(SEAT, scan={"exp": NOON}, record={"status": "revoked"}), deny("revoked", 67)),
        case("unknown-class", "The manifest has no such class.",
             given(4000), trouble("rules_broken")),
        case("broken-class", "The class names a zone that does not exist.",
             given(BROKEN), trouble("rules_broken")),
        case("revoked-before-broken", "A withdrawn ticket is refused, broken class or not.",
             given(BROKEN, record={"status": "revoked"}), deny("revoked", 67)),
        case("faulty-days", "The days overlap: classes that count days are broken.",
             given(DAILY, plan="faulty"), trouble("rules_broken")),
        case("faulty-days-others", "Classes that count none go on.",
             given(SEAT, plan="faulty"), admit(FIRST)),
        case("faulty-days-none-to-pick", "There is no day that a supervisor could pick.",
             given(EVENING, plan="faulty", now=now(NOON, trusted=False)),
             trouble("clock_untrusted")),
        case("zone-loop", "A zone that lies in itself: its classes are broken.",
             given(CHILD, plan="faulty"), trouble("rules_broken")),
    ]  # fmt: skip


def places() -> list[Json]:
    """Return the vectors of zones and gates."""
    return [
        case("wrong-zone", "The class does not go there; the gates where it does are told.",
             given(ONCE, post={"gate": 5}), deny("wrong_zone", 77, zone=3, gates=[1, 2])),
        case("inner-zone-not-allowed", "The arena does not include the club inside it.",
             given(SEAT, post={"gate": 4}), deny("wrong_zone", 77, zone=2, gates=[1, 2])),
        case("wrong-gate", "Right zone, wrong gate.",
             given(SOUTH_ONLY), deny("wrong_gate", 78, gates=[2])),
        case("right-gate", "The gate that the class names.",
             given(SOUTH_ONLY, post={"gate": 2}), admit(FIRST_ONCE)),
    ]  # fmt: skip


def times() -> list[Json]:
    """Return the vectors of validity, windows and days."""
    first, second = MIDNIGHT + DAY, MIDNIGHT + 2 * DAY
    fresh = {"issued": MIDNIGHT + 2 * DAY, "sales_end": MIDNIGHT + 9 * DAY}
    days = [1, 2, 3]
    return [
        case("not-yet-valid", "One second early.",
             given(EVENING, now=now(NOON - 1)), deny("not_yet_valid", 73, when=NOON)),
        case("valid-outside-window", "Valid, and before its first window: told when that begins.",
             given(EVENING), deny("outside_window", 74, when=NOON + 2 * HOUR)),
        case("before-window", "A second before a window opens.",
             given(EVENING, now=now(NOON + 2 * HOUR - 1)),
             deny("outside_window", 74, when=NOON + 2 * HOUR)),
        case("window-opens", "The first second of the first window, though listed second.",
             given(EVENING, now=now(NOON + 2 * HOUR)), admit(FIRST_ONCE)),
        case("window-last-second", "The last second of a window.",
             given(EVENING, now=now(NOON + 3 * HOUR - 1)), admit(FIRST_ONCE)),
        case("between-windows", "The first second after a window: told of the next.",
             given(EVENING, now=now(NOON + 3 * HOUR)),
             deny("outside_window", 74, when=NOON + 4 * HOUR)),
        case("after-all-windows", "No window is left.",
             given(EVENING, now=now(NOON + 5 * HOUR)), deny("outside_window", 74)),
        case("valid-until", "The first second that is too late.",
             given(EVENING, head=fresh, now=now(NOON + 10 * HOUR)),
             deny("expired", 72, when=NOON + 10 * HOUR)),
        case("day-one", "The pool is that of the day.", given(TWO_DAYS), admit(dated(1))),
        case("midnight", "A new day has new rights, though yesterday's guest never left.",
             given(DAILY, head=fresh, now=now(first),
                   history=history(pool(visit(day=1, second=first - 60)))),
             admit(dated(2, NO_CAP))),
        case("before-midnight", "A second earlier it is still the day that is used up.",
             given(DAILY, head=fresh, now=now(first - 1),
                   history=history(pool(visit(day=1, second=first - 60), gone=1))),
             deny("reentry_not_allowed", 66, day=1, prior=visit()["id"])),
        case("before-all-days", "Outside every day: told when the first begins.",
             given(DAILY, now=now(MIDNIGHT - 1)), deny("outside_window", 74, when=MIDNIGHT)),
        case("after-all-days", "Outside every day, and none is left.",
             given(DAILY, head=fresh, now=now(MIDNIGHT + 3 * DAY)), deny("outside_window", 74)),
        case("second-day-of-two", "A second day is within the cap.",
             given(TWO_DAYS, head=fresh, now=now(first),
                   history=history(pool(visit(day=1), gone=1))),
             admit(dated(2))),
        case("third-day-of-two", "A third day is not.",
             given(TWO_DAYS, head=fresh, now=now(second),
                   history=history(pool(visit(day=1), gone=1),
                                   pool(visit("two", day=2, second=first), gone=1))),
             deny("no_days_left", 87, day=3, prior=visit("two")["id"])),
        case("a-used-day-again", "A day already used is not a new one, cap or not.",
             given(TWO_DAYS, head=fresh, now=now(second),
                   history=history(pool(visit(day=1), gone=1),
                                   pool(visit("three", day=3, second=second), gone=1))),
             admit(draft("IN", after(visit("three")["id"]), day=3, terms=RE_ENTRY | 2),
                   outcome="readmitted")),
        case("clock-untrusted-window", "A failing window without trusted time is the gate's fault.",
             given(EVENING, now=now(NOON, trusted=False)), trouble("clock_untrusted", days)),
        case("clock-untrusted-exp", "So is an expiry.",
             given(SEAT, scan={"exp": NOON}, now=now(NOON, trusted=False)),
             trouble("clock_untrusted", days)),
        case("clock-untrusted-fits", "A window that fits an untrusted clock is taken as it is.",
             given(SEAT, now=now(NOON, trusted=False)), admit(FIRST, stale=True)),
        case("clock-untrusted-day", "The day is never guessed.",
             given(TWO_DAYS, now=now(NOON, trusted=False)), trouble("clock_untrusted", days)),
        case("day-picked", "A supervisor picks it.",
             given(TWO_DAYS, now=now(0, trusted=False), ask={"supervisor": True, "day": 2}),
             admit(dated(2), stale=True)),
        case("day-picked-alone", "Nobody else does.",
             given(TWO_DAYS, now=now(0, trusted=False), ask={"day": 2}),
             trouble("clock_untrusted", days)),
        case("day-picked-unknown", "It must be one of the event's.",
             given(TWO_DAYS, now=now(0, trusted=False), ask={"supervisor": True, "day": 4}),
             trouble("clock_untrusted", days)),
        case("day-picked-window", "A window on the picked day fits; the second is not known.",
             given(EVENING, now=now(0, trusted=False), ask={"supervisor": True, "day": 1}),
             admit(FIRST_ONCE, stale=True)),
        case("day-picked-too-late", "The picked day begins after the ticket's last second.",
             given(EVENING, now=now(0, trusted=False), ask={"supervisor": True, "day": 2}),
             deny("expired", 72, when=NOON + 10 * HOUR)),
        case("day-picked-too-early", "The picked day ends before the ticket's first second.",
             given(EVENING, plan="late", now=now(0, trusted=False),
                   ask={"supervisor": True, "day": 1}),
             deny("not_yet_valid", 73, when=MIDNIGHT + DAY)),
        case("day-picked-trusted", "A trusted clock needs nobody's pick.",
             given(TWO_DAYS, ask={"supervisor": True, "day": 2}), admit(dated(1))),
    ]  # fmt: skip


def policies() -> list[Json]:
    """Return the vectors of the manifest's age and of tickets that it lacks."""
    flagged = draft("IN", root(), reason=35)
    stale = {"issued": NOON - 6 * HOUR - 1, "sales_end": NOON}
    old = {"issued": NOON - 24 * HOUR - 1, "sales_end": NOON}
    aged = draft("IN", root(), reason=131)
    return [
        case("newer-than-manifest", "Admitted and flagged while sales went on.",
             given(SEAT, record=None), admit(flagged, flag="not_in_manifest", raises=True)),
        case("not-in-final-manifest", "The list was made after the sales: a supervisor decides.",
             given(SEAT, record=None, head={"sales_end": NOON - HOUR}), hold("not_in_manifest")),
        case("not-in-manifest-hold", "By policy a supervisor always decides.",
             given(SEAT, record=None, policy={"unknown_ticket": "hold"}),
             hold("not_in_manifest")),
        case("not-in-manifest-signed", "And may admit.",
             given(SEAT, record=None, policy={"unknown_ticket": "hold"},
                   ask={"supervisor": True}),
             admit(flagged, flag="not_in_manifest", raises=True)),
        case("not-in-manifest-refused-first", "Nobody asks a supervisor about a wrong gate.",
             given(SOUTH_ONLY, record=None, policy={"unknown_ticket": "hold"}),
             deny("wrong_gate", 78, gates=[2])),
        case("age-fresh", "Exactly the first age is not beyond it.",
             given(SEAT, head={"issued": NOON - 6 * HOUR}), admit(FIRST)),
        case("age-stale", "Beyond the first age: admitted, with a warning.",
             given(SEAT, head=stale), admit(FIRST, stale=True)),
        case("age-last-stale", "Exactly the second age is not beyond it.",
             given(SEAT, head={"issued": NOON - 24 * HOUR}), admit(FIRST, stale=True)),
        case("age-restricted-hold", "Beyond the second age a supervisor decides.",
             given(SEAT, head=old), hold("supervisor_required", why="manifest_expired")),
        case("age-restricted-signed", "And may admit; reports say so.",
             given(SEAT, head=old, ask={"supervisor": True}),
             admit(aged, flag="manifest_expired", stale=True)),
        case("age-restricted-admit", "By policy everybody is admitted; reports say so.",
             given(SEAT, head=old, policy={"restricted": "admit"}),
             admit(aged, flag="manifest_expired", stale=True)),
        case("age-restricted-refuse", "By policy nobody is, whoever signs.",
             given(SEAT, head=old, policy={"restricted": "refuse"},
                   ask={"supervisor": True, "override": "please"}),
             trouble("manifest_expired")),
        case("age-unknown", "Without trusted time nobody can tell: admitted, with a warning.",
             given(SEAT, head=old, policy={"restricted": "refuse"},
                   now=now(NOON, trusted=False)),
             admit(FIRST, stale=True)),
        case("known-by-exit-only", "An exit is known and no entry: in on its right, as anew.",
             given(SEAT, history=history(empty(opened=[root(9)], left="11" * 16))),
             admit(draft("IN", root(9)))),
    ]  # fmt: skip


def vectors() -> list[Json]:
    """Return all of them."""
    return [*tickets(), *places(), *times(), *policies()]
