"""The keyset: which keys may sign what, as the tenant's root key says (spec/token.md §7).

Rules:
- A key appears once: it has one role, and an issuer key one event. Neither the root nor its
  successor is among them.
- Versions never fall, and one version has one content.
- The root in force signs, or the successor that the last keyset announced; from then on the
  successor is the root, and the old one is refused.
- Expiry is judged when a keyset is taken in: a gate cut off from the world goes on with what
  it holds, within each key's own window.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta
from msgspec.json import Decoder

from shared import hashing, keys
from shared.errors import Malformed, Refused, Untrusted
from shared.event import Seconds, Strict
from shared.instant import Instant
from shared.signed import Hex8, Hex32, Kind, open_signed, signer_kid

Role = Literal["issuer", "manifest", "roster", "command"]
Version = Annotated[int, Meta(ge=1, le=0xFFFF_FFFF)]


class Key(Strict, frozen=True):
    """One public key, in force for `not_before <= now < not_after` (unix seconds)."""

    role: Role
    event: Hex8 | None  # issuer keys only
    pk: Hex32
    not_before: Seconds
    not_after: Seconds
    revoked: bool


class Keyset(Strict, frozen=True):
    """All keys of one tenant. `root` is the key that signed this very document."""

    version: Version
    issued: Seconds
    expires: Seconds
    root: Hex32
    successor: Hex32 | None  # may sign the next keyset, and is its root then
    keys: tuple[Key, ...]


KEYSET: Final = Decoder(Keyset)


class IssuerKey(NamedTuple):
    """An issuer key as a verifier looks it up."""

    pk: bytes
    not_before: int
    not_after: int
    revoked: bool


class TrustedKeys(NamedTuple):
    """What a device trusts: `TrustedKeys(root)` at enrolment, and the newest keyset since.

    A device keeps `root` and `raw`; after a restart `TrustedKeys(root).accept(raw)` is what
    it had.
    """

    root: bytes
    keyset: Keyset | None = None
    raw: bytes | None = None  # the keyset as signed
    issuers: Mapping[bytes, IssuerKey] = MappingProxyType({})  # by kid || event

    def find(self, kid: bytes, event: bytes) -> IssuerKey | None:
        """Return the key that may have issued a ticket of `event`."""
        return self.issuers.get(kid + event)

    def of(self, role: Role, now: Instant) -> dict[bytes, bytes]:
        """Return the keys, by kid, that may sign documents of `role` now.

        Without trusted time a window cannot be judged and is left out: a gate must be able
        to open its own manifest after a power cut (spec/token.md §7).
        """
        every = self.keyset.keys if self.keyset else ()
        pks = [
            bytes.fromhex(key.pk)
            for key in every
            if key.role == role and not key.revoked
            if not now.trusted or key.not_before <= now.seconds < key.not_after
        ]
        return {hashing.kid(pk): pk for pk in pks}

    def update(self, raws: Sequence[bytes], now: Instant) -> "TrustedKeys":
        """Take in keysets, oldest first; only the last must not have expired.

        One is the usual case. A device that missed a change of root needs the keyset that
        announced the successor before the newest one.
        """
        trusted = self
        for raw in raws:
            trusted = trusted.accept(raw)
        expired = trusted.keyset and now.trusted and now.seconds >= trusted.keyset.expires
        if expired and trusted is not self:
            raise Untrusted("keyset_expired")
        return trusted

    def accept(self, raw: bytes) -> "TrustedKeys":
        """Take in one keyset by every rule but its expiry."""
        if self.keyset and raw == self.raw:
            return self
        signers = self._signers()
        keyset = open_signed(Kind.KEYSET, raw, signers, KEYSET)
        root = bytes.fromhex(keyset.root)
        if root != signers[signer_kid(raw)]:
            raise Untrusted("keyset_root")
        _check(keyset)
        if self.keyset and keyset.version < self.keyset.version:
            raise Refused("keyset_rollback")
        if self.keyset and keyset.version == self.keyset.version:
            raise Refused("keyset_forked")
        return TrustedKeys(root, keyset, raw, dict(_issuers(keyset)))

    def _signers(self) -> dict[bytes, bytes]:
        """The keys, by kid, that may sign the next keyset."""
        signers = {hashing.kid(self.root): self.root}
        if self.keyset and self.keyset.successor:
            successor = bytes.fromhex(self.keyset.successor)
            signers[hashing.kid(successor)] = successor
        return signers


def _issuers(keyset: Keyset) -> Iterator[tuple[bytes, IssuerKey]]:
    for key in keyset.keys:
        if key.event is not None:
            pk = bytes.fromhex(key.pk)
            place = hashing.kid(pk) + bytes.fromhex(key.event)
            yield place, IssuerKey(pk, key.not_before, key.not_after, key.revoked)


def _check(keyset: Keyset) -> None:
    """Check what the types cannot say."""
    if keyset.issued >= keyset.expires:
        raise Malformed("keyset_window")
    for key in keyset.keys:
        if key.not_before >= key.not_after:
            raise Malformed("keyset_window")
        if (key.role == "issuer") != (key.event is not None):
            raise Malformed("keyset_event")
    roots = [keyset.root] + ([keyset.successor] if keyset.successor else [])
    pks = [bytes.fromhex(pk) for pk in roots + [key.pk for key in keyset.keys]]
    if len(set(pks)) != len(pks):
        raise Malformed("keyset_key_shared")
    if not all(map(keys.is_valid_point, pks)):
        raise Malformed("keyset_weak_key")
    # Two keys that one hint could mean would make every lookup a choice.
    places = [("", None)] * len(roots) + [(key.role, key.event) for key in keyset.keys]
    if len({(hashing.kid(pk), place) for pk, place in zip(pks, places, strict=True)}) != len(pks):
        raise Malformed("keyset_kid_shared")
