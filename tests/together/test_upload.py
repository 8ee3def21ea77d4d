"""Gates' logs and the real cloud: sent whole, signed for, passed on, and meaning the same."""

import copy
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from edge.commands.view import view
from edge.gate.ledger import Line
from edge.gate.receipts import Receipts, disputed
from edge.gate.replica import whole
from edge.health.report import Health
from edge.sync.client import Answer
from edge.sync.failures import Away, Denied, Garbled
from shared.errors import UsherError
from shared.log.gossip import Key, Mark
from shared.log.record import SIZE, Kind, record_id
from shared.merge.incidents import Incident
from shared.wire import frames, unframed
from tests.cloud.service import good
from tests.edge.appliance import never
from tests.together.conftest import Link, MakeGate
from tests.together.gates import Joined
from tests.together.liar import Liar, changed, gone, other, truncated
from tests.together.logs import Linked, admit, cloud_records, cloud_view, entry, ticket
from tests.together.organizer import House

MANY = 50_000
SECONDS = 30.0  # for all of them, where both sides share two cores with other tests


def own(joined: Joined) -> list[bytes]:
    """Return a gate's own records."""
    records = joined.gate.stores.log.records()
    return [raw for raw in records if raw[4:20] == joined.me.device]


def test_what_a_gate_wrote_is_sent_and_signed_for(house: House, join: MakeGate, link: Link) -> None:
    """Once; then nothing waits, also over a restart, and what is new follows."""
    event = house.event(4)
    north = join()
    north.pull()
    admit(north.gate, house.ref(event), range(10))
    sending = link(north)
    assert sending.waiting() == 11
    assert sending.push().records == 11
    assert cloud_records(north) == own(north)
    assert sending.waiting() == 0
    assert sending.push().records == 0
    assert len(sending.relayed) == 1
    north.reopen()
    again = link(north)
    assert again.waiting() == 1, "its BOOT"
    admit(north.gate, house.ref(event), range(10, 12))
    assert again.push().records == 3
    assert cloud_records(north) == own(north)


def started(joined: Joined, origin: str) -> subprocess.Popen[bytes]:
    """Have a gate send its log in a process of its own; its folder is closed here."""
    joined.close()
    file = joined.settings.data_folder.with_name("settings.json")
    file.write_bytes(msgspec.json.encode(joined.settings))
    command = [sys.executable, "-m", "tests.together.uploading", str(file), origin]
    root = Path(__file__).parents[2]
    # One heap: how many its threads make, and how full each is, differs from run to run.
    env = os.environ | {"MALLOC_ARENA_MAX": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, env=env)


def finished(joined: Joined, origin: str) -> dict[str, float]:
    """Have a gate send its log to the end; return what its process tells."""
    process = started(joined, origin)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    found: dict[str, float] = json.loads(told)
    return found


def test_fifty_thousand_queued_records_arrive_in_seconds(house: House, join: MakeGate) -> None:
    """The memory that it takes does not grow with what waits."""
    event = house.event(1)
    south, north = join("South"), join("North")
    told = []
    for gate, count in ((south, MANY), (north, 2 * MANY)):  # either fills SQLite's page cache
        gate.pull()
        admit(gate.gate, house.ref(event), range(count))
        told.append(finished(gate, house.service.address))
        assert (told[-1]["records"], told[-1]["waiting"]) == (count + 2, 0)
        assert told[-1]["seconds"] < SECONDS * count / MANY
    print(told)  # noqa: T201
    few, many = told
    assert many["bytes"] < few["bytes"] + MANY // 2 * SIZE, "half of the bytes beyond that"
    assert cloud_records(north) == own(north)[:-1], "all but the BOOT of now"
    assert (north.settings.data_folder / "mirror.log").stat().st_size < 1 << 20


def test_a_gate_that_is_killed_while_it_sends_goes_on(house: House, join: MakeGate) -> None:
    """Wherever that hits it: the cloud has each record once in the end."""
    event = house.event(1)
    north = join()
    north.pull()
    admit(north.gate, house.ref(event), range(12_000))
    query = "SELECT count(*) FROM record WHERE device_id = $1"
    came = 0
    for _ in range(3):
        process = started(north, house.service.address)
        until = came
        while came == until and process.poll() is None:
            came = house.service.database.rows(query, north.me.device)[0]["count"]
            time.sleep(0.02)
        process.kill()
        process.communicate()
    told = finished(north, house.service.address)
    assert told["waiting"] == 0
    records = cloud_records(north)
    assert records == own(north)[:-1], "all but the BOOT of now"
    assert len(records) == len(set(records)) >= 12_000


