"""Lanes: what staff set at each, handhelds that come and go, and who is told."""

from hashlib import sha256

import pytest

from edge.errors import Refused
from edge.gate.bus import LaneChanged, News
from edge.gate.lanes import MOST_HANDHELDS
from edge.gate.verdict import Verdict
from edge.practice.world import EVENT, NORTH, WAY_OUT
from edge.store.stores import open_stores
from tests.edge.gates import SAM, STAFFED, Site, posted


def token(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()


def test_a_lane_that_is_not_there_is_refused(site: Site) -> None:
    """With its code."""
    with pytest.raises(Refused) as caught:
        site.scan("standing", "nowhere")
    assert caught.value.code == "lane_unknown"


def test_a_lane_without_a_post_admits_nobody(shut: Site) -> None:
    """Whatever is shown to it; a post at a gate that is gone is none."""
    stores = open_stores(shut.folder)
    stores.settings.put({"lane:north": posted(77)})
    stores.settings.drop("lane:south")
    stores.close()
    shut.open()
    for lane in ("north", "south"):
        verdict = shut.scan("standing", lane)
        assert (verdict.code, verdict.reason) == ("gate_locked", "post_missing")
        assert shut.gate.board.counts(lane).entered == 0


def test_a_handheld_keeps_its_lane_by_its_token(site: Site) -> None:
    """Also after a restart its post is there."""
    lanes = site.gate.lanes
    mine = lanes.open_handheld(token(1))
    assert lanes.open_handheld(token(1)) == mine
    assert lanes.by_token(token(1)) == mine
    assert lanes.by_token(token(2)) is None
    site.sign_in(SAM, mine.id)
    lanes.choose(mine.id, EVENT.hex(), NORTH, exiting=False)
    assert site.code_of("standing", mine.id) == "admitted"
    site.reopen()
    assert site.gate.lanes.by_token(token(1)) is None
    assert site.gate.lanes.open_handheld(token(1)).gate == NORTH


def test_handhelds_that_nobody_uses_make_room(site: Site) -> None:
    """A stranger who opens thousands pushes no one out who is on duty."""
    lanes = site.gate.lanes
    busy = lanes.open_handheld(token(0)).id
    site.sign_in(SAM, busy)
    for number in range(1, 3 * MOST_HANDHELDS):
        lanes.open_handheld(token(number))
    handhelds = [lane for lane in lanes.all() if lane.kind == "handheld"]
    assert len(handhelds) == MOST_HANDHELDS
    assert busy in [lane.id for lane in handhelds]
    for lane in handhelds:
        if lane.duty is None:
            site.sign_in(SAM, lane.id)
    with pytest.raises(Refused) as caught:
        lanes.open_handheld(token(9999))
    assert caught.value.code == "too_many_lanes"


def test_everybody_is_told_of_a_verdict_once_and_of_changes(site: Site) -> None:
    """Also of one that is refused; not of repeats."""
    told: list[News] = []
    site.gate.bus.listen(told.append)
    verdict = site.scan("standing", source="camera:front")
    site.scan("standing", source="camera:front")
    assert told == [verdict]
    site.sign_in(SAM)
    assert told[1:] == [LaneChanged(STAFFED)]
    site.gate.bus.forget(told.append)
    site.scan("seated")
    assert len(told) == 2


def test_a_green_is_told_only_once_it_is_in_the_log(site: Site) -> None:
    """Whoever opens a turnstile hears of it behind the commit."""
    written: list[int] = []

    def hear(news: News) -> None:
        if isinstance(news, Verdict):
            written.append(len(site.raws()))

    site.gate.bus.listen(hear)
    before = len(site.raws())
    site.scan("standing")
    site.scan("standing", "out")
    assert written == [before + 1, before + 2]


def test_the_last_scans_of_a_lane_are_its_own(site: Site) -> None:
    """The newest first, fifty at most."""
    for index in range(55):
        site.scan(f"#{index}")
    site.scan("seated", "south")
    recent = site.gate.board.recent("north")
    assert len(recent) == 50
    assert recent[0].name == site.world.organizer.sold["#54"].name.name
    assert [each.code for each in site.gate.board.recent("south")] == ["admitted"]


def test_counts_are_of_the_lanes_own_gate_and_zone(site: Site) -> None:
    """Entered, left, inside, refused."""
    for label in ("standing", "standing 2", "revoked"):
        site.scan(label)
    site.scan("standing", "out")
    north, out = site.gate.board.counts("north"), site.gate.board.counts("out")
    assert (north.entered, north.left, north.refused, north.inside) == (2, 0, 1, 1)
    assert (out.entered, out.left, out.refused, out.inside) == (0, 1, 0, 1)
    assert (north.zone_name, north.capacity) == ("Arena", 12_000)
    site.reopen()
    assert site.gate.board.counts("north") == north


def test_an_exit_post_is_no_entry(site: Site) -> None:
    """The way out lets nobody in, whoever is posted there."""
    site.sign_in(SAM)
    with pytest.raises(Refused):
        site.gate.lanes.choose(STAFFED, EVENT.hex(), WAY_OUT, exiting=False)
