"""Compressed answers, taken apart while they come, with no more memory than one frame.

zstd makes 128 KB out of four bytes, so that what comes out is counted and not what goes in.
"""

from collections.abc import Callable
from typing import IO, Final, cast

import zstandard

from edge.sync.failures import Garbled
from shared.errors import Malformed
from shared.manifest import frames

MOST_FRAMES: Final = 2 * frames.MAX_FRAMES  # in one answer: of records, and of names
WINDOW: Final = 1 << 23  # bytes of memory that a frame may ask for
Take = Callable[[int, bytes], None]


class Frames:
    """Gives each whole chunk frame of an answer to `take` (spec/manifest.md §6)."""

    def __init__(self, take: Take, most: int, *, compressed: bool) -> None:
        self._take = take
        self._left = most
        self._frames = 0
        self._rest = bytearray()
        self._decoder = (
            _writer(zstandard.ZstdDecompressor(max_window_size=WINDOW), self._plain)
            if compressed
            else None
        )

    def feed(self, piece: bytes) -> None:
        """Take in what came. Raises `Garbled`, `Malformed` and what `take` does."""
        if self._decoder is None:
            self._plain(piece)
            return
        try:
            self._decoder.write(piece)
        except zstandard.ZstdError:
            raise Garbled("answer_encoded") from None

    def _plain(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise Garbled("answer_too_large")
        self._rest += piece
        while (content := self._next()) is not None:
            self._take(*content)

    def _next(self) -> tuple[int, bytes] | None:
        """Return the frame at the start of what is here, once it is whole."""
        if len(self._rest) < frames.HEADER.size:
            return None
        place, length = frames.HEADER.unpack_from(self._rest)
        if length > frames.MAX_SIZE:
            raise Malformed("frame_too_large")
        if self._frames == MOST_FRAMES:
            raise Malformed("frame_too_many")
        end = frames.HEADER.size + length
        if len(self._rest) < end:
            return None
        content = bytes(self._rest[frames.HEADER.size : end])
        del self._rest[:end]
        self._frames += 1
        return place, content


def _writer(
    decoder: zstandard.ZstdDecompressor, write: Callable[[bytes], None]
) -> zstandard.ZstdDecompressionWriter:
    """Return what passes decompressed bytes on; of a file, it needs `write` alone."""
    return decoder.stream_writer(cast("IO[bytes]", _Sink(write)), closefd=False)


class _Sink:
    """What zstandard writes to."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        """Pass decompressed bytes on, 128 KB at the most at one time."""
        self._write(bytes(data))
        return len(data)


def unpressed(data: bytes, most: int, dictionary: bytes = b"") -> bytes:
    """Return one zstd frame's content, of at most that many bytes."""
    kind = zstandard.DICT_TYPE_RAWCONTENT
    known = zstandard.ZstdCompressionDict(dictionary, dict_type=kind) if dictionary else None
    whole = bytearray()

    def take(piece: bytes) -> None:
        whole.extend(piece)
        if len(whole) > most:
            raise Garbled("answer_too_large")

    decoder = zstandard.ZstdDecompressor(dict_data=known, max_window_size=WINDOW)
    try:
        _writer(decoder, take).write(data)
    except zstandard.ZstdError:
        raise Garbled("answer_encoded") from None
    return bytes(whole)
