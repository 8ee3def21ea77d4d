"""`usher-edge view`: the merged view as programs read it, beside the agent that writes the log."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from cloud.checkins.reports import overview
from edge.commands.view import told, view
from edge.practice.world import EVENT, World
from tests.edge.gates import NOW, Site, make_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A gate at which two came, one left, and one was refused."""
    made = make_site(tmp_path, World.make(NOW, tickets=2))
    made.open()
    for label, lane in (("standing", "north"), ("seated", "south"), ("revoked", "north")):
        made.scan(label, lane)
    made.scan("standing", "out")
    yield made
    made.close()


def refuse(why: str) -> NoReturn:
    """Fail the test: the command has nothing to refuse."""
    raise AssertionError(why)


def test_it_says_what_the_running_gate_knows(site: Site) -> None:
    """Read from the disk by another process's code, it is what the agent's own view says."""
    seen = view(site.settings, refuse)
    assert seen["events"][EVENT.hex()] == told(site.gate.ledger.summary(), EVENT)
    assert seen["events"][EVENT.hex()]["entered"] == 2
    assert seen["events"][EVENT.hex()]["inside"] == [{"zone": 1, "day": 0, "people": 1}]
    assert seen["waiting"] == site.gate.stores.log.waiting(site.gate.me.device) > 0


def test_it_has_the_form_in_which_the_cloud_says_it(site: Site) -> None:
    """Who compares both compares documents; an event without a record is there too."""
    summary = site.gate.ledger.summary()
    said = json.loads(msgspec.json.encode(overview(summary, EVENT)))
    assert told(summary, EVENT) == said
