"""What a gate believes, in the few figures that checks look at."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from edge.gate.trust import Book, Trust
from edge.health.reading import Event, Lists, Roster
from shared.hashing import device_id
from shared.instant import Instant
from shared.log.hlc import ahead
from shared.log.record import decode

NONE: Final[Mapping[bytes, str]] = MappingProxyType({})


def lists_of(trust: Trust, now: Instant, unfollowed: Mapping[bytes, str] = NONE) -> Lists:
    """Return how each event's list is. `unfollowed`: see `Gate`."""
    events = tuple(
        _event(event.hex(), book, now)._replace(unfollowed=unfollowed.get(event, ""))
        for event, book in trust.books.items()
    )
    return Lists(events, tuple((fault.kind, fault.code) for fault in trust.faults))


def roster_of(
    trust: Trust, device: bytes, now: Instant, *, locked: bool, alone: bool = False
) -> Roster:
    """Return what the organizer says of a device and of badges."""
    roster, member = trust.roster, trust.roster.devices.get(device)
    names = names_of(trust)
    badges = [
        badge
        for badge in roster.badges.values()
        if badge.revoked is None or badge.revoked > now.seconds
    ]
    expires = roster.roster.expires if roster.roster else 0
    return Roster(
        version=roster.version,
        listed=member is not None,
        cut_off=member is not None and member.cutoff is not None,
        locked=locked,
        badges=len(badges),
        supervisors=sum(badge.role == "supervisor" for badge in badges),
        expired=now.trusted and expires <= now.seconds,
        alone=alone,
        heir=member is not None and device not in names,
    )


def names_of(trust: Trust) -> dict[bytes, str]:
    """Return what the organizer calls each device that the roster lists."""
    listed = trust.roster.roster.devices if trust.roster.roster else ()
    return {device_id(bytes.fromhex(each.pk)): each.name for each in listed}


def named(names: Mapping[bytes, str], device: bytes) -> str:
    """Return a device's name, or the start of its id."""
    return names.get(device) or device.hex()[:8]


def ahead_of(
    trust: Trust, me: bytes, now: Instant, last: Callable[[bytes], bytes | None]
) -> tuple[str, ...]:
    """Return the names of other devices whose `last` record is stamped further ahead of our time
    than clocks may differ by (spec/log.md §5)."""
    raws = ((name, last(each)) for each, name in names_of(trust).items() if each != me)
    found = (name for name, raw in raws if raw and ahead(decode(raw).hlc, now.ms))
    return tuple(sorted(found)) if now.trusted else ()


def _event(event: str, book: Book, now: Instant) -> Event:
    head = book.manifest.head
    ends = max((day.end for day in book.rules.days), default=0)
    return Event(
        event=event,
        name=book.name,
        tickets=head.tickets,
        old=max(0, now.seconds - book.rules.issued) if now.trusted else None,
        age=book.rules.age(now),
        restricted=book.rules.policy.restricted,
        left=head.expires - now.seconds if now.trusted else None,
        plan_faults=len(book.rules.faults),
        over=now.trusted and 0 < ends <= now.seconds,
    )
