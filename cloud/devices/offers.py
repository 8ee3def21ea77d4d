"""What the console shows of an enrolment: the offer's text, and its code to be read by a camera."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import qrcode
from qrcode.util import MODE_8BIT_BYTE, QRData

from cloud.errors import Refusal
from cloud.tickets.codes import QUIET, Code
from shared.devices.enrolment import Offer, offer_text, parse_offer
from shared.errors import UsherError

PORTS: Final = {"https": 443, "http": 80}


def origin_of(public_url: str, reached_at: str, host: str) -> str:
    """Return the origin that devices are sent to.

    `public_url`: as the operator said it. Where nothing was said, a console that reached us over
    this machine's own loopback sends devices the same way.
    """
    if not public_url and _is_loopback(host):
        return f"http://{host.lower()}"
    try:
        return _normal(public_url or reached_at)
    except ValueError:
        return ""  # which no offer can name


def text_of(offer: Offer) -> str:
    """Return the offer's text, or refuse with `enrol_origin` if no device would take it."""
    text = offer_text(offer)
    try:
        parse_offer(text)
    except UsherError:
        raise Refusal("enrol_origin", accepted="public_url: an https address") from None
    return text


def draw(text: str) -> Code:
    """Return the text as a code for a screen."""
    made = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=QUIET)
    made.add_data(QRData(text.encode(), mode=MODE_8BIT_BYTE))
    made.make()
    return Code.of(made.get_matrix())


def _normal(url: str) -> str:
    """Return scheme, host and port; the port only where it is not the scheme's own."""
    parts = urlsplit(url)
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{name}{port}"


def _is_loopback(host: str) -> bool:
    """Whether a Host header names this machine's own loopback."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
