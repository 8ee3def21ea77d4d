"""One gate, put together: its file opened and healed, its log replayed, its parts connected.

gate = open_gate(settings, Machine())
gate.station.scan(text, "kiosk", "camera:front")
gate.close()
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from edge.gate.board import Board
from edge.gate.bus import Bus
from edge.gate.clock import DeviceClock
from edge.gate.contact import Contact
from edge.gate.desk import Desk
from edge.gate.incidents import unsettled
from edge.gate.lanes import Lane, Lanes
from edge.gate.ledger import Ledger, Line, Unwritten
from edge.gate.replay import bring_back, catch_up, judge_again, ledger_of
from edge.gate.replica import Replica
from edge.gate.staff import Staff
from edge.gate.station import Parts, Station, as_it_came
from edge.gate.trust import Trust, pinned, renewed, restored
from edge.settings import Settings
from edge.store.database import WAL_SIZE, StorageFailed
from edge.store.identity import Identity, load_identity, loading, lock_folder
from edge.store.log import Probe, unobserved
from edge.store.stores import KEY, Stores, heal_stores
from edge.store.wiping import end_wipe
from shared.log.record import EMPTY, Kind
from shared.log.writer import Tail


class NotSetUp(Exception):
    """This device has no key or knows no organizer yet: `usher-edge init` comes first."""


@dataclass(frozen=True)
class Machine:
    """The clocks, the randomness and the failures of the machine that a gate runs on."""

    wall: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    monotonic: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    seconds: Callable[[], float] = time.monotonic
    random: Callable[[int], bytes] = os.urandom
    probe: Probe = unobserved
    meant: Callable[[str], Iterable[str]] = as_it_came  # by a reader, whatever its layout
    room: int = WAL_SIZE  # bytes that the WAL takes from the disk at the start


class Held:
    """What is in force at this moment: replaced as a whole, read by every thread."""

    def __init__(
        self, me: Identity, stores: Stores, alone_ms: Callable[[], int] = lambda: 0
    ) -> None:
        self._me = me
        self._alone_ms = alone_ms
        self.reloading = threading.Lock()
        self._stores = stores
        self._key = stores.database.path.with_name(KEY)
        self.wiped = False
        start = pinned(stores)
        if start is None:
            raise NotSetUp("this device knows no organizer: run `usher-edge enrol` or `init` first")
        self._seen = stores.documents.written_by_others()
        self.trust = restored(start, stores.documents)
        self.locked = bool(stores.settings.number("locked"))

    def __call__(self) -> Trust:
        """Return what is believed."""
        return self.trust

    def renew(self) -> None:
        """Read again what a delivery put in force, or that one has wiped this device: what is put
        into its folder afterwards is another's."""
        if self.wiped or not self._key.exists():
            self.wiped = True
            self.trust = self.trust._replace(books={}, searches={}, coming={}, awaited={})
            return
        self._seen = self._stores.documents.written_by_others()
        start = pinned(self._stores)
        if start is not None:
            self.trust = renewed(self.trust, restored(start, self._stores.documents))
        self.locked = bool(self._stores.settings.number("locked"))

    def replace(self, trust: Trust) -> None:
        """Put in force what is on the disk already; `reloading` is held."""
        self.trust = trust

    def succeeded(self) -> bool:
        """Whether this device was wiped, and its folder has another's key by now."""
        return self.wiped and self._key.exists()

    def stale(self) -> bool:
        """Whether another process has written, or wiped this device, since this one read."""
        return not self._key.exists() or self._seen != self._stores.documents.written_by_others()

    def why_locked(self) -> str:
        """Return why this device may not admit anybody, or nothing."""
        if self.wiped:
            return "wiped"
        if not self.trust.books:
            return "no_manifest"
        member = self.trust.roster.devices.get(self._me.device)
        if member is None:
            return "not_on_roster"
        if member.cutoff is not None:
            return "device_revoked"
        if self.locked:
            return "locked"
        roster = self.trust.roster.roster
        alone = roster is not None and 0 < roster.lock_after * 1000 < self._alone_ms()
        return "no_contact" if alone else ""


