"""Requests and answers between gates: what claims stand on."""

import asyncio
import time
from pathlib import Path

from edge.lan.peer import Peer
from shared.lan import Type, decode_correlated, encode_correlated
from tests.edge.lan_strangers import called_by, calling, hello, until_type
from tests.edge.lans import Venue, device, somebody, until, venue

MALLORY = somebody("mallory")
KIND = 0x40


def peer_of(site: Venue, asker: str, asked: str) -> Peer:
    peer = site[asker].lan.peers.get(site[asked].device)
    assert peer is not None
    return peer


async def answered(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:

        async def reversed_(peer: Peer, content: bytes) -> bytes:
            assert peer.device == site["North"].device
            return content[::-1]

        site["South"].lan.on_request(KIND, reversed_)
        site.aim("North", "South")
        await site.connected("North", "South")
        peer = peer_of(site, "North", "South")
        answers = await asyncio.gather(
            *(peer.ask(KIND, b"%d abc" % n, within=5) for n in range(60))
        )
        assert answers == [b"cba " + str(n).encode()[::-1] for n in range(60)]
        took = []
        for _ in range(100):
            start = time.perf_counter()
            assert await peer.ask(KIND, b"x", within=5) == b"x"
            took.append(time.perf_counter() - start)
        assert sorted(took)[50] < 0.05


def test_a_request_is_answered(tmp_path: Path) -> None:
    """Each with its own answer; on a quiet machine in less than a millisecond."""
    asyncio.run(answered(tmp_path))


async def unanswered(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        waiting = asyncio.Event()

        async def never(_peer: Peer, _content: bytes) -> bytes:
            waiting.set()
            await asyncio.sleep(60)
            return b"late"

        async def fails(_peer: Peer, _content: bytes) -> bytes:
            raise KeyError

        async def nothing(_peer: Peer, _content: bytes) -> None:
            return None

        south = site["South"].lan
        south.on_request(KIND, never)
        south.on_request(KIND + 1, fails)
        south.on_request(KIND + 2, nothing)
        site.aim("North", "South")
        await site.connected("North", "South")
        peer = peer_of(site, "North", "South")
        for kind in range(KIND, KIND + 4):
            start = time.monotonic()
            assert await peer.ask(kind, b"", within=0.15) is None
            assert 0.1 < time.monotonic() - start < 1
        asking = asyncio.create_task(peer.ask(KIND, b"", within=30))
        await waiting.wait()
        await site.close("South")
        assert await asking is None, "the connection ended: there is nothing to wait for"
        assert await peer.ask(KIND, b"", within=30) is None


def test_no_answer_is_none_in_time(tmp_path: Path) -> None:
    """Whether the other side is slow, fails, has nothing to say, does not know the question, or
    goes."""
    asyncio.run(unanswered(tmp_path))


async def ordered(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        south = site["South"]

        async def with_record(peer: Peer, _content: bytes) -> bytes:
            raws = await asyncio.to_thread(south.site.raws)
            assert peer.push(south.site.gate.replica.of(raws))
            return b"held"

        south.lan.on_request(KIND, with_record)
        site.aim("North", "South")
        await site.connected("North", "South")
        await site.alike()
        south.site.gate.ledger._listeners = ()  # South pushes nothing by itself
        for _ in range(10):
            await site.scan("South", "standing")
            assert await peer_of(site, "North", "South").ask(KIND, b"", within=5) == b"held"
            assert site["North"].vector() == south.vector()


def test_what_came_before_an_answer_counts_before_it(tmp_path: Path) -> None:
    """An owner that says who holds a right sends the record first: then it is here."""
    asyncio.run(ordered(tmp_path))


async def caught_up(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        site.aim("North", "South")
        await site.connected("North", "South")
        await site.alike()
        south = site["South"]
        south.site.gate.ledger._listeners = ()
        for _ in range(20):
            await site.scan("South", "standing")
            assert await peer_of(site, "North", "South").caught_up()
            assert site["North"].vector() == south.vector()
        peer = peer_of(site, "North", "South")
        ending = asyncio.create_task(site.close("South"))
        assert not await peer.caught_up() or not site["North"].peers()
        await ending


def test_catching_up_is_to_have_all_that_a_peer_had(tmp_path: Path) -> None:
    """A gate that has just started grants nothing before (claims.md)."""
    asyncio.run(caught_up(tmp_path))


async def other_connection(folder: Path) -> bytes | None:
    """Answer a request on another connection than the one it came by."""
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        north = site["North"]
        async with calling(MALLORY, north) as lines:
            first = await lines.get()
            hello(first)
            await until(north.peers)
            old = north.lan.peers.get(MALLORY.device)
            assert old is not None
            asking = asyncio.create_task(old.ask(KIND, b"mine?", within=1))
            number, content = decode_correlated((await until_type(first, KIND)).body)
            assert content == b"mine?"
            async with called_by(MALLORY, north) as second:
                hello(second, incarnation=2)
                await until(lambda: north.lan.peers.get(MALLORY.device) not in (old, None))
                second.send(Type.ANSWER, encode_correlated(number, b"granted"))
                return await asking


def test_an_answer_counts_on_its_own_connection(tmp_path: Path) -> None:
    """Another connection is another boot of the owner, which may have forgotten its grants."""
    assert asyncio.run(other_connection(tmp_path)) is None
