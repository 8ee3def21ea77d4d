"""Each answer that shows what gates did says how old that is; the description is walked for it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from cloud.unsent import AGE, WAITING
from tests.cloud.api.operations import Operation

TAGS: Final = {"checkins", "incidents", "sync", "tickets"}  # of what gates do
# What has been at gates, wherever it is told: a ticket's state is `used` by their records.
SHAPES: Final = {
    "tickets_lifecycle_State", "checkins_reports_Entry", "checkins_tallies_Counts", "Overview",
    "Redeemed", "Undone", "IncidentOut", "IncidentDetail", "DeviceStatus",
}  # fmt: skip
GUESTS = "a guest is not told: whoever has a copy of a ticket would read when gates are cut off"
NEWS = "a device is told what is newest here, and asks its neighbours beside the cloud"
LISTS = "what the organizer signed, and nothing of what gates did"
TAKES = "takes in what a gate says, and answers what of it was taken"
CODE = "a ticket's code, whatever became of it at gates"
GUEST_LIST = "what became of a file of guests"
SILENT: Final[Mapping[str, str]] = {
    "listOwnTickets": GUESTS, "exportMe": GUESTS,
    "readSyncState": NEWS, "followSyncState": NEWS, "gossip": NEWS, "readIncidentNotes": NEWS,
    "readCommands": LISTS, "readRoster": LISTS, "readManifestHead": LISTS,
    "readManifestChunks": LISTS, "readManifestDelta": LISTS, "readSearchHead": LISTS,
    "readSearchParts": LISTS,
    "reportStatus": TAKES, "sendLogFile": TAKES,
    "readCodeText": CODE, "readCodeSvg": CODE, "readCodePng": CODE, "printTicket": CODE,
    "printOrder": CODE,
    "issueGuests": GUEST_LIST, "readJob": GUEST_LIST,
}  # fmt: skip


def shapes(part: Any, document: Any) -> Iterator[str]:
    """Yield the names of all schemas that a part of the description leads to."""
    found: set[str] = set()

    def look(part: Any) -> None:
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).removeprefix("#/components/schemas/")
            if name and name not in found:
                found.add(name)
                look(document["components"]["schemas"].get(name))
            look(list(part.values()))
        elif isinstance(part, list):
            for each in part:
                look(each)

    look(part)
    yield from found


def answers(operation: Operation) -> list[Any]:
    """Return what it says where it went well."""
    return [said for code, said in operation.spec["responses"].items() if code.startswith("2")]


def test_each_answer_about_gates_says_how_old_it_is(
    operations: list[Operation], document: Any
) -> None:
    """Or is on the list of those that don't, with the reason."""
    about, says = set(), set()
    for each in operations:
        told = set(shapes(answers(each), document))
        if told & SHAPES or TAGS & set(each.spec["tags"]):
            about.add(each.name)
        if any({AGE, WAITING} <= set(said.get("headers", ())) for said in answers(each)):
            says.add(each.name)
    assert about - says == set(SILENT)
    assert says <= about


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_shapes_are_those_of_the_description(document: Any, name: str) -> None:
    """One that was renamed would hide what it is in."""
    assert name in document["components"]["schemas"]
