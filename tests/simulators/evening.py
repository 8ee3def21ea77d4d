"""One evening as a seed has it: who comes when, and what goes wrong.

evening = Evening(seed)
evening.play()        # raises `Broken` with its story where an invariant does not hold
evening.story.met     # what was met, to be counted
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from msgspec import structs

from edge.gate.verdict import Verdict
from edge.practice.organizer import YEAR
from shared.bundle import Part, Section
from shared.devices.roster import Cutoff, Roster
from shared.errors import Refused
from shared.hashing import device_id
from shared.signed import Kind, seal
from tests.edge.gates import NOW
from tests.simulators.cast import CLOUD, GATES, PASSED_ON, Cast, cast, memory
from tests.simulators.climate import Climate, climate_of
from tests.simulators.judge import judge
from tests.simulators.people import GARDEN_LANE, IN_LANES, OUT_LANE, Crowd, Guest, hashes
from tests.simulators.stage import Stage
from tests.simulators.story import Story
from tests.simulators.timeline import Timeline
from tests.simulators.wires import Weather, Wires

SCANS: Final = 200  # guests who step up; copies come along, and are more
LENGTH: Final = 120_000  # ms
DOORS: Final = 25_000  # by then each gate has heard every other, as they do before doors open
GOSSIP: Final = 4_000  # ms between two rounds
TALKS: Final = 3  # peers that a gate tells in a round, until all is mended
HEALING: Final = 400_000  # at the most: a fork is told of again after 64 rounds
LOOK: Final = 20_000
STAY: Final = 30_000
QUEUES: Final = 100, 2_000  # ms until a guest for whom no gate was free tries again
BETWEEN_SCANS: Final = 10


class Evening:
    """Six gates, a cloud and a crowd."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.timeline = Timeline(NOW * 1000)
        self.story = Story(seed, self.timeline.ms)
        self.climate: Climate = climate_of(seed, self.random)
        self.wires = Wires(self.timeline, self.random, self.climate.weather)
        self.folder = Path(tempfile.mkdtemp(prefix=f"evening-{seed}-", dir=memory()))
        self.cast = cast()
        self.crowd = Crowd.of(self.cast.world, self.random, copies=self.climate.copies)
        self.stages = {name: self._stage(name) for name in (*GATES, CLOUD)}
        self.scans = 0
        self.over = False
        self.cut_off: Counter[str] = Counter()  # scans in which a gate lost its power, by label
        self.revoked: dict[bytes, Cutoff] = {}
        self.newest: tuple[Section, ...] = ()  # what everybody gets in the end, once more
        self.recalled = False
        self.lost: set[bytes] = set()  # records that went with a disk that was set back
        for name, stage in self.stages.items():
            stage.peers = tuple(other for other in self.stages if other != name)
            if name != CLOUD:
                stage.members = {self.stages[gate].me.device: gate for gate in GATES}
        self.labels = hashes(self.cast.world)
        self.suspect = {guest.label for guest in self.crowd.guests if guest.copied}
        self.set_back_devices: set[bytes] = set()

    @property
    def gates(self) -> list[Stage]:
        return [self.stages[name] for name in GATES]

    @property
    def cloud(self) -> Stage:
        return self.stages[CLOUD]

    def play(self) -> None:
        """Play it to its end, and judge it."""
        try:
            self._open()
            self.climate.plan(self)
            self.timeline.run(self.story.start + LENGTH)
            self._heal()
            judge(self)
        finally:
            self.close()

    def close(self) -> None:
        for stage in self.stages.values():
            stage.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def not_firm(self) -> set[bytes]:
        """Whose entries may be in excess without saying so: disks set back, and the thief."""
        return self.set_back_devices | {self.cast.thief.device}

    def counts(self, raw: bytes) -> bool:
        """Whether a record is not behind a revocation."""
        cutoff = self.revoked.get(raw[4:20])
        place = int.from_bytes(raw[20:24], "big"), int.from_bytes(raw[24:32], "big")
        return cutoff is None or Cutoff(*place) <= cutoff

    def public(self, device: bytes) -> bytes:
        """Return the public key of a device on stage."""
        return next(s.me.pk for s in self.stages.values() if s.me.device == device)

    def returns(self, label: str) -> int:
        """Return how often holders of a ticket came back in, or may have: when a gate lost its
        power in their scan, they have gone to another."""
        return max(0, self.crowd.greens[label] - 1) + self.cut_off[label]

    def set_back(self, stage: Stage) -> None:
        """Note that a gate's disk was set back: what only it had is gone."""
        self.set_back_devices.add(stage.me.device)
        elsewhere = {
            raw for other in self.stages.values() if other is not stage and other.up
            for raw in other.gate.stores.log.records()
        }  # fmt: skip
        self.lost |= {raw for raw in stage.written if raw not in elsewhere}

    def later(self, action: Callable[[], None]) -> None:
        """Do something at some moment of the evening, once the gates have found one another."""
        self.timeline.after(self.random.randint(DOORS, LENGTH), action)

    def tell(self, text: str) -> None:
        self.story.tell(self.timeline.ms, text)

    def _stage(self, name: str) -> Stage:
        folder = self.folder / name.replace(" ", "-")
        site = self.cast.sites[name]
        return Stage(name, site, folder, self.timeline, self.wires, self.story, self.random)

    def _open(self) -> None:
        for stage in self.stages.values():
            stage.boot()
        for stage in self.stages.values():
            self._gossip(stage)
        for _ in range(SCANS):
            self.later(self._somebody)

    def _gossip(self, stage: Stage) -> None:
        some = stage.peers if self.over else self.random.sample(stage.peers, TALKS)
        stage.gossip(some)
        soon = self.random.randint(GOSSIP // 2, GOSSIP * 3 // 2)
        self.timeline.after(soon, lambda: self._gossip(stage))

    def _somebody(self) -> None:
        """One guest steps up to a gate; now and then several with one code, at once."""
        coming = [each for each in self.crowd.guests if self._comes(each)]
        if not coming:
            self.timeline.after(self.random.randint(*QUEUES), self._somebody)
            return
        guest = self.random.choice(coming)
        self._step_up(guest)
        if guest.copied and self.random.random() < 0.4:
            others = [each for each in self.crowd.guests if each.label == guest.label]
            for other in others:
                if other is not guest:
                    self.timeline.after(self.random.randint(0, 30), partial(self._step_up, other))

    def _comes(self, guest: Guest) -> bool:
        """Whether a guest has a reason to come; some try without one. Where nothing goes wrong
        nobody leaves before the gates can have heard of the entry."""
        if guest.inside:
            return not self.climate.calm or self.timeline.ms - guest.since >= STAY
        return guest.wants > 0 or self.random.random() < 0.3

    def _step_up(self, guest: Guest) -> None:
        if self.over:
            return
        leaving = guest.inside
        gates = [gate for gate in self.gates if gate.up and not gate.strand.busy]
        if not gates:
            self.story.meet("no gate free")
            self.timeline.after(self.random.randint(*QUEUES), partial(self._step_up, guest))
            return
        gate = self.random.choice(gates)
        garden = int(guest.label[1:]) % 2 == 0 and self.random.random() < 0.2
        lane = OUT_LANE if leaving else GARDEN_LANE if garden else self.random.choice(IN_LANES)

        def done(verdict: Verdict | None) -> None:
            if verdict is None:  # perhaps it is written, and nobody was shown anything
                self.cut_off[guest.label] += 1
                return
            self.crowd.saw(guest, verdict, leaving=leaving)
            guest.since = self.timeline.ms
            self.tell(f"{gate.name}: {guest.label} {'out' if leaving else 'in'} -> {verdict.code}")

        self.scans += 1
        gate.scan(guest.text, lane, done)

    def _heal(self) -> None:
        """Let everything be mended, everybody boot and hear everything."""
        self.tell("all is mended")
        self.over = True
        self.wires.mend()
        self.wires.weather = Weather()  # another: the climate's own says what was
        for stage in self.stages.values():
            stage.fuse = None
            stage.time.off = 0
            if not stage.up:
                stage.boot()
            self.catch_up(stage)
        end = self.timeline.ms + HEALING
        self.timeline.run(self.timeline.ms + LOOK)
        while self.timeline.ms < end and not self._settled():
            self.timeline.run(self.timeline.ms + LOOK)

    def catch_up(self, stage: Stage) -> None:
        """Give a gate the newest documents once more, as the cloud does after each boot."""
        for part in _deliveries(self.newest):
            deliver(stage, part)

    def _settled(self) -> bool:
        """Whether everybody has heard everything; refusals change no meaning, so that is looked
        at as well."""
        if not all(stage.up for stage in self.stages.values()):  # a disk is just being set back
            return False
        held = set(self.cloud.gate.stores.log.records())
        written = {raw for stage in self.gates for raw in stage.written}
        vectors = {frozenset(s.replica.vector().items()) for s in self.stages.values()}
        return (
            written <= held | self.lost
            and len(vectors) == 1
            and len({*map(meaning, self.stages.values())}) == 1
        )

    def revoke(self, name: str) -> None:
        """Cut a gate off at what the cloud has of it; the roster spreads as the wires let it."""
        device = self.stages[name].me.device
        marks = self.cloud.replica.vector().items()
        last = max(((key[1], mark.seq) for key, mark in marks if key[0] == device), default=(0, 0))
        self.revoked[device] = Cutoff(*last)
        self.tell(f"{name} is revoked from {last} on")
        roster = roster_of(self.cast, 2 + len(self.revoked), self.revoked)
        self._send((Section(Part.ROSTER, roster),))

    def recall(self) -> None:
        """Revoke some tickets and pass some on; new holders come, and old codes are still about."""
        self.tell("some tickets are revoked, some passed on")
        self.recalled = True
        self._send(self.cast.recall)
        for label in PASSED_ON:
            text = self.cast.world.code(label, gen=1)
            self.crowd.guests.append(Guest(label, text, copied=True))

    def _send(self, sections: tuple[Section, ...]) -> None:
        """Send signed documents to everybody, sooner or later."""
        self.newest += sections
        for each in self.stages.values():
            self.timeline.after(self.random.randint(10, 20_000), partial(deliver, each, sections))


def _deliveries(sections: tuple[Section, ...]) -> Iterator[tuple[Section, ...]]:
    """Yield each document with what belongs to it."""
    for at, section in enumerate(sections):
        if section.part is not Part.CHUNKS:
            rest = sections[at + 1 : at + 2]
            yield (section, *(each for each in rest if each.part is Part.CHUNKS))


def meaning(stage: Stage) -> bytes:
    """Return a digest of all that a gate makes of what it has."""
    return stage.gate.ledger.summary().digest()


def roster_of(cast: Cast, version: int, revoked: Mapping[bytes, Cutoff]) -> bytes:
    """Return a roster on which some devices are cut off."""
    organizer = cast.world.organizer
    listed = tuple(
        structs.replace(each, cutoff=revoked.get(device_id(bytes.fromhex(each.pk))))
        for each in organizer.devices
    )
    window = organizer.now - 60, organizer.now + YEAR
    document = Roster(version, *window, organizer.tenant.hex(), listed, ())
    return seal(Kind.ROSTER, document, organizer.secret("roster"))


def deliver(stage: Stage, sections: tuple[Section, ...]) -> None:
    """Give a gate documents, unless it has newer ones. While a scan is under way it waits for it,
    as the lane's lock would have it do."""
    if stage.strand.busy:
        stage.strand.timeline.after(BETWEEN_SCANS, partial(deliver, stage, sections))
        return
    with suppress(Refused):
        stage.feed(*sections)
