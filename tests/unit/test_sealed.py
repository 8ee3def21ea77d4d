"""Sealed names: key derivation against the RFC, and what can't be sealed."""

import pytest

from shared.errors import Malformed
from shared.manifest import names, sealed
from shared.manifest.sealed import Name, hkdf
from tests.vectors import spec
from tests.vectors.manifest_parts import TICKET

# RFC 5869, appendix A.1 to A.3.
RFC5869 = (
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        (
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
    ),
    (
        "0b" * 22,
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
)
NONCE = bytes(12)


@pytest.mark.parametrize(("ikm", "salt", "info", "okm"), RFC5869)
def test_keys_are_derived_as_the_rfc_says(ikm: str, salt: str, info: str, okm: str) -> None:
    """All SHA-256 test vectors of RFC 5869."""
    derived = hkdf(bytes.fromhex(ikm), bytes.fromhex(salt), bytes.fromhex(info), len(okm) // 2)
    assert derived.hex() == okm


@pytest.mark.parametrize(
    "name", [Name("n" * 121, ""), Name("ñ" * 61, ""), Name("", "s" * 71)], ids=len
)
def test_a_name_beyond_its_length_is_not_sealed(name: Name) -> None:
    """120 bytes of name and 70 of seat, counted in UTF-8."""
    with pytest.raises(Malformed) as caught:
        sealed.seal(name, TICKET, NONCE)
    assert caught.value.code == "name_too_long"


@pytest.mark.parametrize(
    ("size", "blob"), [(0, 60), (30, 60), (31, 76), (46, 76), (47, 92), (120, 156)]
)
def test_the_length_of_a_blob_tells_steps_of_16_only(size: int, blob: int) -> None:
    """Up to 30 bytes of name and seat have one length."""
    assert len(sealed.seal(Name("n" * size, ""), TICKET, NONCE)) == blob


def test_a_hundred_thousand_names_and_records_are_nine_megabytes() -> None:
    """A record is 29 bytes, a name of up to 30 bytes 61 on its way."""
    name = names.encode([sealed.seal(Name("n" * 15, "s" * 15), TICKET, NONCE)])
    assert 100_000 * (len(spec.examples("manifest.md")["record"]) + len(name)) == 9_000_000


def test_what_is_no_blob_does_not_travel() -> None:
    """Its length would say another number of steps."""
    with pytest.raises(Malformed) as caught:
        names.encode([bytes(61)])
    assert caught.value.code == "name_length"
