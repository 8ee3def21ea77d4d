"""A running PostgreSQL of ours, from the wheel and from Debian."""

import asyncio
import os
import socket
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
import pytest

from cloud.embedded.postgres import Postgres
from tests.cloud.embedded.asking import LOOPBACK, ask, listening_addresses, told, user_of
from tests.cloud.embedded.starting import keeper_of
from tests.cloud.servers import drop_database, fresh_database


def folder_of(server: Postgres) -> Path:
    return Path(f"/proc/{server.pid}/cwd").readlink().parent


def password_of(address: str) -> str:
    return unquote(urlsplit(address).password or "")


def test_it_answers_over_tcp_and_by_unix_socket(server: Postgres) -> None:
    """One server stands behind both addresses."""
    by_socket = server.socket_url("postgres", "postgres")
    assert "host=%2F" in by_socket
    ours = "SELECT inet_server_addr()"
    assert str(ask(server.superuser_url, ours)) == "127.0.0.1"
    assert ask(by_socket, ours) is None
    assert ask(server.superuser_url, "SELECT pg_postmaster_start_time()") == ask(
        by_socket, "SELECT pg_postmaster_start_time()"
    )


def test_a_path_too_long_for_a_socket_is_served_over_tcp(tmp_path: Path) -> None:
    """Its clients get an address that works."""
    with Postgres(tmp_path / ("long" * 30), durable=False).running() as server:
        address = server.socket_url("postgres", "postgres")
        assert address == server.superuser_url
        assert ask(address, "SELECT 1") == 1


@pytest.mark.parametrize("way", ["url", "socket_url"])
def test_a_wrong_password_is_refused(server: Postgres, way: str) -> None:
    """Whoever may reach the port or the socket is still nobody."""
    address = getattr(server, way)("postgres", "postgres")
    wrong = address.replace(password_of(server.superuser_url), "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(wrong, "SELECT 1")


def test_passwords_are_kept_as_scram(server: Postgres) -> None:
    """What a copy of the catalogue shows can't be used to sign in."""
    kept = ask(server.superuser_url, "SELECT rolpassword FROM pg_authid WHERE rolname='postgres'")
    assert kept.startswith("SCRAM-SHA-256$")


def test_texts_are_utf_8_and_sort_by_code_point(server: Postgres) -> None:
    """Every database has the locale C.UTF-8, whatever the shell that started the server had."""
    found = ask(
        server.superuser_url,
        "SELECT array_agg(DISTINCT concat_ws(' ', pg_encoding_to_char(encoding), datcollate,"
        " datctype)) FROM pg_database",
    )
    assert found == ["UTF8 C.UTF-8 C.UTF-8"]
    assert ask(server.superuser_url, "SELECT 'Z' < 'a' AND upper('é') = 'É'") is True


def test_it_listens_at_127_0_0_1_alone(server: Postgres) -> None:
    """No other address of this machine reaches it."""
    assert listening_addresses(server.port) == [LOOPBACK]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port))


