"""kill -9 of a gate that is being wiped: it is as it was, or nothing of it is left."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from edge.gate.gate import NotSetUp
from edge.gate.setup import set_up
from edge.gate.taking import Taking
from edge.health.look import looking
from edge.store.identity import identity_of
from edge.store.stores import KEY
from shared.keys import SEED_SIZE
from tests.edge.crashing import Shown, all_shown, die
from tests.edge.gates import Site
from tests.edge.test_crash_files import restored, saved

MOST: Final = 200  # steps; a wipe has far fewer
TOUCHING: Final = frozenset({"open", "os.remove", "os.rename", "os.truncate", "os.link"})
NOBODYS: Final = {"lock", "loading"}  # files that hold nothing


def dying_before(step: int, folder: Path) -> None:
    """Have this process end before it touches a file of the folder for the so-manieth time."""
    left = [step]

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in TOUCHING and str(args[0]).startswith(str(folder)):
            if not left[0]:
                die()
            left[0] -= 1

    sys.addaudithook(hook)


def wiping(site: Site, step: int) -> Callable[[Callable[[Shown], None]], None]:
    """Return the work of a running gate that is told to wipe itself, and dies at a step of it."""

    def work(show: Callable[[Shown], None]) -> None:
        taking = Taking(site.open())
        dying_before(step, site.folder)
        taking.command(site.world.organizer.command(site.me.device, 1, "wipe"))
        show(Shown("", "wiped", green=False, people=0))

    return work


def starts(site: Site) -> bool:
    """Whether the gate starts again; where it does, it is whole, and obeys the same order."""
    try:
        site.open()
    except NotSetUp:
        return False
    assert site.code_of("standing") == "admitted"
    Taking(site.gate).command(site.world.organizer.command(site.me.device, 1, "wipe"))
    assert site.gate.held.wiped
    site.close()
    return True


def nothing_left(site: Site) -> None:
    """Neither a file that holds anything, nor the key anywhere."""
    assert {path.name for path in site.folder.iterdir()} <= NOBODYS
    assert site.me.secret[:32] not in site.bytes_of()


def test_a_wipe_that_is_killed_anywhere_has_not_begun_or_ends_at_the_next_start(
    shut: Site,
) -> None:
    """Before each file that it touches, one after the other, until it comes through."""
    kept, began = saved(shut), list[bool]()
    told: list[Shown] = []
    for step in range(MOST):
        restored(shut, kept)
        told = all_shown(wiping(shut, step))
        began.append(not starts(shut))
        nothing_left(shut)
        if told:
            break
    assert told, "the last of them was not killed"
    assert began == sorted(began), "once it has begun it is never taken back"
    assert not began[0]
    assert began.count(True) > 5


def test_a_wipe_that_was_killed_ends_before_the_device_is_anybodys_again(shut: Site) -> None:
    """Also where nobody starts it, and somebody sets it up anew: by another key, without a log."""
    kept = saved(shut)
    for step in range(MOST):
        restored(shut, kept)
        told = all_shown(wiping(shut, step))
        if (shut.folder / KEY).exists() and not told:
            continue
        organizer = shut.world.organizer
        me = set_up(shut.folder, organizer.tenant, organizer.root)
        assert me.device not in (shut.me.device, identity_of(bytes(SEED_SIZE)).device)
        assert shut.me.secret[:32] not in shut.bytes_of()
        with looking(shut.folder) as stores:
            assert [*stores.log.records()] == []
            assert stores.documents.all() == {}
        if told:
            return
    pytest.fail("no wipe came through")
