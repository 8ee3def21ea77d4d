"""A running Valkey of ours, and one that is killed."""

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from cloud.embedded import programs
from cloud.embedded.failed import ServerFailed
from cloud.embedded.leftovers import living_in
from cloud.embedded.programs import wheel_valkey
from cloud.embedded.valkey import Valkey
from tests.cloud.embedded.asking import LOOPBACK, listening_addresses, told, user_of
from tests.cloud.embedded.starting import code, ended, keeper_of, kill, parent, until


def say(address: str, *command: str) -> Any:
    """Run one command."""
    with redis.Redis.from_url(address, decode_responses=True) as client:
        return client.execute_command(*command)


def test_it_wants_its_password(valkey: Valkey) -> None:
    """With it everything works, without it or with another nothing does."""
    address = valkey.url()
    assert say(address, "SET", "greeting", "hello") is True
    assert say(address, "GET", "greeting") == "hello"
    secret = urlsplit(address).password or ""
    with pytest.raises(redis.AuthenticationError):
        say(address.replace(f":{secret}@", ""), "GET", "greeting")
    with pytest.raises(redis.AuthenticationError):
        say(address.replace(secret, "wrong"), "GET", "greeting")


def test_databases_are_apart(valkey: Valkey) -> None:
    """An address leads to the one that was meant."""
    say(valkey.url(3), "SET", "only", "here")
    assert (say(valkey.url(3), "GET", "only"), say(valkey.url(4), "GET", "only")) == ("here", None)


def test_it_listens_at_127_0_0_1_alone(valkey: Valkey) -> None:
    """No other address of this machine reaches it."""
    assert listening_addresses(valkey.port) == [LOOPBACK]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", valkey.port))


def test_nobody_else_may_read_the_password(valkey: Valkey) -> None:
    """It is in two files of mode 0600, and neither in arguments nor in the environment."""
    secret = (urlsplit(valkey.url()).password or "").encode()
    data = Path(f"/proc/{valkey.pid}/cwd").readlink()
    for path in (data / "server.conf", data.parent / "passwords"):
        assert secret in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for pid in (valkey.pid, keeper_of(valkey.pid)):
        assert secret not in told(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="is not root")
def test_root_starts_it_as_somebody_else(valkey: Valkey) -> None:
    """A hole in the server is not a hole in the machine."""
    assert user_of(valkey.pid) != 0


def test_a_durable_one_keeps_what_it_held_when_killed(tmp_path: Path) -> None:
    """Whatever was answered is there after kill -9 and after a stop."""
    server = Valkey(tmp_path)
    server.start()
    say(server.url(), "SET", "kept", "1")
    kill(server.pid)
    until(lambda: not server.alive)
    for _ in range(2):
        with server.running():
            assert say(server.url(), "GET", "kept") == "1"


def test_one_that_is_not_durable_forgets(tmp_path: Path) -> None:
    """It writes nothing to the disk but its configuration."""
    server = Valkey(tmp_path, durable=False)
    with server.running():
        say(server.url(), "SET", "kept", "1")
    with server.running():
        assert say(server.url(), "GET", "kept") is None
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["server.conf"]


def test_a_killed_parent_takes_it_along(tmp_path: Path) -> None:
    """The next start waits for its end, and finds what it held."""
    with parent(code("Valkey", tmp_path)) as (process, pid, address):
        say(address, "SET", "kept", "1")
        kill(process.pid)
        process.wait()
        with Valkey(tmp_path).running() as server:
            assert ended(pid)
            assert say(server.url(), "GET", "kept") == "1"


def test_a_killed_keeper_takes_it_along(tmp_path: Path) -> None:
    """The kernel tells the server."""
    with Valkey(tmp_path).running() as server:
        before = server.pid
        kill(keeper_of(before))
        until(lambda: ended(before))
        assert not server.alive
    assert living_in(tmp_path / "data") == []


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """It is told who has the folder."""
    with parent(code("Valkey", tmp_path)) as (process, _, address):
        with pytest.raises(ServerFailed, match=f"by process {process.pid}") as caught:
            Valkey(tmp_path).start()
        assert caught.value.code == "in_use"
        assert say(address, "PING") is True


def test_a_program_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The sentence names it."""
    with pytest.raises(ServerFailed, match="/nowhere/valkey-server") as caught:
        Valkey(tmp_path, Path("/nowhere/valkey-server")).start()
    assert caught.value.code == "no_programs"


@pytest.mark.skipif(os.geteuid() != 0, reason="is not root")
def test_a_program_that_the_user_can_t_reach_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout under root's own folder works."""
    (tmp_path / "root").mkdir(mode=0o700)
    hidden = Path(shutil.copy2(wheel_valkey(), tmp_path / "root"))
    with tempfile.TemporaryDirectory() as cache:
        Path(cache).chmod(0o755)
        monkeypatch.setattr(programs, "CACHES", (Path(cache),))
        with Valkey(tmp_path / "server", hidden, durable=False).running() as server:
            assert Path(f"/proc/{server.pid}/exe").readlink().is_relative_to(cache)
            assert say(server.url(), "PING") is True


def test_a_redis_server_does_as_well(tmp_path: Path) -> None:
    """Debian's redis takes the same configuration."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with Valkey(tmp_path, Path(program)).running() as server:
        assert say(server.url(), "SET", "kept", "1") is True
    with Valkey(tmp_path, Path(program)).running() as server:
        assert say(server.url(), "GET", "kept") == "1"
