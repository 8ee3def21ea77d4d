"""How a device becomes a member (spec/devices.md §2).

    console  shows an offer as a QR code: where, one-time code, tenant, until when, root key
    device   hello:     the code, its key, a commitment to a nonce, proof of possession
    cloud    challenge: a nonce of its own
    device   reveal:    the nonce that it committed to
    both     six digits over all of it; a person types the device's into the console
    cloud    welcome:   keyset and roster

Rules:
- An offer is taken up once, by the first hello that proves its key. It is void after a wrong
  reveal, one wrong comparison, or ten minutes.
- Neither side can search for a key or a nonce that gives wanted digits: the device is bound
  to its own before it sees the cloud's, and the cloud to its own before it sees the device's.
- Repeating a step that was taken changes nothing, so that a lost answer can be asked for again.
"""

import hmac
import re
import struct
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv6Address
from typing import Final, NamedTuple

from shared import hashing, keys
from shared.devices.roster import TrustedRoster
from shared.errors import Malformed, Refused, Untrusted
from shared.instant import Instant
from shared.keyset import TrustedKeys

HELLO_DOMAIN: Final = b"usher/enrol/v1\0"
COMMIT_DOMAIN: Final = b"usher/enrol-commit/v1\0"
DIGITS_DOMAIN: Final = b"usher/enrol-digits/v1\0"
HELLO: Final = struct.Struct(">16s32s32s64s")  # code, key, commitment, signature
NONCE_SIZE: Final = 16
MAX_PORT: Final = 65535
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_OFFER: Final = re.compile(  # every part is bounded, and so is the whole
    rf"(https?://(?:(?=[a-z0-9.-]{{1,253}}[:/]){_LABEL}(?:\.{_LABEL})*|\[([0-9a-f:]{{2,39}})\])"
    r"(?::(?!443/)([1-9][0-9]{0,4}))?)/enrol"
    r"#1\.([0-9a-f]{32})\.([0-9a-f]{32})\.([1-9][0-9]{0,11})\.([0-9a-f]{64})"
)
_LOOPBACK: Final = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?")


class Offer(NamedTuple):
    """What the console's QR code says."""

    origin: str  # https://host[:port]; plain http for a loopback host alone
    code: bytes  # 16, random, once
    tenant: bytes  # 16
    expires: int  # unix seconds
    root: bytes  # 32: the tenant's root key, which the device pins


class State(StrEnum):
    """Where an enrolment stands. Values are stored: never rename."""

    OFFERED = "offered"
    CLAIMED = "claimed"  # a device has brought its key
    REVEALED = "revealed"  # the digits are fixed
    CONFIRMED = "confirmed"  # a person has compared them: to be put on the roster
    VOID = "void"
    REVOKED = "revoked"  # taken back at the console


class Enrolment(NamedTuple):
    """The cloud's side of one offer."""

    offer: Offer
    state: State = State.OFFERED
    hello: bytes = b""
    challenge: bytes = b""  # the cloud's nonce
    revealed: bytes = b""  # the device's nonce

    @property
    def pk(self) -> bytes:
        """The key that claims the offer."""
        return self.hello[16:48]


def offer_text(offer: Offer) -> str:
    """Return the QR code's text: an address whose fragment no server or log ever sees."""
    fields = (offer.code.hex(), offer.tenant.hex(), str(offer.expires), offer.root.hex())
    return f"{offer.origin}/enrol#1.{'.'.join(fields)}"


def parse_offer(text: str) -> Offer:
    """Return what a QR code offers."""
    match = _OFFER.fullmatch(text)
    if match is None:
        raise Malformed("enrol_offer")
    origin, ipv6, port, code, tenant, expires, root = match.groups()
    if int(port or 0) > MAX_PORT or (ipv6 and not _is_ipv6(ipv6)):
        raise Malformed("enrol_offer")
    if origin.startswith("http:") and not _LOOPBACK.fullmatch(origin):
        raise Untrusted("enrol_insecure", 0)
    if not keys.is_valid_point(bytes.fromhex(root)):
        raise Untrusted("enrol_weak_root")
    return Offer(
        origin, bytes.fromhex(code), bytes.fromhex(tenant), int(expires), bytes.fromhex(root)
    )


def _is_ipv6(text: str) -> bool:
    """Whether this is an IPv6 address in its one shortest spelling (RFC 5952)."""
    try:
        return str(IPv6Address(text)) == text
    except ValueError:
        return False


