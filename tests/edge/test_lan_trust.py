"""Who may talk: devices of the roster in force, of this site, known by their keys alone."""

import asyncio
import ssl
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.lan import tls
from edge.store.identity import Identity
from shared.bundle import Part, Section
from shared.devices.roster import Cutoff, Device
from shared.lan import Reason, Type, decode_news
from tests.edge.gates import empty_site, load_whole
from tests.edge.lan_strangers import called_by, calling, farewell, hello, until_type
from tests.edge.lans import PATIENCE, Venue, bring, device, relist, revoke, somebody, until, venue
from tests.vectors.spec import examples

MALLORY = somebody("mallory")


def test_a_gate_listens_once_the_roster_names_it(tmp_path: Path) -> None:
    """Before, its port is nobody's; the roster may come at any time, and then others reach it."""

    async def listed(place: Venue) -> None:
        organizer = place.world.organizer
        site = await asyncio.to_thread(partial(empty_site, tmp_path / "s", place.world, name="S"))
        mine = [each for each in organizer.devices if each.pk == site.me.pk.hex()]
        organizer.devices[:] = [each for each in organizer.devices if each not in mine]
        await asyncio.to_thread(load_whole, site)
        site.open()
        opening = asyncio.create_task(place.open(site, "South"))
        await asyncio.sleep(0.5)  # twice as long as it looks at the roster
        assert not opening.done()
        organizer.devices += mine
        section = Section(Part.ROSTER, organizer.roster(8))
        await asyncio.to_thread(site.feed, section)
        try:
            await asyncio.wait_for(opening, PATIENCE)
            await bring(place["North"], 8)
            await place.connect("North", "South")
        finally:
            site.close()

    async def run() -> None:
        async with venue(tmp_path, "North") as place:
            await listed(place)

    asyncio.run(run())


def test_the_authority_is_the_pages() -> None:
    """Another implementation makes the same one."""
    assert tls.authority().public_key().public_bytes_raw() == examples("lan.md")["authority"]  # type: ignore[union-attr]


async def refused(folder: Path, listed: tuple[Device, ...]) -> tuple[Reason | None, bool]:
    """Call a gate as Mallory; return how it parts, and whether it was ever a peer."""
    async with venue(folder, "North", listed=listed) as site:
        north = site["North"]
        async with called_by(MALLORY, north) as line:
            hello(line)
            reason = await farewell(line)
        async with calling(MALLORY, north) as lines:
            line = await lines.get()
            hello(line)
            assert await farewell(line) in (reason, None)
        return reason, MALLORY.device in north.peers()


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ((), Reason.NOT_LISTED),
        ((device(MALLORY, cutoff=Cutoff(9, 9)),), Reason.REVOKED),
        ((device(MALLORY, site=7),), Reason.NOT_LISTED),
        ((device(MALLORY, kind="cloud"),), Reason.NOT_LISTED),
    ],
    ids=["not listed", "cut off", "another site", "a worker of the cloud"],
)
def test_a_key_that_the_roster_has_not_beside_us_is_no_peer(
    tmp_path: Path, listed: tuple[Device, ...], reason: Reason
) -> None:
    """Whoever dials; with the same chain as everybody's. A tenant's key is on no other's list."""
    assert asyncio.run(refused(tmp_path, listed)) == (reason, False)


async def accepted(folder: Path, context: ssl.SSLContext) -> bool:
    async with (
        venue(folder, "North", listed=(device(MALLORY),)) as site,
        called_by(MALLORY, site["North"], context) as line,
    ):
        hello(line)
        await until_type(line, Type.HELLO)
        await until(lambda: MALLORY.device in site["North"].peers())
        return True


def test_a_listed_key_is_a_peer(tmp_path: Path) -> None:
    """The test of the tests above: Mallory's words are those of a peer, once listed."""
    assert asyncio.run(accepted(tmp_path, tls.contexts(MALLORY)[1]))


def shown(who: Identity, **dates: Any) -> ssl.SSLContext:
    """Return a dialler's context with a certificate of other dates."""
    _, dialling = tls.contexts(who)
    key = Ed25519PrivateKey.from_private_bytes(who.secret[:32])
    builder = x509.CertificateBuilder()
    made = tls.certificate_of(key.public_key())
    builder = (
        builder.subject_name(made.subject)
        .issuer_name(made.issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dates["since"])
        .not_valid_after(dates["until"])
    )
    signed = builder.sign(Ed25519PrivateKey.from_private_bytes(tls.ANYBODYS), None)
    pem = signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    load(dialling, pem)
    return dialling


