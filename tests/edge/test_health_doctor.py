"""`usher-edge doctor` as a process of its own, beside an agent and without one."""

import datetime
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from edge.certs import make_authority, make_server, store
from edge.gate.gate import open_gate
from edge.practice.world import World, post_lane
from edge.settings import Settings, read_settings

COMMAND = "from pathlib import Path; import sys; from edge.health.doctor import doctor"
CALL = "doctor.main(sys.argv[2:], obj=Path(sys.argv[1]))"
AS_NOBODY = """
import json, os, pathlib, sys
from edge.health.doctor import examine
from edge.settings import read_settings
settings = read_settings(pathlib.Path(sys.argv[1]))
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
print(json.dumps([each.row() for each in examine(settings)]))
"""
NAMES = ("localhost",)
OF_THE_MACHINE = {"disk", "memory", "cpu", "temperature", "power"}


class Said(NamedTuple):
    """What a doctor printed, and its exit code."""

    code: int
    out: str
    err: str

    def rows(self) -> dict[str, dict[str, str]]:
        return {row["name"]: row for row in json.loads(self.out)}

    def bad(self) -> dict[str, str]:
        """Return what is not ok, by check; the machine that tests run on is none of them."""
        return {
            name: row["code"]
            for name, row in self.rows().items()
            if row["state"] != "ok" and name not in OF_THE_MACHINE
        }


def doctor(path: Path, *words: str, encoding: str = "utf-8") -> Said:
    return run([sys.executable, "-c", f"{COMMAND}; {CALL}", str(path), *words], encoding)


def run(command: list[str], encoding: str = "utf-8") -> Said:
    done = subprocess.run(
        command,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "100"},
        cwd=Path(__file__).parents[2],
    )
    return Said(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))


@contextmanager
def listening(settings: Settings) -> Iterator[None]:
    """Be the agent, as far as its socket goes."""
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(settings.socket))
        agent.listen()
        yield
    settings.socket.unlink()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Settings of a folder that holds nothing yet."""
    path = tmp_path / "gate.toml"
    data = tmp_path / "data"
    path.write_text(
        f'data = "{data}"\nrun = "{tmp_path}"\nclock = "network"\npower = false\n'
        '[web]\nnames = ["localhost"]\n[[lanes]]\nid = "kiosk"\nunattended = true\n'
    )
    return path


@pytest.fixture
def gate(path: Path) -> Settings:
    """A gate that has everything, after an evening of three guests."""
    settings = read_settings(path)
    world, now = World.make(int(time.time()), tickets=10), datetime.datetime.now(datetime.UTC)
    world.install(settings)
    post_lane(settings, "kiosk")
    authority = make_authority("Venue", NAMES, now)
    folder = settings.data_folder
    store(make_server(authority, NAMES, now), folder / "tls.crt", folder / "tls.key")
    (folder / "ca.crt").write_bytes(authority.certificate)
    opened = open_gate(settings)
    try:
        for index in range(3):
            opened.station.scan(world.bulk(index), "kiosk", "hand")
    finally:
        opened.close()
    return settings


def test_a_gate_that_is_well(path: Path, gate: Settings) -> None:
    """Nothing is at fault, and the exit code says no worse than the machine does."""
    with listening(gate):
        said = doctor(path, "--json")
    assert said.bad() == {}
    assert said.rows()["log"]["value"] == "4 records"
    assert said.code == _expected(said)


def test_without_an_agent(path: Path, gate: Settings) -> None:
    """A gate whose agent does not run admits nobody: 2."""
    said = doctor(path, "--json")
    assert said.bad() == {"agent": "agent_stopped"}
    assert said.code == 2


def test_beside_a_gate_that_runs(path: Path, gate: Settings) -> None:
    """It takes no lock: the gate writes before and after, and the doctor sees what it wrote."""
    running = open_gate(gate)
    try:
        with listening(gate):
            said = doctor(path, "--json")
        assert said.rows()["log"]["value"] == "1 record"
        assert said.rows()["queue"]["value"] == "5 waiting"
        running.ledger.boot("again")
    finally:
        running.close()


def test_a_warning_ends_with_1(path: Path, gate: Settings) -> None:
    """Somebody should look, and the gate can open."""
    (gate.data_folder / "gate.db.damaged-1").touch()
    with listening(gate):
        said = doctor(path, "--json")
    assert said.bad() == {"log": "log_aside"}
    assert said.code == max(1, _expected(said))


def test_a_changed_record(path: Path, gate: Settings) -> None:
    """The log's chain is broken: 2."""
    with closing(sqlite3.connect(gate.data_folder / "gate.db")) as connection:
        (raw,) = connection.execute("SELECT raw FROM record WHERE seq = 2").fetchone()
        changed = raw[:255] + bytes([raw[255] ^ 1])
        connection.execute("UPDATE record SET raw = ? WHERE seq = 2", (changed,))
        connection.commit()
    with listening(gate):
        said = doctor(path, "--json")
    assert said.bad() == {"log": "log_broken"}
    assert said.code == 2


