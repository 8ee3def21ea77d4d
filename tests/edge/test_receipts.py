"""What the cloud has signed for: believed where it is about the very records that are here."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.gate.ledger import Line
from edge.gate.receipts import Receipts, disputed
from edge.practice.world import World
from edge.store.log import AT_ONCE, MIRRORED
from edge.store.stores import MIRROR
from shared import keys
from shared.devices.receipt import Mark, Receipt, seal_receipt
from shared.errors import UsherError
from shared.log.record import EMPTY, SIZE, Kind, record_hash
from tests.edge.gates import NOW, Site, heard, two_sites
from tests.scribe import Scribe

AT = NOW * 1000 + 5000


def mark(raw: bytes, **other: object) -> Mark:
    """Return what the cloud says that has everything up to this record."""
    place = int.from_bytes(raw[20:24], "big"), int.from_bytes(raw[24:32], "big")
    fields = dict(zip(("incarnation", "seq"), place, strict=True))
    said = {"device": raw[4:20].hex(), **fields, "hash": record_hash(raw).hex()} | other
    return Mark(**said)  # type: ignore[arg-type]


def receipt(site: Site, *marks: Mark, secret: bytes = b"", tenant: bytes = b"") -> bytes:
    """Return a receipt, signed by the organizer's command key unless told otherwise."""
    organizer = site.world.organizer
    said = Receipt((tenant or organizer.tenant).hex(), AT, marks)
    return seal_receipt(said, secret or organizer.secret("command"))


def take(site: Site, *marks: Mark) -> None:
    Receipts(site.gate).take(receipt(site, *marks))


def waiting(site: Site) -> int:
    """Return how many own records wait, which are those that would be sent."""
    log, me = site.gate.stores.log, site.me.device
    assert log.waiting(me) == len([*log.unconfirmed(me)])
    return log.waiting(me)


def some(site: Site, count: int = 4) -> list[bytes]:
    for number in range(count):
        site.scan(f"#{number}")
    return site.raws()


def test_a_receipt_says_what_need_not_be_sent(site: Site) -> None:
    """Up to its mark, for good; its time is the cloud's."""
    raws = some(site)
    assert waiting(site) == 5
    take(site, mark(raws[2]))
    assert waiting(site) == 2
    assert site.gate.clock.now().ms >= AT
    take(site, mark(raws[1]))
    assert waiting(site) == 2
    site.reopen()
    assert waiting(site) == 3
    take(site, mark(raws[-1]), mark(site.raws()[-1]))
    assert waiting(site) == 0
    assert disputed(site.gate.stores.settings) == set()


@pytest.mark.parametrize("whose", ["manifest", "roster", "nobody"])
def test_a_receipt_by_another_key_confirms_nothing(site: Site, whose: str) -> None:
    """Not even one of the organizer's, of another role."""
    raws = some(site)
    forged = receipt(site, mark(raws[-1]), secret=site.world.organizer.secret(whose))
    with pytest.raises(UsherError):
        Receipts(site.gate).take(forged)
    assert waiting(site) == 5


def test_another_tenants_receipt_confirms_nothing(site: Site) -> None:
    """Though a key of ours signed it."""
    raws = some(site)
    with pytest.raises(UsherError, match="receipt_tenant"):
        Receipts(site.gate).take(receipt(site, mark(raws[-1]), tenant=bytes(16)))
    assert waiting(site) == 5