@dataclass
class Gate:
    """What other parts of the process use."""

    settings: Settings
    me: Identity
    stores: Stores
    held: Held
    clock: DeviceClock
    contact: Contact
    ledger: Ledger
    replica: Replica  # of all logs, for the LAN and the cloud
    bus: Bus
    lanes: Lanes
    staff: Staff
    station: Station
    desk: Desk
    board: Board
    healed: tuple[str, ...]  # what was found wrong at the start, and mended
    around: dict[str, Any]  # fields of `Status` that others know: link, cameras, power, health
    lock: IO[bytes]
    distrusted: set[bytes] = field(default_factory=set)  # gates nearby that said what was forged
    # Devices of whose records the cloud refuses some, and its code.
    refused: Mapping[bytes, str] = field(default_factory=dict)
    # Events whose newest list in the cloud can't follow the one that is here, and why.
    unfollowed: Mapping[bytes, str] = field(default_factory=dict)

    def reload(self) -> None:
        """Take in what a delivery has put in force. One at a time: the newest word wins."""
        with self.held.reloading:
            self.take_up()

    @contextmanager
    def delivering(self) -> Iterator[Trust]:
        """Hold off every other delivery, by whatever process, and give what is believed. What
        this one changes goes to the disk first, and then to `held.replace` or `take_up`. Raises
        `NotSetUp` on a device that was wiped."""
        with loading(self.settings.data_folder), self.held.reloading:
            if self.held.stale():
                self.take_up()
            if self.held.wiped:
                raise NotSetUp("this device was wiped")
            yield self.held.trust

    def roster_changed(self) -> None:
        """Have everybody judge by the roster in force; `held.reloading` is held."""
        trust = self.held.trust
        self.ledger.believe(trust.roster)
        judge_again(self.ledger, self.me, self.stores.log, trust)
        self.staff.lock_revoked()
        self.tell_lanes()

    def tell_lanes(self) -> None:
        """Tell every lane's screens that something else than a verdict is new."""
        for lane in self.lanes.all():
            self.lanes.changed(lane)

    def take_up(self) -> None:
        """Take in what is on the disk; `held.reloading` is held."""
        self.held.renew()
        if self.held.wiped:
            for lane in self.lanes.all():
                self.staff.sign_out(lane.id)
            return
        self.clock.look_again()
        catch_up(self.ledger, self.me, self.stores.log, self.held.trust)
        self.staff.lock_revoked()
        self.lanes.read_choices()
        self.tell_lanes()

    def keep_counts(self) -> None:
        """Write the counters of refused codes, of which no record speaks."""
        counted = self.station.refused.taken()
        if not counted:
            return
        try:
            self.stores.log.count(counted)
        except StorageFailed:
            self.station.refused.give_back(counted)
            raise

    def close(self) -> None:
        """Write what is still in memory, and let go of the files."""
        with suppress(StorageFailed):  # the log itself is on the disk already
            self.keep_counts()
            self.stores.database.checkpoint()
        self.stores.close()
        self.lock.close()


def open_gate(settings: Settings, machine: Machine | None = None, software: str = "") -> Gate:
    """Open the gate of a folder; only one process may, since it writes the log.

    Raises `AlreadyRunning`, `NotSetUp`, `NewerSchema` and, where the disk fails, `StorageFailed`.
    """
    folder = settings.data_folder
    end_wipe(folder)
    me = load_identity(folder / KEY)
    if me is None:
        raise NotSetUp(f"{folder} has no device key: run `usher-edge enrol` or `init` first")
    lock = lock_folder(folder)
    try:
        return _opened(settings, machine or Machine(), software, me, lock)
    except BaseException:
        lock.close()
        raise


def _opened(
    settings: Settings, machine: Machine, software: str, me: Identity, lock: IO[bytes]
) -> Gate:
    stores = heal_stores(settings.data_folder, machine.probe)
    try:
        healed = stores.healed
        if count := bring_back(me, stores.log, stores.mirror):
            healed += (f"{count} records came back from the mirror",)
        vouched = settings.clock != "none"
        clock = DeviceClock(stores.settings, machine.monotonic, machine.wall, vouched=vouched)
        contact = Contact(stores.settings, clock)
        held = Held(me, stores, contact.alone_ms)
        ledger = ledger_of(me, stores.log, clock, held)
        ledger.boot(software)
        stores.mirror.reset(stores.log.unconfirmed(me.device))
        with suppress(StorageFailed):  # a nearly full disk: slower, and no reason not to open
            stores.database.make_room(machine.room)
    except BaseException:
        stores.close()
        raise
    return _connected(
        settings, machine, software, me, stores, held, clock, contact, ledger, healed, lock
    )


def _connected(
    settings: Settings,
    machine: Machine,
    software: str,
    me: Identity,
    stores: Stores,
    held: Held,
    clock: DeviceClock,
    contact: Contact,
    ledger: Ledger,
    healed: tuple[str, ...],
    lock: IO[bytes],
) -> Gate:
    """The composition root of what decides; no logic here."""
    bus, kept = Bus(), stores.settings

    def practice() -> Ledger:
        stamps = clock.stamp_ms, clock.monotonic
        made = Ledger(me, Unwritten(), lambda: (stamps[0](), stamps[1]()), Tail(me.device))
        made.boot("practice")
        return made

    def mark(reason: int) -> None:
        ledger.append((Line(EMPTY._replace(kind=Kind.MARK, reason=reason)),))

    fixed = [Lane(lane.id, lane.kind, lane.unattended, lane.camera) for lane in settings.lanes]
    lanes = Lanes(fixed, held, kept, bus, practice, mark)
    idle = float(settings.lock_after)
    staff = Staff(lanes, ledger, held, kept, clock.now, machine.seconds, idle, machine.meant)
    parts = Parts(
        me=me,
        trust=held,
        documents=stores.documents,
        incidents=stores.incidents,
        ledger=ledger,
        clock=clock,
        lanes=lanes,
        staff=staff,
        bus=bus,
        locked=held.why_locked,
        seconds=machine.seconds,
        new_id=lambda: machine.random(8).hex(),
        meant=machine.meant,
    )
    station = Station(parts)
    desk = Desk(parts, station, machine.random)
    around: dict[str, Any] = {"device": settings.name, "version": software}
    around["incidents"] = unsettled(stores.incidents)

    def blocked() -> str:
        return (
            "storage_failed" if station.storage_failed else "gate_locked" * bool(held.why_locked())
        )

    replica = Replica(me, ledger, stores.log, held)
    board = Board(lanes, ledger, held, clock, blocked, lambda: around)
    return Gate(
        settings, me, stores, held, clock, contact, ledger, replica, bus, lanes, staff, station,
        desk, board, healed, around, lock,
    )  # fmt: skip
