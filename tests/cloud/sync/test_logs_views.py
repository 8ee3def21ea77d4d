"""The cloud's view is that of a gate which holds what gossip hands out, byte for byte.

Gates scan, boot, forget and fork as Hypothesis likes, at two events at once, with proofs that come
with their records, later, or never. Their logs come in in any pieces and any order.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.checkins import devices, storing, uploads
from cloud.checkins.counts import tally
from cloud.checkins.judges import judges
from cloud.checkins.view import Merged, view_of
from cloud.db.connect import Pool, open_pool
from cloud.db.tenancy import Origin, TenantTx, tenant_tx
from cloud.incidents.kept import Kept
from cloud.incidents.merging import merge
from cloud.incidents.model import quarantine, subject
from cloud.sync import gossip, logs
from shared import bundle, hashing, keys
from shared.bundle import FileKind, Part, Section
from shared.devices.roster import Member
from shared.log.record import Kind, record_id
from shared.merge.view import View
from tests.cloud.checkins.scene import Clock, Scene, set_scene
from tests.cloud.database import Database
from tests.cloud.sync.appliance import Appliance, Venue, about, token_of
from tests.scribe import EVENT

BADGE = keys.secret_key(b"b" * 32)
OTHER = b"arena-02"
NAMES = ("North", "South", "East")
ACTS = ("enter", "enter", "leave", "undo", "override", "boot", "forget", "copy", "elsewhere")


class _Forget(Exception):
    """Rolls a transaction back."""


@dataclass
class Hall:
    """The festival, with three gates and six tickets."""

    scene: Scene
    pool: Pool
    runner: asyncio.Runner
    tickets: list[UUID] = field(default_factory=list)


@pytest.fixture(scope="module")
def hall(database: Database) -> Iterator[Hall]:
    """A venue whose transactions are rolled back."""
    with asyncio.Runner() as runner:
        pool = runner.run(open_pool(database.app_url, size=1))
        hall = Hall(set_scene(database), pool, runner)
        hall.tickets = hall.scene.tickets(6)
        public = keys.public_key(BADGE)
        hall.scene.run(
            f"""
            SELECT set_config('app.tenant', '{hall.scene.tenant}', false);
            INSERT INTO badge (badge_id, public, name, role, created_at)
            VALUES ('\\x{hashing.badge_id(public).hex()}', '\\x{public.hex()}', 'Ada',
                    'supervisor', now());
            INSERT INTO event (ref, venue_id, name, timezone, doors_at, starts_at, ends_at,
                               currency)
            SELECT '\\x{OTHER.hex()}', venue_id, 'Club', timezone, doors_at, starts_at, ends_at,
                   'eur' FROM event WHERE event_id = '{hall.scene.event}';
            """
        )

        async def register() -> None:
            async with tenant_tx(pool, hall.scene.tenant, Origin("t"), Clock().now()) as tx:
                for name in NAMES:
                    await devices.register(tx, _gate(name).public, name)

        runner.run(register())
        yield hall
        runner.run(pool.close())


def _gate(name: str) -> Appliance:
    venue: Any = Venue.__new__(Venue)  # asked for nothing: these gates send no request
    return Appliance(venue, name)


class Evening:
    """What gates wrote, and what has to come in."""

    def __init__(self, draw: Any, tickets: list[UUID]) -> None:
        self._draw = draw
        self._tickets = tickets
        self.gates = [_gate(name) for name in NAMES]
        self.entries: list[tuple[UUID, bytes]] = []
        self.pieces: list[list[Section]] = []
        for gate in self.gates:
            gate.boot()
        for _ in range(draw(st.integers(4, 24))):
            self._act(draw(st.sampled_from(self.gates)), draw(st.sampled_from(ACTS)))
        for gate in self.gates:
            self._cut(gate)

    def _act(self, gate: Appliance, act: str) -> None:
        ticket = self._draw(st.sampled_from(self._tickets))
        named = self._draw(st.sampled_from(self.entries)) if self.entries else None
        match act:
            case "enter":
                self.entries.append((ticket, gate.scan(ticket)))
            case "elsewhere":
                gate.put(about(ticket, Kind.OVERRIDE, reason=1)._replace(event=OTHER), badge=BADGE)
            case "override":
                gate.put(about(ticket, Kind.OVERRIDE, reason=1), badge=BADGE)
            case "boot":
                gate.boot()
            case "forget":
                gate.boot(prev=sha256(gate.log[-2]).digest() if len(gate.log) > 1 else None)
            case "copy":
                twin = gate.twin()
                twin.scan(ticket)
                self._cut(twin)
            case "leave" if named:
                ref = record_id(named[1])
                gate.put(about(named[0], Kind.OUT, ref=ref), token_of(named[0]))
            case "undo" if named:
                record = about(named[0], Kind.ANNUL, ref=record_id(named[1]))
                gate.put(record._replace(allowance=0, terms=0), badge=BADGE)

    def _cut(self, gate: Appliance) -> None:
        """Cut a log into pieces. A proof comes with any of them."""
        most = max(1, len(gate.log) - 1)
        cuts = sorted(self._draw(st.sets(st.integers(1, most), max_size=3)) - {len(gate.log)})
        for a, b in pairwise([0, *cuts, len(gate.log)]):
            content = b"".join(gate.log[a:b])
            self.pieces.append([Section(Part.DEVICE, gate.public), Section(Part.RECORDS, content)])
        for blob in gate.blobs:
            if self._draw(st.booleans()):
                place = self._draw(st.integers(0, len(self.pieces) - 1))
                self.pieces[place] = [*self.pieces[place], Section(Part.BLOB, blob)]


async def _at_a_gate(tx: TenantTx, evening: Evening) -> View:
    """Return the view of a gate that has asked for all that touches the event."""
    view, vouch = View(), await judges(tx)
    view.learn_roster(1, {gate.device: Member(gate.public, None) for gate in evening.gates})
    answer = await gossip.answer(tx, [EVENT], {})
    assert answer.rest is None
    _, sections = bundle.decode(answer.file)
    blobs = {hashing.evidence(s.content): s.content for s in sections if s.part is Part.BLOB}
    for _, content in (each for each in sections if each.part is Part.RECORDS):
        for at in range(0, len(content), 256):
            raw = content[at : at + 256]
            view.add(raw)
            blob = blobs.get(raw[156:188])
            if blob is not None and vouch.prove(raw, blob):
                view.prove(raw)
    return view


@given(data=st.data())
def test_cloud_and_gate_see_the_same(hall: Hall, data: st.DataObject) -> None:
    """And every merge on the way leaves the incidents of the view, whatever came before and
    whichever of two workers merged it: what each keeps in between is the view, too."""
    evening = Evening(data.draw, hall.tickets)
    order = data.draw(st.permutations(evening.pieces))
    workers = Kept(), Kept()
    stops = data.draw(st.dictionaries(st.integers(0, len(order) - 1), st.sampled_from(workers)))

    async def go() -> None:
        origin, now = Origin("test"), Clock().now()
        try:
            async with tenant_tx(hall.pool, hall.scene.tenant, origin, now) as tx:
                sender = evening.gates[0].device
                assert await uploads.lock(tx, [sender], 0)
                for place, piece in enumerate(order):
                    file = b"".join(bundle.encode(FileKind.LOG, piece))
                    await logs.take(tx, sender, file)
                    if place in stops:
                        await merge(tx, EVENT, stops[place])
                await storing.merge_again(tx, [EVENT, OTHER])
                for ref in (EVENT, OTHER):
                    await merge(tx, ref, workers[0])
                cloud = await view_of(tx, EVENT)
                known = workers[0].take((tx.tenant, EVENT))
                assert known is not None
                assert known.whole.view.summary() == cloud.summary()
                _check_counts(known.whole)
                await _check(tx, cloud, await _at_a_gate(tx, evening))
                raise _Forget
        except _Forget:
            pass

    hall.runner.run(go())


def _check_counts(whole: Merged) -> None:
    """Counted one by one: what stands of each ticket, and what is not set aside."""
    summary, view = whole.view.summary(), whole.view
    aside = {name for _, name in summary.quarantined} | set(summary.unproved)
    ours = [raw for raw in whole.raws if raw[80:88] == EVENT]
    counted = {name: raw for raw in ours if (name := record_id(raw)) not in aside}
    undone = {raw[96:112] for raw in counted.values() if raw[1] == Kind.ANNUL}
    standing = {n for t in undone for p in view.ticket(EVENT, t).pools.values() for n in p.entries}
    entered = [raw for name, raw in counted.items() if raw[1] in (Kind.IN, Kind.OVERRIDE)
               and (raw[96:112] not in undone or name in standing)]  # fmt: skip
    told = tally(whole.counting, view, summary)
    left = sum(raw[1] == Kind.OUT for raw in counted.values())
    assert (told.records, told.entered, told.left) == (len(ours), len(entered), left)
    gates = Counter(int.from_bytes(raw[88:90], "big") for raw in entered)
    assert {each.gate: each.entered for each in told.gates if each.entered} == gates
    assert all(each.entered or each.left or each.refused for each in told.gates + told.minutes)
    assert sum(each.entered for each in told.minutes) == len(entered)
    zones = Counter(int.from_bytes(raw[90:92], "big") for raw in entered)
    assert {each.zone: each.entered for each in told.zones if each.entered} == zones


async def _check(tx: TenantTx, cloud: View, gate: View) -> None:
    summary = cloud.summary()
    waiting = await tx.conn.fetchval("SELECT count(*) FROM record_waiting")
    if not waiting:
        assert gate.summary().digest() == summary.digest()
    rows = await tx.conn.fetch(
        "SELECT incident_id, event_ref FROM incident WHERE resolved_at IS NULL"
    )
    kept = {row["incident_id"] for row in rows if row["event_ref"] == EVENT}
    of_logs = {row["incident_id"] for row in rows if row["event_ref"] == bytes(8)}
    assert kept == {subject(each).id for each in summary.findings if each.event == EVENT}
    # And perhaps those of logs that touch the other event alone.
    assert of_logs >= {subject(each).id for each in summary.findings if each.event == bytes(8)}
    assert of_logs >= {quarantine(place).id for place, _ in summary.quarantined}
