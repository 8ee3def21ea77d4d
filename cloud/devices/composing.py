"""When rosters are published, and what stands in one. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, cast
from uuid import UUID

from cloud.db.connect import Row
from shared.devices.roster import Badge, BadgeRole, Cutoff, Device, DeviceKind, Roster

LIFE: Final = timedelta(days=30)  # of a roster
RENEWAL: Final = LIFE / 2  # when it is signed anew, changed or not; in rosters_due() as well
KEPT: Final = 32  # rosters


class Issue(NamedTuple):
    """What a roster says beside its devices and badges."""

    tenant: UUID
    version: int
    at: datetime
    lock_after: int  # seconds


def compose(issue: Issue, devices: Sequence[Row], badges: Sequence[Row]) -> Roster:
    """Return the roster of these rows, in their order.

    A worker's desk has a badge: it vouches for what a supervisor did online.
    """
    desks = [row for row in devices if row["badge"] is not None]
    return Roster(
        version=issue.version,
        issued=_seconds(issue.at),
        expires=_seconds(issue.at + LIFE),
        tenant=issue.tenant.hex,
        devices=tuple(_device(row) for row in devices),
        badges=(
            *(_badge(row) for row in badges),
            *(Badge(row["badge"].hex(), row["name"], "supervisor", None) for row in desks),
        ),
        lock_after=issue.lock_after,
    )


def _device(row: Row) -> Device:
    kind = "cloud" if row["kind"] == "worker" else row["appliance"]
    cut = row["cutoff_incarnation"]
    cutoff = None if cut is None else Cutoff(cut, row["cutoff_seq"])
    return Device(row["public"].hex(), row["name"], cast("DeviceKind", kind), cutoff, row["site"])


def _badge(row: Row) -> Badge:
    gone = row["revoked_at"]
    role = cast("BadgeRole", row["role"])
    return Badge(row["public"].hex(), row["name"], role, None if gone is None else _seconds(gone))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
