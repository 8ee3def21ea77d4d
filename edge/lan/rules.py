"""What is decided between gates without any network: functions of their arguments.

`standing` says who may talk, `outlives` which of two connections stays, `Budget` how much a
peer may ask of us, `pause` how long to wait before dialling again (spec/lan.md §2, §5).
"""

from enum import StrEnum
from typing import Final, NamedTuple

from shared import hashing
from shared.claims.owners import members
from shared.devices.roster import TrustedRoster

FIRST_PAUSE: Final = 0.25  # seconds
LONGEST_PAUSE: Final = 5.0
LONGEST_UNPROVED: Final = 60.0


class Standing(StrEnum):
    """What the roster says of a key."""

    PEER = "peer"
    SELF = "self"  # our own key: ourselves by another address, or a copy of our disk
    REVOKED = "revoked"
    STRANGER = "stranger"  # not listed, of another site, or the cloud, which is nobody's peer


def standing(roster: TrustedRoster, me: bytes, pk: bytes) -> Standing:
    """Say what a key is to the device `me` (its id)."""
    device = hashing.device_id(pk)
    own, member = roster.devices.get(me), roster.devices.get(device)
    if device == me:
        return Standing.SELF
    if own is None or own.cutoff is not None or member is None or member.pk != pk:
        return Standing.STRANGER
    if member.cutoff is not None:
        return Standing.REVOKED
    return Standing.PEER if device in members(roster.devices, own.site) else Standing.STRANGER


def is_listed(roster: TrustedRoster, me: bytes) -> bool:
    """Whether the roster names a device, and has not cut it off."""
    own = roster.devices.get(me)
    return own is not None and own.cutoff is None


def neighbours(roster: TrustedRoster, me: bytes) -> frozenset[bytes]:
    """Return the devices that `me` is to reach; none once it is cut off itself."""
    if not is_listed(roster, me):
        return frozenset()
    return members(roster.devices, roster.devices[me].site) - {me}


class Opened(NamedTuple):
    """What both ends of a connection know of it alike: its order among those of the pair."""

    incarnations: int  # the sum of both ends': rises when either starts again
    by_lower: bool  # dialled by the device with the lower id
    number: int  # by the dialler's count


def outlives(new: Opened, old: Opened) -> bool:
    """Whether the new of two connections between one pair stays, and the old one goes."""
    return new > old


def pause(failures: int, chance: float, *, unproved: bool = False) -> float:
    """Return seconds until the next attempt; `chance` in [0, 1) spreads those who lost touch at
    one moment. `unproved`: an address that a stranger may have made us dial."""
    longest = LONGEST_UNPROVED if unproved else LONGEST_PAUSE
    return min(longest, FIRST_PAUSE * 2.0 ** min(failures, 10)) * (0.5 + chance / 2)


class Budget:
    """How much a peer may ask: it fills at `rate` units a second, up to `burst`."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = now

    def spend(self, units: float, now: float) -> bool:
        """Take units; whether there were enough."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        self._left = max(-self._burst, self._left - units)
        return self._left >= 0
