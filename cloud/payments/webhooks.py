"""Webhooks of the payment provider: is it genuine, and what does it say. Pure.

The scheme is Stripe's: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>…]`, each `v1` an
HMAC-SHA256 over `<t>.<raw body>` with the endpoint's secret. Other schemes (`v0`) are ignored.

- The body is judged as it came, before anything parses it.
- While a secret is being replaced there are two, and any of them will do.
- Without a secret nothing is genuine: a signature with an empty key is one anybody can make.
- A time too far from ours is refused whichever way, or an old message could be sent again.
- Time is judged after the signature, so that only the provider learns what our clock says.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from cloud.payments.objects import Charge, Intent, Other, RefundResult, in_minor_units
from shared.errors import Malformed, Untrusted

HEADER_MAX: Final = 2048  # about 28 signatures; Stripe sends one for each secret in force
TIME_DIGITS_MAX: Final = 12

SENTENCES: Final[Mapping[str, str]] = {
    "webhook_header_too_long": "The webhook's signature header is too long.",
    "webhook_header": "The webhook's signature header is not in its declared form.",
    "webhook_body": "The webhook's content is not in its declared form.",
    "webhook_no_secret": "Webhooks are refused: no webhook secret is set.",
    "webhook_no_signature": "The webhook carries no signature.",
    "webhook_bad_signature": "The webhook's signature is wrong.",
    "webhook_stale": "The webhook is too old.",
    "webhook_early": "The webhook is from the future: check this machine's clock.",
}


class MalformedWebhook(Malformed):
    """The webhook is not in the provider's form."""

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code]


class UntrustedWebhook(Untrusted):
    """The webhook is not proved to be the provider's, or not to be of now."""

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code]


class ProviderEvent(msgspec.Struct, frozen=True):
    """One thing that happened at the provider. The same `id` may come any number of times."""

    id: str
    type: str
    created: int
    object: Intent | RefundResult | Charge | Other


class Signed(NamedTuple):
    """A signature header, taken apart."""

    time: int
    signatures: tuple[bytes, ...]


class _Data(msgspec.Struct):
    object: msgspec.Raw


class _Envelope(msgspec.Struct):
    id: str
    type: str
    created: int
    data: _Data


def sign(payload: bytes, secret: str, now: int) -> str:
    """Return the header with which Stripe would send *payload*."""
    return f"t={now},v1={_mac(payload, secret, now).decode()}"


def verify(
    payload: bytes, header: str, secrets: Sequence[str], now: int, tolerance: int = 300
) -> ProviderEvent:
    """Return what *payload* says, or raise `MalformedWebhook` or `UntrustedWebhook`."""
    usable = [secret for secret in secrets if secret.strip()]
    if not usable:
        raise UntrustedWebhook("webhook_no_secret")
    signed = parse_header(header)
    if not signed.signatures:
        raise UntrustedWebhook("webhook_no_signature")
    if not _genuine(payload, signed, usable):
        raise UntrustedWebhook("webhook_bad_signature")
    if signed.time < now - tolerance:
        raise UntrustedWebhook("webhook_stale")
    if signed.time > now + tolerance:
        raise UntrustedWebhook("webhook_early")
    return decode(payload)


def parse_header(header: str) -> Signed:
    """Return the one time and all `v1` signatures of *header*."""
    if len(header) > HEADER_MAX:
        raise MalformedWebhook("webhook_header_too_long")
    if not header.isascii():
        raise MalformedWebhook("webhook_header")
    pairs = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1 or not times[0].isdigit() or len(times[0]) > TIME_DIGITS_MAX:
        raise MalformedWebhook("webhook_header")
    return Signed(int(times[0]), tuple(value.encode() for name, _, value in pairs if name == "v1"))


def decode(payload: bytes) -> ProviderEvent:
    """Return what *payload* says. It proves nothing: only `verify` may be given the world's."""
    try:
        envelope = msgspec.json.decode(payload, type=_Envelope)
        told = msgspec.json.decode(envelope.data.object, type=_form(envelope.type))
        content = in_minor_units(told)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise MalformedWebhook("webhook_body") from None
    return ProviderEvent(envelope.id, envelope.type, envelope.created, content)


def _form(kind: str) -> type[Intent | RefundResult | Charge | Other]:
    if kind.startswith("payment_intent."):
        return Intent
    if kind.startswith(("refund.", "charge.refund.")):
        return RefundResult
    return Charge if kind == "charge.refunded" else Other


def _genuine(payload: bytes, signed: Signed, secrets: Sequence[str]) -> bool:
    wanted = [_mac(payload, secret, signed.time) for secret in secrets]
    # All are compared, so that the time taken says nothing about which came close.
    matches = [hmac.compare_digest(a, b) for a in wanted for b in signed.signatures]
    return any(matches)


def _mac(payload: bytes, secret: str, time: int) -> bytes:
    message = b"%d." % time + payload
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest().encode()
