"""Devices that write signed, chained records for tests of the merge.

A `Scribe` writes what it is told, true or not: hostile devices are made of the same stuff.
"""

from hashlib import sha256

from shared import keys
from shared.hashing import after_right, device_id, evidence, id_hash, root_right
from shared.log.record import (
    DOMAIN,
    LAYOUT,
    SIGNED,
    ZERO16,
    ZERO32,
    Confirm,
    Kind,
    Shown,
    record_hash,
    record_id,
)

EVENT = b"arena-01"
START = 1_800_000_000_000
RE_ENTRY = 0x80
NO_CAP = 127


class Scribe:
    """One device. Each method appends a record and returns its 256 bytes."""

    def __init__(self, name: str, clock: int = START) -> None:
        self.secret = keys.secret_key(sha256(name.encode()).digest())
        self.public = keys.public_key(self.secret)
        self.device = device_id(self.public)
        self.incarnation = 0
        self.seq = 0
        self.head = ZERO32
        self.clock = clock
        self.log: list[bytes] = []

    def boot(self, prev: bytes | None = None) -> bytes:
        self.incarnation += 1
        self.seq = 0
        if prev is not None:
            self.head = prev
        return self.write(Kind.BOOT)

    def enter(
        self,
        ticket: str,
        right: bytes | None = None,
        *,
        zone: int = 1,
        day: int = 0,
        gate: int = 1,
        allowance: int = 1,
        terms: int = RE_ENTRY | NO_CAP,
        gen: int = 0,
        confirm: Confirm = Confirm.LOCAL,
        shown: Shown = Shown.STATIC,
        kind: Kind = Kind.IN,
    ) -> bytes:
        """Admit `ticket` on `right` (root right 0 unless told otherwise)."""
        if kind is Kind.OVERRIDE:
            right = ZERO16
        return self.write(
            kind,
            ticket,
            right or root(ticket, 0, zone, day),
            zone=zone,
            day=day,
            gate=gate,
            allowance=allowance,
            terms=terms,
            gen=gen,
            bits=confirm | shown << 2,
        )

    def leave(
        self,
        ticket: str,
        ref: bytes = ZERO16,
        *,
        zone: int = 1,
        day: int = 0,
        gate: int = 1,
        allowance: int = 1,
        terms: int = RE_ENTRY | NO_CAP,
    ) -> bytes:
        """Let out: `ref` is the IN that this closes, the OUT that it repeats, or nothing."""
        return self.write(
            Kind.OUT, ticket, ref, zone=zone, day=day, gate=gate, allowance=allowance, terms=terms
        )

    def undo(self, ticket: str, ref: bytes, *, zone: int = 1, day: int = 0) -> bytes:
        return self.write(Kind.ANNUL, ticket, ref, zone=zone, day=day)

    def write(
        self,
        kind: Kind,
        ticket: str = "",
        ref: bytes = ZERO16,
        *,
        zone: int = 0,
        day: int = 0,
        gate: int = 0,
        allowance: int = 0,
        terms: int = 0,
        gen: int = 0,
        bits: int = 0,
    ) -> bytes:
        self.seq += 1
        self.clock += 1000
        about = bool(ticket)
        raw = LAYOUT.pack(
            1,
            kind,
            bits,
            self.device,
            self.incarnation,
            self.seq,
            self.head,
            self.clock << 16,
            self.seq * 1000,
            EVENT if about else bytes(8),
            gate,
            zone,
            day,
            allowance,
            terms,
            hashed(ticket) if about else ZERO16,
            gen,
            0,
            1,
            1,
            ZERO16,
            ref,
            evidence(ticket.encode()) if about else ZERO32,
            int(kind is Kind.OVERRIDE),
            bytes(64),
        )
        signature = keys.sign(self.secret, DOMAIN, raw[:SIGNED])
        raw = raw[:SIGNED] + signature
        self.head = record_hash(raw)
        self.log.append(raw)
        return raw


def hashed(ticket: str) -> bytes:
    """The id hash of a ticket that tests call by a word."""
    return id_hash(ticket.encode().ljust(16, b"\0"))


def root(ticket: str, index: int = 0, zone: int = 1, day: int = 0) -> bytes:
    return root_right(EVENT, hashed(ticket), zone, day, index)


def after(raw: bytes) -> bytes:
    """The right that an exit naming `raw` opens, or `raw` itself where it names nothing."""
    return after_right(record_id(raw))
