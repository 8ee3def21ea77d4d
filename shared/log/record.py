"""One 256-byte record of the scan log (spec/log.md §1).

What decides whether 256 bytes are a record lives in this file, as a table of what each kind
needs and forbids. `decode` says nothing about authorship: that is `shared.log.chain`.

    raw = seal(record, secret_key)
    decode(raw).seq
"""

import struct
from enum import IntEnum
from hashlib import sha256
from itertools import accumulate
from typing import Final, NamedTuple

from shared import keys
from shared.errors import Malformed

SIZE: Final = 256
SIGNED: Final = 192  # the signature covers the bytes before it
DOMAIN: Final = b"usher/log/v1\0"
VERSION: Final = 1
ZERO16: Final = bytes(16)
ZERO32: Final = bytes(32)
NO_DAY_CAP: Final = 127
RE_ENTRY: Final = 128
LAYOUT: Final = struct.Struct(">BBH16sIQ32sQQ8sHHHBB16sHHII16s16s32sI64s")


class Kind(IntEnum):
    """What a record says. Numbers are stored: never renumber."""

    IN = 1
    OUT = 2
    ANNUL = 3
    DENY = 4
    OVERRIDE = 5
    ATTACH = 6
    SESSION = 7
    BOOT = 8
    CLOCK = 9
    MARK = 10


class Confirm(IntEnum):
    """Who agreed to an admission before green was shown."""

    LOCAL = 0
    CLAIMED = 1
    CLOUD = 2


class Shown(IntEnum):
    """How the ticket was presented, weakest first."""

    MANUAL = 0
    STATIC = 1
    LIVE = 2
    CHALLENGE = 3


class TimeQuality(IntEnum):
    """What vouched for the clock when the record was written."""

    NONE = 0
    CARRIED = 1
    TRUSTED = 2


class Bits(NamedTuple):
    """Offset 2: bits 0-1 confirm, 2-3 presentation, 4-5 time quality, 6 degraded, rest 0."""

    confirm: Confirm = Confirm.LOCAL
    shown: Shown = Shown.STATIC
    time: TimeQuality = TimeQuality.TRUSTED
    degraded: bool = False


class Record(NamedTuple):
    """The 256 bytes as values. Hashes and ids are bytes of the length that the spec gives."""

    version: int
    kind: int
    bits: int
    device: bytes  # 16
    incarnation: int
    seq: int
    prev: bytes  # 32
    hlc: int  # 48-bit unix milliseconds, 16-bit counter
    monotonic: int  # ms since boot
    event: bytes  # 8
    gate: int
    zone: int
    day: int  # 0: the whole event
    allowance: int
    terms: int  # bit 7: re-entry allowed; bits 0-6: day cap, 127 for none
    ticket: bytes  # 16: id hash
    gen: int
    ticket_class: int
    manifest: int
    roster: int
    session: bytes  # 16
    ref: bytes  # 16
    evidence: bytes  # 32
    reason: int
    signature: bytes  # 64


EMPTY: Final = Record._make(LAYOUT.unpack(bytes(SIZE)))

_SIZES: Final = (1, 1, 2, 16, 4, 8, 32, 8, 8, 8, 2, 2, 2, 1, 1, 16, 2, 2, 4, 4, 16, 16, 32, 4, 64)
_OFFSETS: Final = dict(zip(Record._fields, accumulate((0, *_SIZES[:-1])), strict=True))

_TICKET: Final = ("zone", "day", "allowance", "terms", "ticket", "gen", "ticket_class")
_POOL: Final = ("event", "gate", "zone", "allowance", "ticket")

# What a record of each kind must say, and what it must leave zero.
_NEEDS: Final = {
    Kind.IN: (*_POOL, "ref", "evidence"),
    Kind.OUT: _POOL,
    Kind.ANNUL: ("event", "zone", "ticket", "ref"),
    Kind.DENY: ("event", "ticket", "reason"),
    Kind.OVERRIDE: (*_POOL, "evidence", "reason"),
    Kind.ATTACH: ("ref", "evidence", "reason"),
    Kind.SESSION: ("reason",),
    Kind.BOOT: (),
    Kind.CLOCK: ("reason",),
    Kind.MARK: ("reason",),
}
_FORBIDS: Final = {
    Kind.IN: (),
    Kind.OUT: (),
    Kind.ANNUL: ("allowance", "terms"),
    Kind.DENY: ("allowance", "terms"),
    Kind.OVERRIDE: ("ref",),
    Kind.ATTACH: _TICKET,
    Kind.SESSION: _TICKET,
    Kind.BOOT: (*_TICKET, "session", "ref"),
    Kind.CLOCK: (*_TICKET, "ref"),
    Kind.MARK: _TICKET,
}


