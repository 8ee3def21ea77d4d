"""Vectors of pools and rights: entries, re-entries, groups, moves and exits."""

from typing import Final

from tests.festival import (
    BROKEN,
    CLUB,
    DAILY,
    DAY,
    FAMILY,
    FOUR,
    GARDEN,
    HIKER,
    HOUR,
    MIDNIGHT,
    ONCE,
    PIT,
    ROAMER,
    ROAMING_FAMILY,
    SEAT,
    SLOW,
    SLOW_DAYS,
    TRAVELLER,
    TWO_DAYS,
)
from tests.vectors.rules_parts import (
    EARLIER,
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
    now,
    pool,
    record_id,
    root,
    visit,
)
from tests.vectors.suite import Json

OPEN: Final = RE_ENTRY | NO_CAP
OUT_ID: Final = record_id("out")
A: Final = visit("a")
B: Final = visit("b", second=EARLIER + 60, right=root(1))
C: Final = visit("c", second=EARLIER + 120, right=root(2))
TODAY: Final = visit("a", day=1)
D: Final = visit("d", second=EARLIER + 180, right=root(3))


def family(*refs: str, zone: int = 1) -> list[Json]:
    return [draft("IN", ref, zone=zone, allowance=4) for ref in refs]


def leaving(*ids: str, zone: int = 1, allowance: int = 1) -> list[Json]:
    return [draft("OUT", ref, zone=zone, allowance=allowance) for ref in ids]


def rights() -> list[Json]:
    """Return the vectors of one person's rights."""
    gone = history(pool(A, gone=1, left=OUT_ID))
    return [
        case("already-admitted", "Inside already: where and when is told.",
             given(SEAT, history=history(pool(A))),
             deny("already_admitted", 64, prior=A["id"])),
        case("already-admitted-twice", "Two copies are inside: the newest is told.",
             given(SEAT, history=history(pool(A, B))),
             deny("already_admitted", 64, prior=B["id"])),
        case("already-admitted-once", "Inside on a ticket without re-entry: inside comes first.",
             given(ONCE, history=history(pool(A))),
             deny("already_admitted", 64, prior=A["id"])),
        case("re-entry", "Out and in again: the right after the entry that the exit closed.",
             given(SEAT, history=gone),
             admit(draft("IN", after(A["id"])), outcome="readmitted")),
        case("re-entry-not-allowed", "Out and in again where nobody may.",
             given(ONCE, history=gone), deny("reentry_not_allowed", 66, prior=A["id"])),
        case("undone", "An entry undone is no entry: root right 0 is free again.",
             given(ONCE, history=history(empty(opened=[], left="00" * 16))),
             admit(draft("IN", root(), terms=NO_CAP))),
        case("lowest-free-right", "Of four entries the second was undone: its right is next.",
             given(FOUR, history=history(pool(A, C))),
             admit(draft("IN", root(1), allowance=4, terms=NO_CAP), left=1)),
        case("last-of-four", "The fourth entry; whether people left does not count.",
             given(FOUR, history=history(pool(A, B, C, gone=2))),
             admit(draft("IN", root(3), allowance=4, terms=NO_CAP))),
        case("fifth-of-four", "The fifth.",
             given(FOUR, history=history(pool(A, B, C, D, gone=4))),
             deny("no_entries_left", 65, prior=D["id"])),
        case("copies-use-entries-up", "Four entries on two rights: none is left all the same.",
             given(FOUR, history=history(pool(A, B, visit("e"), visit("f", right=root(1))))),
             deny("no_entries_left", 65, prior=record_id("f"))),
        case("people-is-for-groups", "A ticket of four entries is still one person.",
             given(FOUR, ask={"people": 3}),
             admit(draft("IN", root(), allowance=4, terms=NO_CAP), left=3)),
        case("opened-but-no-room", "A copy left and the other is inside: its right is no room.",
             given(SEAT, history=history(pool(A, B, gone=1))),
             deny("already_admitted", 64, prior=B["id"])),
        case("second-of-two", "Two entries: going in twice without an exit is both of them.",
             given(TRAVELLER, history=history(pool(TODAY))),
             admit(draft("IN", root(1, 1, 1), day=1, allowance=2, terms=NO_CAP))),
        case("third-of-two", "A third is one too many.",
             given(TRAVELLER, history=history(pool(TODAY, visit("b", day=1, right=root(1, 1, 1))))),
             deny("no_entries_left", 65, day=1, prior=B["id"])),
        case("an-override-counts", "Whoever came in by override is inside like anybody.",
             given(SEAT, history=history(pool(visit("o", right="00" * 16)))),
             deny("already_admitted", 64, prior=record_id("o"))),
        case("no-right-known", "Nobody inside, re-entry allowed, and every right is taken.",
             given(SEAT, history=history(pool(A, gone=1, opened=[]))),
             deny("no_entries_left", 65, prior=A["id"])),
    ]  # fmt: skip