def test_half_of_the_answers_lost_is_one_record_each(
    house: House, join: MakeGate, link: Link, liar: Liar
) -> None:
    """The cloud took it, and the gate does not know: it sends it again."""
    event = house.event(1)
    north = join()
    north.pull()
    sending = link(north, liar.address)
    for turn in range(6):
        admit(north.gate, house.ref(event), range(10 * turn, 10 * turn + 10))
        if turn % 2:
            liar.about("/logs", (gone, truncated(0.5), other(b"<html>"))[turn // 2])
            with pytest.raises((Away, Garbled)):
                sending.push()
            assert sending.waiting() == 10
            liar.honest()
            admit(north.gate, house.ref(event), range(100 + turn, 101 + turn))
        sending.push()
        assert sending.waiting() == 0
    assert cloud_records(north) == own(north)


def lied(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change the receipt of an answer."""
    return lambda body: frames([change((parts := unframed(body, 2))[0]), parts[1]])


def test_a_receipt_that_nobody_of_ours_signed_is_not_believed(
    house: House, join: MakeGate, link: Link, liar: Liar
) -> None:
    """Changed on the way, another tenant's, or none; the log still waits, and is sent again."""
    event = house.event(1)
    north = join()
    north.pull()
    sending = link(north, liar.address)
    stranger = House(house.service)
    elsewhere = Joined(stranger, north.settings.data_folder.parent / "other", "Other")
    elsewhere.pull()
    stranger_link = link(elsewhere)
    stranger_link.push()
    (foreign,) = stranger_link.relayed or [b""]
    admit(north.gate, house.ref(event), range(5))
    for change in (
        lambda raw: raw[:40] + bytes([raw[40] ^ 1]) + raw[41:],
        lambda raw: raw[:-1],
        lambda _: b"",
        lambda _: foreign,
    ):
        liar.about("/logs", changed(lied(change)))
        with pytest.raises(UsherError):
            sending.push()
        assert sending.waiting() == 6
        liar.honest()
    liar.about("/logs", changed(lambda body: body + b"\0\0\0\0"))
    with pytest.raises((Garbled, UsherError)):
        sending.push()
    liar.honest()
    assert sending.push().records == 6
    assert sending.waiting() == 0
    assert cloud_records(north) == own(north)
    elsewhere.close()


def test_a_neighbour_passes_on_what_its_writer_can_not_send(
    house: House, join: MakeGate, link: Link
) -> None:
    """South has no internet. North heard of its log, and sends it, with the proofs."""
    event = house.event(1)
    north, south = join("North"), join("South")
    north.pull()
    south.pull()
    admit(south.gate, house.ref(event), range(30))
    north.gate.replica.take(south.gate.replica.lacking({})[0])
    sending = link(north)
    sending.ask()
    assert sending.push().records == 1, "its own BOOT; South may be about to send by itself"
    sending.now += 60
    sending.ask()
    assert sending.push().records == 31
    assert cloud_records(south) == own(south)
    sending.now += 60
    sending.ask()
    assert sending.push().records == 0
    for receipt in sending.relayed:
        Receipts(south.gate).take(receipt)
    assert link(south).waiting() == 0, "it learnt so by its neighbour"


def test_a_neighbour_passes_on_what_is_written_behind_a_receipt_too(
    house: House, join: MakeGate, link: Link
) -> None:
    """South lost its internet in the middle of the evening: what the cloud has signed for is not
    all that it should have."""
    event = house.event(1)
    north, south = join("North"), join("South")
    north.pull()
    south.pull()
    sending = link(north)
    sending.push()
    for numbers in (range(5), range(5, 9), range(9, 10)):
        admit(south.gate, house.ref(event), numbers)
        north.gate.replica.take(south.gate.replica.lacking({})[0])
        for _ in range(2):  # one to note that the cloud lacks it, one to see that it still does
            sending.now += 60
            sending.ask()
        sending.push()
        assert cloud_records(south) == own(south)


def test_a_cloud_that_forgot_gets_it_again(house: House, join: MakeGate, link: Link) -> None:
    """Its disk was brought back from yesterday; receipts say that it had more."""
    event = house.event(1)
    north = join()
    north.pull()
    admit(north.gate, house.ref(event), range(20))
    sending = link(north)
    sending.push()
    sending.ask()
    device = north.me.device.hex()
    house.service.database.run(
        f"""
        SET session_replication_role = replica;  -- as a backup is brought back
        DELETE FROM record WHERE device_id = '\\x{device}' AND seq > 10;
        UPDATE log_head SET seq = 10, hash = (SELECT sha256(raw) FROM record
            WHERE device_id = '\\x{device}' AND seq = 10) WHERE device_id = '\\x{device}'
        """
    )
    sending.now += 60
    sending.ask()
    assert sending.push().records == 11
    assert cloud_records(north) == own(north)


def test_a_file_carried_by_hand_is_as_good(house: House, join: MakeGate, link: Link) -> None:
    """South's log, on a stick to North, and from there to the cloud; then South's own upload
    brings nothing that is new."""
    event = house.event(1)
    north, south = join("North"), join("South")
    north.pull()
    south.pull()
    admit(south.gate, house.ref(event), range(12))
    file = b"".join(whole(south.me, south.gate.stores.log, south.gate.held.trust))
    north.gate.replica.take(file)
    sending = link(north)
    for _ in range(2):
        sending.ask()
        sending.now += 60
    sending.push()
    assert cloud_records(south) == own(south)
    assert link(south).push().records == 13
    assert cloud_records(south) == own(south)


def test_others_records_come_from_the_cloud(house: House, join: MakeGate, link: Link) -> None:
    """More than one answer holds, whole, and once."""
    event = house.event(1)
    north, south = join("North"), join("South")
    north.pull()
    south.pull()
    admit(south.gate, house.ref(event), range(9000))
    link(south).push()
    asking = link(north)
    assert asking.ask().new == 9001
    assert asking.ask().new == 0
    assert north.gate.replica.vector().items() >= south.gate.replica.vector().items()


def test_up_and_down_do_not_wait_for_one_another(
    house: House, join: MakeGate, link: Link, liar: Liar
) -> None:
    """What is refused one way goes on the other way."""
    event = house.event(1)
    north, south = join("North"), join("South")
    north.pull()
    south.pull()
    admit(south.gate, house.ref(event), range(5))
    link(south).push()
    both = link(north, liar.address)
    problem = b'{"code":"rate_limited","title":"x","status":429}'
    liar.about("/logs", other(problem, 429, "application/problem+json"))
    with pytest.raises(Denied):
        both.push()
    assert both.ask().new == 6
    liar.honest()
    liar.about("/gossip", other(problem, 429, "application/problem+json"))
    with pytest.raises(Denied):
        both.ask()
    assert both.push().records == 1


def test_a_gate_and_the_cloud_mean_the_same(house: House, join: MakeGate, link: Link) -> None:
    """Byte for byte, after copies, refunds and transfers, with the same records and list."""
    event = house.event()
    sold = house.sell(event, 12)
    house.service.work()
    north, south = join("North"), join("South")
    for each in (north, south):
        each.pull()
    rows = house.service.database.rows(
        "SELECT hash FROM ticket WHERE event_id = $1 ORDER BY number", event.event_id
    )
    hashes = [row["hash"] for row in rows]
    ref = house.ref(event)
    north.gate.ledger.append([Line(entry(ref, each)) for each in (*hashes[:9], ticket(1))])
    entered = south.gate.ledger.append([Line(entry(ref, each)) for each in hashes[3:12]])
    left = [entry(ref, raw[96:112], kind=Kind.OUT)._replace(ref=record_id(raw)) for raw in entered]
    south.gate.ledger.append([Line(each) for each in left[:2]])
    nobody = entry(ref, hashes[0], kind=Kind.OUT)  # without a proof: it counts nowhere
    south.gate.ledger.append([Line(nobody)])
    for one in sold[6:8]:
        house.revoke(one)
    house.service.work()
    links = [link(north), link(south)]
    for linked in links:
        linked.push()
    for linked in links:
        linked.ask()
    before = [gate.gate.ledger.summary() for gate in (north, south)]
    assert before[0].digest() == before[1].digest()
    for gate in (north, south):
        gate.pull()
    merged = cloud_view(north, event)
    assert {found.kind for found in merged.findings} == {
        Incident.DOUBLE_ADMISSION,
        Incident.UNSEEN_EXIT,
        Incident.REVOKED_ADMISSION,
    }
    for gate in (north, south):
        assert gate.gate.ledger.summary() == merged
        assert gate.gate.ledger.summary().digest() == merged.digest()
        gate.reopen()
        link(gate).push()
    for linked in [link(north), link(south)]:
        linked.ask()
    merged = cloud_view(north, event)
    for gate in (north, south):
        assert gate.gate.ledger.summary().digest() == merged.digest()


def test_the_view_of_each_event_is_the_clouds(
    house: House, join: MakeGate, link: Link, tmp_path: Path
) -> None:
    """Of several at one venue: a log that never was at one has no part in its account, whatever
    became of it."""
    one, two = house.event(2), house.event(2)
    north, south = join("North"), join("South")
    for each in (north, south):
        each.pull()
    north.close()
    shutil.copytree(north.settings.data_folder, tmp_path / "copy")
    twin = copy.copy(north)
    twin.settings = msgspec.structs.replace(north.settings, data=str(tmp_path / "copy"))
    admit(north.gate, house.ref(one), range(2))
    admit(twin.gate, house.ref(one), range(100, 102))
    admit(south.gate, house.ref(two), range(3))
    unproved = entry(house.ref(two), ticket(50), kind=Kind.OUT)
    south.gate.ledger.append([Line(unproved)])
    links = [link(north), link(twin), link(south)]
    for linked in links:
        linked.push()
    for linked in links * 2:
        linked.ask()
    found = []
    for event in (one, two):
        path = f"{house.tenant.path}/events/{event.event_id}/checkins/summary"
        cloud = good(house.owner.get(path))
        found.append((len(cloud["findings"]), cloud["unproved"]))
        for gate in (north, south):
            assert view(gate.settings, never)["events"][house.ref(event).hex()] == cloud
    assert found == [(3, 0), (0, 1)]
    twin.close()


def copied(join: MakeGate, folder: Path) -> tuple[Joined, Joined]:
    """Return a gate that has its lists, and one whose disk was copied from it."""
    north = join("North")
    north.pull()
    north.close()
    shutil.copytree(north.settings.data_folder, folder / "copy")
    twin = copy.copy(north)
    twin.settings = msgspec.structs.replace(north.settings, data=str(folder / "copy"))
    return north, twin


def test_a_disk_that_was_copied_loses_nobodys_admissions(
    house: House, join: MakeGate, link: Link, tmp_path: Path
) -> None:
    """Two machines write in one device's name. The cloud gets both histories and signs for the
    longer one, which the other machine does not take for its own; nothing is sent for ever."""
    event = house.event(1)
    north, twin = copied(join, tmp_path)
    admit(north.gate, house.ref(event), range(6))
    admit(twin.gate, house.ref(event), range(100, 109))
    first, second = link(north), link(twin)
    assert first.push().records == 8
    assert first.waiting() == 0
    assert second.push().records == 11, "its first BOOT too: it holds no receipt"
    assert second.waiting() == 0
    admit(north.gate, house.ref(event), range(6, 7))
    assert first.push().records == 1
    assert first.waiting() == 1, "the cloud's mark is of the other history"
    assert disputed(north.gate.stores.settings) == {(north.me.device, 2)}
    said = {each.name: each for each in Health(north.gate, dict).results()}["queue"]
    assert (said.code, said.value) == ("queue_disputed", "North")
    assert first.push().records == 0
    assert set(cloud_records(north)) == {*own(north), *own(twin)}
    first.ask()
    found = [each.kind for each in north.gate.ledger.summary().findings]
    assert found.count(Incident.EQUIVOCATION) == 8
    assert north.gate.ledger.summary() == cloud_view(north, event)
    admit(north.gate, house.ref(event), range(7, 12))
    first.push()
    second.ask()
    assert set(own(north)) == set(own(twin)) == set(cloud_records(north))
    said = {each.name: each for each in Health(north.gate, dict).results()}["log"]
    assert said.code == "log_copied", "none of its own records was changed or is missing"
    assert north.gate.ledger.summary() == twin.gate.ledger.summary() == cloud_view(north, event)
    sent = 0
    for _ in range(4):
        for linked in (first, second):
            linked.now += 60
            linked.ask()
            sent += linked.push().records
    assert sent <= 2 * len(own(north)), "each offers it all once, and then no more"
    twin.close()


def test_a_second_history_reaches_the_cloud_by_a_gate_that_holds_both(
    house: House, join: MakeGate, link: Link, tmp_path: Path
) -> None:
    """The cloud has one that is as long: no vector says that it lacks the other. It is sent once,
    and what the cloud has anyway is not sent for its sake."""
    event = house.event(1)
    east, twin = copied(join, tmp_path)
    admit(east.gate, house.ref(event), range(3))
    admit(twin.gate, house.ref(event), range(100, 103))
    link(east).push()
    south = join("South")
    south.pull()
    for each in (east, twin):
        south.gate.replica.take(each.gate.replica.lacking({})[0])
    linked, sent = link(south), 0
    linked.push()
    for _ in range(8):
        linked.now += 15
        linked.ask()
        sent += linked.push().records
    assert set(cloud_records(east)) >= {*own(east), *own(twin)}
    assert sent == len({*own(east), *own(twin)}) - 1, "all but the first BOOT, which was there"
    kinds = [each.kind for each in cloud_view(south, event).findings]
    assert kinds.count(Incident.EQUIVOCATION) == 4
    twin.close()


def test_a_copy_that_is_behind_is_heard_at_once(
    house: House, join: MakeGate, link: Link, tmp_path: Path
) -> None:
    """Its log has a longer history here, which the cloud has too: no vector says that it goes on.
    What it writes arrives with the next upload all the same, and that alone, also where the line
    broke under the first try."""
    event = house.event(1)
    north, twin = copied(join, tmp_path)
    admit(north.gate, house.ref(event), range(3))
    admit(twin.gate, house.ref(event), range(100, 140))
    first, second = link(north), link(twin)
    second.push()
    first.push()
    first.ask()
    first.push()  # both histories, once
    for number in range(3, 6):
        admit(north.gate, house.ref(event), range(number, number + 1))
        assert first.push().records == 2, "what both wrote at that place"
        assert len(cloud_records(north)) == len(own(north))
    with cut(first):
        admit(north.gate, house.ref(event), range(6, 7))
        with pytest.raises(Away):
            first.push()
        admit(north.gate, house.ref(event), range(7, 8))
        with pytest.raises(Away):
            first.push()
    assert first.push().records == 4
    assert set(cloud_records(north)) == set(own(north))
    assert first.push().records == 0
    twin.close()


def test_what_an_upload_knows_is_the_loops(house: House, join: MakeGate, link: Link) -> None:
    """A thread that read it while the loop changes it would lose what the cloud has just taken."""
    event = house.event(1)
    north = join("North")
    north.pull()
    linked = link(north)
    linked.push()
    linked.ask()
    admit(north.gate, house.ref(event), range(3))
    seen = Watched(linked.pushing._before)
    linked.pushing._before = seen
    linked.ask()
    assert seen.threads == {threading.get_ident()}


class Watched(dict[Key, Mark]):
    """Marks that note which thread goes through them."""

    def __init__(self, marks: Mapping[Key, Mark]) -> None:
        super().__init__(marks)
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[Key]:
        self.threads.add(threading.get_ident())
        return super().__iter__()


@contextmanager
def cut(linked: Linked) -> Iterator[None]:
    """Have nothing arrive meanwhile."""
    cloud, post = linked._cloud, linked._cloud.post

    async def away(*_: object, **__: object) -> Answer:
        raise Away("cut")

    cloud.post = away  # type: ignore[method-assign]
    try:
        yield
    finally:
        cloud.post = post  # type: ignore[method-assign]
