"""A stream of news that is not the cloud's, or is changed on its way: it is found out, or it makes
the gate ask what it has no reason to ask, at its own pace. Nothing that is in force goes by it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest

from edge.sync.client import Limits
from edge.sync.failures import Away, Failure, Garbled
from edge.sync.pull import Pull
from edge.sync.stream import follow
from shared.wire import SyncState
from tests.cloud.sync.test_sync import workers
from tests.together.conftest import MakeGate
from tests.together.gates import Joined, Living
from tests.together.liar import Liar, Lie, changed, gone, hanging, other, slow, truncated
from tests.together.organizer import House

SHORT: Final = Limits(connect=2.0, patience=2.0, whole=3.0, silence=2.0)
HUGE: Final = b"1" * (1 << 25)
NEWS: Final = b"event: state\ndata: "
LOOKED: Final = 3.0  # seconds; a stream that ends is opened again after one
FAILED: Final = 6  # times, after which pauses are long
SOON: Final = 5.0  # seconds; a pause after so many failures is 7.5 at the least
CALM: Final = 12  # times that one thing is asked in that time: a few for each stream


def said(change: Callable[[dict[str, Any]], object], times: int = 1) -> Lie:
    """Tell another state, so many times."""

    def spoilt(body: bytes) -> bytes:
        told = msgspec.json.decode(body.partition(b"data: ")[2].partition(b"\n")[0])
        change(told)
        return (NEWS + msgspec.json.encode(told) + b"\n\n") * times

    return changed(spoilt)


# How a stream can be bad, and what comes of it; None: it ends, and is opened again.
BAD: Final[dict[str, tuple[Lie, type[Failure] | None]]] = {
    "nobody": (gone, Away),
    "nothing": (changed(lambda _: b""), None),
    "truncated": (truncated(), Away),
    "cut in good order": (changed(lambda body: body[: len(body) // 2]), None),
    "hanging": (hanging(), Away),
    "by drops": (slow(0.3), Away),
    "a line without an end": (changed(lambda _: HUGE), Garbled),
    "a state without an end": (changed(lambda _: NEWS + HUGE), Garbled),
    "a head without an end": (changed(bytes, usher_more=HUGE.decode()), Away),
    "a state of nothing": (changed(lambda _: NEWS + b"{}\n\n"), Garbled),
    "no number": (said(lambda told: told.update(roster="9")), Garbled),
    "a number too high": (said(lambda told: told.update(roster=1 << 32)), Garbled),
    "too many events": (
        said(lambda told: told.update(events=[{"event": "00" * 8, "version": 1}] * 257)),
        Garbled,
    ),
    "backwards": (changed(lambda body: body[::-1]), None),
    "of another kind": (changed(bytes, content_type="text/plain"), Away),
    "packed": (changed(bytes, content_encoding="gzip"), Away),
    "a portal's page": (other(b"<html>Welcome to our Wi-Fi"), Away),
    "a refusal that is none": (other(b"<html>", 418), Away),
    "a failure": (other(b"", 503), Failure),
}


def test_a_stream_that_is_none_tells_nothing(house: House, join: MakeGate, liar: Liar) -> None:
    """Each way is found out or comes to nothing, one after the other; then the truth is told."""
    north = join()
    north.pull()
    told: list[SyncState] = []

    async def follows(limits: Limits) -> None:
        async with north.cloud(liar.address, limits) as cloud:
            await follow(cloud, lambda: None, told.append)

    def ask(outcome: type[Failure] | None, name: str) -> str:
        asyncio.run(follows(SHORT if outcome is Away else Limits()))
        return name

    for name, (lie, outcome) in BAD.items():
        liar.about("/sync/stream", lie)
        if outcome is None:
            ask(outcome, name)
        else:
            with pytest.raises(outcome):
                raise AssertionError(ask(outcome, name))
        assert told == [], name
        assert liar.asked, name
        liar.honest()
    ask(None, "the truth")
    now = north.pulling(Pull.state)
    assert [msgspec.structs.replace(each, at=0) for each in told] == [
        msgspec.structs.replace(now, at=0)
    ]


def ahead(told: dict[str, Any]) -> None:
    """Say that everything is newer than it is."""
    told.update(keyset=2**32 - 1, roster=2**32 - 1, commands=2**53 - 1, records=2**53 - 1)
    told.update(incidents=2**53 - 1)
    for each in told["events"]:
        each.update(version=2**32 - 1, search=2**32 - 1)


def behind(told: dict[str, Any]) -> None:
    """Say that nothing is there, as before the first day: any old state is less than that."""
    told.update(keyset=0, roster=0, commands=0, records=0, incidents=0, events=[])


def elsewhere(told: dict[str, Any]) -> None:
    """Name as many events as a state may, of which nobody has heard."""
    told.update(events=[{"event": f"{n:016x}", "version": 5, "search": 5} for n in range(256)])


FALSE: Final = {
    "ahead": said(ahead),
    "behind": said(behind),
    "elsewhere": said(elsewhere),
    "a flood": said(lambda _: None, times=2_000),
    "a flood of what is ahead": said(ahead, times=2_000),
}


@pytest.mark.parametrize("name", FALSE)
def test_false_news_change_nothing_and_are_asked_after_calmly(
    house: House, join: MakeGate, liar: Liar, name: str
) -> None:
    """What is in force stays, few questions are asked, and true news are heard at once after."""
    event = house.event(3)
    north = join(cloud={"origin": liar.address})
    with Living(north) as living:
        living.until(lambda: _in_force(north)[0])
        living.until(lambda: north.gate.around["link"] == "cloud")
        before = _in_force(north)
        liar.about("/sync/stream", FALSE[name])
        house.service.clock()
        liar.asked.clear()
        time.sleep(LOOKED)
        asked = Counter(liar.asked)
        assert sum("/sync/stream" in each for each in asked), "the lie was told"
        assert max(asked.values()) < CALM, asked
        assert _in_force(north) == before
        liar.honest()
        house.sell(event)
        house.service.work()
        living.until(lambda: _in_force(north)[0] > before[0], 10.0)
        north.check(event)


def test_an_event_that_fails_holds_up_no_other(house: House, join: MakeGate, liar: Liar) -> None:
    """What is sold for one reaches the gate at once, while another's head is changed on its way."""
    good, bad = house.event(3), house.event(3)
    north = join(cloud={"origin": liar.address})
    liar.about(f"{house.ref(bad).hex()}/(head|delta)", changed(bytes, content_encoding="gzip"))
    with workers(house.service), Living(north) as living:
        living.until(lambda: _in_force(north)[0])
        living.until(lambda: sum("/head" in each for each in liar.asked) >= FAILED, 60.0)
        for _ in range(3):
            before = _in_force(north)
            house.sell(good)
            assert living.until(lambda: _in_force(north)[0] > before[0]) < SOON  # noqa: B023
        north.check(good)
        assert house.ref(bad) not in north.gate.held.trust.books


def _in_force(joined: Joined) -> tuple[int, int, int, bool]:
    """Return the versions of the tickets and the roster, the last order, and whether it locked."""
    held = joined.gate.held
    books = [book.manifest.head.version for book in held.trust.books.values()]
    obeyed = joined.gate.stores.settings.number("obeyed")
    return max(books, default=0), held.trust.roster.version, obeyed, held.locked
