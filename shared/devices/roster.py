"""The roster: which devices and badges may speak for a tenant (spec/devices.md §1).

Rules:
- A key is one device or one badge, once.
- Versions never fall, and one version has one content.
- A device or badge that was ever listed stays listed as long as its records matter: it is
  revoked by a cutoff, never left out, so that what it did before still counts.
- Expiry is judged when a roster is taken in: a venue cut off from the world goes on with what
  it holds.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta
from msgspec.json import Decoder

from shared import hashing, keys
from shared.errors import Malformed, Refused, Untrusted
from shared.event import U16, U32, Label, Seconds, Strict
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.signed import Hex16, Hex32, Kind, open_signed

DeviceKind = Literal["kiosk", "handheld", "cloud"]  # cloud: a worker, nobody's peer
BadgeRole = Literal["scan", "supervisor", "technician"]
Version = Annotated[int, Meta(ge=1, le=0xFFFF_FFFF)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]  # what JavaScript's numbers hold


class Cutoff(Strict, frozen=True, order=True):
    """The last place in a revoked device's log that counts; zeros for none at all."""

    incarnation: U32
    seq: Seq


EVERYTHING: Final = Cutoff(2**32 - 1, 2**53 - 1)  # all that a device has written counts


class Device(Strict, frozen=True):
    """One enrolled appliance."""

    pk: Hex32
    name: Label
    kind: DeviceKind
    cutoff: Cutoff | None  # none: in force
    site: U16 = 0  # gates of one site talk to one another on its LAN


class Badge(Strict, frozen=True):
    """One person's key. `revoked`: from which second on its acts don't count."""

    pk: Hex32
    name: Label
    role: BadgeRole
    revoked: Seconds | None


class Roster(Strict, frozen=True):
    """Every device and badge of one tenant."""

    version: Version
    issued: Seconds
    expires: Seconds
    tenant: Hex16
    devices: tuple[Device, ...]
    badges: tuple[Badge, ...]
    lock_after: U32 = 0  # seconds without signed contact after which a device locks; 0: never


ROSTER: Final = Decoder(Roster)


class Member(NamedTuple):
    """A device as requests, peers and logs look it up."""

    pk: bytes
    cutoff: Cutoff | None
    kind: DeviceKind = "kiosk"
    site: int = 0

    def counts(self, incarnation: int, seq: int) -> bool:
        """Whether a record at this place of the device's log counts."""
        return self.cutoff is None or Cutoff(incarnation, seq) <= self.cutoff


class Heir(NamedTuple):
    """A key that takes a device's place and that no roster lists yet (spec/sync.md §5)."""

    device: bytes  # 16: the device whose place it takes
    pk: bytes


class TrustedRoster(NamedTuple):
    """The newest roster that a device holds, looked up by id and key.

    A device keeps `raw`; after a restart `accept` gives back what it had.
    """

    tenant: bytes  # 16
    roster: Roster | None = None
    raw: bytes = b""
    devices: Mapping[bytes, Member] = MappingProxyType({})  # by device id
    badges: Mapping[bytes, Badge] = MappingProxyType({})  # by public key
    heir: Heir | None = None  # of this very device, while it changes its key

    @property
    def version(self) -> int:
        """The version in force, 0 for none."""
        return self.roster.version if self.roster else 0

    def update(self, raw: bytes, trusted: TrustedKeys, now: Instant) -> "TrustedRoster":
        """Take in a roster that a key of role `roster` signed."""
        if self.roster and raw == self.raw:
            return self
        newer = self.accept(raw, trusted, now)
        if newer.roster and now.trusted and now.seconds >= newer.roster.expires:
            raise Untrusted("roster_expired")
        return newer

    def accept(self, raw: bytes, trusted: TrustedKeys, now: Instant) -> "TrustedRoster":
        """Take in a roster by every rule but its expiry: one's own, after a restart."""
        roster = open_signed(Kind.ROSTER, raw, trusted.of("roster", now), ROSTER)
        _check(roster, self.tenant)
        if roster.version < self.version:
            raise Refused("roster_rollback")
        if roster.version == self.version:
            raise Refused("roster_forked")
        devices, badges = _indexes(roster)
        if self.heir is not None:
            devices = _succeeded(devices, self.heir)
        return TrustedRoster(self.tenant, roster, raw, devices, badges, self.heir)


def _indexes(roster: Roster) -> tuple[dict[bytes, Member], dict[bytes, Badge]]:
    members = (
        Member(bytes.fromhex(device.pk), device.cutoff, device.kind, device.site)
        for device in roster.devices
    )
    return (
        {hashing.device_id(member.pk): member for member in members},
        {bytes.fromhex(badge.pk): badge for badge in roster.badges},
    )


def _succeeded(devices: dict[bytes, Member], heir: Heir) -> dict[bytes, Member]:
    """Return the members with an heir in its device's place, as the next roster will have it; as
    they are, where a roster has spoken of either key."""
    old, new = devices.get(heir.device), hashing.device_id(heir.pk)
    if old is None or old.cutoff is not None or new in devices:
        return devices
    replaced = {heir.device: old._replace(cutoff=EVERYTHING), new: old._replace(pk=heir.pk)}
    return {**devices, **replaced}


def _check(roster: Roster, tenant: bytes) -> None:
    """Check what the types cannot say."""
    if roster.tenant != tenant.hex():
        raise Untrusted("roster_tenant")
    if roster.issued >= roster.expires:
        raise Malformed("roster_window")
    pks = [bytes.fromhex(device.pk) for device in roster.devices]
    pks += [bytes.fromhex(badge.pk) for badge in roster.badges]
    if len(set(pks)) != len(pks):
        raise Malformed("roster_key_shared")
    if not all(map(keys.is_valid_point, pks)):
        raise Malformed("roster_weak_key")
