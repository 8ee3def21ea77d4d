"""Lamp and relays as a function of what the agent said and when."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.link.messages import Beat, Show
from edge.signals.panel import MOST_PULSES, Fitting, Outputs, Panel, safe

FITTING = Fitting("kiosk", exit_relay=True)
READY = Beat(ready=True)
STEP = 1 / 16  # seconds between two looks of the simulated world; sums of it are exact


def green(admit: int = 1, **more: Any) -> Show:
    return Show("kiosk", "green", "admitted", admit, **more)


class World:
    """A panel, an agent that beats for as long as it lives, and a clock."""

    def __init__(self, fitting: Fitting = FITTING) -> None:
        self.panel = Panel(fitting)
        self.now = 1000.0
        self.beating = True
        self.ready = True
        self.seen = self.panel.outputs(self.now)
        self.pulses = {"entry": 0, "exit": 0}

    def run(self, seconds: float) -> "World":
        for _ in range(round(seconds / STEP)):
            if self.beating:
                self.panel.beat(Beat(self.ready), self.now)
            self.look()
            self.now += STEP
        return self

    def look(self) -> Outputs:
        before, self.seen = self.seen, self.panel.outputs(self.now)
        for relay in self.pulses:
            self.pulses[relay] += getattr(self.seen, relay) and not getattr(before, relay)
        return self.seen

    def show(self, show: Show) -> bool:
        return self.panel.show(show, self.now)


@pytest.fixture
def world() -> World:
    """Return a world in which the agent has been beating."""
    made = World(Fitting("kiosk", exit_fails="locked", exit_relay=True, gap=0.75)).run(0.5)
    made.pulses = {"entry": 0, "exit": 0}
    return made


def test_it_begins_in_its_fail_safe_state() -> None:
    """Before an agent is heard, an entry is locked, an exit open, and no light is green."""
    outputs = Panel(FITTING).outputs(0.0)
    assert (outputs.entry, outputs.exit, outputs.green) == (False, True, False)
    assert outputs.red or outputs.amber


@pytest.mark.parametrize("people", [1, 2, 5])
def test_a_turnstile_turns_once_for_each_person(world: World, people: int) -> None:
    """A green that admits so many gives so many pulses at the entry and none at the exit."""
    world.show(green(people))
    assert world.run(20).pulses == {"entry": people, "exit": 0}


@pytest.mark.parametrize("signal", ["amber", "red", "machine"])
def test_nothing_else_opens(world: World, signal: Any) -> None:
    """Whatever number comes with another signal, no relay moves."""
    world.show(Show("kiosk", signal, "attention", 3))
    assert world.run(20).pulses == {"entry": 0, "exit": 0}


@pytest.mark.parametrize("people", [0, -3])
def test_a_green_that_admits_nobody_only_lights(world: World, people: int) -> None:
    """A practice scan is green on the lamp and opens nothing."""
    world.show(green(people))
    assert world.look().green
    assert world.run(20).pulses == {"entry": 0, "exit": 0}


def test_another_lanes_verdict_is_not_ours(world: World) -> None:
    """One gate has several lanes; this turnstile belongs to one."""
    assert not world.show(Show("side", "green", "admitted", 1))
    assert world.run(5).pulses == {"entry": 0, "exit": 0}
    assert not world.look().green


def test_who_leaves_takes_the_exits_relay_where_there_is_one() -> None:
    """With one relay for both directions, it is the entry's."""
    for own, expected in ((True, (0, 1)), (False, (1, 0))):
        world = World(Fitting("kiosk", exit_fails="locked", exit_relay=own)).run(0.5)
        world.show(green(exiting=True))
        world.run(5)
        assert (world.pulses["entry"], world.pulses["exit"]) == expected


def test_a_pulse_has_its_length_and_so_has_the_gap(world: World) -> None:
    """The first pulse begins at once, and the second a gap after it ends."""
    world.show(green(2))
    seen = []
    for _ in range(60):
        seen.append(world.look().entry)
        world.run(STEP)
    changes = [i * STEP for i in range(1, 60) if seen[i] != seen[i - 1]]
    assert seen[0]
    assert changes == [0.5, 1.25, 1.75]


def test_what_waits_is_dropped_when_the_agent_falls_silent(world: World) -> None:
    """Five were to pass; the agent died after the first; later nobody is let in late."""
    world.show(green(5))
    world.run(0.1)
    world.beating = False
    world.run(3)
    given_before = world.pulses["entry"]
    assert given_before < 5
    assert world.panel.waiting == 0
    world.beating = True
    assert world.run(20).pulses["entry"] == given_before


def test_silence_is_noticed_after_a_second_and_not_before(world: World) -> None:
    """At the last moment of its patience a relay is still the agent's; then it is not."""
    world.panel.beat(READY, world.now)
    assert world.panel.alive(world.now + 0.999)
    assert not world.panel.alive(world.now + 1.0)
    assert world.panel.due(world.now) == world.now + 1.0


def test_a_broken_line_is_noticed_at_once(world: World) -> None:
    """The kernel says that the agent is gone; there is no need to wait a second."""
    world.show(green(3))
    assert world.look().entry
    world.panel.lost(world.now)
    assert not world.look().entry
    assert world.panel.waiting == 0


def test_an_agent_that_cannot_write_is_as_good_as_none(world: World) -> None:
    """Its beats say so, and after a second nothing opens any more."""
    world.ready = False
    world.run(1.5)
    assert not world.show(green())
    assert world.run(5).pulses["entry"] == 0


