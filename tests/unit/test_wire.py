"""What gates and the cloud say to each other: frames, vectors, receipts."""

from hashlib import sha256

import pytest

from shared import hashing, keys
from shared.devices.receipt import Mark, Receipt, open_receipt, seal_receipt
from shared.errors import Malformed, Untrusted
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.log import gossip
from shared.wire import MAX_ENTRIES, decode_vector, encode_vector, frames, unframed
from tests.vectors import wire
from tests.vectors.spec import examples
from tests.vectors.wire_devices import NOW, ROOT, TENANT, keyset

TIME = Instant(NOW * 1000)
KEYS = TrustedKeys(ROOT).update([keyset()], TIME)
DEVICE = hashing.device_id(wire.public(wire.seed("gate A")))
HASH = bytes.fromhex("adb0dab65327357b42258fd3b8cbc743") * 2
VECTOR = {(DEVICE, 1): gossip.Mark(2, HASH)}


def receipt(tenant: bytes = TENANT) -> Receipt:
    return Receipt(tenant.hex(), TIME.ms, (Mark(DEVICE.hex(), 1, 2, HASH.hex()),))


def test_the_bytes_of_the_page_are_what_is_written() -> None:
    """A reader who types an example in gets what the code writes."""
    shown = examples("sync.md")
    assert shown["frames"] == frames([b"abc", b""])
    assert shown["vector"] == encode_vector(VECTOR)


def test_frames_come_back() -> None:
    """Parts are read as they were written, none too."""
    assert unframed(frames([b"abc", b""]), 2) == [b"abc", b""]
    assert unframed(b"", 0) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frames([b"abc"])[:-1], "wire_truncated"),
        (frames([b"abc"])[:3], "wire_truncated"),
        (frames([b"a", b"b"]), "wire_too_many"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, code: str) -> None:
    """A cut or an extra part is told by its own code."""
    with pytest.raises(Malformed) as refused:
        unframed(data, 1)
    assert refused.value.code == code


def test_a_vector_has_one_spelling() -> None:
    """It comes back; unsorted, doubled, cut and oversize ones are refused."""
    other = {(sha256(b"b").digest()[:16], 7): gossip.Mark(9, bytes(32))}
    assert decode_vector(encode_vector(VECTOR | other)) == VECTOR | other
    raw = encode_vector(VECTOR)
    forwards = encode_vector(VECTOR | other)
    for bad in (raw + raw, forwards[60:] + forwards[:60], raw[:-1], raw * (MAX_ENTRIES + 1)):
        with pytest.raises(Malformed) as refused:
            decode_vector(bad)
        assert refused.value.code == "wire_vector"
    many = {(DEVICE, number): gossip.Mark(1, HASH) for number in range(MAX_ENTRIES + 1)}
    with pytest.raises(ValueError, match="at most"):
        encode_vector(many)


def test_a_receipt_is_believed_by_the_command_key_alone() -> None:
    """Anybody may carry it; whoever changes or makes one is found out."""
    command = keys.secret_key(wire.seed("command key"))
    raw = seal_receipt(receipt(), command)
    assert open_receipt(raw, KEYS, TIME, TENANT) == receipt()
    with pytest.raises(Untrusted) as refused:
        open_receipt(seal_receipt(receipt(bytes(16)), command), KEYS, TIME, TENANT)
    assert refused.value.code == "receipt_tenant"
    roster = keys.secret_key(wire.seed("roster key"))
    with pytest.raises(Untrusted) as refused:
        open_receipt(seal_receipt(receipt(), roster), KEYS, TIME, TENANT)
    assert refused.value.code == "document_unknown_key"
