"""A cloud that is not ours, or a line that changes what ours says: every way in which an answer
can be bad, to each thing that a running gate asks. Lists and tickets have theirs in
test_broken.py, supervisors' lists in test_searches.py, incidents in test_incidents.py.

A bad answer changes nothing and is found out; then the same gate takes the true one.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import pytest

from edge.sync.client import Limits
from edge.sync.failures import Denied, Failure
from edge.sync.pull import Pull
from edge.sync.reporting import Reporting
from shared.bundle import Part, decode, encode
from shared.errors import Malformed, UsherError
from shared.wire import frames, unframed
from tests.cloud.service import good
from tests.together.conftest import Link, MakeGate
from tests.together.gates import Joined
from tests.together.liar import (
    Liar,
    Lie,
    Said,
    at_last,
    changed,
    gone,
    hanging,
    other,
    slow,
    truncated,
)
from tests.together.logs import admit
from tests.together.organizer import House

SHORT: Final = Limits(connect=2.0, patience=2.0, whole=3.0, longest=4.0, silence=3.0)
HUGE: Final = bytes(1 << 25)  # more than any answer may have


class Asked(NamedTuple):
    """One thing that a gate asks for. `path`: of the answers that are lied about; `ask`: asks
    once; `held`: what the gate has of it; `due`: what it has once it has heard the truth; `bare`:
    whether the true answer has no body, so that the lies are about somebody else's."""

    path: str
    ask: Callable[[], object]
    held: Callable[[], object]
    due: object
    bare: bool = False


async def commands_of(pull: Pull) -> None:
    """Take commands, and raise what went wrong."""
    for failed in await pull.lists(await pull.state()):
        raise failed


def command(house: House, gate: Joined, action: str) -> None:
    """Tell a gate to do something."""
    path = f"{house.tenant.path}/devices/{gate.me.device.hex()}/commands"
    good(house.owner.post(path, json={"action": action}))


def commands(house: House, north: Joined, south: Joined, liar: Liar, link: Link) -> Asked:
    """An order to lock."""
    command(house, north, "lock")
    settings = north.gate.stores.settings
    return Asked(
        "/sync/commands",
        lambda: north.pulling(commands_of, liar.address, SHORT),
        lambda: (settings.number("obeyed"), north.gate.held.locked),
        (1, True),
    )


def records(house: House, north: Joined, south: Joined, liar: Liar, link: Link) -> Asked:
    """What a gate out of earshot wrote."""
    link(south).push()
    asking = link(north, liar.address, SHORT)
    theirs = [*south.gate.stores.log.records()]

    def held() -> list[bytes]:
        return [raw for raw in north.gate.stores.log.records() if raw[4:20] == south.me.device]

    return Asked("/sync/gossip", asking.ask, held, theirs)


def receipts(house: House, north: Joined, south: Joined, liar: Liar, link: Link) -> Asked:
    """The receipt for what it wrote itself."""
    sending = link(north, liar.address, SHORT)
    return Asked("/logs", sending.push, sending.waiting, 0)


def reports(house: House, north: Joined, south: Joined, liar: Liar, link: Link) -> Asked:
    """That the cloud has taken its report."""
    told: list[object] = []

    async def tell() -> None:
        async with north.cloud(liar.address, SHORT) as cloud:
            reporting = Reporting(cloud, north.gate)
            try:
                await reporting.step()
            finally:
                told[:] = [reporting.taken]

    def held() -> bool:
        return told not in ([], [None])

    return Asked("/sync/report", lambda: asyncio.run(tell()), held, due=True, bare=True)


ASKED: Final = {
    "commands": commands,
    "records": records,
    "receipts": receipts,
    "reports": reports,
}


def flipped(body: bytes) -> bytes:
    """Change a bit of the last signature."""
    return body[:-20] + bytes([body[-20] ^ 1]) + body[-19:]


def forged(body: bytes) -> bytes:
    """Change the last signature in a log file, and make the file whole again."""
    vector, file = unframed(body, 2)
    kind, sections = decode(file)
    last = max(n for n, each in enumerate(sections) if each.part is Part.RECORDS)
    sections[last] = sections[last]._replace(content=flipped(sections[last].content))
    return frames((vector, b"".join(encode(kind, sections))))


def backwards(body: bytes) -> bytes:
    """Put an answer's parts in the wrong order, those of a frame or the bytes of what has none."""
    with suppress(Malformed):
        if len(parts := unframed(body, 64)) > 1:
            return frames(parts[::-1])
    return body[::-1]


