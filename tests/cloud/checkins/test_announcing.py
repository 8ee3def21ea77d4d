"""What others are told of the doors: what counts, once, in pieces, and only where one listens."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from cloud.checkins import announcing
from cloud.topics import TOPICS
from cloud.topics.doors import MOST, Scans, Undone
from shared.log.record import Kind, record_id
from tests import festival
from tests.cloud.checkins.hall import Gate, Hall, written
from tests.cloud.checkins.scene import Scene

LATEST = (1 << 48) - 1  # milliseconds of a stamp


def listen(scene: Scene, *topics: str) -> None:
    """Have a webhook for these topics; none: for all."""
    scene.run(
        f"""
        SELECT set_config('app.tenant', '{scene.tenant}', false);
        INSERT INTO hook_endpoint (url, name, topics, sealed, created_at)
        VALUES ('https://example.com/', 'CRM', '{{{",".join(topics)}}}', '', now());
        """
    )


def told(scene: Scene) -> list[tuple[str, Any]]:
    """Return what was published of the doors, as its schema has it, and forget it."""
    rows = scene.rows(
        "DELETE FROM outbox WHERE tenant_id = $1 AND key = $2"
        " RETURNING message_id, topic, payload::text AS payload",
        scene.tenant, f"doors:{scene.event}",
    )  # fmt: skip
    rows.sort(key=lambda row: row["message_id"])
    return [
        (row["topic"], msgspec.json.decode(row["payload"], type=TOPICS[row["topic"]].schema))
        for row in rows
    ]


def test_each_kind_is_told_once_and_names_ticket_gate_and_time(hall: Hall) -> None:
    """What is sent twice is told once; a record of no ticket that is known says so."""
    listen(hall.scene, "entries.recorded", "denials.recorded")
    inside, denied = hall.scene.ticket(), hall.scene.ticket()
    gate = written(inside)
    entry = gate.log[-1]
    gate.scan(inside, Kind.OUT, record_id(entry))
    gate.scan(denied, Kind.DENY, allowance=0, terms=0)
    gate.scan(inside, Kind.ANNUL, record_id(entry))
    gate.scan(UUID(bytes=b"nobody has it".ljust(16, b"\0")))
    hall.register(gate)
    hall.take(gate, *gate.log)
    hall.take(gate, *gate.log)
    (_, denials), (_, entries), (_, undone), (_, exits) = published = told(hall.scene)
    assert [topic for topic, _ in published] == announcing.TOPICS
    assert isinstance(entries, Scans)
    assert isinstance(undone, Undone)
    assert entries.event_id == hall.scene.event
    first, second = entries.records
    assert first.record_id == record_id(entry).hex()
    assert first.device_id == gate.device.hex()
    assert (first.ticket_id, first.gate, first.zone, first.outcome) == (inside, 1, 1, "admitted")
    assert int(first.at.timestamp() * 1000) == int.from_bytes(entry[64:70], "big")
    assert second.ticket_id is None
    assert [each.outcome for each in exits.records] == ["exit"]
    assert [each.ticket_id for each in denials.records] == [denied]
    assert [each.entry for each in undone.records] == [record_id(entry).hex()]


def test_nothing_is_written_where_nobody_listens(hall: Hall) -> None:
    """Nor for a webhook of other topics, or one that was removed; one for all topics listens."""
    listen(hall.scene, "order.paid")
    listen(hall.scene, "entries.recorded")
    hall.scene.run("UPDATE hook_endpoint SET removed_at = now() WHERE 'order.paid' <> ALL (topics)")
    gate = written(hall.scene.ticket())
    hall.register(gate)
    hall.take(gate, *gate.log)
    assert told(hall.scene) == []
    listen(hall.scene)
    hall.take(gate, gate.scan(hall.scene.ticket()))
    assert [topic for topic, _ in told(hall.scene)] == ["entries.recorded"]


def test_what_waits_is_told_when_it_counts(hall: Hall) -> None:
    listen(hall.scene)
    early, late = hall.scene.ticket(), hall.scene.ticket()
    gate = written(early, late)
    hall.register(gate)
    hall.take(gate, gate.log[2])
    assert told(hall.scene) == []
    hall.take(gate, *gate.log[:2])
    ((_, entries),) = told(hall.scene)
    assert [each.ticket_id for each in entries.records] == [early, late]


def test_what_a_device_wrote_after_its_cutoff_is_not_told(hall: Hall) -> None:
    listen(hall.scene)
    gate = written(hall.scene.ticket(), hall.scene.ticket())
    hall.register(gate)
    hall.scene.run(
        "UPDATE device SET revoked_at = now(), cutoff_incarnation = 1, cutoff_seq = 2"
        f" WHERE device_id = '\\x{gate.device.hex()}'"
    )
    hall.take(gate, *gate.log)
    ((_, entries),) = told(hall.scene)
    assert [each.record_id for each in entries.records] == [record_id(gate.log[1]).hex()]


def test_a_large_upload_is_told_in_pieces(hall: Hall) -> None:
    """Each of a size that a webhook's body may have."""
    listen(hall.scene)
    tickets = hall.scene.tickets(2 * MOST + 1)
    gate = written(*tickets)
    hall.register(gate)
    hall.take(gate, *gate.log)
    pieces = [entries.records for _, entries in told(hall.scene)]
    assert [len(each) for each in pieces] == [MOST, MOST, 1]
    assert [each.ticket_id for piece in pieces for each in piece] == tickets
    assert all(len(msgspec.json.encode(each)) < 200_000 for each in pieces)


def test_a_stamp_beyond_all_years_is_told_as_the_last_one(hall: Hall) -> None:
    """A device may stamp what it likes; nobody's upload fails of it."""
    listen(hall.scene)
    gate = Gate("of the future", clock=LATEST - 5000)
    gate.boot()
    gate.scan(hall.scene.ticket())
    hall.register(gate)
    assert hall.take(gate, *gate.log).new == 2
    ((_, entries),) = told(hall.scene)
    assert [each.at.year for each in entries.records] == [9999]


def test_scans_online_are_told_as_those_at_gates(hall: Hall) -> None:
    """An entry, a denial, an entry taken back."""
    listen(hall.scene)
    ticket = hall.scene.ticket()

    async def run() -> str:
        async with hall.scene.cloud() as cloud:
            (entry,) = (await cloud.redeem(ticket)).entries
            await cloud.redeem(ticket, gate=festival.SOUTH)
            await cloud.undo(entry)
            return entry

    entry = asyncio.run(run())
    published = told(hall.scene)
    assert [topic for topic, _ in published] == [
        "entries.recorded", "denials.recorded", "entries.undone",
    ]  # fmt: skip
    for _, payload in published:
        (record,) = payload.records
        assert record.ticket_id == ticket
    assert published[0][1].records[0].record_id == entry
    assert published[1][1].records[0].outcome == "already_admitted"
    assert published[2][1].records[0].entry == entry


def test_no_word_of_a_guest_is_told(hall: Hall) -> None:
    """The ticket has an attendee and a seat; the message has ids, numbers and codes."""
    listen(hall.scene)
    ticket = hall.scene.ticket()
    gate = written(ticket)
    hall.register(gate)
    hall.take(gate, *gate.log)
    (row,) = hall.scene.rows(
        "SELECT payload::text AS payload FROM outbox WHERE tenant_id = $1", hall.scene.tenant
    )
    assert "Ada" not in row["payload"]
    told(hall.scene)
