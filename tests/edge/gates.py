"""Whole gates in folders of their own: the real file, the real decisions, a clock to turn.

site = make_site(folder, World.make(NOW, tickets=0))
site.open()
site.scan("standing").code                # at lane "north", as typed by hand
site.time.go(600)                         # ten minutes later
site.feed(Section(Part.ROSTER, …))        # a file carried to it
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from edge.gate.clock import DeviceClock
from edge.gate.gate import Gate, Machine, open_gate
from edge.gate.lanes import Choice
from edge.gate.setup import Feeding, set_up
from edge.gate.staff import pin_verifier
from edge.gate.verdict import Verdict
from edge.practice.world import (
    CLUB_DOOR,
    EVENT,
    GARDEN_GATE,
    NORTH,
    PIN,
    SOUTH,
    WAY_OUT,
    World,
    plan,
)
from edge.settings import Settings, settings_of
from edge.store.identity import Identity
from edge.store.log import Probe, unobserved
from edge.store.settings import Pin
from edge.store.stores import Stores, open_stores
from shared import hashing
from shared.bundle import FileKind, Section, encode
from shared.event import Plan
from shared.log.chain import Head, verify_chain
from shared.log.record import SIZE, Kind, Record, decode

NOW: Final = 1_800_000_000  # 8 in the morning of a day that is a day in UTC
DAY: Final = 86_400
SUE, SAM, TOM, RITA = "Sue Supervisor", "Sam Scanner", "Tom Technician", "Rita Revoked"
# Lanes that nobody need sign in at, where they stand and whether people leave there.
OPEN_LANES: Final[dict[str, tuple[int, bool]]] = {
    "north": (NORTH, False),
    "south": (SOUTH, False),
    "club": (CLUB_DOOR, False),
    "garden": (GARDEN_GATE, False),
    "out": (WAY_OUT, True),
    "club-out": (CLUB_DOOR, True),
}
STAFFED: Final = "desk"
VERIFIER: Final = pin_verifier(PIN)


class Time:
    """A machine's clocks. The wall clock can be set; the other one only runs."""

    def __init__(self, now: int = NOW) -> None:
        self.running = 5_000_000  # ms since it was switched on
        self.set_wall(now)

    def set_wall(self, now: int) -> None:
        """Set the wall clock, in unix seconds."""
        self._offset = now * 1000 - self.running

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self.running += round(seconds * 1000)

    def wall(self) -> int:
        return self._offset + self.running

    def monotonic(self) -> int:
        return self.running

    def seconds(self) -> float:
        return self.running / 1000

    @property
    def now(self) -> int:
        """The wall clock in unix seconds."""
        return self.wall() // 1000


@dataclass
class Site:
    """A gate's folder, and the gate while it is open."""

    world: World
    settings: Settings
    me: Identity
    time: Time
    probe: Probe = unobserved
    _gate: Gate | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.settings.data_folder

    @property
    def gate(self) -> Gate:
        assert self._gate is not None
        return self._gate

    def machine(self) -> Machine:
        time = self.time
        return Machine(time.wall, time.monotonic, time.seconds, probe=self.probe, **self.extra)

    def open(self) -> Gate:
        self._gate = open_gate(self.settings, self.machine(), "test")
        return self._gate

    def close(self) -> None:
        if self._gate is not None:
            self._gate.close()
            self._gate = None

    def reopen(self) -> Gate:
        self.close()
        return self.open()

    def crash(self) -> None:
        """Lose the process as a power cut would: what is in the files now is all there is."""
        copy = self.folder.with_name("as-it-was")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder, copy)
        self.close()
        shutil.rmtree(self.folder)
        copy.rename(self.folder)

    def text(self, ticket: str) -> str:
        """Return a label's code; anything else is taken for a text as it is."""
        return self.world.code(ticket) if ticket in self.world.organizer.sold else ticket

    def scan(self, ticket: str, lane: str = "north", source: str = "hand", **more: Any) -> Verdict:
        return self.gate.station.scan(self.text(ticket), lane, source, **more)

    def code_of(self, ticket: str, lane: str = "north") -> str:
        """Return the code of what comes of a scan."""
        return self.scan(ticket, lane).code

    def badge(self, person: str = SUE) -> str:
        return self.world.organizer.badge(person)

    def sign_in(self, person: str = SUE, lane: str = STAFFED) -> None:
        self.gate.staff.sign_in_badge(lane, self.badge(person))

    def feed(self, *sections: Section) -> list[str]:
        return self.load(preload(*sections))

    def load(self, data: bytes) -> list[str]:
        """Give the gate a file, by a process beside it, and have it read again."""
        with feeding(self) as gate:
            news = gate.load(data)
        if self._gate is not None:
            self._gate.reload()
        return news

    def export(self) -> bytes:
        with feeding(self) as gate:
            return b"".join(gate.export())

    def raws(self) -> list[bytes]:
        """Return this device's own records, as stored."""
        return [raw for raw in self.gate.stores.log.records() if raw[4:20] == self.me.device]

    def records(self, *kinds: Kind) -> list[Record]:
        """Return this device's own records of some kinds."""
        return [r for r in map(decode, self.raws()) if not kinds or r.kind in kinds]

    def bytes_of(self, *names: str) -> bytes:
        """Return what is in the folder's files, all of them or those."""
        files = [path for path in sorted(self.folder.iterdir()) if not names or path.name in names]
        return b"".join(path.read_bytes() for path in files)


