"""PyNaCl, through `shared.keys`, against the frozen table of Ed25519's edges."""

import pytest

from shared import keys
from tests.vectors import generate_ed25519
from tests.vectors.suite import Json, load, text_of

SUITE = load("ed25519")
SIGNABLE = [vector for vector in SUITE["vectors"] if "seed" in vector["input"]]


@pytest.mark.parametrize("vector", SUITE["vectors"], ids=lambda vector: vector["name"])
def test_the_library_still_draws_the_line_where_it_is_frozen(vector: Json) -> None:
    """A key is valid, and a signature accepted, exactly where the table says so."""
    pk, message, signature = (
        bytes.fromhex(vector["input"][name]) for name in ("pk", "message", "signature")
    )
    verified = keys.verify(pk, b"", message, signature)
    assert vector["expect"] == {
        "valid_key": keys.is_valid_point(pk),
        "accepted": keys.is_valid_point(pk) and verified,
        "libsodium": verified,
    }


@pytest.mark.parametrize("vector", SIGNABLE, ids=lambda vector: vector["name"])
def test_signing_gives_the_published_signature(vector: Json) -> None:
    """RFC 8032's secrets give its public keys and its signatures."""
    given = {name: bytes.fromhex(value) for name, value in vector["input"].items()}
    assert keys.public_key(given["seed"]) == given["pk"]
    assert keys.sign(given["seed"], b"", given["message"]) == given["signature"]


def test_the_suite_holds_what_it_must() -> None:
    """All five published vectors are there, and the edges around them."""
    assert len(SIGNABLE) == 5
    assert len(SUITE["vectors"]) >= 60


def test_the_suite_is_what_its_generator_makes() -> None:
    """The file is the generator's output, to the byte."""
    assert text_of(SUITE) == text_of(generate_ed25519.build())
