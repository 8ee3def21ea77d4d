"""Trusted keys, as far as the keyset's vectors do not show it."""

import msgspec
import pytest

from shared import hashing, keys
from shared.errors import Malformed, Untrusted
from shared.instant import Instant
from shared.keyset import IssuerKey, Key, Keyset, Role, TrustedKeys
from shared.signed import Kind, seal
from tests.vectors import spec

NOW = Instant(1_800_000_000_500)
START, END = 1_800_000_000, 1_800_000_001
EVENT = bytes.fromhex("a1b2c3d4e5f60718")
ROOT = b"\x01" * 32
NEXT = b"\x02" * 32


def pk(number: int) -> bytes:
    """Return a public key."""
    return keys.public_key(bytes((number,)) * 32)


def key(role: Role, number: int, start: int = START, end: int = END, revoked: bool = False) -> Key:
    """Return one key of a keyset."""
    event = EVENT.hex() if role == "issuer" else None
    return Key(role, event, pk(number).hex(), start, end, revoked)


def signed(*entries: Key, version: int = 1, root: bytes = ROOT, successor: bytes = b"") -> bytes:
    """Return a keyset."""
    announced = keys.public_key(successor).hex() if successor else None
    keyset = Keyset(version, START - 1, END, keys.public_key(root).hex(), announced, entries)
    return seal(Kind.KEYSET, keyset, root)


PINNED = TrustedKeys(keys.public_key(ROOT))


def test_before_its_first_keyset_a_device_trusts_no_key() -> None:
    """The root alone issues nothing and signs no other documents."""
    assert PINNED.find(hashing.kid(pk(3)), EVENT) is None
    assert PINNED.of("manifest", NOW) == {}
    assert PINNED.update([], NOW) is PINNED


def test_nothing_is_no_keyset() -> None:
    """An empty answer is refused, also by a device that holds no keyset yet."""
    with pytest.raises(Malformed, match="document_truncated"):
        TrustedKeys(bytes(32)).accept(b"")


def test_an_issuer_is_found_by_kid_and_event() -> None:
    """Both must fit; no key of another role is an issuer."""
    trusted = PINNED.accept(signed(key("issuer", 3), key("manifest", 4)))
    assert trusted.find(hashing.kid(pk(3)), EVENT) == IssuerKey(pk(3), START, END, False)
    assert trusted.find(hashing.kid(pk(3)), bytes(8)) is None
    assert trusted.find(hashing.kid(pk(4)), EVENT) is None


def test_a_role_has_its_keys_in_force_and_no_others() -> None:
    """Of the role, not revoked, and within the half-open window."""
    trusted = PINNED.accept(
        signed(
            key("manifest", 3),
            key("manifest", 4, START - 9, START),
            key("manifest", 5, END, END + 9),
            key("manifest", 6, revoked=True),
            key("roster", 7),
        )
    )
    assert trusted.of("manifest", NOW) == {hashing.kid(pk(3)): pk(3)}
    assert trusted.of("roster", NOW) == {hashing.kid(pk(7)): pk(7)}
    assert trusted.of("command", NOW) == {}


def test_without_trusted_time_windows_are_left_out() -> None:
    """A gate after a power cut can open its manifest; a revoked key stays revoked."""
    trusted = PINNED.accept(signed(key("manifest", 4, 0, 1), key("manifest", 6, revoked=True)))
    assert trusted.of("manifest", Instant(0, trusted=False)) == {hashing.kid(pk(4)): pk(4)}


def test_a_restart_finds_what_was_held_even_if_it_has_expired() -> None:
    """Root in force and keyset as signed are all that a device keeps."""
    first, second = signed(successor=NEXT), signed(version=2, root=NEXT)
    held = PINNED.update([first, second], NOW)
    assert held.raw == second
    assert TrustedKeys(held.root).accept(second) == held
    with pytest.raises(Untrusted) as refusal:
        TrustedKeys(held.root).update([second], Instant(END * 1000))
    assert refusal.value.code == "keyset_expired"


def test_the_keyset_that_is_held_may_be_offered_again_at_any_time() -> None:
    """Taking in nothing new is no occasion to judge expiry."""
    held = PINNED.accept(signed())
    assert held.update([signed()], Instant(END * 1000)) is held
    assert held.update([], Instant(END * 1000)) is held


def test_the_keyset_of_the_specification_is_what_the_code_seals() -> None:
    """The body of spec/token.md, signed by its root, begins as spec/README.md shows it."""
    body = spec.texts("token.md")["keyset"].encode()
    raw = seal(Kind.KEYSET, msgspec.json.decode(body, type=Keyset), b"\x33" * 32)
    assert raw[14:-64] == body
    assert raw[:14] == spec.examples("README.md")["document-head"]
    assert TrustedKeys(keys.public_key(b"\x33" * 32)).update([raw], NOW).raw == raw
