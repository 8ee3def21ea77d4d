"""What devices look like over HTTP."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from litestar.params import PathParameter
from msgspec import Meta

from cloud.devices.model import Appliance
from cloud.devices.registry import Device
from shared.devices.roster import Cutoff

TENANT: Final = "/v1/tenants/{tenant_id:uuid}"
DEVICES: Final = f"{TENANT}/devices"
OCTETS: Final = "application/octet-stream"
DeviceId = Annotated[
    str,
    PathParameter(
        pattern=r"\A[0-9a-f]{32}\Z", min_length=32, max_length=32, description="32 hex digits."
    ),
]
Hex64 = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{64}$", min_length=64, max_length=64, description="64 hex digits.")
]
Hex32 = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{32}$", min_length=32, max_length=32, description="32 hex digits.")
]
Name = Annotated[
    str,
    Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["North gate 1"]),
]
Site = Annotated[
    int,
    Meta(ge=0, le=65535, description="Gates of one site talk to one another on its LAN."),
]


class NewDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gate, by the public half of its key."""

    public: Hex64
    name: Name
    appliance: Appliance = "kiosk"
    site: Site = 0


class DeviceEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change of a gate; null: it stays."""

    name: Name | None = None
    appliance: Appliance | None = None
    site: Site | None = None


class DeviceOut(msgspec.Struct, frozen=True, kw_only=True):
    """A device."""

    device: Hex32
    public: str
    kind: Literal["gate", "worker"]  # worker: a process of the cloud's
    appliance: Appliance | None  # of a gate
    site: int
    name: str
    created_at: datetime
    revoked_at: datetime | None
    cutoff: Cutoff | None  # the last record that counts
    log: Cutoff | None  # where its log ends here


def shown(found: Device) -> DeviceOut:
    """Return a device as it is shown."""
    worker = found.kind == "worker"
    return DeviceOut(
        device=found.device_id.hex(),
        public=found.public.hex(),
        kind="worker" if worker else "gate",
        appliance=None if worker else found.appliance,
        site=found.site,
        name=found.name,
        created_at=found.created_at,
        revoked_at=found.revoked_at,
        cutoff=_place(found.cutoff_incarnation, found.cutoff_seq),
        log=_place(found.incarnation, found.seq),
    )


def _place(incarnation: int | None, seq: int | None) -> Cutoff | None:
    return None if incarnation is None or seq is None else Cutoff(incarnation, seq)
