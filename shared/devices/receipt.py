"""What the cloud has of devices' logs, signed, so that anybody may pass it on (spec/devices.md §6).

A gate drops nothing that no receipt covers, and believes a mark only if the record that it holds
at that place has the hash that the mark names.
"""

from typing import Annotated, Final

from msgspec import Meta
from msgspec.json import Decoder

from shared.devices.command import Milliseconds
from shared.devices.roster import Seq
from shared.errors import Untrusted
from shared.event import U32, Strict
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.signed import Hex16, Hex32, Kind, open_signed, seal

MAX_MARKS: Final = 1000


class Mark(Strict, frozen=True):
    """The cloud holds an incarnation up to this place, without a gap."""

    device: Hex16
    incarnation: U32
    seq: Seq
    hash: Hex32  # of the record there


class Receipt(Strict, frozen=True):
    """Places in logs. `at`: the cloud's unix ms, which raises a device's floor (log.md §7)."""

    tenant: Hex16
    at: Milliseconds
    marks: Annotated[tuple[Mark, ...], Meta(max_length=MAX_MARKS)]


RECEIPT: Final = Decoder(Receipt)


def seal_receipt(receipt: Receipt, secret: bytes) -> bytes:
    """Return a receipt signed by a key of role `command`."""
    return seal(Kind.RECEIPT, receipt, secret)


def open_receipt(raw: bytes, trusted: TrustedKeys, now: Instant, tenant: bytes) -> Receipt:
    """Return a receipt of this tenant that one of its command keys signed."""
    receipt = open_signed(Kind.RECEIPT, raw, trusted.of("command", now), RECEIPT)
    if receipt.tenant != tenant.hex():
        raise Untrusted("receipt_tenant")
    return receipt
