"""Files that are carried by hand: a preload for gates, a gate's log (spec/files.md).

    "USHB" | version u8 = 1 | kind u8 | sections | end
    section = type u8 | length u32 | content
    end     = 0 | 32 | SHA-256("usher/file/v1\\0" || everything before the end section)

Rules:
- The end tells a whole file from a half-copied one, and a damaged one from both. It proves
  nothing: what a section says is proved by its own signatures.
- Sections keep their order. A reader refuses types that it doesn't know: a file is written
  for the version that reads it.
"""

import hmac
import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from hashlib import sha256
from typing import Final, NamedTuple

from shared.errors import Malformed

MAGIC: Final = b"USHB"
VERSION: Final = 1
SECTION: Final = struct.Struct(">BI")
START: Final = 6
END: Final = 0
DOMAIN: Final = b"usher/file/v1\0"
MAX_SECTION: Final = 1 << 28


class FileKind(IntEnum):
    """What a file is for. Numbers are stored: never renumber."""

    PRELOAD = 1  # from the organizer to gates
    LOG = 2  # from a gate to the cloud or to another gate


class Part(IntEnum):
    """Types of sections. Numbers are stored: never renumber."""

    KEYSET = 1
    ROSTER = 2
    HEAD = 3  # its chunks and names follow, up to the next head
    CHUNKS = 4  # frames (`manifest.frames`)
    NAMES = 5  # frames
    COMMAND = 6
    STAMP = 7
    SEARCH_HEAD = 8  # its entries follow
    SEARCH_ENTRIES = 9
    DEVICE = 16  # a device's public key: batches of its records follow
    RECORDS = 17  # a batch of one incarnation
    BLOB = 18  # a proof or an attachment


PARTS: Final = {
    FileKind.PRELOAD: frozenset(range(Part.KEYSET, Part.SEARCH_ENTRIES + 1)),
    FileKind.LOG: frozenset((Part.DEVICE, Part.RECORDS, Part.BLOB)),
}


class Section(NamedTuple):
    """One part of a file."""

    part: Part
    content: bytes


def encode(kind: FileKind, sections: Iterable[Section]) -> Iterator[bytes]:
    """Yield a file piece by piece, so that no large one has to be held whole."""
    start = MAGIC + bytes((VERSION, kind))
    digest = sha256(DOMAIN + start)
    yield start
    for part, content in sections:
        piece = SECTION.pack(part, len(content)) + content
        digest.update(piece)
        yield piece
    yield SECTION.pack(END, digest.digest_size) + digest.digest()


def decode(data: bytes) -> tuple[FileKind, list[Section]]:
    """Return what a whole and undamaged file holds, or raise `Malformed`."""
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise Malformed("file_magic", 0)
    if len(data) < START:
        raise Malformed("file_truncated", len(data))
    if data[4] != VERSION:
        raise Malformed("file_version", 4)
    if data[5] not in PARTS:
        raise Malformed("file_kind", 5)
    kind = FileKind(data[5])
    spans, end = _spans(data)
    if not hmac.compare_digest(sha256(DOMAIN + data[: spans[-1][1] - SECTION.size]).digest(), end):
        raise Malformed("file_damaged")
    for part, start, _ in spans[:-1]:
        if part not in PARTS[kind]:
            raise Malformed("file_section", start - SECTION.size)
    return kind, [Section(Part(part), data[start:stop]) for part, start, stop in spans[:-1]]


def _spans(data: bytes) -> tuple[list[tuple[int, int, int]], bytes]:
    """Return (type, start, stop) of every section, the end last, and the end's content."""
    spans: list[tuple[int, int, int]] = []
    offset = START
    while not spans or spans[-1][0] != END:
        start = offset + SECTION.size
        if start > len(data):
            raise Malformed("file_truncated", len(data))
        part, length = SECTION.unpack_from(data, offset)
        if length > MAX_SECTION:
            raise Malformed("file_damaged", offset)
        offset = start + length
        if offset > len(data):
            raise Malformed("file_truncated", len(data))
        spans.append((part, start, offset))
    if offset != len(data):
        raise Malformed("file_longer", offset)
    return spans, data[spans[-1][1] :]
