"""Search lists: sealed to supervisors' badges, signed by the organizer."""

from collections.abc import Callable
from hashlib import sha256

import msgspec
import pytest
from nacl.bindings import crypto_aead_chacha20poly1305_ietf_encrypt

from shared import keys
from shared.errors import Refused, Untrusted, UsherError
from shared.manifest.search import (
    NONCE,
    Entry,
    SearchHead,
    make_head,
    open_entries,
    open_search_head,
    seal_entries,
)
from shared.signed import Kind, seal
from tests.publisher import EVENT, NOW, SIGNER, TRUSTED

ENTRIES = [
    Entry(bytes(16), "Ana Ruiz", "B 12", "A-1001", 7),
    Entry(b"\1" * 16, "Bo", "", "A-1002", 7),
]
KEY = sha256(b"key").digest()
BADGE, OTHER = (keys.secret_key(bytes((n,)) * 32) for n in (1, 2))
SEALED = seal_entries(ENTRIES, KEY)


def head(entries: bytes = SEALED) -> SearchHead:
    badges = {keys.public_key(BADGE): b"\x09" * 32}
    return make_head(EVENT, 1, entries, KEY, badges)


def raised(act: Callable[[], object]) -> UsherError:
    with pytest.raises(UsherError) as caught:
        act()
    return caught.value


def test_the_badge_opens_what_is_sealed_to_it() -> None:
    """From the publisher's list to the supervisor's, through the signed head."""
    raw = seal(Kind.SEARCH, head(), SIGNER)
    opened = open_search_head(raw, TRUSTED, NOW)
    assert open_entries(opened, SEALED, BADGE) == ENTRIES


def test_no_name_is_to_be_seen_in_what_is_stored() -> None:
    """A device without the badge holds noise."""
    raw = seal(Kind.SEARCH, head(), SIGNER)
    assert b"Ruiz" not in raw + SEALED
    assert b"A-1001" not in raw + SEALED


def test_another_badge_opens_nothing() -> None:
    """It is not even named."""
    error = raised(lambda: open_entries(head(), SEALED, OTHER))
    assert (type(error), error.code) == (Refused, "search_not_for_badge")


def test_a_key_sealed_to_another_badge_does_not_open() -> None:
    """Whoever moves a sealed key to another badge's name gains nothing."""
    (sealed,) = head().keys.values()
    other = make_head(EVENT, 1, SEALED, KEY, {keys.public_key(OTHER): b"\x08" * 32})
    moved = msgspec.structs.replace(other, keys=dict.fromkeys(other.keys, sealed))
    assert raised(lambda: open_entries(moved, SEALED, OTHER)).code == "search_sealed"


def test_other_entries_than_those_signed_are_refused() -> None:
    """The head names its entries by their hash."""
    error = raised(lambda: open_entries(head(), SEALED + b"\0", BADGE))
    assert (type(error), error.code) == (Untrusted, "search_hash")


def test_entries_of_another_form_are_refused() -> None:
    """Sealed rightly and yet no list."""
    text = msgspec.msgpack.encode({"not": "a list"})
    sealed = crypto_aead_chacha20poly1305_ietf_encrypt(text, b"", NONCE, KEY)
    assert raised(lambda: open_entries(head(sealed), sealed, BADGE)).code == "search_text"