def load(context: ssl.SSLContext, pem: bytes) -> None:
    import os

    unnamed = os.memfd_create("test")
    os.write(unnamed, pem)
    context.load_cert_chain(f"/proc/self/fd/{unnamed}")
    os.close(unnamed)


def test_dates_of_a_certificate_do_not_matter(tmp_path: Path) -> None:
    """One that ended long ago is as good as any: the roster decides."""
    day = tls.FIRST.replace(year=2001)
    assert asyncio.run(accepted(tmp_path, shown(MALLORY, since=day, until=day.replace(day=2))))


async def handshakes(folder: Path, context: ssl.SSLContext) -> str:
    """Return what becomes of a handshake and the first word after it."""
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        try:
            async with called_by(MALLORY, site["North"], context) as line:
                hello(line)
                await line.receive(5)
        except Exception as error:  # noqa: BLE001  whichever way TLS says it
            assert MALLORY.device not in site["North"].peers()
            return type(error).__name__
        return "talked"


def test_older_tls_is_refused(tmp_path: Path) -> None:
    """TLS 1.2 and a listed key are no peer."""
    _, context = tls.contexts(MALLORY)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert asyncio.run(handshakes(tmp_path, context)) != "talked"


def test_a_certificate_is_required(tmp_path: Path) -> None:
    """Whoever shows none is not spoken to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    assert asyncio.run(handshakes(tmp_path, context)) != "talked"


async def another_tenants(folder: Path) -> None:
    async with (
        venue(folder / "ours", "North") as site,
        venue(folder / "theirs", "Garden", seed=b"another") as other,
    ):
        north, garden = site["North"], other["Garden"]
        assert site.world.organizer.tenant != other.world.organizer.tenant
        north.lan.aim("127.0.0.1", garden.lan.port)
        garden.lan.aim("127.0.0.1", north.lan.port)
        async with called_by(garden.site.me, north) as line:
            hello(line, roster=2)
            line.send(Type.ROSTER, garden.site.gate.held.trust.roster.raw)
            assert await farewell(line) is Reason.NOT_LISTED
        assert (north.peers(), garden.peers()) == (set(), set())


def test_another_tenants_gate_is_no_peer(tmp_path: Path) -> None:
    """Two venues on one network do not hear each other; nor does a tenant's own roster help."""
    asyncio.run(another_tenants(tmp_path))


async def cut_off_at_once(folder: Path) -> None:
    async with venue(folder, "North", "South", "East") as site:
        await site.connect("North", "South", "East")
        lost = site["East"]
        revoke(site.world, lost.site.me.pk)
        await bring(site["North"], 2)
        await until(lambda: lost.device not in site["North"].peers(), 5)
        await until(lambda: lost.device not in site["South"].peers(), 5)
        assert site["South"].site.gate.held.trust.roster.version == 2
        await until(lambda: lost.site.gate.held.why_locked() == "device_revoked", 5)
        assert lost.peers() == set()
        assert (await site.scan("East", "standing")).code == "gate_locked"
        await site.connected("North", "South")


def test_a_revocation_spreads_without_internet(tmp_path: Path) -> None:
    """One gate learns of it; the others cut the lost one off, which learns of it as well."""
    asyncio.run(cut_off_at_once(tmp_path))


