"""Who grants the rights of a ticket (spec/claims.md §1)."""

from collections.abc import Mapping
from hashlib import sha256

from shared.devices.roster import Member


def members(devices: Mapping[bytes, Member], site: int) -> frozenset[bytes]:
    """Return the devices of a site that may own and claim: gates in force, never the cloud."""
    return frozenset(
        device
        for device, member in devices.items()
        if member.site == site and member.kind != "cloud" and member.cutoff is None
    )


def owners(devices: Mapping[bytes, Member], site: int, ticket: bytes) -> tuple[bytes, ...]:
    """Return the members, the first owner of the ticket first (`ticket`: its id hash).

    Rendezvous hashing: every holder of one roster has one order, each device is first for as
    many tickets, and one that comes or goes moves the tickets that it owns and no others.
    """
    return tuple(sorted(members(devices, site), key=lambda d: _rank(d, ticket), reverse=True))


def _rank(device: bytes, ticket: bytes) -> bytes:
    return sha256(b"usher/owner/v1\0" + device + ticket).digest()
