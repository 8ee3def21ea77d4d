"""Every decoder of a manifest is total: a value, or a code that staff have a sentence for."""

from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from shared.errors import SENTENCES, Malformed, Untrusted, UsherError
from shared.manifest import chunk, delta, frames, names, sealed, ticket
from shared.manifest.delta import Change
from shared.manifest.head import open_head
from shared.manifest.sealed import MAX_NAME, MAX_SEAT, Name
from shared.manifest.ticket import Status
from tests.publisher import NOW, TRUSTED, Publisher
from tests.publisher import ticket as record
from tests.vectors import wire_manifest as m
from tests.vectors.manifest_parts import TICKET
from tests.vectors.manifest_parts import ticket as issued

NAMED = names.encode([bytes(60), b"", bytes(220)])
CHANGES = [Change(record(number, status=Status.BLOCKED), bytes(76)) for number in range(4)]
STEP = delta.entry(2, CHANGES)
RIGHT: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "record": (ticket.unpack, ticket.pack(record(0))),
    "chunk": (
        lambda raw: chunk.check(0, raw),
        b"".join(
            ticket.pack(record(i)._replace(ticket_hash=bytes(15) + b"%c" % i)) for i in range(9)
        ),
    ),
    "names": (lambda raw: list(names.iterate(raw)), NAMED),
    "log": (delta.decode, delta.encode([STEP, STEP])),
    "changes": (lambda raw: list(delta.changes(raw)), STEP.changes),
    "frames": (frames.take, frames.encode(1, b"records") + frames.encode(255, b"")),
    "name": (
        lambda raw: sealed.open_sealed(raw, TICKET),
        sealed.seal(Name("a", "b"), TICKET, bytes(12)),
    ),
    "head": (lambda raw: open_head(raw, TRUSTED, NOW), Publisher([record(0)]).newest.raw),
}


@st.composite
def damaged(draw: st.DrawFn, right: bytes) -> bytes:
    """Draw bytes that resemble `right`: a part of it with pieces overwritten."""
    raw = bytearray(right[: draw(st.integers(0, len(right)))] + draw(st.binary(max_size=40)))
    for piece in draw(st.lists(st.binary(min_size=1, max_size=8), max_size=4)):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + len(piece)] = piece
    return bytes(raw)


@pytest.mark.parametrize("name", RIGHT)
@given(data=st.data())
def test_a_decoder_gives_a_value_or_a_declared_error(name: str, data: st.DataObject) -> None:
    """On random bytes, and on right ones with parts overwritten, cut and added."""
    decode, right = RIGHT[name]
    decode(right)
    raw = data.draw(st.binary(max_size=400) | damaged(right))
    try:
        decode(raw)
    except UsherError as error:
        failure = error
    else:
        return
    assert failure.code in SENTENCES
    assert failure.offset is None or 0 <= failure.offset <= len(raw)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=50)), max_size=6), st.data())
def test_frames_are_the_same_wherever_an_answer_is_cut(
    sent: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    """Taken in two parts, the rest of the first carried on."""
    answer = b"".join(frames.encode(index, content) for index, content in sent)
    cut = data.draw(st.integers(0, len(answer)))
    first, rest = frames.take(answer[:cut])
    second, nothing = frames.take(rest + answer[cut:])
    assert first + second == sent
    assert nothing == b""


@given(st.lists(st.sampled_from([0, 60, 76, 220]).map(bytes), max_size=20))
def test_names_are_read_one_by_one_or_passed_over(blobs: list[bytes]) -> None:
    """Each is where passing over the ones before it leads."""
    raw = names.encode(blobs)
    assert list(names.iterate(raw)) == blobs
    for row, blob in enumerate(blobs):
        assert names.read(raw, names.skip(raw, row))[0] == blob


def utf8(size: int) -> st.SearchStrategy[str]:
    """Draw text of at most this many bytes."""
    return st.text(max_size=size).filter(lambda text: len(text.encode()) <= size)


@given(utf8(MAX_NAME), utf8(MAX_SEAT), st.binary(min_size=12, max_size=12))
@example("", "", bytes(12))
def test_a_name_opens_with_its_ticket_and_no_other(name: str, seat: str, nonce: bytes) -> None:
    """Of another ticket or generation, it says nothing."""
    written = Name(name, seat)
    blob = sealed.seal(written, TICKET, nonce)
    assert sealed.open_sealed(blob, TICKET) == written
    for other in (issued(1), issued(0, gen=2)):
        with pytest.raises(Untrusted):
            sealed.open_sealed(blob, other)


@given(utf8(16), utf8(14), st.data())
def test_a_name_has_one_text(name: str, seat: str, data: st.DataObject) -> None:
    """A damaged text that opens all the same is the text of the name that it gives."""
    right = m.text(name.encode(), seat.encode())
    text = data.draw(damaged(right)).ljust(32, b"\0")[:32]
    blob = m.seal_name(m.name_key(TICKET), m.name_data(TICKET), text)
    try:
        found = sealed.open_sealed(blob, TICKET)
    except Malformed as error:
        code = error.code
    else:
        assert m.text(found.name.encode(), found.seat.encode()) == text
        return
    assert code == "name_text"
