"""How old is each event's ticket list, and can all of it be used?"""

from collections.abc import Iterator
from typing import Final

from edge.health.reading import Event, Lists, Reading
from edge.health.result import FAIL, OK, WARN, Result, together, unseen
from edge.health.units import counted, span
from shared.rules.compiled import Age

LOAD: Final = "Load the newest list: connect the gate, or `usher-edge load`."
AGAIN: Final = "Load the organizer's file again."
ANEW: Final = (
    "Tell the organizer. If the ticket service was put back from a backup, its manifest key has to "
    "be withdrawn: gates then take its lists again."
)
ORGANIZER: Final = "Tell the organizer; then load the corrected list."
USELESS: Final = frozenset({"keyset", "roster", "head"})  # without these, tickets can't be judged


def check(reading: Reading) -> Result:
    """An old list goes on admitting, as far as the event's policy lets it."""
    lists = reading.lists
    if lists is None:
        return unseen("manifest")
    tonight = [each for each in lists.events if not each.over]
    value = counted(len(tonight), "event")
    if not lists.events and not lists.faults:
        return Result("manifest", FAIL, "manifest_none", value, "No ticket list is loaded.", LOAD)
    sentence = "The ticket lists are fresh." if tonight else "Every event on this gate is over."
    fine = Result("manifest", OK, "manifest_ok" if tonight else "manifest_over", value, sentence)
    return together((*_stored(lists), *(each for event in tonight for each in _of(event))), fine)


def _stored(lists: Lists) -> Iterator[Result]:
    """Yield what is wrong with documents on the disk."""
    for kind, code in lists.faults:
        state = FAIL if kind in USELESS else WARN
        sentence = f"A stored {kind} can't be used ({code})."
        yield Result("manifest", state, "manifest_stored", code, sentence, AGAIN)


def _of(event: Event) -> Iterator[Result]:
    """Yield what is wrong with one event's list."""
    if (age := _age(event)) is not None:
        yield age
    if event.left is not None and event.left <= 0:
        value = span(-event.left)
        sentence = f"{event.name}: the list has expired. The gate goes on with it."
        yield Result("manifest", WARN, "manifest_expired", value, sentence, LOAD)
    if event.unfollowed:
        sentence = (
            f"{event.name}: the cloud's newest list is not taken ({event.unfollowed}). The gate "
            "goes on with the one that it has, and hears of no sale or refund."
        )
        yield Result("manifest", WARN, "manifest_unfollowed", event.unfollowed, sentence, ANEW)
    if event.plan_faults:
        value = counted(event.plan_faults, "fault")
        sentence = f"{event.name}: its rules have {value}; those parts admit nobody."
        yield Result("manifest", WARN, "manifest_plan", value, sentence, ORGANIZER)


def _age(event: Event) -> Result | None:
    if event.old is None:
        sentence = f"{event.name}: without the time, nobody can tell how old the list is."
        return Result("manifest", WARN, "manifest_age_unknown", "", sentence, LOAD)
    value = span(event.old)
    if event.age is Age.FRESH:
        return None
    if event.age is Age.STALE:
        sentence = f"{event.name}: the list is {value} old."
        return Result("manifest", WARN, "manifest_stale", value, sentence, LOAD)
    state = WARN if event.restricted == "admit" else FAIL
    sentence = f"{event.name}: the list is {value} old. {_CONSEQUENCES[event.restricted]}"
    return Result("manifest", state, "manifest_restricted", value, sentence, LOAD)


_CONSEQUENCES: Final = {
    "admit": "Guests are still admitted.",
    "hold": "Each guest needs a supervisor.",
    "refuse": "Nobody is admitted.",
}
