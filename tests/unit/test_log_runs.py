"""A batch taken apart: what breaks a link and is signed goes on, all else ends it."""

import copy

import pytest

from shared.hashing import device_id
from shared.log.chain import MAX_BATCH, Break, Fault, Head
from shared.log.record import SIZE, ZERO32
from shared.log.runs import MOST_RUNS, Apart, Run, apart
from tests.scribe import Scribe

LARGEST = 2**53 - 1


@pytest.fixture
def gate() -> Scribe:
    """A device that has written a BOOT and two entries."""
    made = Scribe("gate")
    made.boot()
    made.enter("a")
    made.enter("b")
    return made


def taken(gate: Scribe, batch: bytes, largest: int = LARGEST) -> Apart:
    """Take a batch of its apart."""
    return apart(batch, gate.device, gate.public, largest)


def sizes(found: Apart) -> list[int]:
    """How many records each run has."""
    return [len(run.raws) for run in found.runs]


def test_a_log_is_one_run(gate: Scribe) -> None:
    """With its records and hashes, from the place that its first follows; nothing is nothing."""
    found = taken(gate, b"".join(gate.log))
    (run,) = found.runs
    assert run == Run(Head(gate.device, 1, 0, ZERO32), tuple(gate.log), run.hashes)
    assert (run.hashes[-1], found.broken) == (gate.head, None)
    assert taken(gate, b"") == Apart([], None)


def test_boots_gaps_repeats_and_forks_begin_runs(gate: Scribe) -> None:
    """Each is signed, and says so itself."""
    other = copy.deepcopy(gate)
    gate.enter("c")
    other.enter("d")
    booted = copy.deepcopy(gate)
    booted.boot()
    log = gate.log
    for batch, runs in (
        ([*log, booted.log[-1]], [4, 1]),
        ([log[0], log[2]], [1, 1]),
        ([log[1], log[0]], [1, 1]),
        ([*log, other.log[-1]], [4, 1]),
    ):
        found = taken(gate, b"".join(batch))
        assert (sizes(found), found.broken) == (runs, None)


def test_what_nobody_signed_ends_it(gate: Scribe) -> None:
    """At its start, behind signed records, and where a record is cut off."""
    stranger = Scribe("stranger")
    assert stranger.device == device_id(stranger.public)
    whole, foreign = b"".join(gate.log), stranger.boot()
    forged = gate.log[-1][:-1] + bytes([gate.log[-1][-1] ^ 1])
    for batch, kept, broken in (
        (foreign, [], Break(0, Fault.FOREIGN)),
        (whole + foreign + whole, [3], Break(3, Fault.FOREIGN)),
        (whole[: 2 * SIZE] + forged, [2], Break(2, Fault.BAD_SIGNATURE)),
        (whole + whole[:9], [3], Break(3, Fault.TRUNCATED)),
        (whole[:9], [], Break(0, Fault.TRUNCATED)),
    ):
        found = taken(gate, batch)
        assert (sizes(found), found.broken) == (kept, broken)


def test_a_place_that_nobody_can_keep_ends_it(gate: Scribe) -> None:
    """Neither one beyond what there is room for, nor one before the first."""
    nowhere = gate.log[0][:24] + bytes(8) + gate.log[0][32:]
    assert taken(gate, nowhere).broken == Break(0, Fault.GAP)
    first, second = b"".join(gate.log[:1]), b"".join(gate.log[1:])
    assert taken(gate, second, MAX_BATCH + 1).broken == Break(0, Fault.GAP)
    assert taken(gate, first, MAX_BATCH + 1).broken is None


def test_a_batch_has_only_so_many_runs(gate: Scribe) -> None:
    """Each costs a signature; the rest comes in another batch."""
    repeated = gate.log[0] * (MOST_RUNS + 1)
    found = taken(gate, repeated)
    assert (len(found.runs), found.broken) == (MOST_RUNS, Break(MOST_RUNS, Fault.GAP))
    assert taken(gate, repeated[SIZE:]).broken is None


def test_a_long_batch_goes_on_in_a_run_of_its_own() -> None:
    """A run is checked in pieces that can be checked at once."""
    gate = Scribe("long")
    gate.boot()
    for number in range(MAX_BATCH):
        gate.enter(f"{number}")
    found = taken(gate, b"".join(gate.log))
    assert (sizes(found), found.broken) == ([MAX_BATCH, 1], None)
    assert found.runs[1].before.hash == found.runs[0].hashes[-1]
