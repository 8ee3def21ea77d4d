"""A device of the roster that has been taken over can hurt itself alone, whoever dials."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.lan import exchange, listening, serving
from edge.lan import line as lines
from edge.lan.line import Line
from shared.bundle import FileKind, Part, Section, encode
from shared.lan import (
    HEADER,
    Reason,
    Rest,
    Type,
    decode_log,
    encode_correlated,
    encode_log,
)
from shared.log import writer
from shared.log.record import EMPTY, seal
from shared.log.writer import Tail
from tests.edge.lan_strangers import called_by, calling, farewell, hello, until_type
from tests.edge.lans import Venue, device, somebody, until, venue

MALLORY, ALICE = somebody("mallory"), somebody("alice")
EMPTY_FILE = b"".join(encode(FileKind.LOG, ()))
Act = Callable[[Line, Venue], Awaitable[None]]


def raw(line: Line, data: bytes) -> None:
    """Write bytes that are no message."""
    line._writer.write(data)


def log_of(*sections: tuple[Part, bytes]) -> bytes:
    return b"".join(encode(FileKind.LOG, (Section(*each) for each in sections)))


def record(signer: bytes, device_id: bytes) -> bytes:
    """Return a first record of a device's log, signed by whomever."""
    return seal(writer.boot(Tail(device_id), EMPTY, 1, 1), signer)


@asynccontextmanager
async def peer(site: Venue, *, dials: bool) -> AsyncIterator[Line]:
    """Be Mallory, as a peer of North that has said hello, by either way."""
    north = site["North"]
    if dials:
        async with called_by(MALLORY, north) as line:
            hello(line)
            await until_type(line, Type.HELLO)
            yield line
    else:
        async with calling(MALLORY, north) as waiting:
            line = await waiting.get()
            hello(line)
            await until_type(line, Type.HELLO)
            yield line


async def truncated(line: Line, site: Venue) -> None:
    raw(line, HEADER.pack(1000, Type.PUSH) + bytes(10))
    line._writer.write_eof() if line._writer.can_write_eof() else line._writer.close()


async def oversize(line: Line, site: Venue) -> None:
    raw(line, HEADER.pack((1 << 20) + 1, Type.PUSH))


async def unknown_type(line: Line, site: Venue) -> None:
    raw(line, HEADER.pack(0, 0x7F))


async def second_hello(line: Line, site: Venue) -> None:
    hello(line)


async def no_log_file(line: Line, site: Venue) -> None:
    line.send(Type.PUSH, b"USHB rubbish")


async def cut_log_file(line: Line, site: Venue) -> None:
    line.send(Type.PUSH, EMPTY_FILE[:-1])


async def unasked_log(line: Line, site: Venue) -> None:
    await until_type(line, Type.VECTOR)
    line.send(Type.LOG, encode_log(Rest.NOTHING, EMPTY_FILE))
    line.send(Type.LOG, encode_log(Rest.NOTHING, EMPTY_FILE))


async def half_a_vector(line: Line, site: Venue) -> None:
    line.send(Type.VECTOR, bytes(59))


async def unsorted_vector(line: Line, site: Venue) -> None:
    line.send(Type.VECTOR, bytes(120))


async def bad_news(line: Line, site: Venue) -> None:
    line.send(Type.NEWS, b'{"roster":1}')


async def bare_request(line: Line, site: Venue) -> None:
    line.send(0x40, b"abc")


async def short_ping(line: Line, site: Venue) -> None:
    line.send(Type.PING, b"abc")


async def half_a_place(line: Line, site: Venue) -> None:
    line.send(Type.WANT, bytes(27))


async def flood_of_wants(line: Line, site: Venue) -> None:
    for _ in range(1000):
        line.send(Type.WANT, bytes(28))
        await asyncio.sleep(0)


async def forged_record(line: Line, site: Venue) -> None:
    """A record of Alice's, whom the roster lists, signed by Mallory."""
    forged = record(MALLORY.secret, ALICE.device)
    line.send(Type.PUSH, log_of((Part.DEVICE, ALICE.pk), (Part.RECORDS, forged)))


async def foreign_record(line: Line, site: Venue) -> None:
    """A record of Mallory's own, handed in as Alice's."""
    own = record(MALLORY.secret, MALLORY.device)
    line.send(Type.PUSH, log_of((Part.DEVICE, ALICE.pk), (Part.RECORDS, own)))


async def forged_roster(line: Line, site: Venue) -> None:
    genuine = site.world.organizer.roster(2)
    line.send(Type.ROSTER, genuine[:-1] + bytes((genuine[-1] ^ 1,)))


async def forged_keyset(line: Line, site: Venue) -> None:
    genuine = site.world.organizer.keyset(2)
    line.send(Type.KEYSET, genuine[:20] + bytes((genuine[20] ^ 1,)) + genuine[21:])


