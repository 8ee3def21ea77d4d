"""Chains held against a verifier that checks every signature (spec/log.md §3)."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from shared.hashing import device_id
from shared.keys import public_key, verify
from shared.log import gossip
from shared.log.chain import Fault, Head, verify_chain
from shared.log.record import DOMAIN
from tests.vectors import wire
from tests.vectors.wire_log import GATE, OTHER_GATE, chain

PK = public_key(GATE)
EVERY = chain(8)
OTHER = chain(8, gate=9)  # another history by the same device
THEIRS = chain(8, OTHER_GATE)


def naive(batch: bytes, start: Head | None) -> list[bytes]:
    """Return the hashes of what the device vouches for, by the definition: the records that
    follow one another from the start, up to the last that has a right signature of its own."""
    device = device_id(PK)
    linked: list[bytes] = []
    signed = 0
    for at in range(0, len(batch), 256):
        raw = batch[at : at + 256]
        if len(raw) < 256 or raw[0] != 1 or raw[4:20] != device:
            break
        incarnation = start.incarnation if start else int.from_bytes(batch[20:24], "big")
        seq = (start.seq if start else 0) + len(linked) + 1
        prev = linked[-1] if linked else start.hash if start else raw[32:64]
        if raw[20:64] != incarnation.to_bytes(4, "big") + seq.to_bytes(8, "big") + prev:
            break
        linked.append(sha256(raw).digest())
        if verify(PK, DOMAIN, raw[:192], raw[192:]):
            signed = len(linked)
    return linked[:signed]


def resealed(raw: bytes, secret: bytes) -> bytes:
    return raw[:192] + wire.sign(secret, "log", raw[:192])


@st.composite
def corrupted(draw: st.DrawFn, *, insider: bool) -> bytes:
    """A batch with things done to it; an `insider` holds the device's key."""
    batch = list(EVERY[: draw(st.integers(1, 8))])
    whole = [*EVERY, *THEIRS] + (OTHER if insider else [])
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(batch) - 1)))
        act = draw(st.sampled_from(["drop", "swap", "repeat", "flip", "insert", "cut", "sign"]))
        if not batch:
            break
        if act == "drop":
            del batch[at]
        elif act == "swap":
            batch[at - 1], batch[at] = batch[at], batch[at - 1]
        elif act == "repeat":
            batch.insert(at, batch[at])
        elif act == "flip":
            raw, byte = batch[at], draw(st.integers(0, len(batch[at]) - 1))
            batch[at] = (
                raw[:byte] + bytes((raw[byte] ^ draw(st.integers(1, 255)),)) + raw[byte + 1 :]
            )
        elif act == "insert":
            batch.insert(at, draw(st.sampled_from(whole)))
        elif act == "cut":
            batch[-1] = batch[-1][: draw(st.integers(1, 255))]
        else:
            secret = GATE if insider and draw(st.booleans()) else OTHER_GATE
            batch[at] = resealed(batch[at], secret)
            if at + 1 < len(batch):  # and make the next follow it again
                follows = batch[at + 1][:32] + sha256(batch[at]).digest() + batch[at + 1][64:]
                batch[at + 1] = resealed(follows, GATE if insider else OTHER_GATE)
    return b"".join(batch)


def starts() -> st.SearchStrategy[Head | None]:
    heads = [Head(device_id(PK), 1, seq, sha256(EVERY[seq - 1]).digest()) for seq in range(1, 8)]
    return st.none() | st.sampled_from(heads)


@given(corrupted(insider=True), st.none() | starts())
def test_hashes_and_one_signature_find_what_all_signatures_find(
    batch: bytes, start: Head | None
) -> None:
    """The same records are accepted as by the definition, whatever was done, by whomever."""
    checked = verify_chain(batch, PK, start)
    assert list(checked.hashes) == naive(batch, start)
    assert (checked.broken is None) == (len(checked.hashes) * 256 == len(batch))
    if checked.broken:
        assert checked.broken.at == len(checked.hashes)


@given(corrupted(insider=False))
def test_nobody_else_can_add_change_or_reorder(batch: bytes) -> None:
    """Without the device's key, what is accepted is how the device's log begins."""
    checked = verify_chain(batch, PK, None)
    genuine = [sha256(raw).digest() for raw in EVERY]
    assert list(checked.hashes) == genuine[: len(checked.hashes)]
    assert checked.broken is None or checked.broken.fault is not Fault.FORK


@given(corrupted(insider=True), st.integers(0, 8))
def test_batches_may_be_cut_anywhere(batch: bytes, cut: int) -> None:
    """What one batch is good for, two are, wherever the first is wholly accepted."""
    first = verify_chain(batch[: cut * 256], PK, None)
    whole = verify_chain(batch, PK, None)
    assert first.hashes == whole.hashes[: len(first.hashes)]
    if first.broken is None and first.head:
        second = verify_chain(batch[cut * 256 :], PK, first.head)
        assert first.hashes + second.hashes == whole.hashes


@given(st.lists(st.integers(0, 255), max_size=40).map(bytes) | st.binary(max_size=1100))
def test_any_bytes_are_checked(batch: bytes) -> None:
    """Nothing raises, and nothing that nobody signed is accepted."""
    assert verify_chain(batch, PK, None).hashes == ()


Vectors = dict[tuple[bytes, int], int]
LENGTHS = st.dictionaries(
    st.tuples(st.binary(min_size=16, max_size=16), st.integers(1, 3)), st.integers(1, 9000)
)


def marks(lengths: Vectors) -> dict[tuple[bytes, int], gossip.Mark]:
    """One history of each incarnation, held to some length."""
    return {
        key: gossip.Mark(seq, sha256(repr((key, seq)).encode()).digest())
        for key, seq in lengths.items()
    }


@given(LENGTHS, LENGTHS)
def test_an_exchange_leaves_both_with_everything(mine: Vectors, theirs: Vectors) -> None:
    """What each sends is exactly what the other lacks, in order and without a gap."""
    for key in list(mine)[::2]:
        theirs.setdefault(key, max(1, mine[key] - 5000))
    after: list[Vectors] = []
    for held, other in ((mine, theirs), (theirs, mine)):
        grown = dict(held)
        for span in gossip.missing(marks(other), marks(held)):
            assert span.after == grown.get((span.device, span.incarnation), 0)
            assert 0 < span.upto - span.after <= 4096
            grown[span.device, span.incarnation] = span.upto
        after.append(grown)
    assert after[0] == after[1]
    assert after[0] == {
        k: max(mine.get(k, 0), theirs.get(k, 0)) for k in mine.keys() | theirs.keys()
    }
    assert not list(gossip.forked(marks(mine), marks(theirs)))
