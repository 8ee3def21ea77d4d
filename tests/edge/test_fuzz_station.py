"""Anything before the camera, and any order of acts: a declared outcome, and never a lost one."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from edge.errors import SENTENCES, Refused
from edge.gate.acts import REASONS, Act
from edge.gate.verdict import Verdict
from edge.practice.world import EVENT, KINDS, World
from shared.base45 import ALPHABET
from shared.base45 import encode as base45
from shared.log.record import Kind
from shared.manifest.ticket import Status
from shared.outcomes import BY_CODE, Signal
from tests.edge.conftest import MEMORY
from tests.edge.gates import NOW, STAFFED, SUE, Site, Time, chained
from tests.edge.papers import manifest

EVENING: Final = World.make(NOW, tickets=60)
REAL: Final = [EVENING.code(label) for label in ("standing", "seated", "bound", "revoked")]
REAL.append(EVENING.live(NOW))
QUIET: Final = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
BASE45: Final = st.text("".join(ALPHABET), max_size=400)


def judged(site: Site, text: str, lane: str, source: str) -> Verdict:
    """Return what comes of a text; it must be a declared outcome with its own colour."""
    verdict = site.gate.station.scan(text, lane, source)
    outcome = BY_CODE[verdict.code]
    assert verdict.signal is outcome.signal
    verdict.plain()
    return verdict


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return a real code with one thing changed."""
    text = draw(st.sampled_from(REAL))
    at = draw(st.integers(0, len(text)))
    put = draw(st.one_of(st.characters(), st.sampled_from(ALPHABET), st.just("")))
    cut = draw(st.integers(0, 2))
    return text[:at] + put + text[at + cut :]


WRAPPED = st.builds("{}{}{}".format, st.sampled_from(["", "U1:", "]Q1U1:", "U2:", "u1:"]), BASE45,
                    st.sampled_from(["", ".", "\r\n", ".\n"]))  # fmt: skip
BYTES = st.binary(max_size=260).map(lambda raw: f"U1:{base45(raw)}.")
HOSTILE = st.one_of(
    st.text(max_size=600),
    st.text(st.characters(categories=["Cc", "Cs", "Co", "Cf"]), max_size=50),
    WRAPPED,
    BYTES,
    mutated(),
    st.integers(500, 5000).map(lambda size: "U1:" + "A" * size),
)
SOURCES = st.sampled_from(["camera:front", "keyboard", "serial:x", "api", "hand", "", ":::"])


@QUIET
@given(text=HOSTILE, lane=st.sampled_from(["north", "out", STAFFED]), source=SOURCES)
def test_any_text_has_a_declared_outcome_and_no_mutation_is_green(
    site: Site, text: str, lane: str, source: str
) -> None:
    """No exception, no record of what did not verify; green only for an unmutated code."""
    before = len(site.raws())
    verdict = judged(site, text, lane, source)
    genuine = any(real in text for real in REAL)
    if genuine:
        return
    assert len(site.raws()) == before
    if verdict.signal is Signal.ADMIT:
        assert lane == "out", "let out, flagged and counted"
        assert BY_CODE[verdict.flag].signal in (Signal.REFUSE, Signal.ACT)


@QUIET
@given(texts=st.lists(HOSTILE, max_size=5))
def test_any_picture_has_a_declared_outcome(site: Site, texts: list[str]) -> None:
    """Of any number of codes, none included."""
    verdict = site.gate.station.scan_several(texts, "north", "camera:front")
    assert verdict.code in BY_CODE


ANSWERS = st.dictionaries(st.integers(0, 3), st.text(max_size=300), max_size=3)
OVERRIDES = st.one_of(st.just(""), st.sampled_from(sorted(REASONS)), st.text(max_size=100))
ACTS = st.builds(
    Act,
    people=st.integers(-5, 400),
    answers=ANSWERS,
    confirmed=st.booleans(),
    approve=st.booleans(),
    override=OVERRIDES,
    day=st.integers(-1, 9),
)


@QUIET
@given(label=st.sampled_from(sorted(KINDS)), act=ACTS, badge=st.one_of(st.just("sue"), st.text()))
def test_any_act_upon_any_scan_is_done_or_refused_with_a_code(
    site: Site, label: str, act: Act, badge: str
) -> None:
    """Whatever a third party's lane sends."""
    scanned = site.scan(label)
    text = site.badge(SUE) if badge == "sue" else badge
    done = tried(lambda: site.gate.desk.resolve("north", scanned.scan, act, text))
    if isinstance(done, str):
        assert done in SENTENCES
        return
    assert done.code in BY_CODE
    assert done.code != "admitted" or done.people >= 1


def tried(call: Callable[[], Verdict]) -> Verdict | str:
    """Return what an act came to, or the code with which it was refused."""
    try:
        return call()
    except Refused as refused:
        return refused.code


