"""Whoever is killed, and whenever: nothing is left running, nothing is lost, all starts again."""

import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from cloud.embedded.account import account_for
from cloud.embedded.failed import ServerFailed
from cloud.embedded.leftovers import living_in
from cloud.embedded.postgres import Postgres
from cloud.embedded.programs import wheel_postgres
from tests.cloud.embedded.asking import ask
from tests.cloud.embedded.starting import code, ended, keeper_of, kill, parent, running, until

KEEP = ("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
KEPT = "SELECT n FROM kept"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's folder with a row in it."""
    folder = tmp_path_factory.mktemp("made") / "server"
    with Postgres(folder, durable=False).running() as server:
        ask(server.superuser_url, *KEEP)
    return folder


@pytest.fixture
def server(made: Path, tmp_path: Path) -> Postgres:
    """One on a copy of it, not started."""
    subprocess.run(["cp", "-a", made, tmp_path], check=True)
    return Postgres(tmp_path / "server", durable=False)


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def log_of(tmp_path: Path) -> str:
    return (tmp_path / "server" / "log").read_text()


def test_a_killed_parent_takes_its_server_along(server: Postgres, tmp_path: Path) -> None:
    """The server ends by itself, in good order: the next start has nothing to recover."""
    with parent(code("Postgres", tmp_path / "server")) as (process, pid, address):
        assert ask(address, KEPT) == 7
        kill(process.pid)
        until(lambda: ended(pid))
    with server.running():
        assert ask(server.superuser_url, KEPT) == 7
    assert "was interrupted" not in log_of(tmp_path)


def test_a_parent_s_child_does_not_keep_the_server_alive(server: Postgres, tmp_path: Path) -> None:
    """A forked child inherits pipe and lock, and neither outlives the parent for it."""
    fork = "import os\nif os.fork() == 0: time.sleep(600)\ntime.sleep(600)"
    with parent(code("Postgres", tmp_path / "server", fork)) as (process, pid, _):
        tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until(lambda: len(tasks.read_text().split()) == 2)
        children = [int(each) for each in tasks.read_text().split()]
        kill(process.pid)
        until(lambda: ended(pid))
        with server.running():
            assert ask(server.superuser_url, KEPT) == 7
        for child in set(children) - {pid}:
            if not ended(child):
                kill(child)


def test_a_start_right_after_the_kill_waits_for_the_end(server: Postgres, tmp_path: Path) -> None:
    """Whoever restarts a killed service meets no lock and no half-stopped server."""
    with parent(code("Postgres", tmp_path / "server")) as (process, pid, _):
        kill(process.pid)
        process.wait()
        with server.running():
            assert ended(pid)
            assert ask(server.superuser_url, KEPT) == 7


def test_a_parent_killed_while_initdb_runs_leaves_no_half_database(tmp_path: Path) -> None:
    """The data folder is there whole or not at all, and the next start makes it."""
    draft = tmp_path / "data.new"
    with running(code("Postgres", tmp_path)) as process:
        until((draft / "base").exists)
        kill(process.pid)
        process.wait()
    assert not (tmp_path / "data").exists()
    with Postgres(tmp_path, durable=False).running() as server:
        assert ask(server.superuser_url, "SELECT 1") == 1
        assert not draft.exists()


@pytest.mark.usefixtures("server")
def test_a_killed_server_is_started_again(tmp_path: Path) -> None:
    """Its owner sees that it is gone, and a start recovers what was committed."""
    server = Postgres(tmp_path / "server")
    server.start()
    before = server.pid
    ask(server.superuser_url, "INSERT INTO kept VALUES (8)")
    kill(before)
    until(lambda: not server.alive)
    with server.running():
        assert server.pid != before
        assert ask(server.superuser_url, "SELECT sum(n) FROM kept") == 15


def test_one_that_others_know_comes_back_where_they_know_it(server: Postgres) -> None:
    """Not at another port, however often it is tried; and there, once the port is free."""
    with server.running():
        port = server.port
        kill(server.pid)
        until(lambda: not server.alive)
        until(lambda: ended(server.pid))
        with socket.create_server(("127.0.0.1", port)):
            for _ in range(2):
                with pytest.raises(ServerFailed) as caught:
                    server.start(moving=False)
                assert caught.value.code == "port_taken"
        server.start(moving=False)
        assert server.port == port
        assert ask(server.superuser_url, KEPT) == 7


def test_a_killed_keeper_takes_the_server_along(server: Postgres) -> None:
    """The kernel tells the server, and the owner can start it again."""
    server.start()
    before = server.pid
    kill(keeper_of(before))
    until(lambda: ended(before))
    assert not server.alive
    with server.running():
        assert ask(server.superuser_url, KEPT) == 7


def test_a_keeper_does_not_heed_the_signals_of_a_service_manager(server: Postgres) -> None:
    """Told to all processes of a service, they would take the database from under it."""
    with server.running():
        keeper = keeper_of(server.pid)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(keeper, number)
        assert ask(server.superuser_url, KEPT) == 7
        assert server.alive


def test_stopping_after_the_keeper_was_killed_leaves_nothing(
    server: Postgres, tmp_path: Path
) -> None:
    """A stop has ended every process of the server, also those that nobody watched."""
    server.start()
    folder = tmp_path / "server" / "data"
    kill(keeper_of(server.pid))
    server.stop()
    assert living_in(folder) == []


def test_parent_and_keeper_killed_at_once(server: Postgres, tmp_path: Path) -> None:
    """Then too the server ends."""
    with parent(code("Postgres", tmp_path / "server")) as (process, pid, _):
        keeper = keeper_of(pid)
        os.kill(keeper, signal.SIGSTOP)  # it must not act between the two
        kill(process.pid)
        kill(keeper)
        until(lambda: ended(pid))
        with server.running():
            assert ask(server.superuser_url, KEPT) == 7


def test_a_server_that_nobody_owns_is_stopped_first(server: Postgres, tmp_path: Path) -> None:
    """Whoever starts it by hand does not block the folder, and loses nothing."""
    data = tmp_path / "server" / "data"
    account = account_for(tmp_path / "server", data)
    descriptor = os.open(data, os.O_RDONLY)
    here = f"/proc/self/fd/{descriptor}"
    command = [str(wheel_postgres() / "postgres"), "-D", here, "-c", "listen_addresses="]
    stray = subprocess.Popen(
        [*command, "-c", f"unix_socket_directories={here}"],
        pass_fds=[descriptor],
        stderr=subprocess.DEVNULL,
        cwd="/",
        **account.identity,
    )
    os.close(descriptor)
    pid_file = data / "postmaster.pid"
    until(lambda: pid_file.exists() and "ready" in pid_file.read_text())
    with server.running():
        assert stray.wait() == 0
        assert ask(server.superuser_url, KEPT) == 7
    assert "was interrupted" not in log_of(tmp_path)


def test_a_stale_pid_file_is_no_obstacle(server: Postgres, tmp_path: Path) -> None:
    """Even where its number belongs by now to another process of the same user, which lives on."""
    data = tmp_path / "server" / "data"
    account = account_for(tmp_path / "server", data)
    with subprocess.Popen(["sleep", "600"], cwd="/", **account.identity) as other:
        stale = f"{other.pid}\n{data}\n1\n5432\n{data}\n127.0.0.1\n  1 1\nready   \n"
        (data / "postmaster.pid").write_text(stale)
        (data / ".s.PGSQL.5432.lock").write_text(stale)
        try:
            with server.running():
                assert ask(server.superuser_url, KEPT) == 7
            assert other.poll() is None
        finally:
            other.kill()


def test_a_server_outlives_the_thread_that_started_it(server: Postgres) -> None:
    """A service may start it anywhere, as in `asyncio.to_thread`."""
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        assert ask(server.superuser_url, KEPT) == 7
    finally:
        server.stop()


def test_ctrl_c_at_a_terminal_is_the_parent_s(server: Postgres) -> None:
    """Server and keeper are in a session of their own: the service finishes what it began."""
    with server.running():
        assert os.getsid(server.pid) not in (os.getsid(0), 0)


def test_an_ended_server_leaves_no_process_and_no_descriptor(
    server: Postgres, tmp_path: Path
) -> None:
    """A process may start and stop servers for ever."""
    before = descriptors()
    with server.running():
        keeper = keeper_of(server.pid)
    assert ended(keeper)
    assert living_in(tmp_path / "server" / "data") == []
    assert descriptors() == before
