"""A webhook as others see it: how it is signed, when it is tried again, what an address may be.

Signatures follow the Standard Webhooks specification, version 1: the id, the time in seconds and
the body, joined by dots, under HMAC-SHA256.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from cloud.pacing import doubling

SECRET_SIZE: Final = 32  # bytes; the specification asks for 24 to 64
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  says what it is, and is none
OVERLAP: Final = timedelta(hours=24)  # that an old secret signs too
# From one try to the next; after the last of them a delivery is given up: three days in all.
WAITS: Final = tuple(
    timedelta(seconds=each)
    for each in (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 72_000)
)
REST_FIRST: Final = 2.0  # seconds, of an endpoint that fails, whatever waits for it
REST_LONGEST: Final = 300.0
PATIENCE: Final = timedelta(days=5)  # with an endpoint of which nothing is taken, until it pauses
GONE: Final = 410  # says the endpoint: send no more
TEST: Final = "hook.test"


class Signed(NamedTuple):
    """What is sent."""

    headers: Mapping[str, str]
    body: bytes


def secret_text(secret: bytes) -> str:
    """Return a secret as receivers' libraries take it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def body_of(topic: str, version: int, at: datetime, data: Mapping[str, Any]) -> bytes:
    """Return a call's body."""
    return msgspec.json.encode(
        {"type": topic, "version": version, "timestamp": at, "data": dict(data)}
    )


def sign(name: str, at: datetime, body: bytes, secrets: Sequence[bytes]) -> Signed:
    """Sign a call at the moment that it is made. `secrets`: all that are good, newest first."""
    seconds = str(int(at.timestamp()))
    text = b".".join((name.encode(), seconds.encode(), body))
    signatures = (
        "v1," + base64.b64encode(hmac.digest(secret, text, hashlib.sha256)).decode()
        for secret in secrets
    )
    return Signed(
        {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": seconds,
            "webhook-signature": " ".join(signatures),
        },
        body,
    )


def next_try(attempts: int, now: datetime, jitter: float) -> datetime | None:
    """Return when to try again after so many attempts; None: it is given up. `jitter`: 0 to 1."""
    if attempts > len(WAITS):
        return None
    return now + WAITS[attempts - 1] * (1 + jitter / 5)


def rest(failures: int) -> timedelta:
    """Return how long an endpoint is left alone after so many failures in a row."""
    return timedelta(seconds=doubling(REST_FIRST, REST_LONGEST, failures))


def address_fault(url: str, *, loopback: bool) -> str:
    """Return what is wrong with an endpoint's address, "" if nothing is.

    `loopback`: plain HTTP is let through, for trying out on one machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "hook_url_malformed"
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or not parts.hostname or port == 0:
        return "hook_url_malformed"
    if parts.scheme not in (("https", "http") if loopback else ("https",)):
        return "hook_url_scheme"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "hook_url_malformed"
    return ""
