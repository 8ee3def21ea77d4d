"""One gate on stage: the real one, in a folder of its own, with clocks, wires and a disk that
the seed plays with. What it says to others is what gates say on a LAN, as messages."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final

from msgspec import structs

from edge.gate.clock import DeviceClock
from edge.gate.gate import Gate, Machine, open_gate
from edge.gate.replica import Replica
from edge.gate.setup import Feeding
from edge.gate.verdict import Verdict
from edge.store.stores import open_stores
from shared.bundle import Section
from shared.errors import UsherError
from shared.log.record import Kind
from shared.wire import decode_vector, encode_vector
from tests.edge.gates import Site, preload
from tests.simulators.agreeing import Agreeing
from tests.simulators.story import Story
from tests.simulators.timeline import Strand, Timeline
from tests.simulators.wires import Wires

VECTOR, FILE, CLAIM = b"V", b"F", b"C"
PIECE: Final = 256 * 1024  # bytes of log in one message
EMPTY_FILE: Final = 64


class Crash(BaseException):
    """The process is gone in the middle of what it did."""


class SimTime:
    """A machine's clocks: one runs with the story, the other is off by as much as it likes."""

    def __init__(self, timeline: Timeline) -> None:
        self.off = 0  # ms
        self._timeline = timeline
        self._booted = timeline.ms - 5_000_000

    def wall(self) -> int:
        return self._timeline.ms + self.off

    def monotonic(self) -> int:
        return self._timeline.ms - self._booted

    def seconds(self) -> float:
        return self.monotonic() / 1000


