"""Gates' logs in the cloud: taken in any order, kept once, never dropped, merged alike."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.checkins import devices, storing, uploads
from cloud.checkins.reports import overview, scans
from cloud.checkins.runs import Broken
from cloud.checkins.uploads import Taken
from cloud.checkins.view import view_of
from cloud.db.connect import Connection
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from shared.devices.roster import Cutoff, Member
from shared.log.chain import Fault
from shared.log.record import Kind, record_id
from shared.merge.view import View
from tests.cloud.checkins.hall import Gate, Hall, written
from tests.cloud.checkins.scene import refused, set_scene
from tests.cloud.database import Database
from tests.scribe import EVENT, Scribe

FILL = """
    INSERT INTO record_waiting (device_id, incarnation, record_id, event_ref)
    SELECT $1, 9, substring(sha256(n::text::bytea) FROM 1 FOR 16), '\\x0000000000000000'
      FROM generate_series(1, $2::int) AS n
"""


def fed(*gates: Scribe) -> View:
    """Return a view that was fed their records directly."""
    view = View()
    view.learn_roster(1, {gate.device: Member(gate.public, None) for gate in gates})
    for gate in gates:
        for raw in gate.log:
            view.add(raw)
    return view


def test_a_log_is_kept_once_and_uses_its_tickets(hall: Hall) -> None:
    """Sent twice, it is new and then known; its receipt says where it ends."""
    tickets = [hall.scene.ticket() for _ in range(3)]
    gate = written(*tickets)
    hall.register(gate)
    assert hall.take(gate, *gate.log) == Taken(1, 4, 4, 0, 0, None)
    assert hall.take(gate, *gate.log) == Taken(1, 4, 0, 4, 0, None)
    assert [hall.scene.state(ticket) for ticket in tickets] == ["used"] * 3
    assert sorted(hall.scene.raws()) == sorted(gate.log)
    assert hall.view().summary() == fed(gate).summary()


def test_a_few_records_are_stored_by_plans_that_are_made_once(hall: Hall) -> None:
    """Planning took longer than all else; thousands at once are planned for what is there then."""
    gate = written(*[hall.scene.ticket()] * (uploads.FEW + 2))
    hall.register(gate)

    def planned() -> int:
        named = "SELECT sum(custom_plans) FROM pg_prepared_statements WHERE statement LIKE $1"
        find = hall.conn.fetchval(named, "%INSERT INTO record (%")
        return int(hall.runner.run(find) or 0)

    before = planned()
    for raw in gate.log[:2]:
        hall.take(gate, raw)
    hall.take(gate, *gate.log[2 : uploads.FEW + 2])
    assert planned() == before
    hall.take(gate, *gate.log[: uploads.FEW + 1])
    assert planned() == before + 1


def test_what_comes_before_its_time_waits_and_counts_once_the_gap_is_closed(hall: Hall) -> None:
    """The second half first: kept, shown as quarantined, and without effect until then."""
    early, late = hall.scene.ticket(), hall.scene.ticket()
    gate = written(early, late)
    hall.register(gate)
    assert hall.take(gate, gate.log[2]) == Taken(0, 0, 1, 0, 1, None)
    assert hall.scene.state(late) == "active"
    assert len(hall.view().quarantined()) == 1
    assert hall.take(gate, gate.log[2]) == Taken(0, 0, 0, 1, 1, None)
    assert hall.take(gate, *gate.log[:2]) == Taken(1, 3, 2, 0, 0, None)
    assert (hall.scene.state(early), hall.scene.state(late)) == ("used", "used")
    assert hall.view().summary() == fed(gate).summary()


def test_no_more_waits_than_there_is_room_for(hall: Hall) -> None:
    """Its device is told where the gap is; what closes it is taken, and then so is the rest."""
    gate = written(hall.scene.ticket(), hall.scene.ticket())
    hall.register(gate)

    async def fill(tx: TenantTx) -> None:
        await tx.conn.execute(FILL, gate.device, storing.MOST_WAITING)

    hall.run(fill)
    assert hall.take(gate, gate.log[2]) == Taken(0, 0, 0, 0, 0, Broken(0, Fault.GAP))
    taken = hall.take(gate, gate.log[0], gate.log[2])
    assert taken == Taken(1, 1, 1, 0, 0, Broken(1, Fault.GAP))
    assert hall.take(gate, *gate.log[1:]) == Taken(1, 3, 2, 0, 0, None)


def test_one_upload_may_hold_several_boots_and_repeat_itself(hall: Hall) -> None:
    """Runs overlap and come in any order within one body, too."""
    gate = written(hall.scene.ticket(), hall.scene.ticket())
    gate.boot()
    gate.scan(hall.scene.ticket())
    hall.register(gate)
    one, two = gate.log[:3], gate.log[3:]
    taken = hall.take(gate, *two, *one[1:], *one, *two)
    assert taken == Taken(2, 2, 5, 7 - 5 + 2, 0, None)
    assert hall.view().summary() == fed(gate).summary()


def test_another_devices_record_refuses_the_whole_upload(hall: Hall) -> None:
    """Nothing of it is kept."""
    gate, stranger = written(hall.scene.ticket()), written(hall.scene.ticket())
    hall.register(gate, stranger)
    with pytest.raises(Refusal) as error:
        hall.take(gate, *gate.log, *stranger.log)
    assert refused(error.value) == "log_foreign"
    assert hall.scene.raws() == []


def test_a_forged_record_and_all_after_it_are_not_taken(hall: Hall) -> None:
    """What the device vouches for before it is."""
    gate = written(*(hall.scene.ticket() for _ in range(4)))
    hall.register(gate)
    forged = bytearray(gate.log[3])
    forged[100] ^= 1
    taken = hall.take(gate, *gate.log[:3], bytes(forged), gate.log[4])
    assert (taken.new, taken.broken) == (3, Broken(3, Fault.BAD_SIGNATURE))
    assert sorted(hall.scene.raws()) == sorted(gate.log[:3])


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda log: log[:-100], Fault.TRUNCATED),
        (lambda log: log[:512] + b"\2" + log[513:], Fault.VERSION),
        (lambda log: log[:536] + b"\xff" * 8 + log[544:], Fault.GAP),
    ],
)
def test_what_is_not_a_record_of_ours_ends_the_upload(
    hall: Hall, spoil: Callable[[bytes], bytes], fault: Fault
) -> None:
    """It says so, and keeps what came before."""
    gate = written(hall.scene.ticket(), hall.scene.ticket())
    hall.register(gate)
    taken = hall.take(gate, spoil(b"".join(gate.log)))
    assert (taken.new, taken.broken) == (2, Broken(2, fault))


def test_two_histories_are_both_kept_and_are_one_incident(hall: Hall) -> None:
    """A restored device lets others in at the same places: each of them is a guest."""
    first, second = hall.scene.ticket(), hall.scene.ticket()
    gate = written(hall.scene.ticket())
    twin = Gate("twin")
    twin.secret, twin.public, twin.device = gate.secret, gate.public, gate.device
    twin.incarnation, twin.seq, twin.head = gate.incarnation, gate.seq, gate.head
    gate.scan(first)
    for _ in range(2):
        twin.scan(second, Kind.OVERRIDE)
    hall.register(gate)
    assert hall.take(gate, *gate.log).new == 3
    assert hall.take(gate, *twin.log) == Taken(1, 4, 2, 0, 0, None)
    assert (hall.scene.state(first), hall.scene.state(second)) == ("used", "used")
    view = fed(gate)
    for raw in twin.log:
        view.add(raw)
    assert hall.view().summary() == view.summary()
    assert "equivocation" in {finding.kind.value for finding in hall.view().findings()}


def test_a_record_that_says_nonsense_holds_its_place_alone(hall: Hall) -> None:
    """The chain goes on behind it, and what it says counts for nobody."""
    nonsense, ticket = hall.scene.ticket(), hall.scene.ticket()
    gate = written()
    gate.scan(nonsense, allowance=0)
    gate.scan(ticket)
    hall.register(gate)
    assert hall.take(gate, *gate.log) == Taken(1, 3, 3, 0, 1, None)
    assert (hall.scene.state(nonsense), hall.scene.state(ticket)) == ("active", "used")
    assert hall.view().summary() == fed(gate).summary()


def test_an_entry_taken_back_frees_its_ticket_whatever_came_first(hall: Hall) -> None:
    """The state follows what the records mean, not their arrival."""
    ticket = hall.scene.ticket()
    gate = written(ticket)
    gate.scan(ticket, Kind.ANNUL, record_id(gate.log[1]))
    hall.register(gate)
    hall.take(gate, *gate.log[:2])
    assert hall.scene.state(ticket) == "used"
    hall.take(gate, gate.log[2])
    assert hall.scene.state(ticket) == "active"
    assert [move for move, _ in hall.scene.moves(ticket)] == ["use", "undo"]


def test_another_devices_word_does_not_take_an_entry_back(hall: Hall) -> None:
    """Without a proof it waits; the entry stands."""
    ticket = hall.scene.ticket()
    gate, thief = written(ticket), written()
    thief.scan(ticket, Kind.ANNUL, record_id(gate.log[1]))
    hall.register(gate, thief)
    hall.take(thief, *thief.log)
    hall.take(gate, *gate.log)
    assert hall.scene.state(ticket) == "used"
    assert len(hall.view().summary().unproved) == 1


def test_a_revoked_devices_records_count_up_to_its_cutoff(hall: Hall) -> None:
    """Those after it are kept, before and after the revocation, and free their tickets."""
    before, after, later = (hall.scene.ticket() for _ in range(3))
    gate = written(before, after)
    hall.register(gate)
    hall.take(gate, *gate.log)

    async def revoke(tx: TenantTx) -> None:
        assert (await devices.revoke(tx, gate.device, Cutoff(1, 2))).cutoff_seq == 2

    hall.run(revoke)
    assert [hall.scene.state(t) for t in (before, after)] == ["used", "active"]
    gate.scan(later)
    assert hall.take(gate, gate.log[3]) == Taken(1, 4, 1, 0, 1, None)
    assert hall.scene.state(later) == "active"
    view = fed(gate)
    view.learn_roster(2, {gate.device: Member(gate.public, Cutoff(1, 2))})
    assert hall.view().summary() == view.summary()


def test_a_gates_entry_stands_against_an_online_scan(hall: Hall) -> None:
    """And an online entry and a gate's that had not heard of it are one incident."""
    gated, online = hall.scene.ticket(), hall.scene.ticket()
    gate = written(gated, online)
    hall.register(gate)

    async def go() -> None:
        async with hall.scene.cloud() as cloud:
            assert (await cloud.redeem(online)).code == "admitted"
            async with cloud.tx() as tx:
                await uploads.take(tx, gate.device, b"".join(gate.log))
            answer = await cloud.redeem(gated)
            assert answer.code == "already_admitted"
            assert answer.prior
            assert not answer.prior.online

    asyncio.run(go())
    report = overview(hall.view().summary(), EVENT)
    assert [found.kind for found in report.findings] == ["double_admission"]
    assert report.entered == 3

    async def history(tx: TenantTx) -> None:
        found = await scans(tx, hall.scene.event, EVENT, online) or []
        assert [(each.kind, each.online, each.counts) for each in found] == [
            ("in", True, True), ("in", False, True),
        ]  # fmt: skip

    hall.run(history)