def gaps() -> list[Json]:
    """Return the vectors of the minimum gap."""
    last = EARLIER
    return [
        case("too-soon", "A second before a quarter of an hour has passed.",
             given(SLOW, history=history(pool(A, gone=1)), now=now(last + 899)),
             deny("too_soon", 75, prior=A["id"], when=last + 900)),
        case("gap-over", "A quarter of an hour.",
             given(SLOW, history=history(pool(A, gone=1)), now=now(last + 900)),
             admit(draft("IN", after(A["id"])), outcome="readmitted")),
        case("inside-before-too-soon", "Inside already is the more basic reason.",
             given(SLOW, history=history(pool(A)), now=now(last + 60)),
             deny("already_admitted", 64, prior=A["id"])),
        case("gap-ahead-a-little", "An entry a minute ahead: clocks differ, it was just now.",
             given(SLOW, history=history(pool(A, gone=1)), now=now(last - 60)),
             deny("too_soon", 75, prior=A["id"], when=last + 900)),
        case("gap-ahead-a-lot", "Further ahead than that, it says nothing.",
             given(SLOW, history=history(pool(A, gone=1)), now=now(last - 61)),
             admit(draft("IN", after(A["id"])), outcome="readmitted")),
        case("gap-by-the-day", "The gap is that of the day's pool.",
             given(SLOW_DAYS, history=history(pool(TODAY, gone=1)), now=now(last + 899)),
             deny("too_soon", 75, day=1, prior=A["id"], when=last + 900)),
        case("gap-told-in-full-seconds", "The first second that is surely late enough.",
             given(SLOW, history=history(pool(A | {"ms": last * 1000 + 1}, gone=1))),
             deny("too_soon", 75, prior=A["id"], when=last + 901)),
        case("gap-without-time", "The gap is measured by the gate's clock, trusted or not.",
             given(SLOW, history=history(pool(A, gone=1)), now=now(last + 899, trusted=False)),
             deny("too_soon", 75, prior=A["id"], when=last + 900)),
        case("gap-rest-of-a-group", "The rest of a group are other people.",
             given(HIKER, history=history(pool(A)), now=now(last + 1)),
             admit(*family(root(1)), left=2)),
        case("gap-group-returns", "Who comes back in a group keeps the gap.",
             given(HIKER, history=history(pool(A, gone=1)), now=now(last + 1)),
             deny("too_soon", 75, prior=A["id"], when=last + 900)),
    ]  # fmt: skip


