"""Who holds which ticket, for supervisors alone: a list sealed to their badges (spec/files.md §3).

    series  one key, sealed to each badge: one badge more, or less, is another series
    head    signed document of kind search: event, version, series, hash of each part, keys
    part    salt 32 || the sealed text (`search_keys`), at most 1 MiB
    text    MessagePack, [[entry, …], [id hash, …]]: what this part says, and of which tickets
            the list says nothing any more

Rules:
- A later part's word on a ticket replaces an earlier one's.
- Whoever has the head can take parts from anybody. One that is missing must not be hidden.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import chain
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.json import Decoder

from shared import hashing, keys
from shared.errors import Malformed, Refused, Untrusted
from shared.event import U16, Note, Strict
from shared.instant import Instant
from shared.keyset import TrustedKeys, Version
from shared.manifest.search_keys import Series, open_text, seal_text, unwrap, wrap
from shared.signed import Hex8, Hex16, Hex32, Kind, open_signed

MAX_PARTS: Final = 512
MAX_PART: Final = 1 << 20  # bytes, as sealed
FULL: Final = 1 << 19  # bytes of text after which a writer begins the next part

Sealed = Annotated[str, Meta(pattern=r"\A[0-9a-f]{160}\Z")]
IdHash = Annotated[bytes, Meta(min_length=16, max_length=16)]


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One ticket and what people call it by. `order`: the purchase's reference."""

    ticket: IdHash
    name: Note
    seat: Note
    order: Note
    ticket_class: U16


class Words(msgspec.Struct, frozen=True, array_like=True):
    """What one part says, and which tickets are `gone` from the list."""

    entries: list[Entry]
    gone: list[IdHash]


class SearchHead(Strict, frozen=True):
    """What a manifest key signs. `keys`: the series' key by badge id."""

    event: Hex8
    version: Version
    series: Hex16
    parts: Annotated[tuple[Hex32, ...], Meta(max_length=MAX_PARTS)]  # SHA-256 of each, as sealed
    keys: dict[Hex16, Sealed]


SEARCH_HEAD: Final = Decoder(SearchHead)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Words)


def packed(entries: Iterable[Entry], gone: Iterable[bytes] = ()) -> Iterator[Words]:
    """Yield what is to be said in parts of a good size; no part where there is nothing to say."""
    words, size = Words([], []), 0
    every: Iterable[Entry | bytes] = chain(gone, entries)
    for each in every:
        if isinstance(each, Entry):
            words.entries.append(each)
        else:
            words.gone.append(each)
        size += len(_ENCODER.encode(each))
        if size >= FULL:
            yield words
            words, size = Words([], []), 0
    if size:
        yield words


def seal_part(series: Series, place: int, words: Words, salt: bytes) -> bytes:
    """Return a part as it travels. `salt`: 32 random bytes, never used before."""
    return seal_text(series, place, _ENCODER.encode(words), salt)


def make_head(
    series: Series, version: int, digests: Iterable[bytes], badges: Mapping[bytes, bytes]
) -> SearchHead:
    """Return the head over parts, by their digests in order.

    `badges`: for each public key 32 random bytes, never used before.
    """
    sealed = {
        hashing.badge_id(pk).hex(): wrap(series, pk, secret).hex() for pk, secret in badges.items()
    }
    parts = tuple(digest.hex() for digest in digests)
    return SearchHead(series.event.hex(), version, series.number.hex(), parts, sealed)


def open_search_head(raw: bytes, trusted: TrustedKeys, now: Instant) -> SearchHead:
    """Return the head that a manifest key signed."""
    return open_signed(Kind.SEARCH, raw, trusted.of("manifest", now), SEARCH_HEAD)


def lacking(head: SearchHead, held: Callable[[bytes], object]) -> list[int]:
    """Return the places of the parts of whose digest `held` says None."""
    return [at for at, digest in enumerate(head.parts) if held(bytes.fromhex(digest)) is None]


def digest_of(head: SearchHead, part: bytes) -> bytes:
    """Return the digest of a part that a head names, or raise `Untrusted`."""
    digest = sha256(part).digest()
    if len(part) > MAX_PART or digest.hex() not in head.parts:
        raise Untrusted("search_hash")
    return digest


def check_part(head: SearchHead, place: int, part: bytes) -> bytes:
    """Return the digest of a part that came for a place, or raise `Untrusted`."""
    digest = digest_of(head, part)
    if head.parts[place : place + 1] != (digest.hex(),):
        raise Untrusted("search_hash")
    return digest


def open_series(head: SearchHead, badge_secret: bytes) -> Series:
    """Return the series, with a badge that it is sealed to."""
    secret = keys.secret_key(badge_secret)
    pk = keys.public_key(secret)
    sealed = head.keys.get(hashing.badge_id(pk).hex())
    if sealed is None:
        raise Refused("search_not_for_badge")
    event, number = bytes.fromhex(head.event), bytes.fromhex(head.series)
    return unwrap(bytes.fromhex(sealed), secret, pk, event, number)


def open_part(series: Series, place: int, part: bytes) -> Words:
    """Return what a part says. Its hash was checked when it came (`check_part`)."""
    try:
        return _DECODER.decode(open_text(series, place, part))
    except msgspec.DecodeError:
        raise Malformed("search_text") from None


def joined(parts: Iterable[Words]) -> dict[bytes, Entry]:
    """Return the newest word on each ticket. `parts`: in the order of their places."""
    entries: dict[bytes, Entry] = {}
    for words in parts:
        for ticket in words.gone:
            entries.pop(ticket, None)
        entries.update((entry.ticket, entry) for entry in words.entries)
    return entries
