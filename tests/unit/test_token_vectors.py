"""The code against tests/vectors/token.json, which is made from the spec without it."""

import msgspec
import pytest

from shared.base45 import ALPHABET
from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import Keyset, TrustedKeys
from shared.log.record import Shown
from shared.presentation import Freshness
from shared.verify import OUTCOMES, Verified, outcome_of, verify
from tests.vectors import generate_token, spec
from tests.vectors.suite import Json, load, text_of

SUITE = load("token")
TRUSTED = TrustedKeys(bytes.fromhex(SUITE["keyset"]["root"])).accept(
    bytes.fromhex(SUITE["document"])
)


def scan(given: Json) -> Verified:
    """Verify a vector's input."""
    challenge = given["challenge"] and bytes.fromhex(given["challenge"])
    now = Instant(given["now_ms"], given["trusted"])
    policy = Freshness(given["live_past"], given["live_future"])
    return verify(given["text"], TRUSTED, now, policy, challenge)


def run(given: Json) -> Json:
    """Return what `verify` makes of a vector's input, in the vector's terms."""
    try:
        token, shown, evidence, ticket_hash = scan(given)
    except UsherError as error:
        return {"error": error.code, "outcome": outcome_of(error).code}
    fields = {
        name.replace("ticket_class", "class"): value.hex() if isinstance(value, bytes) else value
        for name, value in token._asdict().items()
    }
    return {
        "shown": Shown(shown).name.lower(),
        "token": fields,
        "evidence": evidence.hex(),
        "ticket_hash": ticket_hash.hex(),
    }


@pytest.mark.parametrize("vector", SUITE["vectors"], ids=lambda vector: vector["name"])
def test_a_code_comes_out_as_its_vector_says(vector: Json) -> None:
    """Each vector's code verifies to its fields, or fails with its code and outcome."""
    assert run(vector["input"]) == vector["expect"], vector["comment"]


def place(name: str, text: str, error: str) -> int:
    """Return where a fault is: in characters of the text, or in bytes of what it encodes."""
    groups = range(3, len(text) - 3, 3)
    values = [ALPHABET.find(character) for character in text]
    places = {
        "too_long": [512],
        "not_ascii": [i for i, character in enumerate(text) if ord(character) > 127],
        "no_terminator": [len(text)],
        "base45_alphabet": [i for i, value in enumerate(values) if value < 0],
        "base45_length": [len(text) - 1],
        "base45_triplet": [
            i for i in groups if values[i] + 45 * values[i + 1] + 2025 * values[i + 2] > 65535
        ],
        "base45_pair": [len(text) - 3],
        "wrong_length": [(len(text) - 4) // 3 * 2 + ((len(text) - 4) % 3 == 2)],
        "reserved_flags": [1],
        "unknown_issuer": [2],
        "revoked_key": [2],
        "key_outside_window": [2],
        "clock_untrusted": [2],
        "bad_signature": [38 if name.startswith("static") else 70],
        "live_code_required": [1],
        "bad_holder_key": [38],
        "bad_holder_proof": [138],
        "stale_past": [134],
        "stale_future": [134],
        "live_clock_untrusted": [134],
        "challenge_not_asked": [134],
        "wrong_challenge": [134],
    }
    return places.get(error, [0])[0]


def test_a_fault_is_told_with_its_place() -> None:
    """Every refusal says at which character or byte the code stopped making sense."""
    wrong = [vector for vector in SUITE["vectors"] if "error" in vector["expect"]]
    assert wrong
    for vector in wrong:
        with pytest.raises(UsherError) as refusal:
            scan(vector["input"])
        expected = place(vector["name"], vector["input"]["text"], vector["expect"]["error"])
        assert refusal.value.offset == expected, vector["name"]


def test_the_suite_is_large_enough_to_mean_something() -> None:
    """There are at least 120 vectors, so that no empty file passes."""
    assert len(SUITE["vectors"]) >= 120


def test_the_suite_is_what_its_generator_makes() -> None:
    """The file is the generator's output, to the byte."""
    assert text_of(SUITE) == text_of(generate_token.build())


def test_the_two_forms_of_the_keyset_are_one() -> None:
    """The suite's signed document holds the keyset that stands beside it in the clear."""
    assert TRUSTED.keyset == msgspec.convert(SUITE["keyset"], Keyset)


def test_every_failure_is_shown_for_every_type_that_can_have_it() -> None:
    """Of every type, there is a vector for every code that the spec's table gives it."""
    seen = {
        (vector["name"].split("/")[0], vector["expect"].get("error")) for vector in SUITE["vectors"]
    }
    wanted = {
        (label, code)
        for code, types in spec.types_of_failures().items()
        for label, number in (("static", 11), ("bound", 12), ("timed", 13), ("challenged", 14))
        if types == "all" or str(number) in types
    }
    assert seen == wanted | {(label, None) for label in ("static", "bound", "timed", "challenged")}


def test_the_outcomes_are_those_of_the_specification() -> None:
    """The table in the code and the table in the spec say the same."""
    assert {code: outcome.code for code, outcome in OUTCOMES.items()} == spec.outcomes()
