"""Downloads that break off, and answers that lie: what was in force stays, what came is kept."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import zstandard

from edge.sync.client import Limits
from edge.sync.failures import Away, Denied, Failure, Garbled
from edge.sync.pull import Pull
from shared.errors import UsherError
from shared.manifest import frames
from shared.wire import SyncState
from shared.wire import frames as framed
from tests.cloud.service import Event
from tests.damage import flipped
from tests.edge.appliance import toml_of
from tests.together import liar as lies
from tests.together.conftest import MakeGate
from tests.together.gates import Joined
from tests.together.liar import Liar, Said
from tests.together.organizer import House

SHORT = Limits(connect=2.0, patience=2.0, whole=3.0)


@pytest.fixture
def event(house: House) -> Event:
    """An event with tickets in many chunks."""
    return house.event(100)


def pull(gate: Joined, liar: Liar) -> None:
    """Pull once by way of the liar."""
    gate.pull(liar.address)


def stored(gate: Joined) -> int:
    """How many chunks are on the disk."""
    path = gate.settings.data_folder / "gate.db"
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT count(*) FROM chunk").fetchone()[0])


# Ways to break off, and the patience that each is to try. What comes before the chunks needs more:
# on a busy machine it takes seconds.
BREAKS: dict[str, tuple[lies.Lie, Limits]] = {
    "truncated": (lies.truncated(), Limits()),
    "hanging": (lies.hanging(), Limits(patience=5.0)),
    "slow": (lies.slow(0.5, share=0.4), Limits(longest=3.0)),
}


@pytest.mark.parametrize("lie", BREAKS)
def test_a_download_goes_on_where_it_broke_off(
    event: Event, join: MakeGate, liar: Liar, lie: str
) -> None:
    """Each attempt asks for what is still missing, until everything is there."""
    gate = join()
    make, limits = BREAKS[lie]
    liar.about("/chunks", make)
    for _ in range(2):
        with pytest.raises(Away):
            gate.pull(liar.address, limits)
    assert gate.gate.held.trust.books == {}
    first, second = liar.wanted()
    assert 0 < second < first
    liar.honest()
    gate.reopen()  # what came is on the disk, the head that names it too
    assert gate.gate.stores.documents.sweep(gate.gate.held.trust.chunks()) == 0
    pull(gate, liar)
    (third,) = liar.wanted()
    assert third < second
    gate.check(event)


def test_a_killed_gate_goes_on_where_it_was(event: Event, join: MakeGate, liar: Liar) -> None:
    """kill -9 in the middle of a download."""
    gate = join()
    gate.close()
    settings = gate.settings.data_folder.with_name("gate.toml")
    settings.write_text(toml_of(gate.settings), encoding="utf-8")
    liar.about("/chunks", lies.hanging())
    line = [sys.executable, "-m", "tests.together.pulling", str(settings), liar.address]
    with subprocess.Popen(line) as process:
        try:
            lies.until(lambda: process.poll() is not None or (liar.wanted() and stored(gate)))
        finally:
            process.kill()
    (first,) = liar.wanted()
    liar.honest()
    pull(gate, liar)
    assert liar.wanted()[0] < first
    gate.check(event)


def test_a_list_that_moves_on_meanwhile_keeps_what_came(
    house: House, event: Event, join: MakeGate, liar: Liar
) -> None:
    """Another head, and every chunk that it names too is not asked for again."""
    gate = join()
    liar.about("/chunks", lies.truncated())
    with pytest.raises(Away):
        pull(gate, liar)
    (first,) = liar.wanted()
    liar.honest()
    house.sell(event, 2)
    house.service.work()
    pull(gate, liar)
    assert liar.wanted()[0] < first
    gate.check(event)


def spoilt(body: bytes) -> bytes:
    """Change a bit in the middle."""
    return flipped(body, len(body) // 2)


def bomb(_: bytes) -> bytes:
    """A few hundred bytes that become a hundred megabytes."""
    return zstandard.ZstdCompressor(19).compress(bytes(100 << 20))


LIES: dict[str, tuple[str, Callable[[Any], lies.Lie], type[Exception]]] = {
    "state cut off": ("/sync$", lambda _: lies.truncated(), Away),
    "state of nothing": ("/sync$", lambda _: lies.changed(lambda _: b"{}"), Garbled),
    "state without an end": ("/sync$", lambda _: lies.changed(lambda b: b * 9_999), Garbled),
    "state that hangs": ("/sync$", lambda _: lies.hanging(), Away),
    "state by drops": ("/sync$", lambda _: lies.slow(0.3), Away),
    "a portal's page": ("/sync$", lambda _: lies.other(b"<html>Welcome to our Wi-Fi"), Garbled),
    "a portal's refusal": ("/sync$", lambda _: lies.other(b"<html>", 511), Away),
    "a redirection": ("/sync$", lambda _: lies.other(b"", 302), Away),
    "somebody else's time": ("/sync$", lambda s: lies.changed(bytes, usher_stamp=s), UsherError),
    "no time": ("/sync$", lambda _: lies.changed(bytes, usher_stamp=""), UsherError),
    "nobody": ("/sync$", lambda _: lies.gone, Away),
    "a keyset with a changed bit": ("/keyset", lambda _: lies.changed(spoilt), UsherError),
    "a keyset without an end": ("/keyset", lambda _: lies.changed(lambda b: b * 9_999), Garbled),
    "a roster with a changed bit": ("/roster", lambda _: lies.changed(spoilt), UsherError),
    "a head with a changed bit": ("/head", lambda _: lies.changed(spoilt), UsherError),
    "a head packed": ("/head", lambda _: lies.changed(bytes, content_encoding="gzip"), Garbled),
    "chunks with a changed bit": ("/chunks", lambda _: lies.changed(spoilt), Exception),
    "chunks that explode": ("/chunks", lambda _: lies.changed(bomb), Garbled),
    "chunks of nothing": ("/chunks", lambda _: lies.changed(lambda _: b""), Garbled),
    "chunks by another packer": (
        "/chunks", lambda _: lies.changed(bytes, content_encoding="br"), Garbled,
    ),
    "a frame without an end": (
        "/chunks",
        lambda _: lies.changed(
            lambda _: frames.HEADER.pack(1, 99_999_999), content_encoding="identity"
        ),
        UsherError,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_lie_changes_nothing_and_the_truth_is_taken_after(
    event: Event, join: MakeGate, liar: Liar, name: str
) -> None:
    """Each kind of wrong answer is found out; then the same gate takes the right one."""
    part, make, error = LIES[name]
    gate = join()
    liar.about(part, make("00" * 92))
    with pytest.raises(error) as found:
        gate.pull(liar.address, SHORT if error is Away else None)
    assert isinstance(found.value, Failure | UsherError)
    trust = gate.gate.held.trust
    if part == "/roster":  # it is in no ticket's way
        assert trust.roster.version == 0
    else:
        assert trust.books == {}
    liar.honest()
    pull(gate, liar)
    gate.check(event)


def claimed(**more: int) -> lies.Lie:
    """Say in the state that something newer is there."""

    def change(body: bytes) -> bytes:
        state = msgspec.json.decode(body, type=SyncState)
        events = tuple(msgspec.structs.replace(e, version=e.version + 9) for e in state.events)
        raised = {name: getattr(state, name) + more for name, more in more.items()}
        return msgspec.json.encode(msgspec.structs.replace(state, events=events, **raised))

    return lies.changed(change)


@pytest.mark.parametrize("what", ["keyset", "roster"])
def test_no_list_is_turned_back(house: House, join: MakeGate, liar: Liar, what: str) -> None:
    """An older list, though genuine, is refused."""
    gate = join()
    old: list[bytes] = []

    def seen(said: Said) -> Said:
        old.append(said.body)
        return said

    liar.about(f"/{what}", seen)
    gate.pull(liar.address)
    if what == "roster":
        join("South")
    else:
        house.event()
    liar.honest()
    gate.pull(liar.address)
    liar.about(f"/{what}", lies.changed(lambda _: old[0]))
    liar.lies["/sync$"] = claimed(**{what: 5})
    with pytest.raises(UsherError, match=f"{what}_rollback"):
        gate.pull(liar.address)


def test_no_manifest_is_turned_back_by_whatever_way(
    house: House, event: Event, join: MakeGate, liar: Liar
) -> None:
    """An older head, though genuine, and a delta that leads to it."""
    gate = join()
    heads: list[bytes] = []

    def seen(said: Said) -> Said:
        heads.append(said.body)
        return said

    liar.about("/head", seen)
    pull(gate, liar)
    house.revoke(house.sell(event)[0])
    house.service.work()
    pull(gate, liar)
    version = gate.book(event).manifest.head.version
    liar.about("/sync$", claimed())
    liar.about("/head", lies.changed(lambda _: heads[0]))
    pack = zstandard.ZstdCompressor().compress(framed((heads[0], b"")))
    liar.about("/delta", lies.changed(lambda _: pack, usher_base="0"))
    with pytest.raises(UsherError, match="manifest_rollback"):
        pull(gate, liar)
    assert gate.book(event).manifest.head.version == version
    gate.check(event)


@pytest.mark.parametrize("name", ["a changed bit", "an explosion", "nothing", "cut off"])
def test_a_bad_delta_makes_a_gate_take_a_snapshot(
    house: House, event: Event, join: MakeGate, liar: Liar, name: str
) -> None:
    """Whatever is wrong with it; and only the chunks that changed are fetched."""
    gate = join()
    pull(gate, liar)
    house.sell(event, 1)
    house.service.work()
    make: dict[str, lies.Lie] = {
        "a changed bit": lies.changed(spoilt),
        "an explosion": lies.changed(bomb),
        "nothing": lies.changed(lambda _: b""),
        "cut off": lies.changed(lambda body: body[: len(body) // 2]),
    }
    liar.honest()
    liar.about("/delta", make[name])
    pull(gate, liar)
    assert liar.wanted() == [1]
    gate.check(event)


def test_a_delta_that_is_too_old_makes_a_gate_take_a_snapshot(
    house: House, event: Event, join: MakeGate, liar: Liar
) -> None:
    """410, by the cloud's own word: the key that signed what is held was withdrawn."""
    gate = join()
    pull(gate, liar)
    kid = gate.book(event).manifest.raw[6:10].hex()
    house.service.clock()
    assert house.owner.post(f"{house.tenant.path}/keys/{kid}/revoke", json={}).is_success
    house.service.work()
    liar.honest()
    pull(gate, liar)
    assert any("/head" in each for each in liar.asked)
    gate.check(event)
    assert gate.book(event).manifest.raw[6:10].hex() != kid


