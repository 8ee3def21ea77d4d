"""Codes for guests' phones, as SVG."""

import qrcode
from qrcode.image.svg import SvgPathFillImage


def code(text: str) -> bytes:
    """Return a QR code, black on white with its quiet zone."""
    drawn = qrcode.QRCode(border=4, image_factory=SvgPathFillImage)
    drawn.add_data(text)
    svg: bytes = drawn.make_image().to_string()
    return svg
