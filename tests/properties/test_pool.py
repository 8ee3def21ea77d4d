"""`explain` held against its definition, which tries every explanation (spec/merge.md §4)."""

import itertools
from collections.abc import Iterator
from hashlib import sha256
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shared.hashing import after_right
from shared.log.record import ZERO16
from shared.merge.pool import Entry, Exit, explain

UNSEEN = b"unseen"


def name(*parts: object) -> bytes:
    return sha256(repr(parts).encode()).digest()[:16]


@st.composite
def pools(draw: st.DrawFn, most: int = 8) -> tuple[list[Entry], list[Exit], int]:
    """Pools as hostile as they come: copies, blind, second and repeated exits, lost records."""
    entries: list[Entry] = []
    exits: list[Exit] = []
    for i in range(draw(st.integers(1, most))):
        known = [e.id for e in entries]
        gone = [e.id for e in exits]
        if draw(st.booleans()):
            opened = [after_right(e.ref if e.ref != ZERO16 else e.id) for e in exits]
            ref = draw(st.sampled_from([name("root", 0), *opened * 2, *map(after_right, known)]))
            override = draw(st.integers(0, 9)) == 0
            entry_id = name("in", i, ref, salt := draw(st.integers(0, 99)))
            rank = (0, 0, salt, b"", 0, i, entry_id)
            entries.append(Entry(entry_id, ZERO16 if override else ref, rank, override))
        else:
            ref = draw(st.sampled_from([ZERO16, *known * 3, *gone]))
            exits.append(Exit(name("out", i, ref), ref))
    lost = draw(st.sets(st.sampled_from([e.id for e in entries + exits]), max_size=2))
    return (
        [e for e in entries if e.id not in lost],
        [e for e in exits if e.id not in lost],
        draw(st.integers(1, 3)),
    )


class Seat:
    """The exits behind one right, told apart only by whether one has a fixed target."""

    def __init__(self, right: bytes, entries: list[Entry], exits: list[Exit]) -> None:
        by_id = {e.id: e for e in exits}
        self.seats = self.strong = 0
        self.target: bytes | None = None
        self.claimants = [e for e in entries if not e.override and e.ref == right]
        for e in exits:
            first = by_id.get(e.ref, e)
            named = first.id if first.ref == ZERO16 else first.ref
            if after_right(named) == right:
                self.seats += 1
                self.strong += first is e
                if any(named == entry.id for entry in entries):
                    self.target = named


def seats_of(entries: list[Entry], exits: list[Exit]) -> dict[bytes, Seat]:
    by_id = {e.id: e for e in exits}
    names = set()
    for e in exits:
        first = by_id.get(e.ref, e)
        names.add(after_right(first.id if first.ref == ZERO16 else first.ref))
    return {right: Seat(right, entries, exits) for right in names}


def explanations(entries: list[Entry], exits: list[Exit]) -> Iterator[dict[bytes, bytes]]:
    """Yield every lawful map from an entry to the entry that it follows.

    `UNSEEN` is an entry that has not arrived yet: it may stand for any number of them.
    """
    seats = seats_of(entries, exits)
    choices: list[list[bytes | None]] = [
        [None, UNSEEN, *(e.id for e in entries if e.id != entry.id)]
        if entry.ref in seats and not entry.override
        else [None]
        for entry in entries
    ]
    for chosen in itertools.product(*choices):
        before = {e.id: c for e, c in zip(entries, chosen, strict=True) if c is not None}
        taken = [before[e] for e in before if before[e] != UNSEEN]
        if len(set(taken)) < len(taken) or any(loops(e, before) for e in before):
            continue
        if all(fits(seat, before) for seat in seats.values()):
            yield before


def fits(seat: Seat, before: dict[bytes, bytes]) -> bool:
    used = [before[e.id] for e in seat.claimants if e.id in before]
    floating = seat.seats - (seat.target is not None)
    return sum(1 for u in used if u != seat.target) <= floating


def wastes(seat: Seat, before: dict[bytes, bytes]) -> bool:
    """Whether an entry follows from a repeated exit although a first one is to be had."""
    needed = max(seat.strong, min(seat.seats, len(seat.claimants)))
    floats = sum(1 for e in seat.claimants if before.get(e.id, seat.target) != seat.target)
    return floats > needed - (seat.target is not None)


