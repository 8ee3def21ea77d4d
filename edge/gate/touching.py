"""Which logs the view of an event is of. A gate's disk has those of all events of its tenant; the
cloud's view of one is of whole incarnations that touch it, and so is its account here."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set

from shared.log.gossip import Key
from shared.log.record import ZERO32, place_of


def touching(records: Callable[[], Iterable[bytes]]) -> Mapping[bytes, Set[Key]]:
    """Return by event the incarnations that have records of it, and those that a BOOT ties to them
    by forgetting records: it follows what the other one went on from."""
    events: defaultdict[bytes, set[Key]] = defaultdict(set)
    boots: set[tuple[bytes, bytes]] = set()
    for raw in records():
        if any(raw[80:88]):
            events[raw[80:88]].add(key_of(raw))
        if place_of(raw)[2] == 1 and raw[32:64] != ZERO32:  # no first BOOT
            boots.add((raw[4:20], raw[32:64]))
    heirs: defaultdict[tuple[bytes, bytes], set[Key]] = defaultdict(set)
    for raw in records():
        if (link := (raw[4:20], raw[32:64])) in boots:
            heirs[link].add(key_of(raw))
    return {event: logs.union(*(h for h in heirs.values() if h & logs))
            for event, logs in events.items()}  # fmt: skip


def key_of(raw: bytes) -> Key:
    """Return the incarnation that a record is of."""
    return place_of(raw)[:2]
