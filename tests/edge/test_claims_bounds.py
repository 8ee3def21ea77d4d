"""What one device can cost the others' claims: bounded in number, size and time."""

import asyncio
from itertools import count
from pathlib import Path

import pytest

from edge.gate.claiming import Claiming, Standing
from edge.lan.owner import TELL
from edge.lan.peer import Peer
from shared.claims import doubts
from shared.claims.leases import SETTLE_MS
from shared.claims.messages import MAX_RIGHTS
from shared.claims.told import MAX_CLAIMS
from tests.edge.claiming import Contest, contest, degraded

GATES = ("North", "South", "West")
NUMBERS = count(1)


def crowd(event: bytes) -> Claiming:
    """The largest group that one code can let in."""
    number = next(NUMBERS)
    rights = (bytes((1, right)).rjust(16, b"\1") for right in range(MAX_RIGHTS))
    return Claiming(event, number.to_bytes(16, "big"), tuple(sorted(set(rights))))


async def held(site: Contest, name: str, claims: int) -> list[Standing]:
    """Have a gate hold claims for crowds that do not get in yet."""
    event = site.world.organizer.event
    asking = site.claims[name].claim
    return [await asyncio.to_thread(asking, crowd(event)) for _ in range(claims)]


async def restarted(folder: Path) -> None:
    async with contest(folder, "North", "South") as site:
        await site.all_ready()
        standings = await held(site, "North", MAX_CLAIMS + 3)
        assert all(standing.degraded for standing in standings[MAX_CLAIMS:])
        assert not any(standing.degraded for standing in standings[:8])
        south = await site.close("South")
        south.reopen()
        await site.join(south, "South")
        await site.all_ready()


def test_the_most_that_a_gate_can_hold_is_told(tmp_path: Path) -> None:
    """64 claims of 255 rights each: an owner that restarts hears all of them, and is ready."""
    asyncio.run(restarted(tmp_path))


async def silent(folder: Path) -> list[bool]:
    async with contest(folder, *GATES) as site:

        async def never(_peer: Peer, _content: bytes) -> None:
            return None

        site["South"].lan.on_request(TELL, never)
        await site.connect(*GATES)
        await asyncio.sleep(SETTLE_MS / 1000)
        flagged = []
        for number in site.owned_by("West")[:2]:
            await site.at_once(number, "North")
            flagged += [degraded(record) for record in site.entries(number)]
            await site.ready("North", "West")
        return flagged


def test_a_member_that_never_tells_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries go on degraded for a while, and then as if it were not there."""
    monkeypatch.setattr(doubts, "MOST_MS", 8000)
    assert asyncio.run(silent(tmp_path)) == [True, False]
