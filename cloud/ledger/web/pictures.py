"""An uploaded picture, judged by its content and written anew. Pure.

What is kept is pixels alone: no place, no camera, no text and no colour profile of the file that
was sent, nor anything behind its end. Of an animation it is the first frame.
"""

import struct
from collections.abc import Callable, Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

from msgspec import Struct
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from cloud.errors import Refusal

LARGEST: Final = 4 << 20  # bytes that are taken
MOST_KEPT: Final = 8 << 20  # bytes written anew: 0021_assets.sql says the same
SHORTEST, LONGEST = 64, 4096  # pixels of a side
MOST_PIXELS: Final = 1 << 23  # three times as many bytes while it is written anew
DEEP: Final = frozenset({"I", "I;16", "I;16B", "I;16L"})  # 16 bits of grey
CLEAR: Final = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})  # modes that know transparency
# What Pillow raises of a file that is not whole, or not what it says.
DAMAGED: Final = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    struct.error,
)  # fmt: skip


class Kind(Struct, frozen=True):
    """A format: how it is read, and how it is written."""

    opens: Callable[[BytesIO], ImageFile]
    name: str
    options: Mapping[str, Any]
    transparent: bool


class Picture(Struct, frozen=True):
    """A picture as it is kept."""

    media_type: str
    width: int
    height: int
    body: bytes

    @property
    def digest(self) -> bytes:
        """What it is named by."""
        return sha256(self.body).digest()


KINDS: Final[Mapping[str, Kind]] = {
    "image/png": Kind(PngImageFile, "PNG", {"optimize": False}, transparent=True),
    "image/jpeg": Kind(JpegImageFile, "JPEG", {"quality": 90}, transparent=False),
    "image/webp": Kind(WebPImageFile, "WEBP", {"quality": 90, "method": 4}, transparent=True),
}


def remade(body: bytes) -> Picture:
    """Return what was sent, written anew in its own format.

    Refuses what is no PNG, JPEG or WebP (`image_type`), not whole (`image_damaged`), too small or
    too large (`image_pixels`), or too large once it is written (`image_large`).
    """
    media_type = _type_of(body)
    kind = KINDS[media_type]
    try:
        with kind.opens(BytesIO(body)) as read:
            if not _fits(*read.size):  # before a pixel of it is unpacked
                raise Refusal("image_pixels")
            clean = _pixels(read, transparent=kind.transparent)
    except Image.DecompressionBombError:
        raise Refusal("image_pixels") from None
    except DAMAGED:
        raise Refusal("image_damaged") from None
    kept = BytesIO()
    clean.save(kept, kind.name, **kind.options)
    if kept.tell() > MOST_KEPT:
        raise Refusal("image_large")
    return Picture(media_type, clean.width, clean.height, kept.getvalue())


def _type_of(body: bytes) -> str:
    """Return what a file begins as."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    raise Refusal("image_type")


def _fits(width: int, height: int) -> bool:
    sides = min(width, height) >= SHORTEST and max(width, height) <= LONGEST
    return sides and width * height <= MOST_PIXELS


def _pixels(read: ImageFile, *, transparent: bool) -> Image.Image:
    """Return the pixels, upright, and nothing else that a file can say."""
    upright = ImageOps.exif_transpose(read)
    if upright.mode in DEEP:
        upright = upright.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    clear = upright.mode in CLEAR or "transparency" in upright.info
    made = upright.convert("RGBA" if transparent and clear else "RGB")
    made.info.clear()
    return made