async def cut_roster(line: Line, site: Venue) -> None:
    line.send(Type.ROSTER, site.world.organizer.roster(2)[:100])


async def forged_stamp(line: Line, site: Venue) -> None:
    genuine = site.world.organizer.stamp(1)
    line.send(Type.STAMP, genuine[:-1] + bytes((genuine[-1] ^ 1,)))


async def flood_of_pings(line: Line, site: Venue) -> None:
    for _ in range(10_000):
        line.send(Type.PING, bytes(32))
        if _ % 100 == 0:
            await asyncio.sleep(0)


async def flood_of_questions(line: Line, site: Venue) -> None:
    for _ in range(1000):
        line.send(Type.VECTOR, b"")
        await asyncio.sleep(0)


async def flood_of_requests(line: Line, site: Venue) -> None:
    async def slow(_peer: object, _content: bytes) -> bytes:
        await asyncio.sleep(60)
        return b""

    site["North"].lan.on_request(0x40, slow)
    for number in range(100):
        line.send(0x40, encode_correlated(number, b""))


UNHEARD = (Reason.FLOOD, Reason.LEAVING)
CRIMES: dict[str, tuple[Act, Reason]] = {
    "truncated": (truncated, Reason.LEAVING),
    "oversize": (oversize, Reason.MALFORMED),
    "unknown type": (unknown_type, Reason.MALFORMED),
    "a second hello": (second_hello, Reason.MALFORMED),
    "no log file": (no_log_file, Reason.MALFORMED),
    "a cut log file": (cut_log_file, Reason.MALFORMED),
    "a log that was not asked for": (unasked_log, Reason.MALFORMED),
    "half a vector": (half_a_vector, Reason.MALFORMED),
    "an unsorted vector": (unsorted_vector, Reason.MALFORMED),
    "news of another form": (bad_news, Reason.MALFORMED),
    "a request without a number": (bare_request, Reason.MALFORMED),
    "a short ping": (short_ping, Reason.MALFORMED),
    "a record that its device did not sign": (forged_record, Reason.UNTRUSTED),
    "a record of another device": (foreign_record, Reason.UNTRUSTED),
    "a forged roster": (forged_roster, Reason.UNTRUSTED),
    "a forged keyset": (forged_keyset, Reason.UNTRUSTED),
    "a cut roster": (cut_roster, Reason.UNTRUSTED),
    "a forged stamp": (forged_stamp, Reason.UNTRUSTED),
    "a flood of pings": (flood_of_pings, Reason.FLOOD),
    "a flood of questions": (flood_of_questions, Reason.FLOOD),
    "half a place": (half_a_place, Reason.MALFORMED),
    "a flood of wants": (flood_of_wants, Reason.FLOOD),
    "a flood of requests": (flood_of_requests, Reason.FLOOD),
}


async def committed(folder: Path, crime: str, *, dials: bool) -> None:
    act, reason = CRIMES[crime]
    async with venue(folder, "North", listed=(device(MALLORY), device(ALICE))) as site:
        north = site["North"]
        before, roster = north.vector(), north.site.gate.held.trust.roster
        async with peer(site, dials=dials) as line:
            await until(north.peers)
            connected = north.lan.peers.get(MALLORY.device)
            await act(line, site)
            said = await farewell(line)  # lost where bytes of ours were not read any more
        await until(lambda: not north.peers())
        assert connected is not None
        assert connected.line.why is reason
        told = {MALLORY.device} if reason is Reason.UNTRUSTED else set()
        assert north.site.gate.distrusted == told
        assert said is reason or (said is None and reason in UNHEARD)
        assert (north.vector(), north.site.gate.held.trust.roster) == (before, roster)
        assert (await site.scan("North", "standing")).code == "admitted"
        if reason is not Reason.LEAVING:  # and is not listened to for a while
            async with called_by(MALLORY, north) as line:
                hello(line)
                assert await farewell(line) in (Reason.FLOOD, None)
                assert north.peers() == set()


@pytest.mark.parametrize("dials", [True, False], ids=["dials", "is dialled"])
@pytest.mark.parametrize("crime", CRIMES)
def test_a_peer_that_breaks_a_rule_is_hung_up_on(tmp_path: Path, crime: str, dials: bool) -> None:
    """With the reason, nothing taken in, and the gate goes on."""
    asyncio.run(committed(tmp_path, crime, dials=dials))


