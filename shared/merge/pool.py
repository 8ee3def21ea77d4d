"""One pool's entries and exits, explained by honest people as far as possible.

Rule 1: whatever decides how many entries are in excess lives in this file (spec/merge.md §4).

An exit that names an entry closes it. Any other exit (blind, a second one on the same entry,
a repeated one) may have closed any entry, or repeated the exit of one already closed. An
entry that took up the right of an exit follows the entry which that exit closed. So every
entry has at most one successor, and the entries form chains, of which `allowance` may be
walked by as many people. Excess is what lies outside the chains that cover most.

Because an exit of no fixed target fits anywhere, the search for the best explanation is a
long-path decomposition of a forest, exact and linear; `tests/properties` holds it against
the definition, which tries every explanation.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from shared.hashing import after_right
from shared.log.record import ZERO16

Rank = tuple[int, int, int, bytes, int, int, bytes]


class Entry(NamedTuple):
    """An IN or OVERRIDE that is not undone. `rank`: the winner order, lowest wins."""

    id: bytes
    ref: bytes
    rank: Rank
    override: bool = False


class Exit(NamedTuple):
    """An OUT that counts. `ref`: the IN it closes, the OUT it repeats, or zero."""

    id: bytes
    ref: bytes


class Explanation(NamedTuple):
    """What the pool's records mean."""

    excess: tuple[Entry, ...]  # in winner order
    spare_exits: int  # exits that no entry took up: each can excuse one excess entry
    presence: int  # people inside
    opened: tuple[bytes, ...]  # rights not taken up: taking the first adds least to the excess


class Right:
    """The exits that opened one right, and the entries that took it up."""

    __slots__ = ("claimants", "repeats", "strong", "target")

    def __init__(self) -> None:
        self.strong = 0  # exits, without the repeated ones
        self.repeats = 0
        self.target: bytes | None = None  # the entry that the first of them closes
        self.claimants: list[Entry] = []

    @property
    def seats(self) -> int:
        """How many entries may take this right up."""
        return self.strong + self.repeats

    @property
    def floating(self) -> int:
        """Seats that follow no entry in particular."""
        return self.seats - (self.target is not None)

    @property
    def spare(self) -> int:
        return max(0, self.seats - len(self.claimants))

    @property
    def unplaced(self) -> int:
        """Exits with no fixed target that nobody took up: each closed somebody."""
        fixed = self.target is not None
        return max(0, self.strong - fixed - max(0, len(self.claimants) - fixed))


def explain(entries: Iterable[Entry], exits: Iterable[Exit], allowance: int) -> Explanation:
    """Explain one pool; the answer depends on the sets alone, never on their order."""
    inside = {entry.id: entry for entry in entries}
    rights = _rights(inside, exits)
    excess = _excess(inside, rights, allowance)
    return Explanation(
        excess=excess,
        spare_exits=sum(right.spare for right in rights.values()),
        presence=_presence(inside, rights),
        opened=tuple(_opened(rights, excess)),
    )


class Reference(Protocol):
    """Anything that names an earlier record."""

    @property
    def ref(self) -> bytes: ...


def named_by(exit_id: bytes, ref: bytes, exits: Mapping[bytes, Reference]) -> bytes:
    """Return the record after which an exit opens a right: the entry that it names, or that
    the exit names which it repeats; where these name nothing, the first of the two exits."""
    if ref in exits:
        exit_id, ref = ref, exits[ref].ref
    return exit_id if ref == ZERO16 else ref


def _rights(entries: Mapping[bytes, Entry], exits: Iterable[Exit]) -> dict[bytes, Right]:
    leaving = {exit_.id: exit_ for exit_ in exits}
    rights: dict[bytes, Right] = {}
    for exit_ in leaving.values():
        named = named_by(exit_.id, exit_.ref, leaving)
        right = rights.setdefault(after_right(named), Right())
        if exit_.ref in leaving:
            right.repeats += 1
        else:
            right.strong += 1
        if named in entries:
            right.target = named
    for entry in entries.values():
        if entry.ref in rights and not entry.override:
            rights[entry.ref].claimants.append(entry)
    return rights


def _bottom_up(entries: Mapping[bytes, Entry], rights: Mapping[bytes, Right]) -> list[Entry]:
    """Return every entry after all that follow it by a fixed exit.

    An entry's id is a hash over the right it names, so nothing follows itself.
    """
    after = {right.target: right for right in rights.values() if right.target}
    order = [
        entry
        for entry in entries.values()
        if entry.override or entry.ref not in rights or not rights[entry.ref].target
    ]
    for entry in order:  # grows while it is walked
        if entry.id in after:
            order.extend(after[entry.id].claimants)
    return order[::-1]


