"""Who may still be inside, as a gate must assume when it admits (spec/merge.md §6).

The merged view shows the fewest people that the records allow, which is right for a head
count and wrong for giving out rights: an exit scanned before anybody entered would make room
for one more. So a gate lets an exit of no fixed target close only an entry made before it.
That reads clocks (hybrid ones, which keep cause before effect), so it decides admissions
alone and no incident.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from shared.hashing import after_right
from shared.log.record import Record
from shared.merge.pool import named_by

Named = tuple[bytes, Record]


def may_be_inside(entries: Mapping[bytes, Record], exits: Mapping[bytes, Record]) -> list[Named]:
    """Return the entries that no exit is known to have closed, newest last."""
    named = {record.ref for record in exits.values() if record.ref in entries}
    acts: list[tuple[int, bytes, Record | None]] = [
        (record.hlc, i, record) for i, record in entries.items() if i not in named
    ]
    acts += [(record.hlc, i, None) for i, record in _unplaced(entries, exits)]
    inside: list[Named] = []
    for _, i, entry in sorted(acts, key=lambda act: act[:2]):
        if entry is not None:
            inside.append((i, entry))
        elif inside:
            inside.pop(0)
    return inside


def _unplaced(entries: Mapping[bytes, Record], exits: Mapping[bytes, Record]) -> Iterator[Named]:
    """Yield the exits that closed somebody other than an entry they are the first to name.

    A repeated exit is one only where more entries took its right up than first exits opened.
    """
    claimants = Counter(record.ref for record in entries.values())
    placed: set[bytes] = set()
    ordered = sorted(exits.items(), key=lambda item: (item[1].ref in exits, item[1].hlc, item[0]))
    for i, record in ordered:
        name = named_by(i, record.ref, exits)
        needed = claimants[after_right(name)] > 0
        claimants[after_right(name)] -= 1
        if record.ref in exits and not needed:
            continue
        if name in entries and name not in placed:
            placed.add(name)
        else:
            yield i, record