LIES: Final[dict[str, Lie]] = {
    "nobody": gone,
    "nothing": changed(lambda _: b""),
    "truncated": truncated(),
    "cut in good order": changed(lambda body: body[: len(body) // 2]),
    "hanging": hanging(),
    "by drops": slow(0.3),
    "without an end": changed(lambda body: body + HUGE),
    "one byte too many": changed(lambda body: body + b"\0"),
    "backwards": changed(backwards),
    "packed": changed(bytes, content_encoding="gzip"),
    "with a head without an end": changed(bytes, usher_more="1" * len(HUGE)),
    "a portal's page": other(b"<html>Welcome to our Wi-Fi"),
    "a refusal that is none": other(b"<html>", 418),
    "a failure": other(b"", 503),
}


def on_a_page(lie: Lie) -> Lie:
    """Lie about a page instead of the truth."""
    return lambda said: lie(other(b"<html>Welcome to our Wi-Fi")(said))


# A list of orders may be empty; the next poll asks again.
NO_NEWS: Final = {("commands", "nothing")}


def two(house: House, join: MakeGate) -> tuple[Joined, Joined]:
    """Return two gates with their lists, each with entries that nobody has heard of."""
    event = house.event(2)
    both = join("North"), join("South")
    for each in both:
        each.pull()
    for number, each in enumerate(both):
        each.pull()
        admit(each.gate, house.ref(event), range(3 * number, 3 * number + 3))
    return both


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_that_is_none_changes_nothing(
    house: House, join: MakeGate, liar: Liar, link: Link, name: str
) -> None:
    """Each way is found out, one after the other; then the truth is taken."""
    asked = ASKED[name](house, *two(house, join), liar, link)
    before = asked.held()
    assert before != asked.due
    for told, lie in LIES.items():
        liar.about(asked.path, on_a_page(lie) if asked.bare else lie)
        if (name, told) in NO_NEWS:
            asked.ask()
        else:
            with pytest.raises((Failure, UsherError)):
                raise AssertionError(f"{told}: {asked.ask()}")
        assert asked.held() == before, told
        assert any(asked.path in each for each in liar.asked), told
        liar.honest()
    at_last(asked.ask)
    assert asked.held() == asked.due


def test_a_report_is_the_gate_s_own_and_is_taken_once(
    house: House, join: MakeGate, liar: Liar, link: Link
) -> None:
    """One that is changed, cut off, longer, or told twice by somebody in between is refused, and
    what the cloud shows of the gate stays."""
    north, south = two(house, join)
    asked = reports(house, north, south, liar, link)
    path = f"{house.tenant.path}/devices/status"

    def seen() -> object:
        rows = good(house.owner.get(path))["items"]
        return next(row["report"] for row in rows if row["device"] == north.me.device.hex())

    assert seen() is None
    for spoil in (flipped, lambda body: body[:-9], lambda body: body + b" ", lambda _: b""):
        liar.spoil = spoil
        with pytest.raises(Denied, match="request_bad_signature"):
            asked.ask()
        assert (asked.held(), seen()) == (False, None)
    liar.spoil, liar.times = bytes, 2
    with pytest.raises(Denied, match="request_replayed"):
        asked.ask()
    assert seen() is not None  # the first of the two: the gate tells it again


def test_an_order_is_obeyed_only_as_it_was_signed_and_once(
    house: House, join: MakeGate, liar: Liar, link: Link
) -> None:
    """Neither changed on the way nor said again, alone or before a new one, which counts."""
    north, south = two(house, join)
    asked = commands(house, north, south, liar, link)
    liar.about(asked.path, changed(flipped))
    with pytest.raises(UsherError, match="document_bad_signature"):
        asked.ask()
    assert asked.held() == (0, False)
    said: list[bytes] = []
    liar.about(asked.path, heard(said))
    asked.ask()
    command(house, north, "unlock")
    liar.honest()
    for lie, obeyed in ((lambda _: said[0], (1, True)), (lambda body: said[0] + body, (2, False))):
        liar.about(asked.path, changed(lie))
        with pytest.raises(UsherError, match="command_replayed"):
            asked.ask()
        assert asked.held() == obeyed


def test_a_record_counts_only_as_it_was_signed(
    house: House, join: MakeGate, liar: Liar, link: Link
) -> None:
    """Of a log with a forged record what stands before it; all once it comes as it was written,
    also if it comes again and again."""
    north, south = two(house, join)
    asked = records(house, north, south, liar, link)
    liar.about(asked.path, changed(forged))
    asked.ask()
    assert asked.held() == [*south.gate.stores.log.records()][:-1]
    said: list[bytes] = []
    liar.about(asked.path, heard(said))
    asked.ask()
    assert asked.held() == asked.due
    liar.about(asked.path, changed(lambda _: said[0]))
    asked.ask()
    assert asked.held() == asked.due


def test_a_time_that_was_told_before_is_not_told_again(
    house: House, join: MakeGate, liar: Liar
) -> None:
    """A stamp answers one question."""
    north, _ = two(house, join)
    stamps: list[str] = []

    def note(said: Said) -> Said:
        stamps.append(next(v for k, v in said.headers.items() if k.lower() == "usher-stamp"))
        return said

    liar.about("/sync$", note)
    north.pulling(Pull.state, liar.address)
    liar.about("/sync$", changed(bytes, usher_stamp=stamps[0]))
    with pytest.raises(UsherError, match="stamp_"):
        north.pulling(Pull.state, liar.address)
    liar.honest()
    north.pulling(Pull.state, liar.address)


def heard(into: list[bytes]) -> Lie:
    """Say the truth, and remember it."""

    def lie(said: Said) -> Said:
        into.append(said.body)
        return said

    return lie