async def forgiven(folder: Path) -> float:
    """Break a rule, and call again and again; return the seconds until one is listened to."""
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        north = site["North"]
        async with peer(site, dials=True) as line:
            await until(north.peers)
            start = time.monotonic()
            await short_ping(line, site)
            await farewell(line)
        while True:
            async with called_by(MALLORY, north) as line:
                hello(line, number=2)
                try:
                    assert await farewell(line, 0.5) in (Reason.FLOOD, None)
                except TimeoutError:  # nobody hangs up
                    assert north.peers() == {MALLORY.device}
                    return time.monotonic() - start
            await asyncio.sleep(0.1)  # calls of one address are counted, too


def test_a_device_is_listened_to_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while (shorter here), though it has called meanwhile."""
    monkeypatch.setattr(serving, "BANNED_SECONDS", 2.0)
    assert 2 <= asyncio.run(forgiven(tmp_path)) < 10


async def honest(folder: Path) -> None:
    async with venue(folder, "North", listed=(device(MALLORY), device(ALICE))) as site:
        north = site["North"]
        async with peer(site, dials=True) as line:
            alices = record(ALICE.secret, ALICE.device)
            line.send(Type.PUSH, log_of((Part.DEVICE, ALICE.pk), (Part.RECORDS, alices)))
            nobody = somebody("nobody")
            unlisted = record(nobody.secret, nobody.device)
            line.send(Type.PUSH, log_of((Part.DEVICE, nobody.pk), (Part.RECORDS, unlisted)))
            await until(lambda: (ALICE.device, 1) in north.vector())
            line.send(Type.VECTOR, b"")
            rest, file = decode_log((await until_type(line, Type.LOG)).body)
            assert (rest, alices in file) == (Rest.NOTHING, True)
            assert (nobody.device, 1) not in north.vector()
            assert MALLORY.device in north.peers()


def test_a_peer_that_keeps_the_rules_is_heard(tmp_path: Path) -> None:
    """The test of the tests above: another's log may be relayed, and one of a device that is not
    listed is passed over."""
    asyncio.run(honest(tmp_path))


async def never_satisfied(folder: Path) -> Reason | None:
    """Ask for the whole log again and again, as if nothing had come."""
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        north = site["North"]
        for _ in range(5):
            await site.scan("North", "standing")
        async with peer(site, dials=True) as line:
            await until(north.peers)
            connected = north.lan.peers.get(MALLORY.device)
            assert connected is not None
            line.send(Type.VECTOR, b"")
            rest, _ = decode_log((await until_type(line, Type.LOG)).body)
            assert rest is Rest.MORE
            await flood_of_questions(line, site)
            await until(lambda: not north.peers())
            return connected.line.why


def test_a_peer_that_is_never_satisfied_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has more may be asked again, as long as it comes to something (the pieces are
    small here, so that there always is more)."""
    monkeypatch.setattr(exchange, "LOG_BYTES", 700)
    assert asyncio.run(never_satisfied(tmp_path)) is Reason.FLOOD


async def no_word(folder: Path, act: Act, *, greeted: bool) -> tuple[Reason | None, float]:
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        start = time.monotonic()
        async with called_by(MALLORY, site["North"]) as line:
            if greeted:
                hello(line)
                await until_type(line, Type.HELLO)
            await act(line, site)
            return await farewell(line), time.monotonic() - start


async def silence(line: Line, site: Venue) -> None:
    """Say nothing."""


