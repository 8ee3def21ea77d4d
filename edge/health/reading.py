"""What checks look at: plain values, taken from the machine and the gate by others.

None stands for what can't be seen from where the reading was taken: a command that looks at a
gate's folder does not see what only the running agent knows.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from edge.link.messages import CameraState
from shared.instant import Instant
from shared.log.record import TimeQuality
from shared.rules.compiled import Age

Access = Literal["ok", "missing", "unreadable"]


class Room(NamedTuple):
    """Bytes of a disk or of memory."""

    free: int
    total: int


class Power(NamedTuple):
    """Where the current comes from. `throttled`: a Raspberry Pi's own bits."""

    percent: int | None = None
    plugged: bool | None = None
    throttled: int | None = None


class Hardware(NamedTuple):
    """The machine itself."""

    wall: int  # unix seconds, by its clock
    disk: Room | None
    memory: Room
    load: float  # processes that want a core, for each core, over the last minute
    temperature: float | None  # degrees Celsius, of the hottest sensor of a processor
    power: Power | None  # None: not to be looked at
    readers: Mapping[str, Access]
    aplay: bool
    libzbar: bool


class Time(NamedTuple):
    """What the gate takes for the time."""

    now: Instant
    quality: TimeQuality
    jumped: bool
    stamps_until: int = 0  # unix ms until which records are stamped ahead of it; 0: they aren't
    ahead: tuple[str, ...] = ()  # names of other devices whose stamps are ahead of it


class Certificate(NamedTuple):
    """The certificate of the staff screens."""

    fault: str = ""  # code: why it can't be used; the rest is then empty
    missing: tuple[str, ...] = ()  # names that browsers use and that it does not have
    since: int = 0
    until: int = 0
    issued: bool | None = None  # by the venue's own authority; None: no authority is known here


class Log(NamedTuple):
    """How this device's log is."""

    faults: tuple[str, ...] = ()  # what SQLite finds wrong with the file
    records: int = 0  # of the newest incarnation, whose chain was looked at
    broken: str = ""  # why the chain ends before the log does: a `shared.log.chain.Fault`


class Written(NamedTuple):
    """What became of writing."""

    error: str = ""  # of a trial
    failed: bool = False  # a scan could not be written, and none since
    mirror: Access = "ok"
    healed: tuple[str, ...] = ()  # found and mended at the start
    aside: int = 0  # damaged files that were set aside


class Queue(NamedTuple):
    """Own records without a receipt."""

    waiting: int
    growth: float | None = None  # records a minute
    refused: tuple[tuple[str, str], ...] = ()  # whose records the cloud refuses, and its code
    disputed: tuple[str, ...] = ()  # devices of which the cloud has signed for another history


class Event(NamedTuple):
    """One event's ticket list."""

    event: str  # hex
    name: str
    tickets: int
    old: int | None  # seconds since it was signed; None: there is no trusted time to tell by
    age: Age
    restricted: Literal["admit", "hold", "refuse"]
    left: int | None  # seconds until it expires
    plan_faults: int = 0
    over: bool = False
    unfollowed: str = ""  # code: why the cloud's newest list is not taken


class Lists(NamedTuple):
    """All events, and stored documents that can't be used."""

    events: tuple[Event, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()  # (kind, code)


class Roster(NamedTuple):
    """What the organizer says of this device and of badges."""

    version: int
    listed: bool
    cut_off: bool
    locked: bool
    badges: int  # in force
    supervisors: int
    expired: bool
    alone: bool = False  # longer without anything newly signed than it lets a device be
    heir: bool = False  # this device's key is new, and takes the place of the one that is listed


class Link(NamedTuple):
    """Whom this device reaches."""

    kind: Literal["cloud", "peers", "alone"] = "alone"
    peers: int = 0
    expected: int = 0  # gates of the site that the roster has beside this one
    distrusted: tuple[str, ...] = ()  # names of those that were cut off for what they said


class Reading(NamedTuple):
    """Everything, at one moment."""

    hardware: Hardware
    written: Written | None = None
    certificate: Certificate | None = None
    setup: str = ""  # code: why this folder is no gate yet
    agent: bool | None = True  # it runs
    time: Time | None = None
    log: Log | None = None
    queue: Queue | None = None
    lists: Lists | None = None
    roster: Roster | None = None
    link: Link | None = None
    cameras: Mapping[str, CameraState | None] | None = None  # None: silent
