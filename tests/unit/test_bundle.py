"""Files carried by hand: whole, half-copied, damaged, of another kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bundle import MAX_SECTION, SECTION, FileKind, Part, Section, decode, encode
from shared.errors import Malformed
from tests.vectors import spec

EXAMPLE = spec.examples("files.md")["file"]
KEY = EXAMPLE[11:43]
SECTIONS = [Section(Part.DEVICE, KEY), Section(Part.BLOB, b"\1\2\3")]


def code_of(data: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        decode(data)
    return caught.value.code


def test_the_example_is_what_the_code_makes() -> None:
    """Encoded and decoded."""
    assert b"".join(encode(FileKind.LOG, SECTIONS)) == EXAMPLE
    assert decode(EXAMPLE) == (FileKind.LOG, SECTIONS)


def test_every_half_copied_file_is_told_from_a_damaged_one() -> None:
    """A file that breaks off anywhere is truncated; an empty one is none of ours."""
    assert {code_of(EXAMPLE[:end]) for end in range(1, len(EXAMPLE))} == {"file_truncated"}
    assert code_of(b"") == "file_magic"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\3\4" + EXAMPLE[4:], "file_magic"),
        (EXAMPLE[:4] + b"\2" + EXAMPLE[5:], "file_version"),
        (EXAMPLE[:5] + b"\3" + EXAMPLE[6:], "file_kind"),
        (EXAMPLE[:48] + b"\0" + EXAMPLE[49:], "file_damaged"),
        (EXAMPLE[:6] + SECTION.pack(16, MAX_SECTION + 1) + EXAMPLE[11:], "file_damaged"),
        (EXAMPLE + b"\0", "file_longer"),
        (b"".join(encode(FileKind.PRELOAD, SECTIONS)), "file_section"),
    ],
)
def test_each_fault_has_its_code(data: bytes, code: str) -> None:
    """One change, one failure."""
    assert code_of(data) == code


@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    """Whatever byte is changed, the file is refused."""
    place = data.draw(st.integers(0, len(EXAMPLE) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != EXAMPLE[place]))
    assert code_of(EXAMPLE[:place] + bytes((value,)) + EXAMPLE[place + 1 :])


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(data: bytes) -> None:
    """No input but a file is taken for one, and none crashes the reader."""
    assert code_of(data).startswith("file_")
