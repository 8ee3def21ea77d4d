"""When breakers open and close; and that the script says the same as the model."""

import secrets
from collections.abc import Sequence

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.breakers.model import CLOSED, Asked, Outcome, Phase, Rule, State, ask, phase, tell
from cloud.breakers.script import STEP

RULE = Rule(window=1000, least=4, percent=50, rest=300, probe=200)
BAD, GOOD, NONE = Outcome.BAD, Outcome.GOOD, Outcome.NONE


def after(*outcomes: Outcome, state: State = CLOSED, now: int = 5000) -> State:
    for outcome in outcomes:
        state = tell(state, RULE, now, outcome)
    return state


@pytest.mark.parametrize(
    ("outcomes", "there"),
    [
        ((), Phase.CLOSED),
        ((BAD, BAD, BAD), Phase.CLOSED),  # too few to say anything
        ((BAD, BAD, GOOD, GOOD), Phase.OPEN),
        ((GOOD, GOOD, GOOD, BAD, BAD), Phase.CLOSED),
        ((NONE, NONE, NONE, BAD, BAD, BAD), Phase.CLOSED),
        ((GOOD, GOOD, BAD, BAD), Phase.OPEN),
    ],
)
def test_it_opens_by_the_share_that_fails(outcomes: Sequence[Outcome], there: Phase) -> None:
    assert phase(after(*outcomes), 5000) is there


@pytest.mark.parametrize(("later", "there"), [(0, "open"), (500, "open"), (1000, "closed")])
def test_it_looks_no_further_back_than_its_window(later: int, there: str) -> None:
    state = after(BAD, BAD, BAD)
    assert phase(tell(state, RULE, 5000 + later, BAD), 5000 + later) == there


def test_one_probe_goes_and_the_others_wait_for_it() -> None:
    state = after(BAD, BAD, BAD, BAD)
    assert ask(state, RULE, 5100)[1] == Asked(200)
    state, probe = ask(state, RULE, 5300)
    assert probe == Asked(0, 5500)
    assert ask(state, RULE, 5400)[1] == Asked(100)
    assert tell(state, RULE, 5400, GOOD, probe.probe) == CLOSED
    again = tell(state, RULE, 5400, BAD, probe.probe)
    assert ask(again, RULE, 5401)[1] == Asked(299)


def test_a_probe_that_says_nothing_makes_room_for_another() -> None:
    state, first = ask(after(BAD, BAD, BAD, BAD), RULE, 5300)
    assert ask(tell(state, RULE, 5310, NONE, first.probe), RULE, 5310)[1].probe == 5510
    state, second = ask(state, RULE, 5500)  # nothing was heard of the first
    assert second.probe == 5700
    assert tell(state, RULE, 5510, GOOD, first.probe) == state  # it comes too late


def test_a_call_from_before_decides_nothing() -> None:
    state = after(BAD, BAD, BAD, BAD)
    assert tell(state, RULE, 5100, GOOD) == state == tell(state, RULE, 5400, BAD)


ACTS = st.lists(
    st.tuples(st.sampled_from(["ask", *Outcome]), st.integers(0, 700), st.sampled_from([-1, 0, 1])),
    max_size=40,
)


@settings(max_examples=120, deadline=None)
@given(ACTS)
def test_the_script_does_what_the_model_says(
    redis_url: str, acts: Sequence[tuple[str, int, int]]
) -> None:
    """Whatever is asked and told, at whatever times, with the right probe, none or an old one."""
    name = secrets.token_hex(8)
    state, now, probes = CLOSED, 1_700_000_000_000, [0]
    with redis.Redis.from_url(redis_url) as client:
        step = client.register_script(STEP)
        for act, passes, which in acts:
            now += passes
            probe = (
                probes[-1] if which == 1 else probes[0] if which == 0 else probes[len(probes) // 2]
            )
            if act == "ask":
                state, told = ask(state, RULE, now)
            else:
                state, told = tell(state, RULE, now, Outcome(act), probe), Asked(0)
            said = step([f"usher:breaker:{name}", "all"], [act, probe, now, name, *RULE])
            assert tuple(said) == told
            if told.probe:
                probes.append(told.probe)
            is_listed = client.zscore("all", name) is not None
            assert is_listed == (state.until != 0)
        kept = client.hgetall(f"usher:breaker:{name}")
    assert State(**{field.decode(): int(value) for field, value in kept.items()}) == state