def test_a_folder_that_is_no_gate(path: Path) -> None:
    """It says what is missing first."""
    said = doctor(path, "--json")
    assert said.rows()["setup"]["code"] == "setup_no_key"
    assert said.code == 2


def test_a_device_without_its_database(path: Path, gate: Settings) -> None:
    """Looking does not make one."""
    for each in gate.data_folder.glob("gate.db*"):
        each.unlink()
    assert doctor(path, "--json").rows()["setup"]["code"] == "setup_no_database"
    assert not list(gate.data_folder.glob("gate.db*"))


def test_a_device_without_an_organizer(path: Path, gate: Settings) -> None:
    """The setting that names it is gone."""
    with closing(sqlite3.connect(gate.data_folder / "gate.db")) as connection:
        connection.execute("DELETE FROM setting WHERE name = 'root'")
        connection.commit()
    assert doctor(path, "--json").rows()["setup"]["code"] == "setup_no_organizer"


def test_a_file_that_is_no_database(path: Path, gate: Settings) -> None:
    """It is told, and not touched: healing is the agent's."""
    for each in gate.data_folder.glob("gate.db-*"):
        each.unlink()
    (gate.data_folder / "gate.db").write_bytes(b"?" * 8192)
    rows = doctor(path, "--json").rows()
    assert rows["setup"]["code"] == "setup_damaged"
    assert rows["log"]["code"] == "log_damaged"
    assert (gate.data_folder / "gate.db").read_bytes() == b"?" * 8192


def test_a_damaged_page(path: Path, gate: Settings) -> None:
    """SQLite's own check finds it."""
    file = gate.data_folder / "gate.db"
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'blob'"
        (root,) = connection.execute(query).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as opened:
        opened.seek((root - 1) * size)
        opened.write(b"\xff" * size)
    with listening(gate):
        said = doctor(path, "--json")
    assert said.bad() == {"log": "log_damaged"}
    assert said.code == 2


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody else")
def test_somebody_elses_gate(path: Path, gate: Settings) -> None:
    """A user who may not read it is told that, and no false alarm about disk or certificate."""
    said = run([sys.executable, "-c", AS_NOBODY, str(path)])
    assert said.bad() == {"setup": "setup_unreadable"}
    codes = [said.rows()[name]["code"] for name in ("agent", "storage", "log", "certificate")]
    assert codes == ["agent_unseen", "storage_unseen", "log_unseen", "certificate_unseen"]


def test_a_file_of_a_newer_version(path: Path, gate: Settings) -> None:
    """An older program leaves it alone."""
    with closing(sqlite3.connect(gate.data_folder / "gate.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert doctor(path, "--json").rows()["setup"]["code"] == "setup_newer"


def test_a_person_reads_a_table(path: Path, gate: Settings) -> None:
    """Each state by shape and word, what to do, and the sum of it at the end."""
    said = doctor(path)
    assert "✖ fail" in said.out
    assert "● ok" in said.out
    assert "Start its service, or `usher-edge run`." in said.out
    assert said.out.rstrip().endswith("This gate is not fit to open.")


def test_a_terminal_without_unicode(path: Path, gate: Settings) -> None:
    """It gets letters for shapes."""
    said = doctor(path, encoding="ascii")
    assert "X fail" in said.out
    assert said.code == 2


def test_settings_that_can_not_be_read(tmp_path: Path) -> None:
    """The file is named, and that is a failure."""
    said = doctor(tmp_path / "none.toml")
    assert (said.code, said.out) == (2, "")
    assert "none.toml" in said.err


def test_help_has_examples(path: Path) -> None:
    """As every command's."""
    said = doctor(path, "--help")
    assert said.code == 0
    assert "usher-edge doctor --json" in said.out


def _expected(said: Said) -> int:
    return max(["ok", "warn", "fail"].index(row["state"]) for row in said.rows().values())
