"""From the text of a code to a ticket that is known to be genuine (spec/token.md §5).

The order is fixed, and each failure has a code of its own: form, issuer key, issuer
signature, LIVE_REQUIRED, holder. A fault of form is found before any signature is looked at,
and no later check can stand for an earlier one. Expiry, class, manifest and entry rules are
`shared.decide`'s.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared import hashing, keys
from shared.errors import Untrusted, UsherError
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.log.record import Shown
from shared.outcomes import Outcome
from shared.presentation import Freshness, check_fresh, check_holder
from shared.token import BOUND, DOMAIN, LIVE_REQUIRED, STATIC, Parsed, Token, parse

OUTCOMES: Final[Mapping[str, Outcome]] = {
    "too_long": Outcome.NOT_A_TICKET,
    "not_ascii": Outcome.NOT_A_TICKET,
    "not_a_ticket": Outcome.NOT_A_TICKET,
    "unknown_prefix": Outcome.UNKNOWN_VERSION,
    "no_terminator": Outcome.MALFORMED,
    "base45_alphabet": Outcome.MALFORMED,
    "base45_length": Outcome.MALFORMED,
    "base45_triplet": Outcome.MALFORMED,
    "base45_pair": Outcome.MALFORMED,
    "unknown_type": Outcome.UNKNOWN_VERSION,
    "wrong_length": Outcome.MALFORMED,
    "reserved_flags": Outcome.MALFORMED,
    "unknown_issuer": Outcome.UNKNOWN_ISSUER,
    "revoked_key": Outcome.REVOKED_KEY,
    "key_outside_window": Outcome.KEY_OUTSIDE_WINDOW,
    "clock_untrusted": Outcome.CLOCK_UNTRUSTED,
    "bad_signature": Outcome.BAD_SIGNATURE,
    "live_code_required": Outcome.LIVE_CODE_REQUIRED,
    "bad_holder_key": Outcome.BAD_HOLDER_PROOF,
    "bad_holder_proof": Outcome.BAD_HOLDER_PROOF,
    "stale_past": Outcome.STALE_CODE,
    "stale_future": Outcome.STALE_CODE,
    "live_clock_untrusted": Outcome.CHALLENGE_REQUIRED,
    "challenge_required": Outcome.CHALLENGE_REQUIRED,
    "wrong_challenge": Outcome.CHALLENGE_REQUIRED,
    "challenge_not_asked": Outcome.STALE_CODE,
}


class Verified(NamedTuple):
    """A genuine ticket, and what the log and the manifest know it by."""

    token: Token
    shown: Shown
    evidence: bytes  # 32: commitment to the very code that was scanned
    ticket_hash: bytes  # 16


def outcome_of(error: UsherError) -> Outcome:
    """Return what staff see of an error that `verify` raised."""
    return OUTCOMES[error.code]


def verify(
    text: str, trusted: TrustedKeys, now: Instant, policy: Freshness, challenge: bytes | None = None
) -> Verified:
    """Return the genuine ticket of a code, or raise the first fault.

    `challenge` is what the gate shows at this moment, if it does: then only its answer counts.
    """
    return verify_parsed(parse(text), trusted, now, policy, challenge)


def verify_parsed(
    code: Parsed, trusted: TrustedKeys, now: Instant, policy: Freshness, challenge: bytes | None
) -> Verified:
    """Return the genuine ticket of a code whose form is right: the rest of `verify`."""
    _check_issuer(code, trusted, now)
    shown = _check_shown(code, now, policy, challenge)
    ticket_hash = hashing.id_hash(code.token.ticket)
    return Verified(code.token, shown, hashing.evidence(code.raw), ticket_hash)


def _check_issuer(code: Parsed, trusted: TrustedKeys, now: Instant) -> None:
    key = trusted.find(code.token.kid, code.token.event)
    if key is None:
        raise Untrusted("unknown_issuer", 2)
    if key.revoked:
        raise Untrusted("revoked_key", 2)
    if not key.not_before <= now.seconds < key.not_after:
        raise Untrusted("key_outside_window" if now.trusted else "clock_untrusted", 2)
    end = len(code.ticket) - keys.SIGNATURE_SIZE
    if not keys.verify(key.pk, DOMAIN, code.ticket[:end], code.ticket[end:]):
        raise Untrusted("bad_signature", end)


def _check_shown(code: Parsed, now: Instant, policy: Freshness, challenge: bytes | None) -> Shown:
    if code.shown in (STATIC, BOUND):
        if code.token.flags & LIVE_REQUIRED:
            raise Untrusted("live_code_required", 1)
        if challenge is not None:
            raise Untrusted("challenge_required", 0)
        return Shown.STATIC
    check_holder(code)
    return check_fresh(code, now, policy, challenge)