@contextmanager
def feeding(site: Site) -> Iterator[Feeding]:
    """Open a gate's stores as the command does that loads files."""
    stores = open_stores(site.folder)
    try:
        yield Feeding(stores, site.me, clock_of(site, stores))
    finally:
        stores.close()


def clock_of(site: Site, stores: Stores) -> DeviceClock:
    vouched = site.settings.clock != "none"
    return DeviceClock(stores.settings, site.time.monotonic, site.time.wall, vouched=vouched)


def preload(*sections: Section) -> bytes:
    """Return a file from the organizer."""
    return b"".join(encode(FileKind.PRELOAD, sections))


def make_site(
    folder: Path, world: World, *, name: str = "North", names: bool = True, **settings: Any
) -> Site:
    """Set a gate up and load it; all its lanes are posted."""
    site = empty_site(folder, world, name=name, **settings)
    load_whole(site, names=names)
    return site


def empty_site(folder: Path, world: World, *, name: str = "North", **settings: Any) -> Site:
    """Set a gate up that was never loaded."""
    values = {"data": str(folder / "data"), "run": str(folder / "run"), "clock": "network"}
    lanes = [{"id": lane, "unattended": True} for lane in OPEN_LANES] + [{"id": STAFFED}]
    made = settings_of(values | {"lanes": lanes, "name": name.lower()} | settings)
    me = set_up(made.data_folder, world.organizer.tenant, world.organizer.root)
    world.organizer.enrol(name, me.pk)
    return Site(world, made, me, Time(world.organizer.now))


def load_whole(site: Site, *, names: bool = True) -> None:
    """Load all that the organizer has, post the lanes and make a PIN."""
    site.load(site.world.organizer.preload(names=names))
    stores = open_stores(site.folder)
    try:
        stores.settings.put({f"lane:{lane}": posted(*where) for lane, where in OPEN_LANES.items()})
        stores.settings.put({f"lane:{STAFFED}": posted(NORTH)})
        stores.settings.put_pin(Pin("Pat Pin", "scan", VERIFIER))
    finally:
        stores.close()


def posted(gate: int, exiting: bool = False, event: bytes = EVENT) -> bytes:
    """Return a lane's choice as it is stored."""
    return msgspec.json.encode(Choice(event.hex(), gate, exiting))


def two_sites(folder: Path, world: World) -> tuple[Site, Site]:
    """Return two gates of one venue that list each other."""
    both = [empty_site(folder / name.lower(), world, name=name) for name in ("North", "South")]
    for site in both:
        load_whole(site)
        site.open()
    return both[0], both[1]


def heard(from_site: Site, by_site: Site) -> list[str]:
    """Carry one gate's log to another by hand."""
    return by_site.load(from_site.export())


def whole(raws: Iterable[bytes], pk: bytes) -> int:
    """Check a device's log over all its incarnations; return how many records it has."""
    runs: dict[int, list[bytes]] = {}
    for raw in raws:
        runs.setdefault(int.from_bytes(raw[20:24], "big"), []).append(raw)
    assert [*runs] == list(range(1, len(runs) + 1)), "incarnations have no gap"
    before: Head | None = None
    for run in runs.values():
        checked = verify_chain(b"".join(run), pk, None)
        assert checked.broken is None
        assert len(checked.hashes) == len(run)
        assert run[0][32:64] == (before.hash if before else bytes(32)), "each BOOT follows the last"
        before = checked.head
    return sum(map(len, runs.values()))


def chained(site: Site) -> int:
    """Check that a gate's own log is whole; return how many records it has."""
    raws = site.raws()
    assert all(len(raw) == SIZE for raw in raws)
    return whole(raws, site.me.pk)


def meaning(site: Site) -> bytes:
    """Return a digest of all that a gate makes of the records it has."""
    return site.gate.ledger.summary().digest()


def id_hash(world: World, label: str) -> bytes:
    """Return what logs and manifests know a ticket by."""
    return hashing.id_hash(world.organizer.sold[label].ticket)


def plan_with(index: int, now: int = NOW, **changes: Any) -> Plan:
    """Return the usual plan with one class changed."""
    usual = plan(now)
    classes = (replace(each, **changes) if each.index == index else each for each in usual.classes)
    return replace(usual, classes=tuple(classes))
