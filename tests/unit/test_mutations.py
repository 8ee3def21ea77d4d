"""One spelling per token: every small change of a code is refused, tried exhaustively."""

from collections.abc import Iterator

import pytest

from shared.base45 import ALPHABET
from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.presentation import Freshness
from shared.verify import verify
from tests.vectors.suite import Json, load

SUITE = load("token")
TRUSTED = TrustedKeys(bytes.fromhex(SUITE["keyset"]["root"])).accept(
    bytes.fromhex(SUITE["document"])
)
GOOD = {
    vector["name"]: vector["input"]
    for vector in SUITE["vectors"]
    if vector["name"].endswith("/good")
}
# Lower case, control characters, and look-alikes of U, 1, the colon and the full stop.
OUTSIDE = "aeouz!\"#&'(),;<=>?@[\\]^_`{|}~\0\t\r\n\x7f\xa0\u0421\u0410\uff11\uff1a\u2024\uff0e"


def changed(text: str) -> Iterator[str]:
    """Yield every change of one character, every character more or less, and every swap."""
    for i in range(len(text)):
        start, end = text[:i], text[i + 1 :]
        yield from (start + other + end for other in ALPHABET + OUTSIDE if other != text[i])
        yield start + end
        yield start + " " + text[i:]
        yield start + text[i:][:2][::-1] + text[i:][2:]
    yield from (text + other for other in ALPHABET + OUTSIDE)
    yield from (other + text for other in ALPHABET + OUTSIDE)
    yield from (text[:i] for i in range(len(text)))
    yield from (text[i:] for i in range(1, len(text)))
    yield from (text.lower(), text + text, text[::-1], text.strip(".") + "..")


def accepted(text: str, given: Json) -> bool:
    """Say whether the gate of a vector takes `text` for a ticket."""
    challenge = given["challenge"] and bytes.fromhex(given["challenge"])
    try:
        verify(text, TRUSTED, Instant(given["now_ms"]), Freshness(), challenge)
    except UsherError:
        return False
    return True


@pytest.mark.parametrize("name", GOOD)
def test_no_change_of_a_code_is_accepted(name: str) -> None:
    """Of all the texts one change away from a code, only the code itself is a ticket."""
    given = GOOD[name]
    assert accepted(given["text"], given)
    neighbours = set(changed(given["text"])) - {given["text"]}
    assert len(neighbours) > 10_000
    assert [text for text in neighbours if accepted(text, given)] == []


def test_every_type_is_tried() -> None:
    """There is a good code of each of the four types."""
    assert len(GOOD) == 4
