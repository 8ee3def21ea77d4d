"""What two holders of logs lack of each other (spec/log.md §6).

A vector says how far its holder has every incarnation that it knows, and which record is
last. Two vectors tell what to send, and where a device showed two histories.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from shared.log.chain import MAX_BATCH

Key = tuple[bytes, int]  # (device, incarnation)


class Mark(NamedTuple):
    """The last record held of an incarnation, without a gap before it."""

    seq: int
    hash: bytes  # 32


class Span(NamedTuple):
    """The records `after < seq <= upto` of one incarnation: one batch."""

    device: bytes
    incarnation: int
    after: int
    upto: int


def missing(mine: Mapping[Key, Mark], theirs: Mapping[Key, Mark]) -> Iterator[Span]:
    """Yield the batches to send, each device's oldest records first."""
    for key, mark in sorted(mine.items()):
        held = theirs[key].seq if key in theirs else 0
        for after in range(held, mark.seq, MAX_BATCH):
            yield Span(*key, after, min(after + MAX_BATCH, mark.seq))


def forked(mine: Mapping[Key, Mark], theirs: Mapping[Key, Mark]) -> Iterator[Key]:
    """Yield the incarnations of which the two hold equally much, and not the same.

    Their records have to be exchanged from the start: nothing would be sent otherwise, and
    neither side would learn of the fork. Where one side holds more, the first record that it
    sends does not link, and tells.
    """
    for key, mark in sorted(mine.items()):
        other = theirs.get(key, mark)
        if other.seq == mark.seq and other.hash != mark.hash:
            yield key
