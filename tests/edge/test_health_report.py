"""The report and the figures of a real gate."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from edge.gate.gate import Gate, open_gate
from edge.gate.ledger import Line
from edge.health.reading import Hardware
from edge.health.report import CLOSELY, FRESH, Health
from edge.health.result import Result
from edge.link.messages import CameraState
from edge.practice.world import EVENT, World, post_lane
from edge.settings import Settings, settings_of
from edge.store.wiping import wipe
from shared.log.chain import MAX_BATCH
from shared.log.record import EMPTY, Kind
from tests.edge.test_health_checks import HARDWARE

SEES = CameraState(True, 25.0, 1280, 720, 120.0, 50.0, 0.25, (), {}, 100)


class House:
    """A gate, its health, and clock and machine that a test sets."""

    def __init__(self, gate: Gate, world: World) -> None:
        self.gate = gate
        self.world = world
        self.now = 0.0
        self.hardware = HARDWARE
        self.cameras: dict[str, tuple[str, CameraState]] = {}
        self.health = Health(gate, lambda: self.cameras, self.machine, lambda: self.now)

    def machine(self, _: Settings) -> Hardware:
        return self.hardware

    def found(self, *, closely: bool = False) -> Mapping[str, Result]:
        return {each.name: each for each in self.health.results(closely=closely)}

    def scan(self, label: str) -> str:
        return self.gate.station.scan(self.world.code(label), "kiosk", "hand").code

    def figures(self) -> dict[tuple[str, ...], float]:
        """Return every figure by its name and labels' values."""
        return {
            (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
            for family in text_string_to_metric_families(self.health.metrics())
            for sample in family.samples
        }


def settings_in(folder: Path) -> Settings:
    return settings_of(
        {
            "data": str(folder / "data"),
            "run": str(folder),
            "clock": "network",
            "lanes": [{"id": "kiosk", "unattended": True}],
            "cameras": [{"name": "front", "source": "usb:0", "lane": "kiosk"}],
        }
    )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    settings = settings_in(tmp_path)
    world = World.make(int(time.time()), tickets=10)
    world.install(settings)
    post_lane(settings, "kiosk")
    gate = open_gate(settings, software="1.2.3")
    try:
        yield House(gate, world)
    finally:
        gate.close()


def test_a_fresh_gate_lacks_a_certificate_and_its_camera(house: House) -> None:
    """All else is well, and the report says so in rows."""
    rows = {row["name"]: row for row in house.health.report()}
    bad = {name: row["code"] for name, row in rows.items() if row["state"] != "ok"}
    assert bad == {"certificate": "certificate_missing", "camera": "camera_silent"}
    assert rows["log"]["value"] == "1 record"
    assert house.health.worst() == "fail"


def test_nothing_personal_is_in_it(house: House) -> None:
    """No name of a guest and no ticket is in the rows or in the figures."""
    house.scan("hostile")
    house.scan("seated")
    said = f"{house.health.report()}{house.health.metrics()}"
    assert "script" not in said
    assert "Seated" not in said
    assert house.world.code("seated") not in said


def test_a_report_is_kept_for_some_seconds(house: House) -> None:
    """Whoever asks again within them gets the same one."""
    house.found()
    house.hardware = HARDWARE._replace(load=9.0)
    house.now += FRESH - 0.1
    assert house.found()["cpu"].code == "cpu_ok"
    house.now += 0.1
    assert house.found()["cpu"].code == "cpu_swamped"


def test_a_changed_record_is_found(house: House) -> None:
    """One byte of a record is enough: found when asked closely, or within five minutes."""
    for label in ("standing", "seated", "family"):
        assert house.scan(label) == "admitted"
    assert house.found()["log"].code == "log_whole"
    _flip(house.gate.stores.database.path, seq=2)
    house.now += FRESH
    assert house.found()["log"].code == "log_whole"
    house.now += CLOSELY
    result = house.found()["log"]
    assert (result.state, result.code) == ("fail", "log_broken")
    assert "after 1 record (bad_signature)" in result.sentence


def test_a_missing_record_is_found(house: House) -> None:
    """The chain has a gap."""
    for label in ("standing", "seated", "family"):
        house.scan(label)
    with closing(sqlite3.connect(house.gate.stores.database.path)) as connection:
        connection.execute("DELETE FROM record WHERE seq = 3")
        connection.commit()
    assert "(gap)" in house.found(closely=True)["log"].sentence


def test_a_log_of_several_batches(house: House) -> None:
    """A chain is followed across the batches that it is read in."""
    mark = Line(EMPTY._replace(kind=Kind.MARK, reason=4))
    house.gate.ledger.append([mark] * (MAX_BATCH + 1))
    assert house.found()["log"].value == "4,098 records"
    _flip(house.gate.stores.database.path, seq=MAX_BATCH + 2)
    assert "after 4,097 records" in house.found(closely=True)["log"].sentence


def test_a_database_that_is_gone(house: House) -> None:
    """It is told by the log; how many records wait can't be seen then."""
    for each in house.gate.settings.data_folder.glob("gate.db*"):
        each.unlink()
    found = house.found()
    assert found["log"].code == "log_damaged"
    assert found["queue"].code == "queue_unseen"
    assert ("usher_edge_records_waiting",) not in house.figures()


def test_scans_go_on_while_the_log_is_looked_at(house: House) -> None:
    """A close look holds no lock of the gate's: it ends while another thread holds that."""
    with house.gate.stores.database.lock:
        found: list[Mapping[str, Result]] = []
        looking = threading.Thread(target=lambda: found.append(house.found(closely=True)))
        looking.start()
        looking.join(30)
    assert found[0]["log"].code == "log_whole"
    assert found[0]["queue"].code == "queue_ok"


def test_a_failed_disk_is_told(house: House) -> None:
    """What the station and the mirror met is in the report."""
    house.gate.station.storage_failed = True
    assert house.found()["storage"].code == "storage_failed"
    assert house.figures()["usher_edge_storage_failed",] == 1
    house.gate.station.storage_failed = False
    house.gate.stores.mirror.failed = True
    house.now += FRESH
    assert house.found()["storage"].code == "mirror_unreadable"


def test_cameras_are_told_of(house: House) -> None:
    """Those that are set up, and one that came by itself."""
    house.cameras["front"] = ("kiosk", SEES)
    assert house.found()["camera"].code == "camera_ok"
    house.cameras["back"] = ("kiosk", CameraState(False, 0.0, 0, 0, 0.0, 0.0, 0.0, (), {}, 0))
    house.now += FRESH
    assert house.found()["camera"].sentence == "back gives no picture."
    figures = house.figures()
    assert figures["usher_edge_camera_fps", "front"] == 25
    assert figures["usher_edge_camera_idle", "front"] == 0.25
    assert figures["usher_edge_camera_connected", "back"] == 0


def test_a_silent_camera_is_not_connected(house: House) -> None:
    """It has no other figure."""
    cameras = {name: value for name, value in house.figures().items() if "camera" in name[0]}
    assert cameras == {("usher_edge_camera_connected", "front"): 0}


def test_old_looks_are_forgotten(house: House) -> None:
    """A queue that grew long ago and stands still now does not grow."""
    house.found()
    house.scan("standing")
    house.now += 1000
    house.found()
    house.now += 500
    assert "each minute" not in house.found()["queue"].sentence


def test_growth_is_told_once_a_minute_has_passed(house: House) -> None:
    """It is counted from the oldest look of the last ten minutes."""
    house.found()
    for index in range(6):
        house.gate.station.scan(house.world.bulk(index), "kiosk", "hand")
    house.now += 59
    assert "each minute" not in house.found()["queue"].sentence
    house.now += 61
    assert house.found()["queue"].sentence == "7 records without a receipt, 3 more each minute."


def test_figures_count_what_happened(house: House) -> None:
    """Scans by outcome, people by gate and zone, records, ages and states."""
    before = house.figures()
    assert before["usher_edge_scans_total", "admitted"] == 0
    for label in ("standing", "seated", "revoked", "standing"):
        house.scan(label)
    house.now += FRESH
    figures, event = house.figures(), EVENT.hex()
    assert figures["usher_edge_scans_total", "admitted"] == 2
    assert figures["usher_edge_scans_total", "revoked"] == 1
    assert figures["usher_edge_scans_total", "already_admitted"] == 1
    assert figures["usher_edge_entered", event, "1", "North"] == 2
    assert figures["usher_edge_refused", event, "1", "North"] == 2
    assert figures["usher_edge_left", event, "1", "North"] == 0
    assert figures["usher_edge_inside", event, "Arena", "1"] == 2
    assert figures["usher_edge_records_waiting",] == 5
    assert figures["usher_edge_clock_trusted",] == 1
    assert figures["usher_edge_disk_free_bytes",] == HARDWARE.disk[0]  # type: ignore[index]
    assert figures["usher_edge_manifest_age_seconds", event] >= 60
    assert figures["usher_edge_manifest_version", event] == 1
    assert figures["usher_edge_health", "disk"] == 0
    assert figures["usher_edge_health", "certificate"] == 2
    assert figures["usher_edge_build_info", "1.2.3"] == 1


def test_labels_do_not_grow(house: House) -> None:
    """Scans of any kind, by any handheld, add no series."""
    before = house.figures().keys()
    for text in ("http://x", house.world.unlisted(), house.world.code("standing", key="nobody")):
        house.gate.station.scan(text, "kiosk", "hand")
    house.gate.lanes.open_handheld("ab" * 32)
    assert house.figures().keys() == before


def test_practice_is_not_counted(house: House) -> None:
    """Nobody entered by it."""
    house.gate.lanes.practise("kiosk", on=True)
    assert house.scan("standing") == "admitted"
    assert house.figures()["usher_edge_scans_total", "admitted"] == 0


def test_figures_are_the_gates_own(house: House) -> None:
    """Two gates of one process don't share a registry, and the process's stays as it was."""
    house.health.metrics()
    assert not [each for each in REGISTRY.collect() if each.name.startswith("usher")]


def test_a_lost_chunk_is_told(tmp_path: Path) -> None:
    """A stored list whose tickets can't be read any more is named."""
    settings = settings_in(tmp_path)
    world = World.make(int(time.time()), tickets=10)
    world.install(settings)
    with closing(sqlite3.connect(settings.data_folder / "gate.db")) as connection:
        connection.execute("DELETE FROM chunk")
        connection.commit()
    gate = open_gate(settings)
    try:
        result = House(gate, world).found()["manifest"]
    finally:
        gate.close()
    assert (result.state, result.code) == ("fail", "manifest_stored")


def test_a_wiped_device_says_so(house: House) -> None:
    """Its key is gone, and with it everything that it may do."""
    wipe(house.gate.settings.data_folder)
    house.gate.reload()
    result = house.found(closely=True)["setup"]
    assert (result.state, result.code) == ("fail", "setup_wiped")


def _flip(path: Path, seq: int) -> None:
    """Change one byte of a stored record."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT raw FROM record WHERE seq = ?"
        (raw,) = connection.execute(query, (seq,)).fetchone()
        changed = raw[:150] + bytes([raw[150] ^ 1]) + raw[151:]
        connection.execute("UPDATE record SET raw = ? WHERE seq = ?", (changed, seq))
        connection.commit()