async def nothing_more_is_read(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        north, lost = site["North"], site["South"]
        await site.connect("North", "South")
        await site.alike()
        held, before = north.site.gate.held, north.vector()
        revoke(site.world, lost.site.me.pk)
        members = held.trust.roster.update(
            site.world.organizer.roster(2), held.trust.keys, north.site.gate.clock.now()
        )
        held.replace(held.trust._replace(roster=members))  # in force, and nobody has looked yet
        lost.site.scan("standing")  # on the loop's own thread: nothing else comes in between
        await until(lambda: not north.peers())
        assert north.vector() == before


def test_nothing_is_read_of_whom_a_roster_cuts_off(tmp_path: Path) -> None:
    """From the moment on at which it is in force."""
    asyncio.run(nothing_more_is_read(tmp_path))


async def newcomer(folder: Path, dialler: str, called: str) -> None:
    async with venue(folder, "North") as site:
        late = await asyncio.to_thread(empty_site, folder / "late", site.world, name="Late")
        await asyncio.to_thread(late.load, site.world.organizer.preload(2, names=False))
        late.open()
        try:
            await site.open(late, "Late")
            assert site["North"].site.gate.held.trust.roster.version == 1
            site.aim(dialler, called)
            await site.connected("North", "Late")
            assert site["North"].site.gate.held.trust.roster.version == 2
            await site.alike()
            await site.close("Late")
        finally:
            late.close()


def test_a_new_gate_brings_the_roster_that_lists_it(tmp_path: Path) -> None:
    """It was enrolled by a phone's internet, and the others have none."""
    asyncio.run(newcomer(tmp_path, "Late", "North"))


async def forged_rosters(folder: Path) -> tuple[Reason | None, Reason | None, int]:
    """Be a stranger who claims to have a newer roster, and shows one that nobody signed."""
    async with venue(folder, "North") as site:
        north = site["North"]
        site.world.organizer.devices.append(device(MALLORY))
        genuine = site.world.organizer.roster(2)
        async with called_by(MALLORY, north) as line:
            hello(line, roster=2)
            assert decode_news((await until_type(line, Type.NEWS)).body).events == ()
            line.send(Type.ROSTER, genuine[:-1] + bytes((genuine[-1] ^ 1,)))
            forged = await farewell(line)
        async with called_by(MALLORY, north) as line:
            hello(line, roster=9)
            line.send(Type.VECTOR, b"")
            curious = await farewell(line)
        return forged, curious, north.site.gate.held.trust.roster.version


def test_a_stranger_is_heard_on_nothing_but_documents_that_prove_themselves(
    tmp_path: Path,
) -> None:
    """A roster with a wrong signature lists nobody, and a question is not answered."""
    forged, curious, version = asyncio.run(forged_rosters(tmp_path))
    assert (forged, curious, version) == (Reason.UNTRUSTED, Reason.MALFORMED, 1)


async def older_and_forked(folder: Path) -> int:
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        organizer = site.world.organizer
        await bring(site["North"], 5)
        relist(site.world, MALLORY.pk, name="renamed")
        async with called_by(MALLORY, site["North"]) as line:
            hello(line)
            await until_type(line, Type.HELLO)
            for version in (1, 4, 5):
                line.send(Type.ROSTER, organizer.roster(version))
            peer = site["North"].lan.peers.get(MALLORY.device)
            assert peer is not None
            line.send(Type.PING, bytes(32))
            await until_type(line, Type.PONG)
            await until(peer._brought.empty)
            await site["North"].lan._documents.take(
                Type.ROSTER, organizer.roster(4)
            )  # they are done
            assert MALLORY.device in site["North"].peers()
        roster = site["North"].site.gate.held.trust.roster
        assert roster.roster is not None
        assert "renamed" not in {each.name for each in roster.roster.devices}
        return roster.version


def test_an_older_or_forked_roster_changes_nothing(tmp_path: Path) -> None:
    """Nor does it part two gates: the organizer signed it, once."""
    assert asyncio.run(older_and_forked(tmp_path)) == 5


async def between_hello_and_entering(folder: Path) -> None:
    """Have a roster come while a second connection waits for the first to prove that it lives."""
    async with venue(folder, "North", listed=(device(MALLORY),)) as site:
        north = site["North"]
        async with called_by(MALLORY, north) as first, called_by(MALLORY, north) as second:
            hello(first, number=2)
            await until(north.peers)
            hello(second, number=1)  # gives way to the first, if that answers
            await until_type(second, Type.HELLO)
            revoke(site.world, MALLORY.pk)
            held = north.site.gate.held
            held.replace(held.trust._replace(roster=held.trust.roster.update(
                site.world.organizer.roster(2), held.trust.keys, north.site.gate.clock.now()
            )))  # fmt: skip
            second.send(Type.PUSH, b"not even looked at")
            assert await farewell(second) in (Reason.NOT_LISTED, Reason.REVOKED)
        assert north.peers() == set()


def test_a_roster_is_obeyed_between_hello_and_the_first_word(tmp_path: Path) -> None:
    """There is a second in which a newcomer waits."""
    asyncio.run(between_hello_and_entering(tmp_path))
