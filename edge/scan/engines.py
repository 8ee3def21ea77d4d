"""The two libraries that read QR codes, behind one shape: a picture in, texts and places out.

- zxing-cpp reads most and fast. Only QR codes of model 2 are looked for: each further format
  costs time and brings misreadings of noise.
- pyzbar is ten times slower, and reads a few that zxing-cpp doesn't. It guesses character
  sets, so that only its ASCII is what the code says; it never reads inverted codes; and it
  needs the system's libzbar, which may be missing: `load_zbar` then says None.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import zxingcpp
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
QR: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2)


class Box(NamedTuple):
    """A part of a picture: first column and row, and those after the last."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def sides(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    @property
    def area(self) -> int:
        return max(0, self.right - self.left) * max(0, self.bottom - self.top)

    def common(self, other: "Box") -> int:
        """Return the area that both cover."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        ).area


class Found(NamedTuple):
    """One code that was read."""

    text: str
    box: Box


Engine = Callable[[Grey], list[Found]]


def zxing(grey: Grey, *, inverted: bool = False) -> list[Found]:
    """Read dark codes on light, and the other way round too if asked, at twice the cost."""
    codes = zxingcpp.read_barcodes(grey, formats=QR, try_invert=inverted)
    return [Found(code.bytes.decode("latin-1"), _box(code.position)) for code in codes]


def _box(position: zxingcpp.Position) -> Box:
    corners = (
        position.top_left,
        position.top_right,
        position.bottom_right,
        position.bottom_left,
    )
    columns, rows = [corner.x for corner in corners], [corner.y for corner in corners]
    return Box(min(columns), min(rows), max(columns) + 1, max(rows) + 1)


def load_zbar() -> Engine | None:
    """Return the second opinion, None where the system lacks libzbar."""
    try:
        from pyzbar import pyzbar  # noqa: PLC0415  # loads a library of the system
    except ImportError:
        return None

    def zbar(grey: Grey) -> list[Found]:
        found = []
        for code in pyzbar.decode(grey, symbols=[pyzbar.ZBarSymbol.QRCODE]):
            left, top, width, height = code.rect
            if code.data.isascii():
                box = Box(left, top, left + width, top + height)
                found.append(Found(code.data.decode("ascii"), box))
        return found

    return zbar