class _Rule(NamedTuple):
    needs: tuple[int, ...]
    forbids: tuple[int, ...]
    capped: bool  # carries a day cap
    scanned: bool  # carries a ticket: confirm, presentation and degraded mean something


def _rule(kind: Kind) -> _Rule:
    needs = tuple(map(Record._fields.index, _NEEDS[kind]))
    forbids = tuple(map(Record._fields.index, _FORBIDS[kind]))
    return _Rule(needs, forbids, "allowance" in _NEEDS[kind], "ticket" in _NEEDS[kind])


_RULES: Final = {int(kind): _rule(kind) for kind in Kind}


def pack_bits(bits: Bits) -> int:
    """Return the field at offset 2."""
    return bits.confirm | bits.shown << 2 | bits.time << 4 | bits.degraded << 6


def unpack_bits(value: int) -> Bits:
    """Return the field at offset 2 of a record that `decode` accepted."""
    confirm, shown, quality = Confirm(value & 3), Shown(value >> 2 & 3), TimeQuality(value >> 4 & 3)
    return Bits(confirm, shown, quality, bool(value >> 6 & 1))


def decode(raw: bytes) -> Record:
    """Return the values of one record, or raise `Malformed`."""
    if len(raw) != SIZE:
        raise Malformed("record_length", min(len(raw), SIZE))
    record = Record._make(LAYOUT.unpack(raw))
    check(record)
    return record


def pack(record: Record) -> bytes:
    """Return the 192 bytes that the signature covers."""
    return encode(record)[:SIGNED]


def encode(record: Record) -> bytes:
    """Return the 256 bytes of `record`, its signature as it stands."""
    try:
        raw = LAYOUT.pack(*record)
    except struct.error as error:
        raise Malformed("record_range") from error
    if LAYOUT.unpack(raw) != record:  # struct pads and cuts byte fields in silence
        raise Malformed("record_range")
    return raw


def seal(record: Record, secret_key: bytes) -> bytes:
    """Check and sign `record`; return its 256 bytes. The signature that it holds is ignored."""
    check(record)
    packed = pack(record)
    return packed + keys.sign(secret_key, DOMAIN, packed)


def signed_by(raw: bytes, device_pk: bytes) -> bool:
    """Whether this one record bears the device's own signature."""
    return len(raw) == SIZE and keys.verify(device_pk, DOMAIN, raw[:SIGNED], raw[SIGNED:])


def check(record: Record) -> None:
    """Raise `Malformed` unless the fields make sense together."""
    if record.version != VERSION:
        raise Malformed("record_version", 0)
    rule = _RULES.get(record.kind)
    if rule is None:
        raise Malformed("record_kind", 1)
    _check_bits(record.bits, rule)
    _check_place(record)
    for field in rule.needs:
        if record[field] == EMPTY[field]:
            raise _at("missing", field)
    for field in rule.forbids:
        if record[field] != EMPTY[field]:
            raise _at("unexpected", field)
    if rule.capped and not record.terms & NO_DAY_CAP:
        raise Malformed("record_day_cap", _OFFSETS["terms"])


def _check_bits(bits: int, rule: _Rule) -> None:
    if bits >> 7:
        raise Malformed("record_reserved_bits", _OFFSETS["bits"])
    if bits & 3 == 3:
        raise Malformed("record_confirm", _OFFSETS["bits"])
    if bits >> 4 & 3 == 3:
        raise Malformed("record_time_quality", _OFFSETS["bits"])
    if not rule.scanned and bits & 0b100_1111:
        raise Malformed("record_bits_unexpected", _OFFSETS["bits"])


def _check_place(record: Record) -> None:
    """A BOOT, and only a BOOT, comes first; only the first BOOT of all follows nothing."""
    if not record.incarnation:
        raise Malformed("record_incarnation", _OFFSETS["incarnation"])
    if not record.seq:
        raise Malformed("record_seq", _OFFSETS["seq"])
    if (record.seq == 1) is not (record.kind == Kind.BOOT):
        raise Malformed("record_boot_place", 1)
    if (record.prev == ZERO32) is not (record.seq == record.incarnation == 1):
        raise Malformed("record_prev", _OFFSETS["prev"])


def _at(what: str, field: int) -> Malformed:
    name = Record._fields[field]
    return Malformed(f"record_{name}_{what}", _OFFSETS[name])


def place_of(raw: bytes) -> tuple[bytes, int, int]:
    """Return where a record of the right length stands: device, incarnation, seq."""
    return raw[4:20], int.from_bytes(raw[20:24], "big"), int.from_bytes(raw[24:32], "big")


def record_hash(raw: bytes) -> bytes:
    """Return SHA-256 of a whole record: the next record's `prev`."""
    return sha256(raw).digest()


def record_id(raw: bytes) -> bytes:
    """Return the 16 bytes by which other records name this one."""
    return sha256(raw).digest()[:16]