def test_a_changed_receipt_confirms_nothing(site: Site) -> None:
    """Not by a single bit."""
    raws = some(site)
    good = receipt(site, mark(raws[-1]))
    for at in range(0, len(good), 7):
        with pytest.raises(UsherError):
            Receipts(site.gate).take(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    assert waiting(site) == 5


def test_a_receipt_of_another_history_confirms_nothing_and_is_told(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy of this device's disk has written in its name: what we have, nobody has."""
    raws = some(site)
    take(site, mark(raws[3], hash=record_hash(b"another").hex()))
    assert waiting(site) == 5
    assert disputed(site.gate.stores.settings) == {(site.me.device, 1)}
    assert "another history" in caplog.text
    site.reopen()
    assert disputed(site.gate.stores.settings) == {(site.me.device, 1)}


def test_a_receipt_of_what_is_not_here_says_nothing(site: Site) -> None:
    """Of devices that were never heard of."""
    raws = some(site)
    take(site, mark(raws[1], device="ab" * 16))
    assert waiting(site) == 5
    assert disputed(site.gate.stores.settings) == set()


def test_a_receipt_beyond_our_own_end_is_told(site: Site) -> None:
    """Nobody but a copy of this device can have written on."""
    raws = some(site)
    take(site, mark(raws[-1], seq=99), mark(raws[-1], incarnation=7))
    assert waiting(site) == 5
    assert disputed(site.gate.stores.settings) == {(site.me.device, 1), (site.me.device, 7)}


def test_a_neighbours_receipt_is_about_the_neighbour(swift: Path) -> None:
    """It is noted, so that its log is not passed on again; ours waits."""
    north, south = two_sites(swift, World.make(NOW, tickets=8))
    some(north)
    theirs = some(south)
    heard(south, north)
    take(north, mark(theirs[-1]))
    assert waiting(north) == 5
    assert north.gate.stores.log.confirmed().keys() == {(south.me.device, 1)}
    north.close()
    south.close()


@pytest.fixture
def forked(swift: Path) -> Iterator[tuple[Site, list[bytes], list[bytes]]]:
    """Return a gate that hears of a device with two histories, and these, from their parting on."""
    world, scribe = World.make(NOW, tickets=2), Scribe("copied")
    world.organizer.enrol("Copied", scribe.public)
    site, other = two_sites(swift, world)
    other.close()
    begin = [scribe.boot(), scribe.enter("a")]
    head, seq = scribe.head, scribe.seq
    one = [scribe.enter("b"), scribe.enter("c")]
    scribe.head, scribe.seq = head, seq
    two = [scribe.enter("d"), scribe.enter("e")]
    site.gate.stores.log.keep(begin, {})
    yield site, one, two
    site.close()


def test_of_two_histories_a_receipt_confirms_neither(
    forked: tuple[Site, list[bytes], list[bytes]],
) -> None:
    """Its mark says which one the cloud has, and nothing of the other's records."""
    site, one, two = forked
    log = site.gate.stores.log
    log.keep([*one, *two], {})
    take(site, mark(one[-1]))
    assert log.confirmed() == {}
    assert len(disputed(site.gate.stores.settings)) == 1


def test_a_second_history_that_comes_later_is_not_confirmed(
    forked: tuple[Site, list[bytes], list[bytes]],
) -> None:
    """A receipt was about what was here when it came."""
    site, one, two = forked
    log, device = site.gate.stores.log, one[0][4:20]
    log.keep(one, {})
    take(site, mark(one[-1]))
    assert log.confirmed()[device, 1].seq == 4
    log.keep(one, {})
    assert log.confirmed()[device, 1].seq == 4
    log.keep(two, {})
    assert log.confirmed()[device, 1].seq == 2
    assert [*log.unconfirmed(device)] == sorted(
        [*one, *two], key=lambda raw: (raw[24:32], record_hash(raw))
    )


def marked(site: Site, count: int) -> None:
    """Write many records that say little."""
    line = Line(EMPTY._replace(kind=Kind.MARK, reason=1))
    for _ in range(0, count, 500):
        site.gate.ledger.append([line] * 500)


def mirrored(site: Site) -> list[bytes]:
    return site.gate.stores.mirror.read()


def test_the_mirror_does_not_grow_with_what_is_confirmed(site: Site) -> None:
    """After a receipt it holds what the cloud has not, and then what is new."""
    marked(site, 6000)
    assert len(mirrored(site)) == 6001
    raws = site.raws()
    take(site, mark(raws[1000]))
    assert len(mirrored(site)) == 6001, "most of it still waits"
    take(site, mark(raws[5000]))
    assert mirrored(site) == raws[5001:]
    site.scan("standing")
    assert mirrored(site) == site.raws()[5001:]
    for _ in range(5):
        marked(site, 5000)
        take(site, mark(site.raws()[-1]))
        assert len(mirrored(site)) * SIZE <= MIRRORED + 5000 * SIZE
    assert site.code_of("seated") == "admitted"
    last = site.raws()[-1]
    assert last in mirrored(site)


def test_what_is_written_while_the_mirror_is_trimmed_is_in_it(site: Site) -> None:
    """It loses no record that the cloud has not."""
    marked(site, 5000)
    confirmed = site.raws()[-1]
    stop = threading.Event()

    def scan() -> None:
        while not stop.is_set():
            marked(site, 1)

    thread = threading.Thread(target=scan)
    thread.start()
    for _ in range(20):
        take(site, mark(confirmed))
        site.gate.stores.mirror.trim(site.gate.stores.log.unconfirmed(site.me.device))
    stop.set()
    thread.join()
    log = site.gate.stores.log
    assert {*log.unconfirmed(site.me.device)} == {*mirrored(site)}


def test_a_mirror_that_can_not_be_trimmed_stays(site: Site) -> None:
    """Whatever is in the way."""
    marked(site, 5000)
    (site.folder / MIRROR).with_suffix(".new").mkdir()
    take(site, mark(site.raws()[-1]))
    assert mirrored(site) == site.raws()
    site.scan("standing")
    assert mirrored(site) == site.raws()


def test_what_waits_is_read_a_few_at_a_time(site: Site) -> None:
    """In the order of its places, over several boots, whatever is written meanwhile."""
    marked(site, 2 * AT_ONCE)
    site.reopen()
    marked(site, AT_ONCE)
    log, me = site.gate.stores.log, site.me.device
    reading = log.unconfirmed(me)
    first = next(reading)
    site.scan("standing")
    assert [first, *reading] == site.raws()
    assert keys.public_key(site.me.secret) == site.me.pk
