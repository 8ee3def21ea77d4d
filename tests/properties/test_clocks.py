"""Laws of the hybrid logical clock and of trusted time (spec/log.md §5 and §7)."""

from hypothesis import given
from hypothesis import strategies as st

from shared.log import hlc
from shared.log.trusted_time import TrustedTime

STAMPS = st.integers(0, 2**64 - 1)
OWN = st.integers(0, 2**63)  # what a clock of ours can have come to
WALLS = st.integers(-(2**50), 2**50)
MS = st.integers(0, 2**41)


@given(OWN, st.lists(st.tuples(st.none() | STAMPS, WALLS), max_size=20))
def test_stamps_only_rise(last: int, acts: list[tuple[int | None, int]]) -> None:
    """Records strictly, receipts weakly, whatever the wall clock and the peers say."""
    for remote, wall in acts:
        if remote is None:
            now = hlc.tick(last, wall)
            assert now > last
        else:
            now = hlc.receive(last, remote, wall)
            assert now >= last
        assert now < 2**64
        last = now


@given(OWN, STAMPS, WALLS)
def test_a_peer_pulls_us_a_minute_at_most(last: int, remote: int, wall: int) -> None:
    """One device with a mad clock can't take the others with it."""
    after = hlc.receive(last, remote, wall)
    assert after == last or hlc.wall(after) <= max(0, wall + hlc.MAX_AHEAD)


@given(OWN, STAMPS, WALLS)
def test_a_record_written_after_one_seen_is_stamped_after_it(
    last: int, remote: int, wall: int
) -> None:
    """As long as the peer's clock is sane, order follows cause."""
    if not hlc.ahead(remote, wall) and 0 <= wall < hlc.WALL_LIMIT - hlc.MAX_AHEAD:
        after = hlc.tick(hlc.receive(last, remote, wall), wall)
        assert after > remote or hlc.wall(remote) == wall + hlc.MAX_AHEAD


@given(OWN, WALLS, WALLS)
def test_the_later_wall_gives_no_earlier_stamp(last: int, one: int, two: int) -> None:
    """`tick` and `receive` are monotone in the wall clock."""
    low, high = sorted((one, two))
    assert hlc.tick(last, low) <= hlc.tick(last, high)
    assert hlc.receive(last, 2**64 - 1, low) <= hlc.receive(last, 2**64 - 1, high)


@st.composite
def boots(draw: st.DrawFn) -> tuple[TrustedTime, list[tuple[str, int, int]]]:
    state = TrustedTime(draw(MS), draw(MS), since=0)
    acts = st.tuples(
        st.sampled_from(["learn", "answered", "believe", "bounded"]), MS, st.integers(0, 10**6)
    )
    return state, draw(st.lists(acts, max_size=12))


@given(boots())
def test_time_is_never_below_a_signed_time(
    boot: tuple[TrustedTime, list[tuple[str, int, int]]],
) -> None:
    """Whatever comes in whatever order: the floor rises, and time is at or above it."""
    state, acts = boot
    monotonic, signed = 0, state.floor
    for act, value, passed in acts:
        monotonic += passed
        low = state.low(monotonic)
        if act == "learn":
            state, signed = state.learn(value, monotonic), max(signed, value)
        elif act == "answered":
            state = state.answered(value, monotonic - passed, monotonic)
            signed = max(signed, value)
        elif act == "believe":
            floor = state.floor
            state = state.believe(value, monotonic)
            assert state.floor == floor, "a wall clock moves no floor"
        else:
            state = state.bounded(value)
        assert state.low(monotonic) >= low
        now = state.now(monotonic)
        assert now.ms >= state.low(monotonic) >= signed
        assert state.now(monotonic + 1000).ms >= now.ms + 1000


@given(MS, MS, MS, st.integers(0, 10**9))
def test_without_a_signed_time_nothing_is_trusted(
    bound: int, wall: int, late: int, at: int
) -> None:
    """A wall clock alone never makes time trusted."""
    state = TrustedTime(bound=bound).believe(wall, at).bounded(late).believe(wall, at)
    assert not state.now(at).trusted


@given(MS, MS, MS, MS, st.integers(0, 10**9))
def test_a_wall_clock_set_after_the_first_look_changes_nothing(
    floor: int, bound: int, wall: int, later: int, at: int
) -> None:
    """Set back, set forward or jumping: monotonic time carries."""
    state = TrustedTime(floor, bound).believe(wall, at)
    if state.offset is not None:
        assert state.believe(later, at + 1) == state