async def one_byte_a_second(line: Line, site: Venue) -> None:
    """Begin a message, and never come to its end."""

    async def drip() -> None:
        raw(line, HEADER.pack(1000, Type.PUSH))
        for _ in range(60):
            await asyncio.sleep(0.2)
            raw(line, b"x")

    line.dripping = asyncio.create_task(drip())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("act", "greeted"),
    [(silence, False), (silence, True), (one_byte_a_second, True)],
    ids=["no hello", "no word after it", "a slow body"],
)
def test_a_peer_that_is_too_slow_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Act, greeted: bool
) -> None:
    """In bounded time (shorter here), so that it holds no place for ever."""
    monkeypatch.setattr(lines, "BODY_SECONDS", 1.0)
    monkeypatch.setattr(lines, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(Line.receive, "__defaults__", (1.0,))
    monkeypatch.setattr(serving, "GREETING_SECONDS", 1.5)
    reason, took = asyncio.run(no_word(tmp_path, act, greeted=greeted))
    assert reason is Reason.TOO_SLOW
    assert took < 8


async def unread(folder: Path) -> Reason | None:
    """Ask again and again, and read no answer."""
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        north = site["North"]
        for _ in range(40):
            await site.scan("North", "standing")
        async with peer(site, dials=True) as line:
            line._reader._transport.pause_reading()  # type: ignore[attr-defined]
            connected = north.lan.peers.get(MALLORY.device)
            assert connected is not None
            for _ in range(400):
                connected.line.send(Type.PUSH, bytes(1 << 19))
                if connected.line.closing:
                    break
                await asyncio.sleep(0)
            await until(lambda: not north.peers())
            return connected.line.why


def test_a_peer_that_does_not_read_costs_bounded_memory(tmp_path: Path) -> None:
    """What waits for it has a bound; beyond it, it is hung up on."""
    assert asyncio.run(unread(tmp_path)) is Reason.TOO_SLOW


async def half_handshakes(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        port = site["North"].lan.port
        halves = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
        for _, half in halves:
            half.write(b"\x16\x03\x01")
        north = site["North"].lan._serving
        assert north._open == 0
        site["North"].lan.aim("127.0.0.1", site["South"].lan.port)
        await site.connected("North", "South")
        for _, half in halves:
            half.close()


def test_half_handshakes_are_few_and_in_nobodys_way(tmp_path: Path) -> None:
    """A gate that can't be reached for them still reaches others."""
    asyncio.run(half_handshakes(tmp_path))


async def same_address(folder: Path) -> float:
    """Keep eight places for handshakes full from the address of a gate that calls."""
    async with venue(folder, "North", "South") as site:
        port = site["North"].lan.port
        halves = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
        start = asyncio.get_running_loop().time()
        site.aim("South", "North")
        await site.connected("North", "South")
        took = asyncio.get_running_loop().time() - start
        for _, half in halves:
            half.close()
        return took


def test_half_handshakes_do_not_shut_out_a_gate_of_the_same_address(tmp_path: Path) -> None:
    """Their oldest makes room, long before the five seconds that a handshake may take."""
    assert asyncio.run(same_address(tmp_path)) < lines.HANDSHAKE_SECONDS - 1


async def replayed(folder: Path) -> None:
    """Record what South says to North on the wire, and say it again."""
    async with venue(folder, "North", "South") as site:
        heard: list[bytes] = []

        async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            back, forth = await asyncio.open_connection("127.0.0.1", site["North"].lan.port)

            async def answers() -> None:
                while data := await back.read(1 << 16):
                    writer.write(data)
                writer.close()

            task = asyncio.create_task(answers())
            while data := await reader.read(1 << 16):
                heard.append(data)
                forth.write(data)
            forth.close()
            await asyncio.gather(task, return_exceptions=True)

        server = await asyncio.start_server(between, "127.0.0.1", 0)
        site["South"].lan.aim("127.0.0.1", server.sockets[0].getsockname()[1])
        await site.connected("North", "South")
        await site.scan("South", "standing")
        await site.alike()
        south = await site.close("South")
        await until(lambda: not site["North"].peers())
        _, again = await asyncio.open_connection("127.0.0.1", site["North"].lan.port)
        for data in heard:
            again.write(data)
        await asyncio.sleep(0.3)
        assert site["North"].peers() == set()
        again.close()
        server.close()
        south.close()


def test_a_recorded_connection_says_nothing_again(tmp_path: Path) -> None:
    """Each one proves both keys anew."""
    asyncio.run(replayed(tmp_path))


async def unbounded(folder: Path) -> None:
    """Answer every question with `more`, and records of nobody."""
    nobody = somebody("nobody")
    unlisted = record(nobody.secret, nobody.device)
    file = log_of((Part.DEVICE, nobody.pk), (Part.RECORDS, unlisted))
    async with (
        venue(folder, "North", listed=(device(MALLORY),)) as site,
        peer(site, dials=True) as line,
    ):
        asked, start = 0, time.monotonic()
        while time.monotonic() - start < 1.5:
            message = await line.receive()
            if message.type == Type.VECTOR:
                asked += 1
                line.send(Type.LOG, encode_log(Rest.MORE, file))
        assert 4 <= asked <= 20


def test_a_peer_that_always_has_more_is_not_asked_for_ever(tmp_path: Path) -> None:
    """What it has is all of devices that we don't know: asked again at the next round."""
    asyncio.run(unbounded(tmp_path))


async def calls(folder: Path) -> tuple[int, bool]:
    """Shake hands again and again; return how often that came to an end, and go on as a gate."""
    async with venue(folder, "North", "South", listed=(device(MALLORY),)) as site:
        done = 0
        for _ in range(130):
            try:
                async with called_by(MALLORY, site["North"]) as line:
                    done += 1
                    line._writer.transport.abort()
            except OSError:
                pass
        site.aim("North", "South")  # whoever is called from here is not reached by it
        await site.connected("North", "South")
        return done, (await site.scan("South", "standing")).code == "admitted"


def test_calls_of_one_address_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handshake costs more than all that a stranger can ask. (No budget fills up here, since
    nobody knows how fast this machine is.)"""
    monkeypatch.setattr(listening, "RATE", 0.0)
    assert asyncio.run(calls(tmp_path)) == (listening.BURST, True)
