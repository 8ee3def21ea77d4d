"""What is too large is refused, before it is read where that can be."""

import pytest

from shared.errors import Malformed
from shared.event import TicketClass
from shared.manifest import build, chunk, delta, frames, names
from shared.manifest.assembly import Assembly
from shared.manifest.delta import Change, Entry
from shared.manifest.head import seal_head
from shared.manifest.ticket import SIZE, Status, TicketRecord
from shared.manifest.trusted import TrustedManifest
from shared.signed import CAPS, Kind
from tests.publisher import EVENT, NOW, PLAN, SIGNER, TRUSTED, Publisher, ticket


def crowd(count: int) -> list[TicketRecord]:
    """Return tickets that all belong into chunk 0."""
    return [TicketRecord(i.to_bytes(16, "big"), i, 0, 0, Status.ACTIVE) for i in range(count)]


def begun() -> Assembly:
    """Return a snapshot with names, of which nothing is there yet."""
    raw = Publisher([ticket(0)], names={}).newest.raw
    return TrustedManifest(EVENT).preload(raw, TRUSTED, NOW, with_names=True)


def test_a_chunk_has_at_most_16384_records() -> None:
    """The last that fits is taken; with one more the chunk is too large."""
    assert build.table(EVENT, crowd(16_384)).tickets == 16_384
    with pytest.raises(Malformed) as caught:
        build.table(EVENT, crowd(16_385))
    assert caught.value.code == "chunk_too_large"


def test_a_chunk_too_large_is_not_hashed() -> None:
    """The size is told before the hash, which is wrong as well."""
    with pytest.raises(Malformed) as caught:
        begun().add(0, bytes(16_384 * SIZE + 1))
    assert caught.value.code == "chunk_too_large"


def test_names_too_large_are_not_hashed() -> None:
    """Likewise."""
    with pytest.raises(Malformed) as caught:
        begun().add_names(0, bytes(16_384 * 221 + 1))
    assert caught.value.code == "names_too_large"


def test_names_are_not_read_beyond_their_size() -> None:
    """Not a single one of them."""
    with pytest.raises(Malformed) as caught:
        next(names.iterate(bytes(16_384 * 221 + 1)))
    assert caught.value.code == "names_too_large"


def test_a_delta_grows_no_chunk_beyond_its_size() -> None:
    """One ticket more than a chunk may have."""
    table = build.table(EVENT, crowd(16_384))
    more = TicketRecord((16_384).to_bytes(16, "big"), 16_384, 0, 0, Status.ACTIVE)
    with pytest.raises(Malformed) as caught:
        delta.advance(table, delta.entry(2, [Change(more)]))
    assert caught.value.code == "chunk_too_large"


def test_a_log_has_at_most_8_mebibytes() -> None:
    """Eight entries of a mebibyte and their headers are beyond it."""
    log = delta.encode([Entry(i, bytes(2**20 - 8)) for i in range(8)])
    assert len(delta.decode(log)) == 8
    with pytest.raises(Malformed) as caught:
        delta.decode(log + b"\0")
    assert caught.value.code == "delta_too_large"


def test_a_log_has_at_most_4096_entries() -> None:
    """Empty ones are 8 bytes each, so the bytes alone would let a million in."""
    log = delta.encode([Entry(i, b"") for i in range(4096)])
    assert len(delta.decode(log)) == 4096
    with pytest.raises(Malformed) as caught:
        delta.decode(log + bytes(8))
    assert caught.value.code == "delta_too_long"
    assert caught.value.offset == 4096 * 8


def test_a_publisher_makes_no_entry_that_gates_refuse() -> None:
    """A mebibyte of changes is 34,952 tickets without names."""
    changes = [Change(record) for record in crowd(34_953)]
    assert len(delta.entry(1, changes[:-1]).changes) <= 2**20
    with pytest.raises(ValueError, match="at most 1048576 bytes"):
        delta.entry(1, changes)


def test_a_publisher_signs_no_head_that_gates_refuse() -> None:
    """Too many bytes, and likewise what the types or the checks of a head refuse."""
    head = Publisher().newest.head
    classes = tuple(TicketClass(i, "n" * 80, (1,), attention="n" * 200) for i in range(3000))
    fields = {name: getattr(head, name) for name in head.__struct_fields__}
    large = type(head)(**fields | {"plan": type(PLAN)((), (), classes)})
    with pytest.raises(ValueError, match=f"at most {CAPS[Kind.MANIFEST]} bytes"):
        seal_head(large, SIGNER)
    for wrong, code in (
        ({"version": 0}, "document_body"),
        ({"issued": head.expires}, "manifest_window"),
        ({"names": ("",)}, "manifest_names"),
    ):
        with pytest.raises(Malformed) as caught:
            seal_head(type(head)(**fields | wrong), SIGNER)
        assert caught.value.code == code


def test_the_caps_are_those_of_the_specification() -> None:
    """In bytes and in tickets."""
    assert (chunk.MAX_SIZE, names.MAX_SIZE, chunk.MAX_TICKETS) == (475_136, 3_620_864, 2_097_152)


def test_an_answer_has_at_most_256_frames() -> None:
    """The 257th is refused, however short each is."""
    answer = b"".join(frames.encode(index, b"") for index in range(256))
    assert len(frames.take(answer)[0]) == 256
    with pytest.raises(Malformed) as caught:
        frames.take(answer * 2)
    assert (caught.value.code, caught.value.offset) == ("frame_too_many", len(answer))