def test_what_waits_or_was_cut_off_stands_against_nobody(hall: Hall) -> None:
    """An online scan goes by what counts, as a gate with the same records would."""
    waiting, cut, counted = (hall.scene.ticket() for _ in range(3))
    gate, other = written(counted, waiting), written(cut)
    hall.register(gate, other)
    hall.take(gate, gate.log[2])
    hall.take(other, *other.log)

    async def revoke(tx: TenantTx) -> None:
        await devices.revoke(tx, other.device, Cutoff(1, 1))

    hall.run(revoke)

    async def go() -> None:
        async with hall.scene.cloud() as cloud:
            assert (await cloud.redeem(waiting)).code == "admitted"
            assert (await cloud.redeem(cut)).code == "admitted"
            async with cloud.tx() as tx:
                await uploads.take(tx, gate.device, b"".join(gate.log))
            assert (await cloud.redeem(counted)).code == "already_admitted"
            undone = (await cloud.redeem(cut)).prior
            assert undone
            assert undone.online

    asyncio.run(go())
    kinds = [finding.kind.value for finding in hall.view().findings()]
    assert kinds == ["double_admission"]


@pytest.fixture(scope="module")
def house(database_of: tuple[Database, asyncio.Runner, Connection]) -> tuple[Hall, list[Gate]]:
    """Two gates that let five tickets in and out, also twice, and take some of it back."""
    database, runner, conn = database_of
    hall = Hall(set_scene(database), runner, conn)
    tickets = [hall.scene.ticket() for _ in range(5)]
    gates = [Gate("left"), Gate("right")]
    for gate in gates:
        gate.boot()
        for ticket in tickets:
            gate.scan(ticket)
        gate.scan(tickets[0], Kind.ANNUL, record_id(gate.log[1]))
        gate.scan(tickets[1], Kind.OUT, record_id(gate.log[2]))
        gate.boot()
        gate.scan(tickets[2], Kind.DENY, allowance=0, terms=0)
    hall.register(*gates)
    return hall, gates


