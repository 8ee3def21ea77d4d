"""Records: one spelling, and a decoder that fails in one way only (spec/log.md §1)."""

from hypothesis import given
from hypothesis import strategies as st

from shared.errors import SENTENCES, Malformed
from shared.log.record import EMPTY, SIZE, Kind, Record, decode, encode
from tests.vectors.wire_log import FIELDS, KINDS, fields, first, pack

NUMBERS = {name: size for name, _, size in FIELDS if size <= 8 and name != "event"}
GOOD = [pack(first() if kind == "BOOT" else fields(kind)) for kind in KINDS]


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Any values that fit, close to something that decodes."""
    values = decode(draw(st.sampled_from(GOOD)))._asdict()
    for name in draw(st.sets(st.sampled_from([name for name, _, _ in FIELDS]), max_size=4)):
        size = NUMBERS.get(name)
        if size is None:
            length = len(values[name])
            values[name] = draw(st.binary(min_size=length, max_size=length))
        else:
            values[name] = draw(st.integers(0, 3) | st.integers(0, 256**size - 1))
    return Record(**values)


def accepted(raw: bytes) -> Record | None:
    """The record, or nothing where `decode` raises what it declares."""
    try:
        return decode(raw)
    except Malformed as error:
        code, offset = error.code, error.offset
    assert code in SENTENCES
    assert offset is not None
    assert 0 <= offset <= SIZE
    return None


@given(records())
def test_what_decodes_encodes_to_itself(record: Record) -> None:
    """Values to bytes and back, whether or not they make sense together."""
    raw = encode(record)
    decoded = accepted(raw)
    assert decoded is None or decoded == record
    assert raw == pack(record._asdict())


@given(st.binary(max_size=600))
def test_any_bytes_raise_malformed_or_decode(raw: bytes) -> None:
    """No other error, and what decodes has one spelling."""
    decoded = accepted(raw)
    assert decoded is None or encode(decoded) == raw


@given(st.sampled_from(GOOD), st.integers(0, SIZE - 1), st.integers(1, 255))
def test_a_changed_byte_is_never_the_same_record(raw: bytes, at: int, flip: int) -> None:
    """A mutated record is refused or says something else."""
    mutated = raw[:at] + bytes((raw[at] ^ flip,)) + raw[at + 1 :]
    assert accepted(mutated) != decode(raw)


@given(records())
def test_no_field_is_read_that_its_kind_has_not(record: Record) -> None:
    """What carries no ticket carries nothing that could be taken for one."""
    decoded = accepted(encode(record))
    if decoded and decoded.kind in (Kind.ATTACH, Kind.SESSION, Kind.BOOT, Kind.CLOCK, Kind.MARK):
        assert decoded[11:15] + decoded[15:18] == EMPTY[11:15] + EMPTY[15:18]
        assert decoded.bits & 0b1100_1111 == 0
