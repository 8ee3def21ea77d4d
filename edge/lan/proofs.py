"""Blobs that records wait for: asked of one peer after another, since vectors don't tell.

Some records wait for ever (an entry of a transferred ticket keeps no code, since the manifest
speaks for it), so a few are drawn by lot each time, exits and undoings before entries.
"""

import random
from collections.abc import Sequence

from edge.lan.home import Home
from shared.lan import CAPS, MAX_PLACES, PLACE, Place, Type
from shared.log.record import Kind

_PLACE = slice(4, 4 + PLACE.size)


def wanted(home: Home) -> list[Place]:
    """Return the places of some records here whose blobs are not. Blocks."""
    waiting = home.unproved()
    first = [raw for raw in waiting if raw[1] != Kind.IN]
    rest = [raw for raw in waiting if raw[1] == Kind.IN]
    drawn = _drawn(first, MAX_PLACES)
    drawn += _drawn(rest, MAX_PLACES - len(drawn))
    here = home.blobs({raw[156:188] for raw in drawn})
    return [PLACE.unpack(raw[_PLACE]) for raw in drawn if raw[156:188] not in here]


def brought(home: Home, places: Sequence[Place]) -> bytes:
    """Return a push with the records at these places of which a blob is here; empty for none.
    Blocks."""
    raws = [raw for place in places for raw in home.at(*place)]
    here = home.blobs({raw[156:188] for raw in raws})
    proved = [raw for raw in raws if raw[156:188] in here]
    while proved:
        file = home.replica.of(proved)
        if len(file) <= CAPS[Type.PUSH]:
            return file
        proved = proved[: len(proved) // 2]  # attachments may be large; the rest is asked again
    return b""


def _drawn(raws: Sequence[bytes], most: int) -> list[bytes]:
    return random.sample(raws, min(most, len(raws)))