@pytest.mark.skipif(os.geteuid() != 0, reason="is not root")
def test_root_starts_it_as_somebody_else(server: Postgres) -> None:
    """The server has no privileges, and can't read the passwords that root keeps."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert user_of(server.pid) != 0
    assert "0" not in fields["Uid"].split()
    assert fields["Groups"].split() == []
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    assert (folder_of(server) / "passwords").stat().st_uid == 0


def test_only_the_owner_may_read_the_folder(server: Postgres) -> None:
    """Passwords, log and data are closed to group and others."""
    folder = folder_of(server)
    modes = {
        name: stat.S_IMODE((folder / name).stat().st_mode)
        for name in ("passwords", "log", "lock", "data")
    }
    assert modes == {"passwords": 0o600, "log": 0o600, "lock": 0o600, "data": 0o700}


def test_no_process_shows_a_password(server: Postgres) -> None:
    """Neither arguments nor environment of server and keeper contain it, nor the log."""
    secret = password_of(server.superuser_url).encode()
    for pid in (server.pid, keeper_of(server.pid)):
        assert secret not in told(pid)
    assert secret not in (folder_of(server) / "log").read_bytes()


def test_the_log_has_nothing_of_what_is_stored(server: Postgres) -> None:
    """A failed statement leaves its error there, without the statement and the values."""
    database = server.url("postgres", fresh_database(server))
    ask(database, "CREATE TABLE guest (name text PRIMARY KEY)")
    with pytest.raises(asyncpg.UniqueViolationError):
        ask(database, *["INSERT INTO guest VALUES ('Ada Byron')"] * 2)
    log = (folder_of(server) / "log").read_text()
    assert 'violates unique constraint "guest_pkey"' in log
    assert "Ada" not in log
    assert "INSERT" not in log


def test_fresh_databases_are_empty_and_apart(server: Postgres) -> None:
    """Each has a name of its own and no table of another."""
    names = [fresh_database(server) for _ in range(2)]
    first, second = (server.url("postgres", name) for name in names)
    ask(first, "CREATE TABLE mine ()")
    count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert (ask(first, count), ask(second, count)) == (1, 0)


def test_a_database_is_dropped_whoever_is_connected(server: Postgres) -> None:
    """A test that forgot a connection does not keep its database."""
    name = fresh_database(server)
    names = "SELECT array_agg(datname::text) FROM pg_database"

    async def drop_under_a_connection() -> None:
        conn = await asyncpg.connect(server.url("postgres", name))
        try:
            drop_database(server, name)  # also works inside a running loop
        finally:
            conn.terminate()

    assert name in ask(server.superuser_url, names)
    asyncio.run(drop_under_a_connection())
    assert name not in ask(server.superuser_url, names)


def test_a_user_s_password_is_made_once_and_kept(tmp_path: Path) -> None:
    """The next start knows it, so that roles need not be changed at each."""
    with Postgres(tmp_path, durable=False).running() as server:
        superuser, made = server.superuser_url, server.password("usher_app")
        ask(superuser, "CREATE ROLE usher_app LOGIN", f"ALTER ROLE usher_app PASSWORD '{made}'")
    with Postgres(tmp_path, durable=False).running() as server:
        assert password_of(server.superuser_url) == password_of(superuser)
        assert ask(server.url("usher_app", "postgres"), "SELECT current_user") == "usher_app"


def test_names_of_users_and_databases_are_quoted(postgres: Postgres) -> None:
    """An address leads to the database that was meant."""
    parts = urlsplit(postgres.url("a/b@c", "d?e#f"))
    assert unquote(parts.username or "") == "a/b@c"
    assert (unquote(parts.path), parts.query, parts.fragment) == ("/d?e#f", "", "")
    assert urlunsplit(parts) == postgres.url("a/b@c", "d?e#f")


def test_settings_are_those_asked_for(tmp_path: Path) -> None:
    """By default nothing that was committed is lost; a test's server may lose it all."""
    show = "SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN "
    names = "('fsync', 'full_page_writes', 'max_connections', 'synchronous_commit')"
    with Postgres(tmp_path / "one", max_connections=37).running() as server:
        assert ask(server.superuser_url, show + names) == "on on 37 on"
        assert ask(server.superuser_url, "SHOW data_checksums") == "on"
    with Postgres(tmp_path / "one", durable=False).running() as server:
        assert ask(server.superuser_url, show + names) == "off off 100 off"


def test_stopping_gently_waits_for_clients(tmp_path: Path) -> None:
    """A client that is connected finishes; fast, it is cut off."""

    async def stop_under_a_client(server: Postgres, *, fast: bool) -> bool:
        conn = await asyncpg.connect(server.superuser_url)
        stopping = asyncio.create_task(asyncio.to_thread(server.stop, fast=fast))
        await asyncio.wait([stopping], timeout=0.5)
        waited = not stopping.done()
        try:
            assert not waited or await conn.fetchval("SELECT 1") == 1
        finally:
            conn.terminate()
        await stopping
        return waited

    server = Postgres(tmp_path, durable=False)
    server.start()
    assert asyncio.run(stop_under_a_client(server, fast=False)) is True
    assert not server.alive
    server.start()
    asyncio.run(stop_under_a_client(server, fast=True))
    assert not server.alive
