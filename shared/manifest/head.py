"""The signed top of a manifest (spec/manifest.md §5).

Rules:
- A head names every chunk by a hash, so that whoever has the head can take the chunks from
  anybody. An empty chunk is named by the empty string and never sent.
- A head is short-lived, and its version rises with every signing, even where only the dates
  change: one version has one content.
- The plan is judged by `shared.rules`: its publisher signs no faulty one, and a gate that
  gets one all the same still needs the tickets (spec/rules.md §4).
"""

from typing import Annotated, Final

from msgspec import Meta
from msgspec.json import Decoder

from shared import hashing, keys
from shared.errors import Malformed, Untrusted
from shared.event import Plan, Seconds, Strict
from shared.instant import Instant
from shared.keyset import TrustedKeys, Version
from shared.manifest.chunk import CHUNKS, MAX_TICKETS
from shared.signed import Hex8, Hex32, Kind, open_signed, seal

FUTURE: Final = 300  # seconds that a device's trusted time may lag behind the publisher's
CHAIN_START: Final = bytes(32)

HexOrEmpty = Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]


class Head(Strict, frozen=True):
    """What a manifest key signs: one version of one event's tickets and plan."""

    event: Hex8
    version: Version
    issued: Seconds
    expires: Seconds
    sales_end: Seconds  # an unknown ticket of before this time may be newer than the list
    tickets: Annotated[int, Meta(ge=0, le=MAX_TICKETS)]
    chunks: Annotated[tuple[HexOrEmpty, ...], Meta(min_length=CHUNKS, max_length=CHUNKS)]
    names: Annotated[tuple[HexOrEmpty, ...], Meta(max_length=CHUNKS)]  # 256, or none at all
    delta: Hex32  # the delta chain's value at this version
    plan: Plan


HEAD: Final = Decoder(Head)


def seal_head(head: Head, secret: bytes) -> bytes:
    """Return `head` signed, having checked it as a gate will."""
    raw = seal(Kind.MANIFEST, head, secret)
    check(open_signed(Kind.MANIFEST, raw, keys.public_key(secret), HEAD))
    return raw


def open_head(raw: bytes, trusted: TrustedKeys, now: Instant) -> Head:
    """Return a head that one of the tenant's manifest keys signed, and that is in its time.

    Without trusted time no date is judged: a gate must be able to open its own manifest after
    a power cut. Versions still never fall (`trusted.TrustedManifest`).
    """
    head = open_signed(Kind.MANIFEST, raw, trusted.of("manifest", now), HEAD)
    check(head)
    if now.trusted and head.issued > now.seconds + FUTURE:
        raise Untrusted("manifest_future")
    if now.trusted and now.seconds >= head.expires:
        raise Untrusted("manifest_expired")
    return head


def check(head: Head) -> None:
    """Check what the types cannot say."""
    if head.issued >= head.expires:
        raise Malformed("manifest_window")
    if head.names and [name == "" for name in head.names] != [each == "" for each in head.chunks]:
        raise Malformed("manifest_names")


def chunk_digest(event: bytes, index: int, records: bytes) -> str:
    """Return what a head says of a chunk."""
    return hashing.chunk_hash(event, index, records).hex() if records else ""


def names_digest(event: bytes, index: int, sealed: bytes) -> str:
    """Return what a head says of a chunk's names."""
    return hashing.names_hash(event, index, sealed).hex() if sealed else ""