class Evening(RuleBasedStateMachine):
    """One gate through an evening in any order, with power cuts."""

    template: Site

    def __init__(self) -> None:
        super().__init__()
        place = MEMORY if MEMORY.is_dir() else None
        self.holder = TemporaryDirectory(dir=place, prefix="usher-")
        folder = Path(self.holder.name)
        shutil.copytree(self.template.folder, folder / "data")
        changed = replace(self.template.settings, data=str(folder / "data"))
        world = World.make(NOW, tickets=0)
        world.organizer.sold = dict(EVENING.organizer.sold)
        world.organizer.devices = list(self.template.world.organizer.devices)
        self.site = Site(world, changed, self.template.me, Time())
        self.version = 1
        self.greens: Counter[Kind] = Counter()
        self.verdicts: list[Verdict] = []

    @initialize()
    def begin(self) -> None:
        self.site.open()

    LABELS = st.sampled_from(["standing", "family", "seated", "daily", "child", "bound", "waiver"])
    LANES = st.sampled_from(["north", "south", "garden", "out"])

    @rule(label=LABELS, lane=LANES, people=st.integers(1, 4))
    def scan(self, label: str, lane: str, people: int) -> None:
        before = len(self.site.raws())
        verdict = self.site.scan(label, lane, people=people)
        self._count(verdict)
        if verdict.signal is Signal.ADMIT:
            assert len(self.site.raws()) > before

    @rule(label=LABELS, lane=LANES)
    def scan_twice_in_view(self, label: str, lane: str) -> None:
        """The second look decides nothing and writes nothing."""
        self._count(self.site.scan(label, lane, "camera:front"))
        written = self.site.raws()
        again = self.site.scan(label, lane, "camera:front")
        assert again.repeat
        assert self.site.raws() == written

    @precondition(lambda self: self.verdicts)
    @rule(data=st.data())
    def go_on(self, data: Any) -> None:
        verdict = data.draw(st.sampled_from(self.verdicts))
        act = Act(people=1, answers={1: "yes", 2: ""}, confirmed=True)
        done = tried(lambda: self.site.gate.desk.resolve(verdict.lane, verdict.scan, act))
        if isinstance(done, str):
            assert done == "scan_unknown"
        else:
            self._count(done)

    @precondition(lambda self: self.verdicts)
    @rule(data=st.data())
    def take_back(self, data: Any) -> None:
        verdict = data.draw(st.sampled_from(self.verdicts))
        done = tried(lambda: self.site.gate.desk.undo(verdict.lane, verdict.scan))
        if isinstance(done, str):
            assert done in {"scan_unknown", "nothing_to_undo", "undo_needs_supervisor"}

    @rule(seconds=st.sampled_from([1, 30, 119, 600]))
    def wait(self, seconds: int) -> None:
        self.site.time.go(seconds)

    @rule(on=st.booleans())
    def practise(self, on: bool) -> None:
        before = self.site.records()
        self.site.gate.lanes.practise("south", on=on)
        self.site.scan("standing 2", "south") if on else None
        new = self.site.records()[len(before) :]
        assert all(record.kind == Kind.MARK for record in new)
        self.site.gate.lanes.practise("south", on=False)

    @rule()
    def restart(self) -> None:
        self.site.reopen()
        self.verdicts.clear()

    @rule()
    def power_cut(self) -> None:
        self.site.crash()
        self.site.open()
        self.verdicts.clear()

    @rule()
    def load(self) -> None:
        organizer = self.site.world.organizer
        self.version += 1
        sold = organizer.sold["seated"]
        blocked = Status.BLOCKED if self.version % 2 else Status.ACTIVE
        organizer.sell("seated", sold._replace(status=blocked))
        self.site.feed(*manifest(organizer, self.version))

    @rule(text=HOSTILE)
    def show_anything(self, text: str) -> None:
        written = len(self.site.raws())
        verdict = judged(self.site, text, "north", "hand")
        if not any(real in text for real in REAL):
            assert verdict.signal is not Signal.ADMIT
            assert len(self.site.raws()) == written
        else:
            self._count(verdict)

    @invariant()
    def the_log_is_whole_and_has_every_green(self) -> None:
        if self.site._gate is None:
            return
        kinds = Counter(Kind(record.kind) for record in self.site.records())
        assert kinds[Kind.IN] >= self.greens[Kind.IN]
        assert kinds[Kind.OUT] >= self.greens[Kind.OUT]

    @invariant()
    def nobody_is_there_less_than_not_at_all(self) -> None:
        if self.site._gate is None:
            return
        for lane in ("north", "garden"):
            assert self.site.gate.board.counts(lane).inside >= 0
        for day in range(5):
            assert self.site.gate.ledger.inside(EVENT, 1, day) >= 0

    def teardown(self) -> None:
        if self.site._gate is not None:
            chained(self.site)
        self.site.close()
        self.holder.cleanup()

    def _count(self, verdict: Verdict) -> None:
        if verdict.repeat:
            return
        self.verdicts = [*self.verdicts[-5:], verdict]
        if verdict.signal is Signal.ADMIT and verdict.code != "undone":
            self.greens[Kind.OUT if verdict.exiting else Kind.IN] += verdict.people


def test_any_evening_keeps_its_promises(loaded: Site) -> None:
    """Scans, undoing, practice, restarts, power cuts and deliveries in any order."""
    Evening.template = loaded
    run_state_machine_as_test(Evening, settings=settings(stateful_step_count=8))