class Stage:
    """A gate that can be crashed, cut off, set back and asked to scan."""

    def __init__(
        self, name: str, site: Site, folder: Path, timeline: Timeline, wires: Wires, story: Story,
        random: Random,
    ) -> None:  # fmt: skip
        self.name = name
        self.me = site.me
        self.time = SimTime(timeline)
        self.strand = Strand(timeline)
        self.peers: tuple[str, ...] = ()
        self.members: dict[bytes, str] = {}  # who may own and claim, by device
        self.written: list[bytes] = []  # own records that were durable, in their order
        self.when: dict[bytes, int] = {}  # ms of the story, by record
        self.downs: list[int] = []  # ms: when its power went
        self.agreeing: Agreeing | None = None
        self.fuse: int | None = None  # steps of writing until the power is cut
        self._unsent: list[bytes] = []
        self._folder = folder
        self._settings = structs.replace(site.settings, data=str(folder))
        self._timeline = timeline
        self._wires = wires
        self._story = story
        self.random = random
        self._gate: Gate | None = None
        self._replica: Replica | None = None
        self._backup: Path | None = None
        shutil.copytree(site.folder, folder)

    @property
    def up(self) -> bool:
        return self._gate is not None

    @property
    def gate(self) -> Gate:
        if self._gate is None:
            raise Crash
        return self._gate

    @property
    def replica(self) -> Replica:
        if self._replica is None:
            raise Crash
        return self._replica

    def boot(self) -> None:
        """Start the gate's process."""
        machine = Machine(
            self.time.wall, self.time.monotonic, self.time.seconds, self.random.randbytes,
            self._step, room=0,
        )  # fmt: skip
        try:
            gate = open_gate(self._settings, machine, "simulated")
        except Crash:
            return
        self._gate = gate
        self._replica = Replica(gate.me, gate.ledger, gate.stores.log, gate.held)
        gate.ledger.listen(self._wrote)
        self._wires.join(self.name, self.deliver)
        if self.members:
            self.agreeing = Agreeing(self, self.members)
            self.agreeing.wrote([*gate.stores.log.records()])
            gate.station.claim, gate.station.over = self.agreeing, self.agreeing.over

    def crash(self) -> None:
        """Lose the process; what is on the disk stays."""
        self.crash_here()
        if self.strand.busy:
            self.strand.wake()  # whatever waits in it finds the gate gone

    def keep_backup(self) -> None:
        """Copy the disk as it is now."""
        self._backup = self._folder.with_name(f"{self._folder.name}-backup")
        shutil.rmtree(self._backup, ignore_errors=True)
        shutil.copytree(self._folder, self._backup)

    def restore(self) -> bool:
        """Put that copy in the place of the disk, while the gate is down."""
        if self._backup is None:
            return False
        shutil.rmtree(self._folder)
        self._backup.rename(self._folder)
        self._backup = None
        return True

    def feed(self, *sections: Section) -> None:
        """Give it signed documents, as a delivery does."""
        stores = open_stores(self._folder)
        try:
            clock = DeviceClock(stores.settings, self.time.monotonic, self.time.wall, vouched=True)
            Feeding(stores, self.me, clock).load(preload(*sections))
        finally:
            stores.close()
        if self._gate is not None:
            self._gate.reload()

    def scan(
        self, text: str, lane: str, done: Callable[[Verdict | None], None], people: int = 1
    ) -> bool:
        """Begin a scan; `done` hears what was shown, None where the power went before anything
        was. False where this gate is busy or down."""
        if not self.up or self.strand.busy:
            return False

        def work() -> None:
            try:
                verdict = self.gate.station.scan(text, lane, "hand", people)
            except Crash:
                self._story.tell(self._timeline.ms, f"{self.name} lost its power in a scan")
                self.crash_here()
                done(None)
                return
            done(verdict)

        self.strand.start(work)
        return True

    def crash_here(self) -> None:
        """Lose the process from within its own strand."""
        if self._gate is not None:
            self.downs.append(self._timeline.ms)
            gate, self._gate, self._replica = self._gate, None, None
            self._wires.leave(self.name)
            gate.stores.close()
            gate.lock.close()
        self._unsent.clear()
        self.fuse = None

    def gossip(self, peers: Sequence[str]) -> None:
        """Tell some peers how far this gate's logs go."""
        if self.up:
            vector = VECTOR + encode_vector(self.replica.vector())
            for peer in peers:
                self._wires.send(self.name, peer, vector)
            if self.agreeing is not None:
                self.agreeing.tick()

    def deliver(self, source: str, message: bytes) -> None:
        """Take a message in."""
        if not self.up:
            return
        form, body = message[:1], message[1:]
        try:
            if form == VECTOR:
                file, _ = self.replica.lacking(decode_vector(body), PIECE, source.encode())
                if len(file) > EMPTY_FILE:
                    self._wires.send(self.name, source, FILE + file)
            elif form == FILE:
                self.replica.take(body)
            elif form == CLAIM and self.agreeing is not None and source in self.members.values():
                device = next(d for d, name in self.members.items() if name == source)
                self.agreeing.hear(device, body)
        except UsherError as error:
            self._story.meet(f"message refused: {error.code}")
        except Crash:
            self.crash_here()

    def line(self, other: str) -> int | None:
        """Return the connection to another gate, None while there is none."""
        return self._wires.line(self.name, other)

    def send_file(self, target: str, raws: Sequence[bytes]) -> None:
        """Send just these records."""
        self._wires.send(self.name, target, FILE + self.replica.of(raws))

    def ask_for_logs(self, target: str) -> None:
        """Have a peer send what is lacking here."""
        self._wires.send(self.name, target, VECTOR + encode_vector(self.replica.vector()))

    def say(self, target: str, body: bytes) -> None:
        """Send a message about claims."""
        self._wires.send(self.name, target, CLAIM + body)

    def close(self) -> None:
        """End everything."""
        self.crash_here()
        self.strand.close()

    def _wrote(self, raws: Sequence[bytes], own: bool) -> None:
        if self.agreeing is not None:
            self.agreeing.wrote([*raws])
        if not own:
            return
        self.written += raws
        self.when.update(dict.fromkeys(raws, self._timeline.ms))
        self._unsent += raws
        if any(raw[1] != Kind.DENY for raw in raws):  # who was refused is asked for in time
            file = FILE + self.replica.of(self._unsent)
            self._unsent.clear()
            for peer in self.peers:
                self._wires.send(self.name, peer, file)

    def _step(self, _name: str) -> None:
        """Count a step of writing; at the last one the power goes."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self._story.meet("power cut while writing")
                raise Crash
