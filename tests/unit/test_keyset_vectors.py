"""The code against tests/vectors/keyset.json, which is made from the spec without it."""

import pytest

from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import TrustedKeys
from tests.vectors import generate_keyset, spec
from tests.vectors.suite import Json, load, text_of

SUITE = load("keyset")
PINNED = TrustedKeys(bytes.fromhex(SUITE["root"]))


def run(given: Json) -> Json:
    """Return what a device makes of a vector's input, in the vector's terms."""
    trusted = PINNED
    for raw in given["held"]:
        trusted = trusted.accept(bytes.fromhex(raw))
    now = Instant(given["now_ms"], given["trusted"])
    try:
        trusted = trusted.update([bytes.fromhex(raw) for raw in given["offered"]], now)
    except UsherError as error:
        return {"error": error.code}
    assert trusted.keyset
    return {"version": trusted.keyset.version, "root": trusted.root.hex()}


@pytest.mark.parametrize("vector", SUITE["vectors"], ids=lambda vector: vector["name"])
def test_a_keyset_is_taken_in_as_its_vector_says(vector: Json) -> None:
    """Each vector ends with its version and root in force, or fails with its code."""
    assert run(vector["input"]) == vector["expect"], vector["comment"]


PLACES = {
    "document_magic": 0,
    "document_kind": 4,
    "document_version": 5,
    "document_unknown_key": 6,
    "document_length": 10,
    "document_body": 14,
    "document_spelling": 14,
}


def test_a_fault_of_a_document_is_told_with_its_place() -> None:
    """A refusal says at which byte the document stopped making sense, if at one at all."""
    wrong = [vector for vector in SUITE["vectors"] if "error" in vector["expect"]]
    assert wrong
    for vector in wrong:
        raw = bytes.fromhex(vector["input"]["offered"][-1])
        held = PINNED
        for earlier in vector["input"]["held"] + vector["input"]["offered"][:-1]:
            held = held.accept(bytes.fromhex(earlier))
        with pytest.raises(UsherError) as refusal:
            held.update([raw], Instant(vector["input"]["now_ms"]))
        ends = {"document_truncated": len(raw), "document_bad_signature": len(raw) - 64}
        expected = (PLACES | ends).get(vector["expect"]["error"])
        assert refusal.value.offset == expected, vector["name"]


def test_the_suite_is_large_enough_to_mean_something() -> None:
    """There are at least 25 vectors, so that no empty file passes."""
    assert len(SUITE["vectors"]) >= 25


def test_the_suite_is_what_its_generator_makes() -> None:
    """The file is the generator's output, to the byte."""
    assert text_of(SUITE) == text_of(generate_keyset.build())


def test_every_failure_of_keysets_and_documents_has_a_vector() -> None:
    """The codes of the spec's tables are those of the vectors, but for a document of 1 MiB."""
    seen = {vector["expect"].get("error") for vector in SUITE["vectors"]} - {None}
    listed = spec.failures("token.md") | spec.failures("README.md")
    assert seen == listed - {"document_too_large"}
