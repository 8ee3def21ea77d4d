"""The envelope, as far as the keyset's vectors do not show it."""

import msgspec
import pytest

from shared import hashing, keys
from shared.errors import SENTENCES, Malformed, Untrusted
from shared.event import Strict
from shared.signed import CAPS, HEADER, Hex4, Hex8, Hex16, Hex32, Kind, open_signed, seal

SECRET = bytes(32)
PK = keys.public_key(SECRET)


class Order(Strict, frozen=True):
    """A document for these tests."""

    say: str


ORDER = msgspec.json.Decoder(Order)


@pytest.mark.parametrize("kind", Kind)
def test_a_document_opens_under_its_own_kind_alone(kind: Kind) -> None:
    """What one kind has signed is no other kind's document."""
    raw = seal(kind, Order("stop"), SECRET)
    assert open_signed(kind, raw, PK, ORDER) == Order("stop")
    assert open_signed(kind, raw, {hashing.kid(PK): PK}, ORDER) == Order("stop")
    for other in set(Kind) - {kind}:
        with pytest.raises(Malformed) as refusal:
            open_signed(other, raw, PK, ORDER)
        assert refusal.value.code == "document_kind"


@pytest.mark.parametrize("kind", Kind)
def test_the_cap_of_a_kind_is_exact(kind: Kind) -> None:
    """A document of the cap's size opens; of one byte more it is neither made nor read."""
    frame = HEADER.size + len(b'{"say":""}') + keys.SIGNATURE_SIZE
    whole = seal(kind, Order("x" * (CAPS[kind] - frame)), SECRET)
    assert len(whole) == CAPS[kind]
    assert len(open_signed(kind, whole, PK, ORDER).say) == CAPS[kind] - frame
    with pytest.raises(ValueError, match=f"^a {kind.name.lower()} has at most {CAPS[kind]} bytes$"):
        seal(kind, Order("x" * (CAPS[kind] - frame + 1)), SECRET)
    with pytest.raises(Malformed) as refusal:
        open_signed(kind, whole + b"\0", PK, ORDER)
    assert (refusal.value.code, refusal.value.offset) == ("document_too_large", CAPS[kind])


def test_a_body_is_not_read_before_its_signature() -> None:
    """Of a document that is neither signed nor JSON, only the signature is told."""
    raw = bytearray(seal(Kind.COMMAND, Order("stop"), SECRET))
    raw[HEADER.size] ^= 1
    with pytest.raises(Untrusted) as refusal:
        open_signed(Kind.COMMAND, bytes(raw), PK, ORDER)
    assert refusal.value.code == "document_bad_signature"


def test_every_character_has_one_spelling() -> None:
    """Control characters, quotes and letters beyond ASCII survive sealing and opening."""
    said = "".join(map(chr, range(0x30))) + '"\\/\x7f\u2028\u00e9\U0001f3ab'
    assert open_signed(Kind.COMMAND, seal(Kind.COMMAND, Order(said), SECRET), PK, ORDER).say == said


@pytest.mark.parametrize(("form", "size"), [(Hex4, 4), (Hex8, 8), (Hex16, 16), (Hex32, 32)])
def test_a_binary_field_is_lower_case_hex_of_its_size(form: type[str], size: int) -> None:
    """No other length, case or line end passes."""
    text = "0f" * size
    assert msgspec.convert(text, form) == text
    for wrong in (text[1:], text + "0", text.upper(), text + "\n", "\n" + text, "0x" + text[2:]):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, form)


def test_an_error_says_where_and_why() -> None:
    """The text of an error has its code, its offset and the sentence for staff."""
    with pytest.raises(Malformed) as refusal:
        open_signed(Kind.KEYSET, b"USHX" + bytes(100), PK, ORDER)
    sentence = SENTENCES["document_magic"]
    assert str(refusal.value) == f"document_magic at 0: {sentence}"
    assert str(Malformed("document_magic")) == f"document_magic: {sentence}"
