"""Every hash of the protocol, each under a domain of its own (spec/README.md, "Hashes").

A domain ends in a zero byte, so that no domain is a prefix of another and no input of one
purpose can be presented as an input of a second.
"""

from hashlib import sha256


def kid(issuer_pk: bytes) -> bytes:
    """Return the 4-byte hint at an issuer key."""
    return sha256(b"usher/kid/v1\0" + issuer_pk).digest()[:4]


def id_hash(ticket: bytes) -> bytes:
    """Return the 16 bytes under which devices know a ticket."""
    return sha256(b"usher/id/v1\0" + ticket).digest()[:16]


def holder_hash(holder_pk: bytes) -> bytes:
    """Return the 4 bytes by which a manifest names a holder key."""
    return sha256(b"usher/holder/v1\0" + holder_pk).digest()[:4]


def device_id(device_pk: bytes) -> bytes:
    """Return the 16-byte name of a device."""
    return sha256(b"usher/device/v1\0" + device_pk).digest()[:16]


def badge_id(badge_pk: bytes) -> bytes:
    """Return the 16-byte name of a badge."""
    return sha256(b"usher/badge-id/v1\0" + badge_pk).digest()[:16]


def evidence(decoded: bytes) -> bytes:
    """Return the 32-byte commitment of a log record to the code that was scanned."""
    return sha256(b"usher/evidence/v1\0" + decoded).digest()


def root_right(event: bytes, ticket_hash: bytes, zone: int, day: int, index: int) -> bytes:
    """Return the name of root right `index` (from 0) of the pool (ticket, zone, day)."""
    place = zone.to_bytes(2, "big") + day.to_bytes(2, "big") + bytes((index,))
    return sha256(b"usher/right/v1\0" + event + ticket_hash + place).digest()[:16]


def after_right(record_id: bytes) -> bytes:
    """Return the name of the right that an exit opens: after the IN it closes, or, where
    it closes none that it knows of, after the OUT itself."""
    return sha256(b"usher/after/v1\0" + record_id).digest()[:16]


def chunk_hash(event: bytes, index: int, records: bytes) -> bytes:
    """Return what a manifest head says of chunk `index` of its ticket records."""
    return sha256(b"usher/chunk/v1\0" + event + bytes((index,)) + records).digest()


def names_hash(event: bytes, index: int, names: bytes) -> bytes:
    """Return what a manifest head says of chunk `index` of its sealed names."""
    return sha256(b"usher/names/v1\0" + event + bytes((index,)) + names).digest()


def delta_hash(event: bytes, previous: bytes, version: int, changes: bytes) -> bytes:
    """Return the delta chain's value after the entry that leads to `version`."""
    place = event + previous + version.to_bytes(4, "big")
    return sha256(b"usher/delta/v1\0" + place + changes).digest()
