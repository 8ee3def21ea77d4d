"""A misread code cannot pass: no text but the issuer's own verifies."""

from collections.abc import Iterator
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import keys
from shared.base45 import ALPHABET
from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import IssuerKey, TrustedKeys
from shared.presentation import Freshness
from shared.verify import verify
from tests.edge.frames import EVENT, ISSUER, KID, live_text, static_text

NOW = Instant(1_800_000_000_000)
PUBLIC = keys.public_key(ISSUER)
TRUSTED = TrustedKeys(
    bytes(32), issuers=MappingProxyType({KID + EVENT: IssuerKey(PUBLIC, 0, 2_000_000_000, False)})
)
TEXTS = (static_text(np.random.default_rng(1)), live_text(np.random.default_rng(1)))


def passes(text: str) -> bool:
    try:
        verify(text, TRUSTED, NOW, Freshness())
    except UsherError:
        return False
    return True


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_drawn_passes(text: str) -> None:
    """The texts that the frames show are genuine: the property below is about something."""
    assert passes(text)


def misreadings(text: str) -> Iterator[str]:
    """Yield the text with one character changed, lost or doubled, or its ends cut off."""
    for at in range(len(text)):
        yield text[:at] + ALPHABET[(ALPHABET.find(text[at]) + 1) % 45] + text[at + 1 :]
        yield text[:at] + text[at + 1 :]
        yield text[:at] + text[at] + text[at:]
        yield text[:at]
        yield text[at + 1 :]


@pytest.mark.parametrize("text", TEXTS)
def test_no_near_miss_passes(text: str) -> None:
    """Each of the closest misreadings of a ticket is refused."""
    assert not any(passes(misread) for misread in misreadings(text) if misread != text)


@given(
    st.sampled_from(TEXTS),
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(ALPHABET)), min_size=1, max_size=20),
)
def test_no_misreading_passes(text: str, changes: list[tuple[int, str]]) -> None:
    """Any few characters changed make another text, and that never verifies."""
    characters = list(text)
    for at, character in changes:
        characters[at % len(text)] = character
    misread = "".join(characters)
    assert passes(misread) == (misread == text)