def _excess(
    entries: Mapping[bytes, Entry], rights: Mapping[bytes, Right], allowance: int
) -> tuple[Entry, ...]:
    """Return the entries outside the chains that cover most, ties by the winner order.

    Of the claimants of one right, as many as float start wherever a chain ends; the best of
    the rest follows the entry that the exit closed; what then remains needs a root right.
    Taking the longest first is exact here: a longer chain in a better place never costs.
    """
    if _root_rights_needed(entries, rights) <= allowance:
        return ()  # every chain has one
    order = sorted(entries.values(), key=lambda entry: entry.rank)
    size = len(order)
    length = {e.id: (1 << size) + (1 << (size - 1 - i)) for i, e in enumerate(order)}
    after = {right.target: right for right in rights.values() if right.target}
    following: dict[bytes, Entry] = {}
    for entry in _bottom_up(entries, rights):
        for heir in _heirs(after.get(entry.id), length):
            following[entry.id] = heir
            length[entry.id] += length[heir.id]
    free, rooted = _starts(entries, rights, length)
    rooted.sort(key=lambda entry: -length[entry.id])
    covered: set[bytes] = set()
    for start in free + rooted[:allowance]:
        covered.update(_chain(start, following))
    return tuple(entry for entry in order if entry.id not in covered)


def _root_rights_needed(entries: Mapping[bytes, Entry], rights: Mapping[bytes, Right]) -> int:
    """Return how many chains start at a root right, if all other entries follow an exit."""
    rooted = sum(1 for e in entries.values() if not e.override and e.ref not in rights)
    return rooted + sum(max(0, len(r.claimants) - r.seats) for r in rights.values())


def _heirs(right: Right | None, length: Mapping[bytes, int]) -> list[Entry]:
    """Return the claimant that follows the entry which `right` has as its target, if any."""
    if right is None:
        return []
    ranked = sorted(right.claimants, key=lambda entry: -length[entry.id])
    return ranked[right.floating : right.floating + 1]


def _starts(
    entries: Mapping[bytes, Entry],
    rights: Mapping[bytes, Right],
    length: Mapping[bytes, int],
) -> tuple[list[Entry], list[Entry]]:
    """Return the starts of chains that cost no root right, and those that cost one."""
    free = [entry for entry in entries.values() if entry.override]
    rooted = [e for e in entries.values() if not e.override and e.ref not in rights]
    for right in rights.values():
        ranked = sorted(right.claimants, key=lambda entry: -length[entry.id])
        free += ranked[: right.floating]
        rooted += ranked[right.seats :]
    return free, rooted


def _chain(start: Entry, following: Mapping[bytes, Entry]) -> Iterator[bytes]:
    entry: Entry | None = start
    while entry is not None:
        yield entry.id
        entry = following.get(entry.id)


def _presence(entries: Mapping[bytes, Entry], rights: Mapping[bytes, Right]) -> int:
    """Return the fewest people that can be inside."""
    chains = len(entries)
    for right in rights.values():
        chains -= min(right.seats, len(right.claimants))
        chains -= right.target is not None and not right.claimants
        chains -= right.unplaced
    return max(chains, int(_last_in(entries, rights)))


def _last_in(entries: Mapping[bytes, Entry], rights: Mapping[bytes, Right]) -> bool:
    """Return whether somebody must be inside although the exits outnumber the entries.

    An exit can't close what follows from it: where every exit of no fixed target was followed
    by an entry, and all of these end in an open one, the last of them is still open.
    """
    floats = [
        entry
        for right in rights.values()
        if len(right.claimants) > (right.target is not None)
        for entry in right.claimants
    ]
    if not floats or any(right.unplaced for right in rights.values()):
        return False
    after = {right.target: right for right in rights.values() if right.target}
    ends_open: dict[bytes, bool] = {}
    for entry in _bottom_up(entries, rights):
        right = after.get(entry.id)
        ends_open[entry.id] = right is None or any(ends_open[e.id] for e in right.claimants)
    return all(ends_open[entry.id] for entry in floats)


def _opened(rights: Mapping[bytes, Right], excess: Iterable[Entry]) -> Iterator[bytes]:
    """Yield the rights that are left, in the order in which an entry should take them.

    First those of exits that closed nobody in particular, then those after entries that are
    explained: a guest who goes on with another's chain would be in excess with it.
    """
    doubtful = {entry.id for entry in excess}

    def preference(item: tuple[bytes, Right]) -> tuple[bool, bool, bytes]:
        name, right = item
        return not right.unplaced, right.target in doubtful, name

    left = [item for item in rights.items() if item[1].strong > len(item[1].claimants)]
    for name, right in sorted(left, key=preference):
        yield from [name] * (right.strong - len(right.claimants))
