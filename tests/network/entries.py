"""What the entries in the cloud's log say of claims and copies."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shared.log.record import Kind, Record, unpack_bits

Entries = Mapping[str, Sequence[Record]]


def by_ticket(records: Iterable[Record]) -> Entries:
    """Return the entries of each ticket."""
    found = defaultdict(list)
    for each in records:
        if each.kind == Kind.IN:
            found[each.ticket.hex()].append(each)
    return found


def firm(entry: Record) -> bool:
    """Whether an entry was granted by its ticket's first owner, as it says itself."""
    return not unpack_bits(entry.bits).degraded


def excess(entries: Entries) -> list[tuple[str, str]]:
    """Return what there is to settle where every ticket lets in once."""
    return sorted(
        ("double_admission", ticket) for ticket, found in entries.items() for _ in found[1:]
    )
