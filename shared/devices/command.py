"""What the cloud tells one device to do, and what time it is (spec/devices.md §4).

Rules:
- A command is for one device and has a number. A device obeys a number once, and none below
  it: commands can be relayed by anyone, delivered twice and out of order.
- A command does not expire: a stolen device must not outlive its wipe by a wrong clock.
- A stamp is the cloud's time, signed. With the device's own nonce in it, it tells the time;
  without, it only says that it is no earlier.
"""

import struct
from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta
from msgspec.json import Decoder

from shared import hashing, keys
from shared.errors import Malformed, Refused, Untrusted
from shared.event import Strict
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.signed import Hex16, Kind, open_signed

DOMAIN: Final = b"usher/time/v1\0"
STAMP: Final = struct.Struct(">4sQ16s64s")  # kid, unix ms, nonce or zero, signature
SIGNED: Final = STAMP.size - keys.SIGNATURE_SIZE
MAX_MS: Final = 2**47
RELAYED: Final = bytes(16)

Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Milliseconds = Annotated[int, Meta(ge=0, le=MAX_MS)]


class Command(Strict, frozen=True):
    """One order. `time` (unix ms) belongs to `set_time` alone."""

    tenant: Hex16
    device: Hex16
    number: Number
    action: Literal["wipe", "lock", "unlock", "set_time"]
    time: Milliseconds | None


COMMAND: Final = Decoder(Command)


class Recipient(NamedTuple):
    """The device that reads a command, and the last number that it obeyed, kept on disk."""

    tenant: bytes  # 16
    device: bytes  # 16
    obeyed: int = 0


def accept_command(raw: bytes, trusted: TrustedKeys, now: Instant, me: Recipient) -> Command:
    """Return a command to obey. Its number is to be stored before it is carried out."""
    command = open_signed(Kind.COMMAND, raw, trusted.of("command", now), COMMAND)
    if (command.action == "set_time") != (command.time is not None):
        raise Malformed("command_time")
    if (command.tenant, command.device) != (me.tenant.hex(), me.device.hex()):
        raise Untrusted("command_other_device")
    if command.number <= me.obeyed:
        raise Refused("command_replayed")
    return command


def seal_stamp(ms: int, secret: bytes, nonce: bytes = RELAYED) -> bytes:
    """Return the cloud's time as 92 signed bytes, in answer to `nonce` if there is one."""
    kid = hashing.kid(keys.public_key(secret))
    body = STAMP.pack(kid, ms, nonce, bytes(keys.SIGNATURE_SIZE))[:SIGNED]
    return body + keys.sign(secret, DOMAIN, body)


def open_stamp(raw: bytes, trusted: TrustedKeys, now: Instant, nonce: bytes = RELAYED) -> int:
    """Return the unix ms of a stamp that answers `nonce`; without one, of any stamp."""
    if len(raw) != STAMP.size:
        raise Malformed("stamp_length", min(len(raw), STAMP.size))
    kid, ms, answered, signature = STAMP.unpack(raw)
    pk = trusted.of("command", now).get(kid)
    if pk is None:
        raise Untrusted("stamp_unknown_key", 0)
    if not keys.verify(pk, DOMAIN, raw[:SIGNED], signature):
        raise Untrusted("stamp_bad_signature", SIGNED)
    if ms > MAX_MS:
        raise Malformed("stamp_time", 4)
    if nonce != RELAYED and answered != nonce:
        raise Untrusted("stamp_other_question", 12)
    return int(ms)