def hello(offer: Offer, secret: bytes, nonce: bytes) -> bytes:
    """Return the device's claim, 144 bytes. `nonce`: 16 random bytes, kept until the reveal."""
    pk = keys.public_key(secret)
    commitment = commit(pk, nonce)
    signature = keys.sign(secret, HELLO_DOMAIN, _claimed(offer, pk, commitment))
    return HELLO.pack(offer.code, pk, commitment, signature)


def commit(pk: bytes, nonce: bytes) -> bytes:
    """Return the hash that binds a device to its nonce before the cloud's is known."""
    return sha256(COMMIT_DOMAIN + pk + nonce).digest()


def digits(offer: Offer, pk: bytes, challenge: bytes, revealed: bytes) -> str:
    """Return the six digits that device and console show: over the offer as each side knows
    it, the key, and both nonces."""
    transcript = sha256(offer_text(offer).encode()).digest() + pk + challenge + revealed
    number = int.from_bytes(sha256(DIGITS_DOMAIN + transcript).digest()[:8], "big")
    return f"{number % 1_000_000:06}"


def code_of(raw: bytes) -> bytes:
    """Return the code by which the cloud finds the offer of a hello."""
    if len(raw) != HELLO.size:
        raise Malformed("enrol_hello", min(len(raw), HELLO.size))
    return raw[:16]


def claim(enrolment: Enrolment | None, raw: bytes, challenge: bytes, now: int) -> Enrolment:
    """Take a hello in. `challenge`: 16 random bytes; `now`: the cloud's unix seconds."""
    code = code_of(raw)
    if enrolment is None or not hmac.compare_digest(code, enrolment.offer.code):
        raise Untrusted("enrol_unknown")
    _check_open(enrolment, now)
    if raw == enrolment.hello:
        return enrolment
    if enrolment.state != State.OFFERED:
        raise Refused("enrol_used")
    _, pk, commitment, signature = HELLO.unpack(raw)
    message = _claimed(enrolment.offer, pk, commitment)
    if not (keys.is_valid_point(pk) and keys.verify(pk, HELLO_DOMAIN, message, signature)):
        raise Untrusted("enrol_bad_proof", 80)
    return enrolment._replace(state=State.CLAIMED, hello=raw, challenge=challenge)


def reveal(enrolment: Enrolment, nonce: bytes, now: int) -> Enrolment:
    """Take the device's nonce in; a wrong one voids the offer."""
    _check_open(enrolment, now)
    if enrolment.state == State.REVEALED and nonce == enrolment.revealed:
        return enrolment
    if enrolment.state != State.CLAIMED:
        raise Refused("enrol_step")
    if len(nonce) != NONCE_SIZE or commit(enrolment.pk, nonce) != enrolment.hello[48:80]:
        return enrolment._replace(state=State.VOID)
    return enrolment._replace(state=State.REVEALED, revealed=nonce)


def compare(enrolment: Enrolment, typed: str, now: int) -> Enrolment:
    """Take in the digits that a person read off the device; one wrong try voids the offer."""
    _check_open(enrolment, now)
    if enrolment.state != State.REVEALED:
        raise Refused("enrol_step")
    shown = digits(enrolment.offer, enrolment.pk, enrolment.challenge, enrolment.revealed)
    return enrolment._replace(state=State.CONFIRMED if typed == shown else State.VOID)


def revoke(enrolment: Enrolment) -> Enrolment:
    """Take the offer back. What was confirmed is revoked by the roster alone."""
    if enrolment.state == State.CONFIRMED:
        raise Refused("enrol_used")
    return enrolment._replace(state=State.REVOKED)


def welcome(
    offer: Offer, pk: bytes, keyset: bytes, roster: bytes, now: Instant
) -> tuple[TrustedKeys, TrustedRoster]:
    """Check the cloud's answer on the device: signed under the root of the offer, and with
    this device on the roster."""
    trusted = TrustedKeys(offer.root).update([keyset], now)
    members = TrustedRoster(offer.tenant).update(roster, trusted, now)
    member = members.devices.get(hashing.device_id(pk))
    if member is None or member.cutoff is not None:
        raise Untrusted("enrol_not_listed")
    return trusted, members


def _claimed(offer: Offer, pk: bytes, commitment: bytes) -> bytes:
    """What a hello signs: the offer as the device read it, so that a forged one is found out."""
    return sha256(offer_text(offer).encode()).digest() + pk + commitment


def _check_open(enrolment: Enrolment, now: int) -> None:
    if enrolment.state == State.REVOKED:
        raise Refused("enrol_revoked")
    if enrolment.state in (State.VOID, State.CONFIRMED):
        raise Refused("enrol_used")
    if now >= enrolment.offer.expires:
        raise Untrusted("enrol_expired")