def loops(start: bytes, before: dict[bytes, bytes]) -> bool:
    at: bytes | None = before[start]
    while at is not None and at != start:
        at = before.get(at)
    return at == start


def covered(entries: list[Entry], before: dict[bytes, bytes], allowance: int) -> list[set[bytes]]:
    """Return each set of entries that `allowance` people and the overrides can account for."""
    after = {v: k for k, v in before.items()}
    chains: dict[bytes, set[bytes]] = {}
    for entry in entries:
        if before.get(entry.id, UNSEEN) == UNSEEN:
            chain, at = {entry.id}, entry.id
            while at in after:
                at = after[at]
                chain.add(at)
            chains[entry.id] = chain
    free = [chains.pop(e.id) for e in entries if e.override]
    base = set().union(*free)
    picks = itertools.combinations(chains.values(), min(allowance, len(chains)))
    return [base.union(*pick) for pick in picks]


@given(pools())
def test_excess_is_least_over_every_explanation(
    pool: tuple[list[Entry], list[Exit], int],
) -> None:
    """The entries named are those outside the best cover, ties going to the winner order."""
    entries, exits, allowance = pool
    order = sorted(entries, key=lambda entry: entry.rank)

    def worth(cover: set[bytes]) -> tuple[int, list[bool]]:
        people = [e for e in order if not e.override]
        return len(cover), [e.id in cover for e in people]

    best = (
        max(
            (
                cover
                for before in explanations(entries, exits)
                for cover in covered(entries, before, allowance)
            ),
            key=worth,
        )
        if entries
        else set()
    )
    want = [e.id for e in order if e.id not in best]
    assert [e.id for e in explain(entries, exits, allowance).excess] == want


def left_open(entries: list[Entry], seats: dict[bytes, Seat], before: dict[bytes, bytes]) -> int:
    """Count the entries that no exit closes, once each exit that nobody followed closed one."""
    closed = {seat.target for seat in seats.values()} | set(before.values())
    unplaced = 0
    for seat in seats.values():
        floats = sum(1 for e in seat.claimants if before.get(e.id, seat.target) != seat.target)
        unplaced += max(0, seat.strong - (seat.target is not None) - floats)
    return max(0, sum(1 for e in entries if e.id not in closed) - unplaced)


@given(pools())
def test_presence_is_the_fewest_who_can_be_inside(
    pool: tuple[list[Entry], list[Exit], int],
) -> None:
    """Every exit that can close an entry does, but none closes what follows from it."""
    entries, exits, allowance = pool
    seats = seats_of(entries, exits)
    full = sum(min(s.seats, len(s.claimants)) for s in seats.values())
    fewest = min(
        left_open(entries, seats, before)
        for before in explanations(entries, exits)
        if len(before) == full and not any(wastes(seat, before) for seat in seats.values())
    )
    got = explain(entries, exits, allowance)
    assert got.presence == fewest


@given(pools(most=12), st.data())
def test_another_entry_never_lowers_the_excess(
    pool: tuple[list[Entry], list[Exit], int], data: st.DataObject
) -> None:
    """Law 7: whatever arrives late, an incident is not argued away by one more entry."""
    entries, exits, allowance = pool
    if not entries:
        return
    without = data.draw(st.sampled_from(entries))
    fewer = explain([e for e in entries if e is not without], exits, allowance)
    assert len(fewer.excess) <= len(explain(entries, exits, allowance).excess)


@given(pools(most=12), st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(
    pool: tuple[list[Entry], list[Exit], int],
    random: Random,
) -> None:
    """Laws 1, 2 and 8: shuffled or with other clocks and ids, as many in excess, as many inside."""
    entries, exits, allowance = pool
    first = explain(entries, exits, allowance)
    again = explain(
        random.sample(entries, len(entries)), random.sample(exits, len(exits)), allowance
    )
    assert (again.excess, again.presence, again.opened) == (
        first.excess,
        first.presence,
        first.opened,
    )
    ranks = random.sample([e.rank for e in entries], len(entries))
    other = [e._replace(rank=r) for e, r in zip(entries, ranks, strict=True)]
    moved = explain(other, exits, allowance)
    assert len(moved.excess) == len(first.excess)
    assert (moved.presence, moved.spare_exits) == (first.presence, first.spare_exits)
