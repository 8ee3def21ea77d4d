"""Chains: which records a device wrote, and in which order (spec/log.md §3).

A record's `prev` is the hash of the whole record before it, signature included. So one
signature vouches for every record before it, and a batch costs its hashes and one signature
check. Only where that check or the chain fails are single signatures looked at.

    checked = verify_chain(batch, device_pk, start)   # start: the head held so far
    checked.hashes, checked.head    # of the records that the device vouches for
    checked.broken                  # where that ends, and why
"""

from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple

from shared import hashing
from shared.errors import Refused
from shared.log.record import SIZE, VERSION, signed_by

MAX_BATCH: Final = 4096  # records: 1 MiB, and at most so many signature checks
MAX_SEQ: Final = 2**64 - 1  # nothing follows it


class Head(NamedTuple):
    """A place in a device's log and the hash of the record there."""

    device: bytes  # 16
    incarnation: int
    seq: int
    hash: bytes  # 32


class Fault(StrEnum):
    """Why a record does not follow. Values are API: receipts carry them."""

    TRUNCATED = "truncated"  # fewer than 256 bytes are left
    VERSION = "version"  # a layout of another version
    FOREIGN = "foreign"  # another device's
    INCARNATION = "incarnation"  # of another incarnation
    GAP = "gap"  # earlier records are missing
    REPEATED = "repeated"  # its place was passed already
    FORK = "fork"  # signed by the device at a place where it signed another
    BAD_SIGNATURE = "bad_signature"  # the device vouches for it by no signature


class Break(NamedTuple):
    """The first record of a batch that is not accepted."""

    at: int  # its index in the batch
    fault: Fault


class Checked(NamedTuple):
    """What a batch is worth: its first `len(hashes)` records are the device's own."""

    hashes: tuple[bytes, ...]  # 32 each; the first 16 bytes are the record's id
    head: Head | None  # after them; `start` if there are none
    broken: Break | None


def verify_chain(records: bytes, device_pk: bytes, start: Head | None) -> Checked:
    """Check a batch of one incarnation's records that follows `start`.

    Without `start` the batch begins with a BOOT, and what the BOOT follows is not checked
    (spec/log.md §4). What the records say is for `decode`, one by one.
    """
    if len(records) > MAX_BATCH * SIZE:
        raise Refused("log_batch_too_large", MAX_BATCH * SIZE)
    before = start or _before_boot(records, device_pk)
    linked = _linked(records, before)
    hashes = tuple(linked[: _vouched_for(records, len(linked), device_pk)])
    head = before._replace(seq=before.seq + len(hashes), hash=hashes[-1]) if hashes else before
    broken = _break(records, len(hashes), len(linked), head, device_pk)
    return Checked(hashes, head if hashes else start, broken)


def signed_alone(records: bytes, device_pk: bytes) -> tuple[bool, ...]:
    """Say of each whole record of a batch whether its own signature is right.

    For evidence: what follows a break, or a record shown without those after it.
    """
    if len(records) > MAX_BATCH * SIZE:
        raise Refused("log_batch_too_large", MAX_BATCH * SIZE)
    whole = range(SIZE, len(records) + 1, SIZE)
    return tuple(signed_by(records[end - SIZE : end], device_pk) for end in whole)


def _before_boot(records: bytes, device_pk: bytes) -> Head:
    """Return the place before the first record of an incarnation, whichever it is."""
    incarnation = int.from_bytes(records[20:24], "big")
    return Head(hashing.device_id(device_pk), incarnation, 0, records[32:64])


def _linked(records: bytes, before: Head) -> list[bytes]:
    """Return the hashes of the records that follow one another, up to the first that doesn't."""
    hashes: list[bytes] = []
    owner = before.device + before.incarnation.to_bytes(4, "big")
    seq, digest = before.seq, before.hash
    count = min(len(records) // SIZE, MAX_SEQ - seq)
    for at in range(0, count * SIZE, SIZE):
        raw = records[at : at + SIZE]
        seq += 1
        if raw[4:64] != owner + seq.to_bytes(8, "big") + digest or raw[0] != VERSION:
            break
        digest = sha256(raw).digest()
        hashes.append(digest)
    return hashes


def _vouched_for(records: bytes, linked: int, device_pk: bytes) -> int:
    """Return how many of the linked records lie at or before a signed one."""
    for count in range(linked, 0, -1):
        if signed_by(records[(count - 1) * SIZE : count * SIZE], device_pk):
            return count
    return 0


def _break(
    records: bytes, accepted: int, linked: int, head: Head, device_pk: bytes
) -> Break | None:
    """Say where the batch ends before its end; `head` is the last accepted place."""
    if accepted < linked:
        return Break(accepted, Fault.BAD_SIGNATURE)
    rest = records[accepted * SIZE : (accepted + 1) * SIZE]
    return Break(accepted, _fault(rest, head, device_pk)) if rest else None


def _fault(raw: bytes, head: Head, device_pk: bytes) -> Fault:
    """Say why `raw` does not follow `head`. Only a signature makes a fork of it."""
    if len(raw) < SIZE:
        return Fault.TRUNCATED
    if raw[0] != VERSION:
        return Fault.VERSION
    if raw[4:20] != head.device:
        return Fault.FOREIGN
    if int.from_bytes(raw[20:24], "big") != head.incarnation:
        return Fault.INCARNATION
    seq = int.from_bytes(raw[24:32], "big")
    if seq != head.seq + 1:
        return Fault.GAP if seq > head.seq else Fault.REPEATED
    return Fault.FORK if signed_by(raw, device_pk) else Fault.BAD_SIGNATURE
