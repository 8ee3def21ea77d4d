"""What lets a record act on an admission that another device made (spec/devices.md §5).

A compromised device can write records of its own and nothing more: what it says of others'
admissions counts only with a blob whose hash is the record's `evidence`, and which is either

- the code that was scanned: the issuer signed it for this very ticket, or
- a supervisor's countersignature of this very record.

A countersignature covers the whole record but its evidence and signature, so it fits no
other place, device, ticket or act.

    blob = countersign(record, badge_secret)          # record.evidence still open
    record = record._replace(evidence=hashing.evidence(blob))
    proves(record, blob, trusted_keys, trusted_roster)
"""

import struct
from typing import Final

from shared import hashing, keys
from shared.devices.roster import TrustedRoster
from shared.errors import UsherError
from shared.keyset import TrustedKeys
from shared.log import hlc
from shared.log.record import ZERO32, Kind, Record, Shown, pack, unpack_bits
from shared.presentation import check_holder
from shared.token import BOUND, DOMAIN, FORMS, STATIC, Parsed, parse_bytes

BADGE_DOMAIN: Final = b"usher/badge/v1\0"
BADGE_TYPE: Final = 0x31
BADGE: Final = struct.Struct(">B32s32s")  # type, badge key, evidence of the code or zero
BADGE_SIZE: Final = BADGE.size + keys.SIGNATURE_SIZE
MAX_CODE: Final = max(form.size for form in FORMS.values())
_ACTS: Final = frozenset({Kind.ANNUL, Kind.OVERRIDE, Kind.SESSION})


def by_badge(record: Record) -> bool:
    """Whether the record's evidence is a badge's countersignature, and not a code."""
    by_hand = unpack_bits(record.bits).shown == Shown.MANUAL
    return record.kind in _ACTS or (record.kind in (Kind.IN, Kind.OUT) and by_hand)


def countersign(record: Record, badge_secret: bytes, code: bytes = b"") -> bytes:
    """Return the badge's countersignature of a placed record; `code` is what was scanned."""
    scanned = hashing.evidence(code) if code else ZERO32
    body = BADGE.pack(BADGE_TYPE, keys.public_key(badge_secret), scanned)
    return body + keys.sign(badge_secret, BADGE_DOMAIN, _signed(record) + body)


def proves(record: Record, blob: bytes, trusted: TrustedKeys, roster: TrustedRoster) -> bool:
    """Whether `blob` is the proof that `record` names, and holds.

    A session is proved by any badge in force, other acts by a supervisor's.
    """
    if hashing.evidence(blob) != record.evidence:
        return False
    if by_badge(record):
        return _by_badge(record, blob, roster)
    return record.kind in (Kind.IN, Kind.OUT) and _by_code(record, blob, trusted)


def _signed(record: Record) -> bytes:
    """The record's first 192 bytes with `evidence`, which names the outcome, left zero."""
    return pack(record._replace(evidence=ZERO32))


def _by_badge(record: Record, blob: bytes, roster: TrustedRoster) -> bool:
    if len(blob) != BADGE_SIZE or blob[0] != BADGE_TYPE:
        return False
    _, pk, _ = BADGE.unpack_from(blob)
    badge = roster.badges.get(pk)
    if badge is None or (record.kind != Kind.SESSION and badge.role != "supervisor"):
        return False
    if record.kind == Kind.SESSION and record.ref != hashing.badge_id(pk):
        return False
    if badge.revoked is not None and hlc.wall(record.hlc) >= badge.revoked * 1000:
        return False
    body, signature = blob[: BADGE.size], blob[BADGE.size :]
    return keys.verify(pk, BADGE_DOMAIN, _signed(record) + body, signature)


def _by_code(record: Record, blob: bytes, trusted: TrustedKeys) -> bool:
    """A key's window is not looked at: a record's own time proves nothing about it."""
    if len(blob) > MAX_CODE:
        return False
    try:
        code = parse_bytes(blob)
        if code.shown not in (STATIC, BOUND):
            check_holder(code)
    except UsherError:
        return False
    return _same_ticket(record, code) and _issued(code, trusted)


def _same_ticket(record: Record, code: Parsed) -> bool:
    token = code.token
    said = (record.event, record.ticket, record.gen, record.ticket_class)
    return said == (token.event, hashing.id_hash(token.ticket), token.gen, token.ticket_class)


def _issued(code: Parsed, trusted: TrustedKeys) -> bool:
    key = trusted.find(code.token.kid, code.token.event)
    if key is None or key.revoked:
        return False
    end = len(code.ticket) - keys.SIGNATURE_SIZE
    return keys.verify(key.pk, DOMAIN, code.ticket[:end], code.ticket[end:])
