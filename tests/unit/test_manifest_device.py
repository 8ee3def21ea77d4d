"""What a device holds, and how it comes by something newer."""

import msgspec
import pytest

from shared.errors import Malformed, Refused, Untrusted
from shared.manifest import build, frames, ticket
from shared.manifest.delta import Change
from shared.manifest.ticket import Status, TicketRecord
from shared.manifest.trusted import TrustedManifest
from tests.publisher import (
    EVENT,
    NEXT_SIGNER,
    NOW,
    REVOKED,
    TRUSTED,
    UNTIMED,
    Publisher,
    fill,
    hash_of,
    held,
    load,
    sealed,
)
from tests.publisher import ticket as record

BLOBS = {hash_of(number): bytes([number]) * 60 for number in range(0, 50, 2)}


@pytest.fixture
def publisher() -> Publisher:
    """Fifty tickets with every other name, and after them three more versions."""
    made = Publisher([record(number) for number in range(50)], dict(BLOBS))
    made.publish(Change(record(3, status=Status.REFUNDED)), Change(record(50), bytes(60)))
    made.publish()
    made.publish(Change(record(4, gen=2), b"\1" * 76))
    return made


def test_a_table_knows_its_tickets_and_no_other(publisher: Publisher) -> None:
    """Every record is found by its hash; an unknown hash is not, in an empty chunk or full."""
    table = publisher.newest.table
    assert table.tickets == 51
    assert table.find(hash_of(3)) == record(3, status=Status.REFUNDED)
    assert table.find(hash_of(4)) == record(4, gen=2)
    assert table.find(hash_of(50)) == record(50)
    assert [table.find(hash_of(number)) for number in range(51, 400)] == [None] * 349
    assert sorted(each.number for each in table.records()) == list(range(51))


def test_a_table_gives_the_name_beside_its_record(publisher: Publisher) -> None:
    """Old, new and replaced names; none for a ticket without, or for none at all."""
    table = publisher.newest.table
    assert table.name(hash_of(2)) == BLOBS[hash_of(2)]
    assert table.name(hash_of(4)) == b"\1" * 76
    assert table.name(hash_of(50)) == bytes(60)
    assert [table.name(hash_of(number)) for number in (1, 3, 999)] == [b""] * 3
    assert table._replace(names=()).name(hash_of(2)) == b""


def test_a_snapshot_is_the_publisher_s_table(publisher: Publisher) -> None:
    """With names, and without."""
    device = load(publisher.newest, with_names=True)
    assert held(device) == publisher.newest
    assert held(load(publisher.newest)).table == publisher.newest.table._replace(names=())


@pytest.mark.parametrize("with_names", [False, True])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_deltas_lead_from_any_version_to_the_newest(
    publisher: Publisher, version: int, with_names: bool
) -> None:
    """The same state as a snapshot of the newest."""
    device = load(publisher.editions[version - 1], with_names=with_names)
    device = device.follow(publisher.newest.raw, publisher.log(version), TRUSTED, NOW)
    assert device == load(publisher.newest, with_names=with_names)


def test_following_to_where_one_is_changes_nothing(publisher: Publisher) -> None:
    """The same head and no entries."""
    device = load(publisher.newest)
    assert device.follow(publisher.newest.raw, b"", TRUSTED, NOW) == device


def test_a_snapshot_over_an_older_table_fetches_what_changed_alone(publisher: Publisher) -> None:
    """Three tickets changed: three chunks of records, and of names where there is another."""
    device = load(publisher.editions[0], with_names=True)
    assembly = device.preload(publisher.newest.raw, TRUSTED, NOW, with_names=True)
    changed = sorted(hash_of(number)[0] for number in (3, 4, 50))
    assert assembly.missing == changed
    assert assembly.missing_names == sorted(hash_of(number)[0] for number in (4, 50))
    device = device.take(fill(assembly, publisher.newest.table), TRUSTED)
    assert held(device) == publisher.newest


def test_a_device_that_starts_again_has_what_it_had(publisher: Publisher) -> None:
    """Its head and chunks from storage, without trusted time."""
    device = load(publisher.newest, with_names=True)
    again = TrustedManifest(EVENT)
    assembly = again.preload(publisher.newest.raw, TRUSTED, UNTIMED, with_names=True)
    assert again.take(fill(assembly, held(device).table), TRUSTED) == device


def test_a_download_that_broke_off_goes_on(publisher: Publisher) -> None:
    """Whole frames are kept, the piece of a frame waits for the rest of it."""
    table = publisher.newest.table
    assembly = TrustedManifest(EVENT).preload(publisher.newest.raw, TRUSTED, NOW)
    answer = b"".join(frames.encode(i, table.chunks[i]) for i in assembly.missing)
    taken, rest = frames.take(answer[:-10])
    for index, data in taken:
        assembly = assembly.add(index, data)
    assert assembly.missing == [max(hash_of(number)[0] for number in range(51))]
    [(index, data)], rest = frames.take(rest + answer[-10:])
    assert not rest
    assert assembly.add(index, data).missing == []


def test_what_is_held_stays_when_an_update_fails(publisher: Publisher) -> None:
    """After a log that breaks off in its last entry, everything is as before."""
    device = load(publisher.editions[0], with_names=True)
    before = held(device).table
    copy = type(before)(before.event, tuple(map(bytes, before.chunks)), before.names)
    with pytest.raises(Malformed):
        device.follow(publisher.newest.raw, publisher.log(1)[:-1], TRUSTED, NOW)
    assert held(device).table == copy


