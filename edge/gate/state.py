"""What pages and lanes are told beside verdicts."""

from typing import Literal

import msgspec

Role = Literal["scan", "supervisor", "technician"]


class Session(msgspec.Struct, frozen=True):
    """Who is signed in at a lane."""

    name: str
    role: Role
    by: Literal["badge", "pin"]
    since: int  # unix ms


class LaneState(msgspec.Struct, frozen=True, kw_only=True):
    """One place of scanning and how staff have set it."""

    id: str
    kind: Literal["kiosk", "handheld", "api"]
    event: str = ""  # hex, empty before one was chosen
    event_name: str = ""
    timezone: str = ""  # an IANA name, or empty
    gate: int = 0
    gate_name: str = ""
    zone_name: str = ""
    exiting: bool = False
    practice: bool = False
    camera: str = ""  # a camera's name, or empty
    unattended: bool = False  # scans without anybody signed in
    session: Session | None = None


class CameraStatus(msgspec.Struct, frozen=True):
    """How a camera does."""

    name: str
    lane: str
    connected: bool
    warnings: tuple[str, ...]
    fps: float


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The status strip: the same for every lane of this device."""

    at: int  # unix ms
    device: str
    version: str
    ready: bool
    blocked: str = ""  # an outcome's code: why nothing can be admitted
    link: Literal["cloud", "peers", "alone"] = "alone"
    peers: int = 0
    cloud_seen: int | None = None  # unix ms
    data_age: int | None = None  # seconds since the oldest head in force was issued
    data_state: Literal["fresh", "stale", "restricted", "none"] = "none"
    waiting: int = 0  # own records that the cloud has not confirmed
    incidents: int = 0  # open ones that the cloud has told of
    clock: Literal["trusted", "carried", "none"] = "none"
    clock_warning: Literal["", "clock_jumped", "stamps_ahead"] = ""
    stamps_until: int = 0  # unix ms until which records are stamped ahead of the time; 0: no
    battery: int | None = None  # percent
    on_power: bool | None = None
    cameras: tuple[CameraStatus, ...] = ()
    health: Literal["ok", "warn", "fail"] = "ok"


class Counts(msgspec.Struct, frozen=True):
    """How many people, at a lane's gate and in its zone."""

    entered: int = 0
    left: int = 0
    inside: int = 0
    capacity: int = 0  # 0: not counted
    refused: int = 0
    zone_name: str = ""


class GatePost(msgspec.Struct, frozen=True):
    """A gate that staff may choose."""

    id: int
    name: str
    zone_name: str
    direction: Literal["entry", "exit", "both"]


class EventPosts(msgspec.Struct, frozen=True):
    """An event and its gates."""

    event: str
    event_name: str
    gates: tuple[GatePost, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that a supervisor found by name, seat or order."""

    ticket: str  # hex of the id hash
    event: str
    name: str
    seat: str
    order: str
    ticket_class: str
    state: str  # active, revoked, refunded, blocked, unpaid
    inside: int


class IncidentShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a person must settle, or has: the cloud's word, as staff read it. Empty: not known."""

    incident: str
    kind: str  # shared/spec/merge.md §5, or `quarantined`
    state: str  # open, explained, confirmed
    event_name: str
    ticket: str  # hex of the id hash
    ticket_class: str
    name: str  # of the guest, as seat and order: by the list that the badge opens
    seat: str
    order: str
    gates: tuple[str, ...]
    here: bool  # this device's own records show it
    found: int  # unix ms: when the cloud found it


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found. `missing`: parts of the lists that were not there to be looked at."""

    found: list[Found] = []
    missing: int = 0