def groups() -> list[Json]:
    """Return the vectors of several people on one code."""
    return [
        case("group-first", "One scan admits one, and tells how many may follow.",
             given(FAMILY), admit(*family(root()), left=3)),
        case("group-three", "Three in one tap: three records, one claim.",
             given(FAMILY, ask={"people": 3}),
             admit(*family(root(), root(1), root(2)), people=3, left=1)),
        case("group-rest", "The rest later, on the rights that are left.",
             given(FAMILY, ask={"people": 2}, history=history(pool(A, B))),
             admit(*family(root(2), root(3)), people=2)),
        case("group-too-many", "Three where two may: nobody is admitted, two are left.",
             given(FAMILY, ask={"people": 3}, history=history(pool(A, B))),
             deny("no_entries_left", 65, prior=B["id"], left=2)),
        case("group-full", "All are inside.",
             given(FAMILY, history=history(pool(A, B, C, D))),
             deny("no_entries_left", 65, prior=D["id"])),
        case("group-returns-together", "Two of four left and come back.",
             given(FAMILY, ask={"people": 2}, history=history(pool(A, B, C, D, gone=2))),
             admit(*family(after(A["id"]), after(B["id"])), outcome="readmitted", people=2)),
        case("group-returns-with-a-newcomer", "Opened rights first, then root rights.",
             given(FAMILY, ask={"people": 2}, history=history(pool(A, gone=1))),
             admit(*family(after(A["id"]), root(1)), people=2, left=2)),
        case("group-one-exit-named-twice", "Two exits on one entry opened its right twice.",
             given(FAMILY, ask={"people": 2},
                   history=history(pool(A, B, gone=2, opened=[after(A["id"])] * 2))),
             admit(*family(after(A["id"]), after(A["id"])), outcome="readmitted", people=2,
                   left=2)),
        case("group-copies-fill-it", "Four inside on two rights: nobody more, rights or not.",
             given(FAMILY, history=history(pool(A, B, visit("e"), visit("f", right=root(1))))),
             deny("no_entries_left", 65, prior=record_id("f"))),
        case("group-larger-than-it-is", "Five of four, none of whom is in: four may.",
             given(FAMILY, ask={"people": 5}), deny("no_entries_left", 65, left=4)),
        case("group-of-none", "No people is one person.",
             given(FAMILY, ask={"people": 0}), admit(*family(root()), left=3)),
    ]  # fmt: skip


def zones() -> list[Json]:
    """Return the vectors of moves from one zone to another."""
    garden = visit("g", zone=GARDEN)
    club, pit = visit("k", zone=CLUB), visit("p", zone=PIT)
    return [
        case("move-to-a-sibling", "Out of the arena and into the garden, in one transaction.",
             given(ROAMER, post={"gate": 5}, history=history(pool(A))),
             admit(*leaving(A["id"]), draft("IN", root(0, GARDEN), zone=GARDEN))),
        case("move-from-an-inner-zone", "Out of the arena and of the club in it.",
             given(ROAMER, post={"gate": 5}, history=history(pool(A), pool(club))),
             admit(*leaving(A["id"]), *leaving(club["id"], zone=CLUB),
                   draft("IN", root(0, GARDEN), zone=GARDEN))),
        case("move-inwards", "Into the club: still in the arena.",
             given(ROAMER, post={"gate": 4}, history=history(pool(A))),
             admit(draft("IN", root(0, CLUB), zone=CLUB))),
        case("move-inwards-by-two", "Into the pit in the club in the arena.",
             given(ROAMER, post={"gate": 6}, history=history(pool(A))),
             admit(draft("IN", root(0, PIT), zone=PIT))),
        case("move-outwards", "Into the arena while in the pit: that lies in it.",
             given(ROAMER, history=history(pool(pit))), admit(draft("IN", root()))),
        case("move-from-a-sibling-inwards", "From the garden into the club.",
             given(ROAMER, post={"gate": 4}, history=history(pool(garden))),
             admit(*leaving(garden["id"], zone=GARDEN), draft("IN", root(0, CLUB), zone=CLUB))),
        case("move-back", "Back to the arena: a re-entry, since the move was an exit.",
             given(ROAMER, history=history(pool(A, gone=1), pool(garden))),
             admit(*leaving(garden["id"], zone=GARDEN), draft("IN", after(A["id"])),
                   outcome="readmitted")),
        case("move-of-one-with-two-entries", "One person, however many entries there are.",
             given(TRAVELLER, post={"gate": 5}, history=history(pool(TODAY))),
             admit(draft("OUT", A["id"], day=1, allowance=2, terms=NO_CAP),
                   draft("IN", root(0, GARDEN, 1), zone=GARDEN, day=1, allowance=2, terms=NO_CAP),
                   left=1)),
        case("move-of-today", "Who was in the arena yesterday is another day's guest.",
             given(TRAVELLER, post={"gate": 5}, now=now(MIDNIGHT + DAY),
                   history=history(pool(TODAY))),
             admit(draft("IN", root(0, GARDEN, 2), zone=GARDEN, day=2, allowance=2, terms=NO_CAP),
                   left=1, stale=True)),
        case("group-moves-who-can-not-stay", "Two in the arena, one here, two come: one moved.",
             given(ROAMING_FAMILY, post={"gate": 5}, ask={"people": 2},
                   history=history(pool(A, B), pool(visit("g", zone=GARDEN)))),
             admit(*leaving(B["id"], allowance=4),
                   *family(root(1, GARDEN), root(2, GARDEN), zone=GARDEN), people=2, left=1)),
        case("group-moves-nobody", "Two of four in the arena, two new ones in the garden.",
             given(ROAMING_FAMILY, post={"gate": 5}, ask={"people": 2},
                   history=history(pool(A, B))),
             admit(*family(root(0, GARDEN), root(1, GARDEN), zone=GARDEN), people=2, left=2)),
        case("group-moves-as-many-as-must", "Three of four in the arena, two into the garden.",
             given(ROAMING_FAMILY, post={"gate": 5}, ask={"people": 2},
                   history=history(pool(A, B, C))),
             admit(*leaving(C["id"], allowance=4),
                   *family(root(0, GARDEN), root(1, GARDEN), zone=GARDEN), people=2, left=2)),
    ]  # fmt: skip