def test_one_event_that_fails_is_in_no_others_way(
    house: House, event: Event, join: MakeGate, liar: Liar
) -> None:
    """Its list stays away; the other's is there."""
    second = house.event(3)
    gate = join()
    liar.about(f"{house.ref(event).hex()}/head", lies.changed(spoilt))
    with pytest.raises(UsherError):
        pull(gate, liar)
    gate.check(second)
    assert house.ref(event) not in gate.gate.held.trust.books


def test_a_clock_that_is_a_day_wrong_is_set_by_the_cloud(
    house: House, event: Event, join: MakeGate, liar: Liar
) -> None:
    """The cloud refuses the request for its time, and tells the right one, signed."""
    for name, day in (("Late", -86_400_000), ("Early", 86_400_000)):
        gate = join(name, off_ms=day)
        assert not gate.gate.clock.now().trusted
        pull(gate, liar)
        now = gate.gate.clock.now()
        assert now.trusted
        assert abs(now.ms - int(house.service.clock().timestamp() * 1000)) < 5_000
        gate.check(event)


def test_a_command_that_is_no_good_is_in_no_others_way(
    house: House, join: MakeGate, liar: Liar
) -> None:
    """Behind it may be a wipe."""
    gate = join()
    path = f"{house.tenant.path}/devices/{gate.me.device.hex()}/commands"
    assert house.owner.post(path, json={"action": "lock"}).is_success
    liar.about("/sync/commands", lies.changed(lambda body: framed((b"no command",)) + body))
    with pytest.raises(UsherError, match="document_"):
        pull(gate, liar)
    assert gate.gate.held.locked
    liar.honest()
    pull(gate, liar)
    assert not any("commands" in each for each in liar.asked)


def test_an_unregistered_gate_is_told_so(house: House, join: MakeGate, liar: Liar) -> None:
    """And believes nothing for it."""
    gate = join(register=False)
    with pytest.raises(Denied, match="request_unknown_device"):
        gate.pulling(Pull.state, liar.address)
