"""What chains to what. Pure."""

from cloud.checkins.runs import Link, Run, chained, fitting, places


def run(incarnation: int, seq: int, prev: bytes, *hashes: bytes) -> Run:
    """Return records with these hashes."""
    many = len(hashes)
    return Run(incarnation, seq, prev, (bytes(256),) * many, hashes, (1,) * many)


BOOT = run(1, 1, bytes(32), b"a", b"b")


def test_runs_chain_in_any_order() -> None:
    """The second half first, and the third before it."""
    second, third = run(1, 3, b"b", b"c"), run(1, 4, b"c", b"d")
    ready, waiting = chained([third, second, BOOT], set())
    assert (ready, waiting) == ([BOOT, second, third], [])
    assert chained([third], {Link(1, 3, b"c")}) == ([third], [])


def test_a_record_follows_its_own_log_at_the_place_before_it() -> None:
    """One with the right hash in another incarnation, or at another place, is none to follow."""
    elsewhere, later = run(2, 3, b"b", b"c"), run(1, 5, b"b", b"d")
    assert chained([BOOT, elsewhere, later], set()) == ([BOOT], [elsewhere, later])
    parents = {Link(1, 2, b"b")}
    assert chained([elsewhere, later], parents) == ([], [elsewhere, later])


def test_what_waits_is_taken_as_far_as_there_is_room() -> None:
    """Whole runs, each where it fits."""
    long, short = run(1, 3, b"x", b"c", b"d", b"e"), run(1, 9, b"y", b"f", b"g")
    assert fitting([long, short], 4) == ([long], [short])
    assert fitting([long, short], 2) == ([short], [long])
    assert fitting([long, short], 5) == ([long, short], [])
    assert list(places([long, short, BOOT])) == [0, 3, 5]