def test_an_exit_is_held_open_meanwhile_and_taken_back() -> None:
    """Nobody is kept inside by a dead agent, and a living one has its exit again."""
    world = World().run(0.5)
    assert not world.look().exit
    world.beating = False
    world.run(1.5)
    assert world.look().exit
    assert not world.look().entry
    world.beating = True
    assert not world.run(0.5).look().exit


def test_a_verdict_from_before_does_not_come_back_after(world: World) -> None:
    """A green light is not lit again when the beats return."""
    world.show(green())
    assert world.look().green
    world.panel.lost(world.now)
    world.panel.beat(READY, world.now)
    assert world.look() == Outputs()


def test_the_lamp_shows_the_last_verdict_for_its_time(world: World) -> None:
    """Each signal has its light, a new one takes over at once, and then it is dark."""
    for signal in ("green", "amber", "red"):
        world.show(Show("kiosk", signal, ""))
        lit = world.look()
        assert {"green": lit.green, "amber": lit.amber, "red": lit.red} == {
            light: light == signal for light in ("green", "amber", "red")
        }
    world.run(3.9)
    assert world.look().red
    world.run(0.2)
    assert world.look() == Outputs()


def test_trouble_alternates(world: World) -> None:
    """Amber and red in turn, never both, never green."""
    world.show(Show("kiosk", "machine", "storage_failed"))
    seen = set()
    for _ in range(40):
        seen.add(world.look()[:3])
        world.run(STEP)
    assert seen == {(False, True, False), (False, False, True)}


def test_a_lamp_without_amber_says_act_by_red() -> None:
    """It must not be dark, and it must not be green; trouble flashes."""
    world = World(Fitting("kiosk", amber=False)).run(0.5)
    world.show(Show("kiosk", "amber", "attention"))
    assert world.look()[:3] == (False, False, True)
    world.show(Show("kiosk", "machine", "gate_locked"))
    seen = set()
    for _ in range(40):
        seen.add(world.look()[:3])
        world.run(STEP)
    assert seen == {(False, False, False), (False, False, True)}


def test_the_queue_is_bounded(world: World) -> None:
    """An impossible number costs no memory."""
    world.show(green(10**12))
    world.show(green(10**12))
    assert world.panel.waiting <= MOST_PULSES


def test_what_is_due_is_when_something_changes(world: World) -> None:
    """From one due time to the next, outputs stay as they are."""
    world.show(green(2))
    for _ in range(20):
        world.panel.beat(READY, world.now)
        before, due = world.panel.outputs(world.now), world.panel.due(world.now)
        assert due > world.now
        if due == float("inf"):
            break
        between = world.now + (due - world.now) * 0.99
        assert world.panel.outputs(between) == before
        world.now = due


acts = st.one_of(
    st.tuples(st.just("show"), st.sampled_from(["green", "amber", "red", "machine"]),
              st.integers(0, 4), st.booleans(), st.sampled_from(["kiosk", "side"])),
    st.tuples(st.just("beats"), st.booleans()),
    st.tuples(st.just("ready"), st.booleans()),
    st.tuples(st.just("lost")),
    st.tuples(st.just("wait"), st.floats(0, 4)),
)  # fmt: skip
fittings = st.builds(
    Fitting,
    st.just("kiosk"),
    st.sampled_from(["locked", "open"]),
    st.sampled_from(["locked", "open"]),
    st.booleans(),
    st.booleans(),
    pulse=st.sampled_from([0.25, 0.5]),
    gap=st.sampled_from([0.25, 0.75]),
)


@given(fittings, st.lists(acts, max_size=25))
def test_nobody_passes_whom_no_green_admitted(fitting: Fitting, story: list[Any]) -> None:
    """Whatever happens: a relay is on only for somebody whom a green admitted a while ago.

    While the agent is alive there are never more pulses than people, never two relays at once,
    and none long after the last green; while it is not, the outputs are the fail-safe ones.
    """
    world = World(fitting)
    admitted = pulses = 0
    last_green, on = float("-inf"), False
    for kind, *values in [*story, ("wait", 4.0)]:
        if kind == "show":
            signal, people, exiting, lane = values
            shown = world.show(Show(lane, signal, "x", people, exiting))
            if shown and signal == "green":
                admitted, last_green = admitted + people, world.now
        elif kind == "beats":
            (world.beating,) = values
        elif kind == "ready":
            (world.ready,) = values
        elif kind == "lost":
            world.panel.lost(world.now)
        for _ in range(round(values[0] / STEP) if kind == "wait" else 1):
            world.run(STEP)
            at = world.now - STEP
            outputs = world.seen
            if not world.panel.alive(at):
                relays = safe(fitting)
                assert (outputs.entry, outputs.exit) == (relays.entry, relays.exit)
                assert not outputs.green
                admitted = pulses = 0  # who had not passed by now never does
                on = False
                continue
            assert not (outputs.entry and outputs.exit)
            opened = outputs.entry or outputs.exit
            pulses += opened and not on
            on = opened
            assert pulses <= admitted
            if opened:
                most = admitted * (fitting.pulse + fitting.gap + 2 * STEP) + fitting.gap
                assert at - last_green <= most


@given(st.lists(st.integers(0, 5), max_size=8))
def test_everybody_who_was_admitted_passes(groups: list[int]) -> None:
    """As long as the agent lives, there are as many pulses as people, however they came."""
    world = World(Fitting("kiosk", exit_fails="locked", pulse=0.25, gap=0.25)).run(0.5)
    for people in groups:
        world.show(green(people))
        world.run(0.5)
    world.run(sum(groups) * 0.6 + 1)
    assert world.pulses["entry"] == sum(groups)
