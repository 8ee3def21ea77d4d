"""Writing a log: what `place`, `seal` and `advance` make holds as a chain (spec/log.md §4)."""

import pytest

from shared.errors import Malformed, Refused
from shared.hashing import device_id
from shared.keys import public_key
from shared.log import hlc
from shared.log.chain import MAX_BATCH, Break, Fault, Head, signed_alone, verify_chain
from shared.log.record import (
    DOMAIN,
    EMPTY,
    SIGNED,
    SIZE,
    Bits,
    Confirm,
    Kind,
    Record,
    Shown,
    TimeQuality,
    decode,
    encode,
    pack,
    pack_bits,
    record_hash,
    record_id,
    seal,
    signed_by,
    unpack_bits,
)
from shared.log.writer import Tail, advance, boot, hear, place
from tests.vectors.wire_log import KINDS

SEED = bytes(range(32))
PK = public_key(SEED)
NOW = 1_800_000_000_000
ENTRY = EMPTY._replace(
    kind=Kind.IN,
    bits=pack_bits(Bits()),
    event=b"arena-01",
    gate=1,
    zone=1,
    allowance=1,
    terms=127,
    ticket=b"t" * 16,
    ref=b"r" * 16,
    evidence=b"e" * 32,
)


def written(entries: int, tail: Tail | None = None) -> tuple[list[bytes], Tail]:
    """Boot and admit; return the records and the tail."""
    tail = tail or Tail(device_id(PK))
    raws = [seal(boot(tail, EMPTY, NOW, 0), SEED)]
    tail = advance(tail, raws[-1])
    for i in range(entries):
        raws.append(seal(place(tail, ENTRY, NOW + i, i), SEED))
        tail = advance(tail, raws[-1])
    return raws, tail


def test_what_is_written_verifies() -> None:
    """A log that this package writes is a chain that this package accepts."""
    raws, tail = written(3)
    checked = verify_chain(b"".join(raws), PK, None)
    assert checked.broken is None
    assert checked.head == Head(*tail[:4])
    assert checked.hashes == tuple(map(record_hash, raws))
    assert [decode(raw).seq for raw in raws] == [1, 2, 3, 4]


def test_a_boot_follows_all_that_was_written() -> None:
    """The second incarnation's BOOT names the first one's last record and counts on."""
    raws, tail = written(2)
    again, after = written(1, tail)
    first = decode(again[0])
    assert (first.kind, first.incarnation, first.seq) == (Kind.BOOT, 2, 1)
    assert first.prev == record_hash(raws[-1])
    assert after.hlc > tail.hlc


def test_the_tail_is_read_from_the_last_record() -> None:
    """After a restart the last stored record alone tells where the log goes on."""
    raws, tail = written(2)
    assert advance(Tail(device_id(PK)), raws[-1]) == tail


def test_stamps_rise_though_the_clock_falls() -> None:
    """Each record's stamp is above the last one's, with the wall clock set back."""
    _, tail = written(1)
    late = place(tail, ENTRY, NOW - 10**9, 5)
    assert late.hlc > tail.hlc


def test_a_peer_s_stamp_lifts_the_next_record() -> None:
    """What was written after a peer's record was seen is stamped after it."""
    _, tail = written(1)
    peer = hlc.stamp(NOW + 30_000)
    assert place(hear(tail, peer, NOW), ENTRY, NOW, 5).hlc > peer


def test_a_stamp_far_ahead_is_told_of() -> None:
    """Beyond a minute staff see that a clock is wrong; at a minute they don't."""
    assert hlc.ahead(hlc.stamp(NOW + 60_001), NOW)
    assert not hlc.ahead(hlc.stamp(NOW + 60_000, 5), NOW)


def test_a_record_that_nobody_would_accept_is_not_signed() -> None:
    """`seal` checks first."""
    with pytest.raises(Malformed) as error:
        seal(ENTRY._replace(seq=2, incarnation=1), SEED)
    assert error.value.code == "record_version"


@pytest.mark.parametrize(
    "changed",
    [{"gate": 65_536}, {"gate": -1}, {"seq": 2**64}, {"ref": b"short"}, {"ref": b"l" * 17}],
)
def test_a_value_that_does_not_fit_is_refused(changed: dict[str, int | bytes]) -> None:
    """Nothing is cut or padded on its way into a record."""
    record = Record(**(ENTRY._asdict() | changed))
    with pytest.raises(Malformed) as error:
        encode(record)
    assert error.value.code == "record_range"


def test_pack_is_what_is_signed() -> None:
    """The first 192 bytes, whatever the signature."""
    assert pack(ENTRY) == encode(ENTRY)[:SIGNED]
    assert len(DOMAIN + pack(ENTRY)) == 13 + 192


def test_a_record_s_id_is_the_start_of_its_hash() -> None:
    """So that a list of hashes names the records too."""
    raw = encode(ENTRY)
    assert record_id(raw) == record_hash(raw)[:16]


def test_stored_numbers_are_those_of_the_spec() -> None:
    """Renumbering would change what every stored record says."""
    assert [int(value) for value in Confirm] == [0, 1, 2]
    assert [int(value) for value in Shown] == [0, 1, 2, 3]
    assert [int(value) for value in TimeQuality] == [0, 1, 2]
    assert {kind.name: int(kind) for kind in Kind} == KINDS


def test_bits_go_back_and_forth() -> None:
    """Every legal value has its place and nothing overlaps."""
    seen = set()
    for confirm in Confirm:
        for shown in Shown:
            for quality in TimeQuality:
                for degraded in (False, True):
                    bits = Bits(confirm, shown, quality, degraded)
                    assert unpack_bits(pack_bits(bits)) == bits
                    seen.add(pack_bits(bits))
    assert len(seen) == 3 * 4 * 3 * 2
    assert max(seen) < 128


def test_each_signature_on_its_own() -> None:
    """Evidence: which records stand without those after them."""
    raws, _ = written(2)
    forged = raws[1][:-1] + bytes((raws[1][-1] ^ 1,))
    assert signed_alone(raws[0] + forged + raws[2] + b"rest", PK) == (True, False, True)
    assert signed_by(raws[0], PK)
    assert not signed_by(raws[0] + b"\0", PK)


def test_a_batch_has_a_bound() -> None:
    """One byte more than 4096 records is refused before anything is hashed."""
    too_many = bytes(MAX_BATCH * SIZE + 1)
    for check in (lambda: verify_chain(too_many, PK, None), lambda: signed_alone(too_many, PK)):
        with pytest.raises(Refused) as error:
            check()
        assert error.value.code == "log_batch_too_large"
    assert verify_chain(too_many[:-1], PK, None).broken == Break(0, Fault.VERSION)
    assert len(signed_alone(too_many[: 3 * SIZE], PK)) == 3


def test_nothing_follows_the_highest_seq() -> None:
    """After 2^64 - 1 there is no place for a record: whatever comes is a repetition."""
    raws, _ = written(1)
    start = Head(device_id(PK), int.from_bytes(raws[0][20:24], "big"), 2**64 - 1, bytes(32))
    checked = verify_chain(raws[0], PK, start)
    assert (checked.hashes, checked.head) == ((), start)
    assert checked.broken == Break(0, Fault.REPEATED)