def exits() -> list[Json]:
    """Return the vectors of exits, none of which is refused."""
    way_out = {"gate": 3, "exiting": True}
    club, pit = visit("k", zone=CLUB), visit("p", zone=PIT)
    yesterday = visit("y", day=1, second=MIDNIGHT + DAY - HOUR)
    today = visit("t", day=2, second=MIDNIGHT + DAY + HOUR)
    goodbye = {"outcome": "exit"}

    def out(name: str, comment: str, what: Json, *drafts: Json, people: int = 1) -> Json:
        return case(name, comment, what, admit(*drafts, **goodbye, people=people))

    blind = draft("OUT")
    return [
        out("exit", "The exit names the entry.",
            given(SEAT, post=way_out, history=history(pool(A))), *leaving(A["id"])),
        out("exit-newest", "Of two entries it names the newest.",
            given(FAMILY, post=way_out, history=history(pool(A, B))),
            *leaving(B["id"], allowance=4)),
        out("exit-blind", "No entry is known: the exit names nothing.",
            given(SEAT, post=way_out), blind),
        out("exit-again", "Out already: it names the exit that it repeats.",
            given(SEAT, post=way_out, history=history(pool(A, gone=1, left=OUT_ID))),
            *leaving(OUT_ID)),
        out("exit-revoked", "A withdrawn ticket leaves like any other.",
            given(SEAT, post=way_out, record={"status": "revoked"}, history=history(pool(A))),
            *leaving(A["id"])),
        out("exit-superseded", "So does one that was replaced.",
            given(SEAT, post=way_out, record={"gen": 9}, history=history(pool(A))),
            *leaving(A["id"])),
        out("exit-expired", "So does one that has expired.",
            given(SEAT, post=way_out, scan={"exp": 0}, history=history(pool(A))),
            *leaving(A["id"])),
        out("exit-not-in-manifest", "So does one that the manifest lacks.",
            given(SEAT, post=way_out, record=None, policy={"unknown_ticket": "hold"}), blind),
        out("exit-old-manifest", "However old the manifest is.",
            given(SEAT, post=way_out, head={"issued": 0}, policy={"restricted": "refuse"}), blind),
        out("exit-wrong-zone", "And wherever its class goes.",
            given(ONCE, post={"gate": 5, "exiting": True}),
            draft("OUT", zone=GARDEN, terms=NO_CAP)),
        out("exit-broken-class", "A class without a rule: allowance 1, no cap, no re-entry.",
            given(BROKEN, post=way_out), draft("OUT", terms=NO_CAP)),
        case("exit-other-event", "Let out; this event's log has no place for it.",
             given(SEAT, post=way_out, scan={"event": OTHER_EVENT.hex()}),
             admit(**goodbye, flag="wrong_event")),
        out("exit-with-inner-zones", "Who leaves the arena leaves the club and the pit in it.",
            given(ROAMER, post=way_out, history=history(pool(A), pool(club), pool(pit))),
            *leaving(A["id"]), *leaving(club["id"], zone=CLUB), *leaving(pit["id"], zone=PIT)),
        out("exit-inner-only", "Into the club by its own door, out by the arena's.",
            given(ROAMER, post=way_out, history=history(pool(club))),
            blind, *leaving(club["id"], zone=CLUB)),
        out("exit-inner-zone", "Out of the club: still in the arena.",
            given(ROAMER, post={"gate": 4, "exiting": True}, history=history(pool(A), pool(club))),
            *leaving(club["id"], zone=CLUB)),
        out("exit-group", "Two of a group.",
            given(FAMILY, post=way_out, ask={"people": 2}, history=history(pool(A, B, C))),
            *leaving(C["id"], B["id"], allowance=4), people=2),
        out("exit-group-more-than-known", "Two leave and one is known: the other leaves blind.",
            given(FAMILY, post=way_out, ask={"people": 2}, history=history(pool(A))),
            *leaving(A["id"], "00" * 16, allowance=4), people=2),
        out("exit-group-of-too-many", "Never more than the group has.",
            given(FAMILY, post=way_out, ask={"people": 9}),
            *leaving(*["00" * 16] * 4, allowance=4), people=4),
        out("exit-group-inner", "One of two leaves: the one in the club may still be there.",
            given(ROAMING_FAMILY, post=way_out, history=history(pool(A, B), pool(club))),
            *leaving(B["id"], allowance=4)),
        out("exit-group-inner-must", "Both leave: nobody is in the club any more.",
            given(ROAMING_FAMILY, post=way_out, ask={"people": 2},
                  history=history(pool(A, B), pool(club))),
            *leaving(B["id"], A["id"], allowance=4), *leaving(club["id"], zone=CLUB, allowance=4),
            people=2),
        out("exit-after-midnight", "The exit closes yesterday's entry.",
            given(TWO_DAYS, post=way_out, now=now(MIDNIGHT + DAY + 60),
                  history=history(pool(yesterday))),
            draft("OUT", yesterday["id"], day=1, terms=RE_ENTRY | 2)),
        out("exit-newest-day", "An entry of today is closed before one of yesterday.",
            given(TWO_DAYS, post=way_out, now=now(MIDNIGHT + DAY + 2 * HOUR),
                  history=history(pool(today), pool(yesterday))),
            draft("OUT", today["id"], day=2, terms=RE_ENTRY | 2)),
        out("exit-blind-day", "A blind exit is of the day.",
            given(DAILY, post=way_out), draft("OUT", day=1, terms=NO_CAP)),
        out("exit-blind-after-the-last-day", "Or of the newest day that has begun.",
            given(DAILY, post=way_out, now=now(MIDNIGHT + 4 * DAY)),
            draft("OUT", day=3, terms=NO_CAP)),
        out("exit-blind-without-time", "Even by a clock that nothing vouches for.",
            given(DAILY, post=way_out, now=now(0, trusted=False)),
            draft("OUT", day=1, terms=NO_CAP)),
        out("exit-repeats-todays-only", "Yesterday's exit is not repeated today.",
            given(DAILY, post=way_out,
                  history=history(empty(day=2, opened=[], left=OUT_ID))),
            draft("OUT", day=1, terms=NO_CAP)),
    ]  # fmt: skip


def vectors() -> list[Json]:
    """Return all of them."""
    return [*rights(), *gaps(), *groups(), *zones(), *exits()]
