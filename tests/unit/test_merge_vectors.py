"""Every vector of the merge suite: a story, and what it must mean (spec/merge.md)."""

from typing import Any

import pytest

from shared.devices.roster import Cutoff, Member
from shared.hashing import device_id
from shared.log.record import decode, record_id, signed_by
from shared.merge.ticket import Word
from shared.merge.view import View
from tests.vectors.generate_merge import build
from tests.vectors.suite import FOLDER, load, text_of

KEPT = load("merge")
VECTORS: list[dict[str, Any]] = KEPT["vectors"]


def test_vectors_were_found() -> None:
    """An empty file would pass every test below."""
    assert len(VECTORS) >= 50


def test_the_file_is_what_its_script_writes() -> None:
    """Nobody edited a vector by hand, and no change of the code changed one unseen."""
    assert (FOLDER / "merge.json").read_text(encoding="ascii") == text_of(build())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_records_are_genuine(vector: dict[str, Any]) -> None:
    """Each record is well formed and signed by one of the devices that the suite names."""
    keys = [bytes.fromhex(pk) for pk in KEPT["devices"].values()]
    for record in vector["input"]["records"]:
        raw = bytes.fromhex(record)
        decode(raw)
        assert any(signed_by(raw, pk) for pk in keys)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_merging_gives_what_the_story_means(vector: dict[str, Any], backwards: bool) -> None:
    """The same incidents, people and quarantine, whichever end the records arrive from."""
    view = merged(vector["input"], backwards)
    found = [
        {"kind": str(f.kind), "record": f.record.hex()}
        if f.event != bytes(8)
        else {"kind": str(f.kind), "device": f.device.hex(), "incarnation": f.incarnation,
              "seq": f.seq}
        for f in view.findings()
    ]  # fmt: skip
    inside = {f"{p.zone}/{p.day}": n for p, n in view.summary().presence}
    assert {
        "incidents": sorted(found, key=str),
        "inside": inside,
        "quarantined": sorted(i.hex() for _, i in view.quarantined()),
    } == {
        "incidents": sorted(vector["expect"]["incidents"], key=str),
        "inside": {where: n for where, n in vector["expect"]["inside"].items() if n},
        "quarantined": vector["expect"]["quarantined"],
    }, vector["comment"]


def merged(given: dict[str, Any], backwards: bool) -> View:
    view = View()
    raws = [bytes.fromhex(record) for record in given["records"]]
    for raw in reversed(raws) if backwards else raws:
        view.add(raw)
        if record_id(raw).hex() in given["proved"]:
            view.prove(raw)
    event, ticket = bytes.fromhex(KEPT["event"]), bytes.fromhex(KEPT["ticket"])
    view.learn_ticket(event, ticket, Word(**given["manifest"]))
    listed = {device_id(pk): pk for pk in map(bytes.fromhex, KEPT["devices"].values())}
    cutoffs = {bytes.fromhex(d): Cutoff(**place) for d, place in given["cutoffs"].items()}
    members = {device: Member(pk, cutoffs.get(device)) for device, pk in listed.items()}
    view.learn_roster(1, members)
    return view
