"""Hands manifests out: chunks piece by piece, and changes compressed against an older head.

No transaction waits for a slow reader: chunks are read a few at a time. What has changed since
the version that was asked for is left out, since its bytes would not fit that version's hash. A
device keeps what came, takes the newest head, and asks for the rest.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import zstandard

from cloud.db.tenancy import Origin, TenantTx, tenant_tx
from cloud.errors import Refusal
from cloud.http.kernel import Kernel
from cloud.manifests import repository
from cloud.manifests.repository import Published
from shared.manifest import delta, frames
from shared.manifest.chunk import CHUNKS
from shared.wire import frames as framed

PIECE: Final = 8  # chunks read at once
LEVEL: Final = 3  # of zstd: half of a chunk is hashes, and no level makes those smaller


class Wanted(NamedTuple):
    """Chunks of a version."""

    event_id: UUID
    version: int
    places: Sequence[int]
    names: bool


class Changes(NamedTuple):
    """A newer head and what led to it, compressed; `base`: the head that it is compressed by."""

    version: int
    body: bytes
    base: int | None


def places_of(want: str) -> list[int]:
    """Return the chunks that 64 hex digits name: bit i is chunk i, the most significant first."""
    bits = int(want, 16)
    return [place for place in range(CHUNKS) if bits >> (CHUNKS - 1 - place) & 1]


async def find(tx: TenantTx, ref: bytes) -> Published:
    """Return the newest head of an event, or refuse with `not_found`."""
    published = await repository.find(tx, ref)
    if published is None:
        raise Refusal("not_found")
    return published


async def wanted(tx: TenantTx, ref: bytes, version: int, want: str, *, names: bool) -> Wanted:
    """Return which chunks can be had as they were at `version`, or refuse with
    `manifest_moved` where none can."""
    published = await find(tx, ref)
    if await repository.head(tx, published.event_id, version) is None:
        raise Refusal("manifest_moved", accepted=str(published.version))
    asked = places_of(want)
    same = set(await repository.unchanged(tx, published.event_id, version))
    places = [place for place in asked if place in same]
    if version != published.version and len(places) == 0:
        raise Refusal("manifest_moved", accepted=str(published.version))
    return Wanted(published.event_id, version, places, names)


async def pieces(
    kernel: Kernel, tenant: UUID, origin: Origin, asked: Wanted, *, compressed: bool
) -> AsyncIterator[bytes]:
    """Yield the frames of chunks, and behind each that of its names, if those are wanted."""
    press = zstandard.ZstdCompressor(LEVEL).compressobj() if compressed else None
    for begin in range(0, len(asked.places), PIECE):
        some = asked.places[begin : begin + PIECE]
        async with tenant_tx(kernel.pool, tenant, origin, kernel.clock()) as tx:
            read = await repository.chunks(tx, asked.event_id, some, asked.version)
        piece = b"".join(_frames(read, names=asked.names))
        if press is None:
            yield piece
        else:
            yield press.compress(piece) + press.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    if press is not None:
        yield press.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)


async def changes(tx: TenantTx, ref: bytes, since: int) -> Changes:
    """Return what leads from a version to the newest, or refuse with `manifest_too_old`."""
    published = await find(tx, ref)
    steps = await repository.steps(tx, published.event_id, since, published.version)
    log = delta.encode(steps)
    whole = len(steps) == published.version - since and len(steps) <= delta.MAX_ENTRIES
    if not whole or len(log) > delta.MAX_LOG:
        raise Refusal("manifest_too_old", accepted=str(published.version))
    base = await repository.head(tx, published.event_id, since)
    body = await asyncio.to_thread(_pressed, framed((published.raw, log)), base)
    return Changes(published.version, body, None if base is None else since)


def _frames(read: dict[int, repository.Chunk], *, names: bool) -> Iterator[bytes]:
    for place, chunk in sorted(read.items()):
        yield frames.encode(place, chunk.records)
        if names:
            yield frames.encode(place, chunk.names)


def _pressed(data: bytes, base: bytes | None) -> bytes:
    """Return one zstd frame. Two heads differ by a few hashes: the older one is its dictionary."""
    if base is None:
        return zstandard.ZstdCompressor(LEVEL).compress(data)
    known = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdCompressor(LEVEL, dict_data=known).compress(data)
