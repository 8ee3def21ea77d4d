"""Vectors of what staff do: questions, looking, money, overrides."""

from typing import Any, Final

from tests.festival import (
    BOX_OFFICE,
    BROKEN,
    CHILD,
    DAILY,
    DAY,
    EVENING,
    FAMILY,
    FOUR,
    GARDEN,
    HOUR,
    MIDNIGHT,
    NOON,
    ONCE,
    ROAMER,
    SEAT,
    SLOW,
    SOUTH_ONLY,
    TWO_DAYS,
    WAIVER,
)
from tests.vectors.rules_parts import (
    NO_CAP,
    OTHER_EVENT,
    RE_ENTRY,
    admit,
    after,
    case,
    deny,
    draft,
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

A: Final = visit("a")
OVERRIDE: Final[Json] = {"supervisor": True, "override": "known to the artist"}
GOOD: Final = {"1": "yes", "2": "12"}


def holds() -> list[Json]:
    """Return the vectors of what is done before an admission."""
    asked = {"answers": GOOD | {"3": ""}}
    return [
        case("questions-asked", "Nothing is admitted until they are answered, optional ones too.",
             given(WAIVER), hold("answers_required", questions=[1, 2, 3])),
        case("questions-answered", "The answers travel with the record.",
             given(WAIVER, ask={"answers": GOOD | {"3": "Kim"}}),
             admit(draft("IN", root()), answers=GOOD | {"3": "Kim"})),
        case("question-passed-over", "An optional one may be passed over by an empty answer.",
             given(WAIVER, ask=asked), admit(draft("IN", root()), answers=GOOD)),
        case("question-required-empty", "A required one may not.",
             given(WAIVER, ask={"answers": {"1": "yes", "2": "", "3": ""}}),
             hold("answers_required", questions=[2])),
        case("question-bad-choice", "Not one of the choices: asked again.",
             given(WAIVER, ask={"answers": {"1": "maybe", "2": "12", "3": ""}}),
             hold("answers_required", questions=[1])),
        case("question-blank", "Blanks are no answer.",
             given(WAIVER, ask={"answers": {"1": "yes", "2": "  ", "3": ""}}),
             hold("answers_required", questions=[2])),
        case("question-longest", "200 characters are enough.",
             given(WAIVER, ask={"answers": {"1": "yes", "2": "x" * 200, "3": ""}}),
             admit(draft("IN", root()), answers={"1": "yes", "2": "x" * 200})),
        case("question-too-long", "201 are too many.",
             given(WAIVER, ask={"answers": {"1": "yes", "2": "x" * 201, "3": ""}}),
             hold("answers_required", questions=[2])),
        case("question-control-character", "Nor is a control character an answer.",
             given(WAIVER, ask={"answers": {"1": "yes", "2": "1\n2", "3": ""}}),
             hold("answers_required", questions=[2])),
        case("question-unknown", "An answer to no question goes nowhere.",
             given(WAIVER, ask={"answers": GOOD | {"3": "", "9": "?"}}),
             admit(draft("IN", root()), answers=GOOD)),
        case("question-on-re-entry", "Who comes back was asked before.",
             given(WAIVER, history=history(pool(A, gone=1))),
             admit(draft("IN", after(A["id"])), outcome="readmitted")),
        case("attention", "Staff look first.",
             given(CHILD), hold("attention", attention="Child: check ID")),
        case("attention-given", "They looked; the text stays on the screen.",
             given(CHILD, ask={"confirmed": True}),
             admit(draft("IN", root(), terms=NO_CAP), attention="Child: check ID")),
        case("attention-after-refusal", "Nobody looks at whom a rule refuses.",
             given(CHILD, record={"status": "revoked"}), deny("revoked", 67)),
        case("unpaid-collect", "The class lets a supervisor collect.",
             given(BOX_OFFICE, record={"status": "unpaid"}),
             hold("supervisor_required", why="unpaid")),
        case("unpaid-collected", "Collected: admitted, and reports say so.",
             given(BOX_OFFICE, record={"status": "unpaid"}, ask={"supervisor": True}),
             admit(draft("IN", root(), terms=NO_CAP, reason=70), flag="unpaid")),
        case("unpaid-inside", "No money is asked for an entry that will be refused.",
             given(BOX_OFFICE, record={"status": "unpaid"}, history=history(pool(A))),
             deny("already_admitted", 64, prior=A["id"])),
        case("by-hand", "No code was shown: a supervisor signs.",
             given(SEAT, scan={"shown": "manual"}), hold("supervisor_required")),
        case("by-hand-signed", "Whatever holder key the manifest has: no code was shown.",
             given(SEAT, scan={"shown": "manual"}, record={"holder": "01020304"},
                   ask={"supervisor": True}),
             admit(draft("IN", root()))),
    ]  # fmt: skip


def override(
    name: str, outcome: str, number: int, what: Json, *, day: int = 0, **more: Any
) -> Json:
    """Return a vector in which a supervisor overrides a refusal."""
    what["ask"] |= OVERRIDE
    over = draft("OVERRIDE", day=day, reason=number, **more)
    expect = admit(over, flag=outcome, note=OVERRIDE["override"])
    return case(name, f"A supervisor admits against {outcome}.", what, expect)


def overrides() -> list[Json]:
    """Return the vectors of overrides; rights are not consumed."""
    gone = history(pool(A, gone=1))
    fresh = {"issued": MIDNIGHT + 3 * DAY - HOUR, "sales_end": MIDNIGHT + 9 * DAY}
    days = history(pool(visit(day=1), gone=1), pool(visit("two", day=2), gone=1))
    four = history(pool(*(visit(str(i), right=root(i)) for i in range(4))))
    return [
        override("override-already-admitted", "already_admitted", 64,
                 given(SEAT, history=history(pool(A)))),
        override("override-no-entries-left", "no_entries_left", 65,
                 given(FOUR, history=four), allowance=4, terms=NO_CAP),
        override("override-reentry-not-allowed", "reentry_not_allowed", 66,
                 given(ONCE, history=gone), terms=NO_CAP),
        override("override-revoked", "revoked", 67, given(SEAT, record={"status": "revoked"})),
        override("override-superseded", "superseded", 68, given(SEAT, record={"gen": 2})),
        override("override-refunded", "refunded", 69, given(SEAT, record={"status": "refunded"})),
        override("override-unpaid", "unpaid", 70, given(SEAT, record={"status": "unpaid"})),
        override("override-blocked", "blocked", 71, given(SEAT, record={"status": "blocked"})),
        override("override-expired", "expired", 72, given(SEAT, scan={"exp": NOON})),
        override("override-not-yet-valid", "not_yet_valid", 73,
                 given(EVENING, now=now(NOON - 1)), terms=NO_CAP),
        override("override-outside-window", "outside_window", 74, given(EVENING), terms=NO_CAP),
        override("override-outside-days", "outside_window", 74,
                 given(DAILY, head=fresh, now=now(MIDNIGHT + 3 * DAY)), day=3, terms=NO_CAP),
        override("override-before-days", "outside_window", 74,
                 given(DAILY, now=now(MIDNIGHT - 1)), day=1, terms=NO_CAP),
        override("override-too-soon", "too_soon", 75, given(SLOW, history=gone)),
        override("override-wrong-gate", "wrong_gate", 78, given(SOUTH_ONLY), terms=NO_CAP),
        override("override-no-days-left", "no_days_left", 87,
                 given(TWO_DAYS, head=fresh, now=now(MIDNIGHT + 2 * DAY), history=days),
                 day=3, terms=RE_ENTRY | 2),
        case("override-wrong-zone", "Into the zone of the gate.",
             given(SEAT, post={"gate": 5}, ask=OVERRIDE),
             admit(draft("OVERRIDE", zone=GARDEN, reason=77), flag="wrong_zone",
                   note=OVERRIDE["override"])),
        case("override-moves", "An override is a move as well.",
             given(ROAMER, post={"gate": 5}, scan={"exp": NOON}, ask=OVERRIDE,
                   history=history(pool(A))),
             admit(draft("OUT", A["id"]), draft("OVERRIDE", zone=GARDEN, reason=72),
                   flag="expired", note=OVERRIDE["override"], moved=True)),
        case("override-group", "Two people by one override.",
             given(FAMILY, scan={"exp": NOON}, ask=OVERRIDE | {"people": 2}),
             admit(*[draft("OVERRIDE", allowance=4, reason=72)] * 2, people=2,
                   flag="expired", note=OVERRIDE["override"])),
        case("override-more-than-the-group", "Never more than the group has.",
             given(FAMILY, scan={"exp": NOON}, ask=OVERRIDE | {"people": 5}),
             deny("expired", 72, when=NOON)),
        case("override-without-reason", "A reason is needed.",
             given(SEAT, scan={"exp": NOON}, ask={"supervisor": True, "override": " "}),
             deny("expired", 72, when=NOON)),
        case("override-without-supervisor", "A supervisor is needed.",
             given(SEAT, scan={"exp": NOON}, ask={"override": "please"}),
             deny("expired", 72, when=NOON)),
        case("override-looks-first", "An override does not spare the look.",
             given(CHILD, scan={"exp": NOON}, ask=OVERRIDE),
             hold("attention", attention="Child: check ID")),
        case("override-asks-first", "Nor the questions.",
             given(WAIVER, scan={"exp": NOON}, ask=OVERRIDE),
             hold("answers_required", questions=[1, 2, 3])),
        case("override-needs-a-day", "A ticket by the day needs its day: the supervisor picks it.",
             given(DAILY, record={"status": "blocked"}, now=now(NOON, trusted=False),
                   ask=OVERRIDE),
             trouble("clock_untrusted", [1, 2, 3])),
        case("override-wrong-event", "Another event's ticket is nobody's to override.",
             given(SEAT, scan={"event": OTHER_EVENT.hex()}, ask=OVERRIDE),
             deny("wrong_event", 76, drafts=[], overridable=False)),
        case("override-broken-rules", "Nor are rules that can't be read.",
             given(BROKEN, ask=OVERRIDE), trouble("rules_broken")),
        case("override-broken-rules-behind", "Not even behind another reason.",
             given(BROKEN, record={"status": "revoked"}, ask=OVERRIDE), deny("revoked", 67)),
        case("override-without-time", "Nor is a clock that nothing vouches for.",
             given(EVENING, now=now(NOON + HOUR, trusted=False), ask=OVERRIDE),
             trouble("clock_untrusted", [1, 2, 3])),
        case("override-not-needed", "Where no rule objects, an override changes nothing.",
             given(SEAT, ask=OVERRIDE), admit(draft("IN", root()))),
    ]  # fmt: skip


def vectors() -> list[Json]:
    """Return all of them."""
    return [*holds(), *overrides()]
