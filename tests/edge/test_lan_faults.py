"""Disks that fail, devices with two histories, words at random: no gate stops for its peers."""

import asyncio
import random
from pathlib import Path

import pytest

from edge.lan import lan
from shared.bundle import FileKind, Part, Section, decode, encode
from shared.lan import CAPS, REQUESTS, Rest, Type, decode_log, encode_log
from shared.log import writer
from shared.log.record import EMPTY, SIZE, Kind, seal
from shared.log.writer import Tail, advance
from shared.wire import decode_vector, encode_vector
from tests.edge.gates import meaning
from tests.edge.lan_strangers import called_by, farewell, hello, until_type
from tests.edge.lans import device, somebody, until, venue

MALLORY = somebody("mallory")
EMPTY_FILE = b"".join(encode(FileKind.LOG, ()))


async def full_disk(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        site.aim("North", "South")
        await site.connected("North", "South")
        await site.alike()
        south = site["South"].site
        file, away = south.folder / "gate.db", south.folder / "away.db"
        file.rename(away)  # from now on nothing can be written
        await site.scan("North", "standing")
        peer = site["South"].lan.peers.get(site["North"].device)
        assert peer is not None
        catching_up = asyncio.create_task(peer.caught_up())
        await asyncio.sleep(1.5)
        assert site["South"].vector() != site["North"].vector()
        assert not catching_up.done(), "what is not on the disk is not here"
        assert site["North"].peers() == {south.me.device}
        away.rename(file)
        assert await catching_up
        await site.alike()


def test_a_full_disk_parts_nobody(tmp_path: Path) -> None:
    """What could not be kept is asked for again, and comes once there is room."""
    asyncio.run(full_disk(tmp_path))


async def their_disk(folder: Path) -> list[Rest]:
    """Be a peer that can't read its disk at first."""
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        north = site["North"]
        async with called_by(MALLORY, north) as line:
            hello(line)
            await until(north.peers)
            peer = north.lan.peers.get(MALLORY.device)
            assert peer is not None
            catching_up = asyncio.create_task(peer.caught_up())
            said = []
            for rest in (Rest.UNKNOWN, Rest.UNKNOWN, Rest.NOTHING):
                await until_type(line, Type.VECTOR)
                assert not catching_up.done()
                file = EMPTY_FILE if rest is Rest.NOTHING else b""
                line.send(Type.LOG, encode_log(rest, file))
                said.append(rest)
            assert await catching_up
            return said


def test_nobody_has_caught_up_with_a_peer_that_cannot_say(tmp_path: Path) -> None:
    """It is asked again until it knows."""
    assert len(asyncio.run(their_disk(tmp_path))) == 3


def history(reason: int, count: int) -> list[bytes]:
    """Return a log of Mallory's whose second record on is another for each reason."""
    raws = [seal(writer.boot(Tail(MALLORY.device), EMPTY, 1, 1), MALLORY.secret)]
    tail = advance(Tail(MALLORY.device), raws[0])
    for index in range(count):
        record = writer.place(tail, EMPTY._replace(kind=Kind.MARK, reason=reason), index, index)
        raws.append(seal(record, MALLORY.secret))
        tail = advance(tail, raws[-1])
    return raws


def log_of(raws: list[bytes]) -> bytes:
    parts = Section(Part.DEVICE, MALLORY.pk), Section(Part.RECORDS, b"".join(raws))
    return b"".join(encode(FileKind.LOG, parts))


async def two_histories(folder: Path, one: int, other: int) -> None:
    async with venue(folder, "North", "South", listed=(device(MALLORY),)) as site:
        for name, reason, count in (("North", 1, one), ("South", 2, other)):
            file = log_of(history(reason, count))
            await asyncio.to_thread(site[name].site.gate.replica.take, file)
        site.aim("North", "South")
        await site.connected("North", "South")
        gates = [member.site.gate for member in site]
        both = {*history(1, one), *history(2, other)}
        await until(lambda: all(both <= set(gate.stores.log.records()) for gate in gates))
        for gate in gates:
            findings = gate.ledger.summary().findings
            assert {each.kind for each in findings} == {"equivocation"}
        assert gates[0].ledger.summary().digest() == gates[1].ledger.summary().digest()


@pytest.mark.parametrize(("one", "other"), [(3, 3), (3, 9), (9, 3)])
def test_two_histories_of_a_device_are_known_at_both_gates(
    tmp_path: Path, one: int, other: int
) -> None:
    """Of one length, where vectors differ by a hash alone, and of two."""
    asyncio.run(two_histories(tmp_path, one, other))


async def hung_up_unanswered(folder: Path, questions: list[int]) -> list[int]:
    """Ask so many times on each connection, and hang up; return the records of each answer."""
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        north, came = site["North"], []
        for reason in (1, 2):
            file = log_of(history(reason, 3))
            await asyncio.to_thread(north.site.gate.replica.take, file)
        for number, asked in enumerate(questions, start=1):
            async with called_by(MALLORY, north) as line:
                hello(line, number=number)
                for _ in range(asked):
                    line.send(Type.VECTOR, encode_vector(north.vector()))
                    _, file = decode_log((await until_type(line, Type.LOG)).body)
                    parts = decode(file)[1] if file else []
                    came.append(sum(len(c) for part, c in parts if part is Part.RECORDS) // SIZE)
            await until(lambda: not north.peers())
        return came


@pytest.mark.parametrize(("questions", "came"), [([1, 1, 1], [7, 7, 7]), ([2, 1, 1], [7, 0, 0, 0])])
def test_what_nobody_said_had_come_is_sent_on_the_next_connection(
    tmp_path: Path, questions: list[int], came: list[int]
) -> None:
    """Only the next question says that an answer arrived; of two histories no vector does."""
    assert asyncio.run(hung_up_unanswered(tmp_path, questions)) == came


async def stripped(folder: Path) -> None:
    async with venue(folder, "North", "South", listed=(device(MALLORY),)) as site:
        assert (await site.scan("North", "standing", "out")).code == "exit"
        north, south = site["North"], site["South"]
        kind, sections = decode(north.site.gate.replica.of(north.site.raws()))
        assert Part.BLOB in {part for part, _ in sections}
        bare = [each for each in sections if each.part is not Part.BLOB]
        async with called_by(MALLORY, south) as line:
            hello(line)
            line.send(Type.PUSH, b"".join(encode(kind, bare)))
            await until(lambda: south.vector().items() >= north.vector().items())
        site.aim("North", "South")
        await site.connected("North", "South")
        await until(lambda: south.vector() == north.vector())
        assert meaning(north.site) != meaning(south.site)
        await until(lambda: meaning(north.site) == meaning(south.site))
        assert south.site.gate.ledger.unproved() == []


def test_a_proof_that_was_left_out_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mallory relayed an exit without the code that proves it; all vectors agree."""
    monkeypatch.setattr(lan, "TURN_SECONDS", 0.5)
    asyncio.run(stripped(tmp_path))


def babble(chance: random.Random) -> tuple[int, bytes]:
    """Return some message, most of them nearly right."""
    kind = chance.choice([*CAPS, *REQUESTS][: len(CAPS) + 2])
    organizer_like = b"USHD\x03\x01" + chance.randbytes(80)
    bodies = [
        b"",
        chance.randbytes(chance.randrange(1, 200)),
        bytes(32),
        bytes(60),
        EMPTY_FILE,
        b"\0" + EMPTY_FILE,
        log_of(history(1, 2)),
        b'{"roster":1,"keyset":1,"events":[]}',
        organizer_like,
    ]
    return kind, chance.choice(bodies)[: CAPS.get(Type(kind), 16) if kind in set(Type) else 16]


async def babbled(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        north = site["North"]
        serving = north.lan._serving
        for number in range(25):
            serving._banned.clear()
            async with called_by(MALLORY, north) as line:
                hello(line, number=number + 1)
                for _ in range(chance.randrange(1, 12)):
                    line.send(*babble(chance))
                line.send(Type.PING, b"")  # whatever came before, here it ends
                await farewell(line)
        await until(lambda: not north.peers())
        own = [key for key in north.vector() if key[0] == north.device]
        assert {key[0] for key in north.vector()} <= {north.device, MALLORY.device}
        assert len(own) == 1
        assert north.site.gate.held.trust.roster.version == 1
        assert (await site.scan("North", "standing")).code == "admitted"
        async with called_by(MALLORY, north) as line:
            serving._banned.clear()
            hello(line, number=99)
            vector = await until_type(line, Type.VECTOR)
            assert decode_vector(vector.body) == north.vector()


@pytest.mark.parametrize("seed", range(4))
def test_words_at_random_change_nothing(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """None of them meets a fault of ours: every end of a connection has a reason."""
    asyncio.run(babbled(tmp_path, seed))
    assert [each.message for each in caplog.records if each.exc_info] == []
