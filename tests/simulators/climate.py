"""What goes wrong in one evening: drawn from the seed, each fault by itself, some evenings none."""

from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Final

from tests.simulators.cast import CLOUD, GATES
from tests.simulators.stage import Stage
from tests.simulators.thief import Thief
from tests.simulators.wires import Weather

if TYPE_CHECKING:
    from tests.simulators.evening import Evening

DOWN: Final = (500, 20_000)  # ms without power
HOUR: Final = 3_600_000
CALM: Final = 8  # every eighth evening nothing goes wrong


@dataclass(frozen=True)
class Climate:
    """How many of each fault."""

    weather: Weather
    copies: bool
    partitions: int = 0
    outages: int = 0  # of the line between one gate and the cloud
    crashes: int = 0
    fuses: int = 0  # power cuts in the middle of a write
    backups: int = 0  # disks that are set back
    jumps: int = 0  # of clocks
    revocations: int = 0
    recalls: int = 0  # of tickets: revoked, and passed on to somebody else
    thief: bool = False

    @cached_property
    def calm(self) -> bool:
        """Whether nothing goes wrong, so that no right may be used twice."""
        return self == Climate(Weather(), self.copies)

    def plan(self, evening: "Evening") -> None:
        """Put the faults on the evening's timeline."""
        faults = {
            _partition: self.partitions,
            _outage: self.outages,
            _crash: self.crashes,
            _fuse: self.fuses,
            _backup: self.backups,
            _jump: self.jumps,
            _revoke: self.revocations,
            _recall: self.recalls,
        }
        for fault, times in faults.items():
            for _ in range(times):
                evening.later(lambda act=fault: act(evening))  # type: ignore[misc]
        if self.thief:
            Thief(evening).begin()


def climate_of(seed: int, random: Random) -> Climate:
    """Return an evening's faults."""
    copies = random.random() < 0.8
    if seed % CALM == 0:
        return Climate(Weather(), copies)
    weather = Weather(
        lost=random.choice((0.0, 0.0, 0.02, 0.2)),
        doubled=random.choice((0.0, 0.02, 0.2)),
        late=random.choice((0.0, 0.02, 0.2)),
    )
    some = random.choice
    return Climate(
        weather,
        copies,
        partitions=some((0, 0, 1, 2)),
        outages=some((0, 1, 3)),
        crashes=some((0, 0, 1, 3)),
        fuses=some((0, 0, 1, 2)),
        backups=some((0, 0, 0, 1)),
        jumps=some((0, 0, 2)),
        revocations=some((0, 0, 0, 1)),
        recalls=some((0, 0, 1)),
        thief=random.random() < 0.25,
    )


def _partition(evening: "Evening") -> None:
    gates = list(GATES)
    evening.random.shuffle(gates)
    left = set(gates[: evening.random.randint(1, 3)])
    evening.tell(f"the LAN falls apart: {', '.join(sorted(left))} on one side")
    evening.story.meet("partition")
    for one in sorted(left):
        for other in sorted(set(GATES) - left):
            evening.wires.cut(one, other)
    evening.timeline.after(evening.random.randint(5_000, 40_000), evening.wires.mend)


def _outage(evening: "Evening") -> None:
    gate = evening.random.choice(GATES)
    evening.tell(f"{gate} loses the internet")
    evening.story.meet("internet gone")
    evening.wires.cut(gate, CLOUD)


def _crash(evening: "Evening") -> None:
    stage = evening.random.choice(evening.gates)
    if stage.up:
        evening.tell(f"{stage.name} is switched off")
        evening.story.meet("crash")
        stage.crash()
        _boot_later(evening, stage)


def _fuse(evening: "Evening") -> None:
    """Cut the power some steps of writing from now, and switch it on again later."""
    stage = evening.random.choice(evening.gates)
    if stage.up:
        stage.fuse = evening.random.randint(0, 8)
        evening.timeline.after(30_000, lambda: _boot_later(evening, stage))


def _backup(evening: "Evening") -> None:
    """Copy a disk, and some time later put the copy in its place."""
    stage = evening.random.choice(evening.gates)
    stage.keep_backup()

    def set_back() -> None:
        stage.crash()
        if stage.restore():
            evening.tell(f"{stage.name} gets an old disk back")
            evening.story.meet("disk set back")
            evening.set_back(stage)
        _boot_later(evening, stage)

    evening.timeline.after(evening.random.randint(5_000, 40_000), set_back)


def _jump(evening: "Evening") -> None:
    stage = evening.random.choice(evening.gates)
    stage.time.off += evening.random.randint(-5 * HOUR, 5 * HOUR)
    evening.tell(f"the clock of {stage.name} is off by {stage.time.off / HOUR:.1f} h")
    evening.story.meet("clock jump")


def _revoke(evening: "Evening") -> None:
    evening.story.meet("device revoked")
    evening.revoke(evening.random.choice(GATES))


def _recall(evening: "Evening") -> None:
    evening.story.meet("tickets revoked and passed on")
    evening.recall()


def _boot_later(evening: "Evening", stage: Stage) -> None:
    def boot() -> None:
        if not stage.up:
            evening.tell(f"{stage.name} is switched on")
            stage.boot()
            if evening.over:  # an old disk has old documents
                evening.catch_up(stage)

    evening.timeline.after(evening.random.randint(*DOWN), boot)