@given(data=st.data())
def test_the_order_of_uploads_changes_nothing(
    house: tuple[Hall, list[Gate]], data: st.DataObject
) -> None:
    """Logs cut in any pieces, some sent twice, in any order: one summary, one set of states."""
    hall, gates = house
    pieces: list[tuple[Gate, list[bytes]]] = []
    for gate in gates:
        cuts = sorted(data.draw(st.sets(st.integers(1, len(gate.log) - 1), max_size=3)))
        bounds = [0, *cuts, len(gate.log)]
        pieces += [(gate, gate.log[a:b]) for a, b in pairwise(bounds)]
    order = data.draw(st.permutations(pieces))
    again = data.draw(st.lists(st.sampled_from(pieces), max_size=2))
    want = msgspec.json.encode(overview(fed(*gates).summary(), EVENT))

    async def act(tx: TenantTx) -> None:
        for gate, raws in [*order, *again]:
            await uploads.take(tx, gate.device, b"".join(raws))
        report = overview((await view_of(tx, EVENT)).summary(), EVENT)
        assert msgspec.json.encode(report) == want
        rows = await tx.conn.fetch("SELECT state, count(*) AS n FROM ticket GROUP BY state")
        assert {row["state"]: row["n"] for row in rows} == {"used": 4, "active": 1}
        assert await tx.conn.fetchval("SELECT count(*) FROM record_waiting") == 0

    hall.run(act, keep=False)
