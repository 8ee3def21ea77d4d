"""The cloud's incidents at a gate: what of an answer is believed, and what is kept."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.gate.incidents import unsettled
from edge.store.incidents import MOST_KEPT
from edge.store.stores import open_stores
from edge.sync.failures import Garbled
from edge.sync.incidents import MOST, notes_of
from shared.errors import Malformed
from shared.wire import MAX_CONCERNED, MAX_NOTES, IncidentNote, frames

EVENT = "a1" * 8


def note(number: int, incident: int = 1, **more: Any) -> IncidentNote:
    """Return one."""
    given: dict[str, Any] = {
        "event": EVENT, "kind": "double_admission", "ticket": "07" * 16, "state": "open",
        "found": 1_800_000_000_000, "gates": (1, 2), "devices": ("d7" * 16,),
    }  # fmt: skip
    return IncidentNote(**{**given, "number": number, "incident": f"{incident:032x}", **more})


def answer(*notes: IncidentNote) -> bytes:
    """Return them as the cloud sends them."""
    return frames(map(msgspec.json.encode, notes))


def test_notes_are_read_in_their_order() -> None:
    """As many as an answer has."""
    sent = [note(7, 1), note(9, 2, state="resolved")]
    assert notes_of(answer(*sent), 6) == sent
    assert notes_of(b"", 6) == []


@pytest.mark.parametrize(
    "body",
    [
        answer(note(6)),  # a replay
        answer(note(9, 1), note(8, 2)),  # out of order
        answer(note(7, 1), note(7, 2)),
        frames([b"{}"]),
        frames([b"[" * 20_000]),
        frames([b"\xff"]),
        answer(note(7)).replace(b'"open"', b'"done"'),
    ],
)
def test_an_answer_that_no_cloud_gives_is_refused(body: bytes) -> None:
    """As a whole."""
    with pytest.raises(Garbled):
        notes_of(body, 6)


@pytest.mark.parametrize("body", [answer(note(7))[:-1], frames([b"{}"] * (MAX_NOTES + 1))])
def test_an_answer_that_is_cut_or_too_long_is_refused(body: bytes) -> None:
    """Before its notes are read."""
    with pytest.raises(Malformed):
        notes_of(body, 6)


def test_the_largest_honest_answer_fits() -> None:
    """Five hundred notes that name as many gates and devices as a note can."""
    concerned: dict[str, Any] = {
        "gates": (65_535,) * MAX_CONCERNED,
        "devices": ("d7" * 16,) * MAX_CONCERNED,
    }
    largest = note(2**53 - 1, kind="k" * 32, **concerned)
    assert len(answer(largest)) * MAX_NOTES <= MOST


def test_the_later_note_counts_and_what_is_resolved_goes(tmp_path: Path) -> None:
    """What is kept outlives a restart, with the number up to which it was told."""
    stores = open_stores(tmp_path)
    stores.incidents.take([note(1, 1), note(2, 2), note(3, 3)], 5)
    stores.incidents.take([note(6, 1, state="explained"), note(7, 2, state="resolved")], 7)
    stores.close()
    stores = open_stores(tmp_path)
    assert [(n.number, n.state) for n in stores.incidents.newest()] == [
        (6, "explained"),
        (3, "open"),
    ]
    assert (unsettled(stores.incidents), stores.settings.number("incidents")) == (1, 7)
    stores.incidents.take([note(1, 9, event="b2" * 8)], 1, anew=True)
    assert [n.incident[-1] for n in stores.incidents.newest()] == ["9"]
    stores.incidents.let_go([bytes.fromhex("b2" * 8)])
    assert stores.incidents.newest() == []
    stores.close()


def test_a_gate_keeps_the_newest_alone(tmp_path: Path) -> None:
    """However many there are, the disk has room for the log."""
    stores = open_stores(tmp_path)
    many = [note(n, n) for n in range(1, MOST_KEPT + 51)]
    for at in range(0, len(many), MAX_NOTES):
        stores.incidents.take(many[at : at + MAX_NOTES], many[at].number)
    kept = stores.incidents.newest()
    assert (len(kept), kept[0].number, kept[-1].number) == (MOST_KEPT, MOST_KEPT + 50, 51)
    stores.close()
