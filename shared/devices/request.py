"""Requests that a device signs (spec/devices.md §3).

The signature covers method, host, path with query, body, time and nonce, each behind its
length, so that no two requests have one spelling. The header is one line with one spelling:

    Authorization: Usher1 <device id>.<unix ms>.<nonce>.<signature>     (hex, decimal, hex, hex)

The signature is checked before the time, so that a genuine device whose clock is wrong can be
told the time; a replay is looked for last, among the nonces that the caller has kept.
"""

import re
from collections.abc import Container
from hashlib import sha256
from typing import Final, NamedTuple

from shared import hashing, keys
from shared.devices.roster import TrustedRoster
from shared.errors import Malformed, Refused, Untrusted

DOMAIN: Final = b"usher/request/v1\0"
SCHEME: Final = "Usher1"
SKEW: Final = 300_000  # ms that the two clocks may differ
MAX_PART: Final = 0xFFFF  # bytes of a method, host or target
_HEADER: Final = re.compile(
    r"Usher1 ([0-9a-f]{32})\.(0|[1-9][0-9]{0,14})\.([0-9a-f]{32})\.([0-9a-f]{128})"
)


class Request(NamedTuple):
    """What is signed of a request, as it stands on the wire."""

    method: str  # upper case
    host: str  # the Host header: lower case, with the port where it has one
    target: str  # path and query, undecoded
    body: bytes  # 32: SHA-256 of the body, of nothing for none


class Accepted(NamedTuple):
    """A genuine request. The caller keeps (device, nonce) until `forget`, then answers."""

    device: bytes  # 16
    nonce: bytes  # 16
    forget: int  # unix ms from which on a repetition is too old anyway


def body_hash(body: bytes) -> bytes:
    """Return what a request says of its body."""
    return sha256(body).digest()


def sign_request(request: Request, secret: bytes, at: int, nonce: bytes) -> str:
    """Return the header's value. `nonce`: 16 random bytes, new for each attempt."""
    device = hashing.device_id(keys.public_key(secret))
    signature = keys.sign(secret, DOMAIN, _message(request, device, at, nonce))
    return f"{SCHEME} {device.hex()}.{at}.{nonce.hex()}.{signature.hex()}"


def check_request(
    request: Request,
    header: str,
    roster: TrustedRoster,
    now: int,
    seen: Container[tuple[bytes, bytes]],
    *,
    revoked_too: bool = False,
) -> Accepted:
    """Return whose request it is, or raise the first fault. `now`: the checker's unix ms.

    `revoked_too` is for the upload of records alone: what a device wrote before it was
    revoked still counts, and may still come in.
    """
    device, at, nonce, signature = _parse(header)
    member = roster.devices.get(device)
    if member is None:
        raise Untrusted("request_unknown_device")
    if not keys.verify(member.pk, DOMAIN, _message(request, device, at, nonce), signature):
        raise Untrusted("request_bad_signature")
    if member.cutoff is not None and not revoked_too:
        raise Untrusted("request_revoked_device")
    if abs(now - at) > SKEW:
        raise Untrusted("request_stale" if at < now else "request_early")
    if (device, nonce) in seen:
        raise Refused("request_replayed")
    return Accepted(device, nonce, at + SKEW + 1)


def _parse(header: str) -> tuple[bytes, int, bytes, bytes]:
    match = _HEADER.fullmatch(header)
    if match is None:
        raise Malformed("request_header")
    device, at, nonce, signature = match.groups()
    return bytes.fromhex(device), int(at), bytes.fromhex(nonce), bytes.fromhex(signature)


def _message(request: Request, device: bytes, at: int, nonce: bytes) -> bytes:
    if (len(request.body), len(nonce)) != (32, 16):
        raise ValueError("a body hash has 32 bytes and a nonce 16")
    parts = [_part(text) for text in (request.method, request.host, request.target)]
    return b"".join((*parts, request.body, device, at.to_bytes(8, "big"), nonce))


def _part(text: str) -> bytes:
    try:
        part = text.encode("ascii")
    except UnicodeEncodeError:
        raise Malformed("request_part") from None
    if len(part) > MAX_PART:
        raise Malformed("request_part", MAX_PART)
    return len(part).to_bytes(2, "big") + part
