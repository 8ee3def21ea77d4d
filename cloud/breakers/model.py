"""When a breaker opens, and when it closes again. Pure; times are whole milliseconds.

- Closed: calls go. Of the calls of the last `window` so many have failed, in percent; once there
  were `least` of them and `percent` are reached, it opens.
- Open: for `rest` no call goes.
- Half open: one call goes, the probe; the others wait for it. Well, and the breaker is closed, with
  nothing counted; not well, and it is open for another `rest`. A probe of which nothing is heard
  for `probe` is given up, and another may go.

A window is two halves: the one that runs and the one before, so between half of it and all of it
is looked at. cloud/breakers/script.py is the same in Lua; a test holds one to the other.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Rule(NamedTuple):
    """What a breaker goes by."""

    window: int = 60_000
    least: int = 8  # calls; fewer say nothing
    percent: int = 50
    rest: int = 15_000
    probe: int = 60_000  # longer than the longest call


class State(NamedTuple):
    """What is known of the other side. `until` 0: closed; else it is open before, half open after.

    `probe`: until when a probe is waited for, 0 if there is none; it names that probe, too.
    """

    half: int = 0  # of a window: which one runs
    good: int = 0
    bad: int = 0
    good_before: int = 0  # in the half before
    bad_before: int = 0
    until: int = 0
    probe: int = 0


class Outcome(StrEnum):
    """How a call went."""

    GOOD = "good"
    BAD = "bad"
    NONE = "none"  # it says nothing of the other side


class Phase(StrEnum):
    """What a breaker does with a call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Asked(NamedTuple):
    """Whether a call may go: at once if `wait` is 0. `probe` names it if it is one."""

    wait: int
    probe: int = 0


CLOSED: Final = State()


def phase(state: State, now: int) -> Phase:
    """Return where the breaker stands."""
    if state.until == 0:
        return Phase.CLOSED
    return Phase.OPEN if now < state.until else Phase.HALF_OPEN


def ask(state: State, rule: Rule, now: int) -> tuple[State, Asked]:
    """Ask for a call."""
    if state.until == 0:
        return state, Asked(0)
    if (busy := max(state.until, state.probe)) > now:
        return state, Asked(busy - now)
    probe = now + rule.probe
    return state._replace(probe=probe), Asked(0, probe)


def tell(state: State, rule: Rule, now: int, outcome: Outcome, probe: int = 0) -> State:
    """Tell how a call went. `probe`: as `ask` said."""
    if state.until != 0:
        # A call that began before it opened, or a probe that was given up, decides nothing.
        return _probed(state, rule, now, outcome) if probe and probe == state.probe else state
    if outcome is Outcome.NONE:
        return state
    state = _count(_rolled(state, now // (rule.window // 2)), outcome)
    bad = state.bad + state.bad_before
    total = bad + state.good + state.good_before
    opens = total >= rule.least and bad * 100 >= total * rule.percent
    return State(until=now + rule.rest) if opens else state


def _probed(state: State, rule: Rule, now: int, outcome: Outcome) -> State:
    if outcome is Outcome.GOOD:
        return CLOSED
    if outcome is Outcome.BAD:
        return State(until=now + rule.rest)
    return state._replace(probe=0)


def _rolled(state: State, half: int) -> State:
    if half == state.half:
        return state
    if half == state.half + 1:
        return State(half, 0, 0, state.good, state.bad)
    return State(half)


def _count(state: State, outcome: Outcome) -> State:
    if outcome is Outcome.GOOD:
        return state._replace(good=state.good + 1)
    return state._replace(bad=state.bad + 1)