def test_a_snapshot_that_was_overtaken_is_refused(publisher: Publisher) -> None:
    """A delta came in while the snapshot of a version before was loading."""
    device = load(publisher.editions[0])
    assembly = fill(
        device.preload(publisher.editions[1].raw, TRUSTED, NOW), publisher.editions[1].table
    )
    device = device.follow(publisher.newest.raw, publisher.log(1), TRUSTED, NOW)
    with pytest.raises(Refused) as caught:
        device.take(assembly, TRUSTED)
    assert caught.value.code == "manifest_rollback"


def test_of_two_snapshots_of_one_version_the_second_is_a_fork(publisher: Publisher) -> None:
    """Both were begun before either was whole."""
    other = msgspec.structs.replace(publisher.newest.head, sales_end=1)
    device = TrustedManifest(EVENT)
    first, second = (
        fill(device.preload(raw, TRUSTED, NOW), publisher.newest.table)
        for raw in (publisher.newest.raw, sealed(other))
    )
    device = device.take(first, TRUSTED)
    with pytest.raises(Refused) as caught:
        device.take(second, TRUSTED)
    assert caught.value.code == "manifest_forked"


def test_a_revoked_key_s_manifest_binds_nothing() -> None:
    """A lower version with other tickets replaces it, by a snapshot and by nothing else."""
    stolen = Publisher([record(1)._replace(number=0)], version=2**32 - 1)
    device = load(stolen.newest)
    honest = Publisher([record(0)])
    newer = honest.publish(secret=NEXT_SIGNER)
    with pytest.raises(Refused) as caught:
        load(newer, device)
    assert caught.value.code == "manifest_rollback"
    with pytest.raises(Refused) as caught:
        device.follow(newer.raw, honest.log(1), REVOKED, NOW)
    assert caught.value.code == "manifest_missing"
    assert device.base(TRUSTED) == stolen.newest
    assert device.base(REVOKED) is None
    assert held(load(newer, device, REVOKED)) == newer


def test_a_chunk_that_has_become_empty_is_not_waited_for() -> None:
    """Nobody sends it; neither its records nor its names are missing."""
    stolen = Publisher([record(1)._replace(number=0)], {hash_of(1): bytes(60)}, version=9)
    honest = Publisher([record(0)], {hash_of(0): bytes(60)})
    newer = honest.publish(secret=NEXT_SIGNER)
    begun = load(stolen.newest).preload(newer.raw, REVOKED, NOW, with_names=True)
    assert begun.missing == begun.missing_names == [hash_of(0)[0]]


def test_a_snapshot_whose_key_was_revoked_meanwhile_is_refused() -> None:
    """A keyset came in while the chunks were loading; what is held stays."""
    honest = Publisher([record(0)])
    device = load(honest.publish(secret=NEXT_SIGNER))
    stolen = Publisher([record(0)], version=9).newest
    assembly = fill(device.preload(stolen.raw, TRUSTED, NOW), stolen.table)
    with pytest.raises(Untrusted) as caught:
        device.take(assembly, REVOKED)
    assert caught.value.code == "document_unknown_key"
    assert device.base(REVOKED) == honest.newest


def test_a_withdrawn_ticket_may_change_how_it_was_withdrawn() -> None:
    """Refunded, then revoked; never active again, not even with a higher gen."""
    refunded = record(0, status=Status.REFUNDED)
    ticket.check_successor(refunded, record(0, gen=2, status=Status.REVOKED))
    for status in (Status.ACTIVE, Status.BLOCKED, Status.UNPAID):
        with pytest.raises(Refused) as caught:
            ticket.check_successor(refunded, record(0, gen=2, status=status))
        assert caught.value.code == "ticket_reinstated"


def test_an_event_without_a_manifest_has_nothing_to_revoke() -> None:
    """A device that holds nothing, or no keyset, has no base."""
    assert TrustedManifest(EVENT).base(REVOKED) is None
    device = load(Publisher([record(0)]).newest)
    assert device.base(TRUSTED._replace(keyset=None)) == device.held


@pytest.mark.parametrize(
    "wrong",
    [
        record(0)._replace(ticket_hash=bytes(15)),
        record(0)._replace(holder=bytes(5)),
        record(0)._replace(gen=65_536),
        record(0)._replace(number=-1),
    ],
)
def test_a_record_that_does_not_fit_its_bytes_is_not_packed(wrong: TicketRecord) -> None:
    """struct would cut and pad in silence."""
    with pytest.raises(ValueError, match=r"bytes|range"):
        ticket.pack(wrong)


def test_a_publisher_gives_every_number_once() -> None:
    """Two tickets of one number make no table, and neither does one ticket twice."""
    for records, code in (
        ([record(0), record(1)._replace(number=0)], "table_number_repeated"),
        ([record(0), record(2)], "table_number"),
        ([record(0), record(0)._replace(number=1)], "chunk_repeated"),
    ):
        with pytest.raises(Malformed) as caught:
            build.table(EVENT, records)
        assert caught.value.code == code


def test_a_chunk_that_is_not_the_head_s_is_untrusted(publisher: Publisher) -> None:
    """Whoever sent it."""
    assembly = TrustedManifest(EVENT).preload(publisher.newest.raw, TRUSTED, NOW)
    with pytest.raises(Untrusted) as caught:
        assembly.add(assembly.missing[0], publisher.newest.table.chunks[assembly.missing[1]])
    assert caught.value.code == "chunk_hash"
