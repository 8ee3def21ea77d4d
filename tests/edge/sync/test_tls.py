"""The cloud's certificate: by an authority of the owner's choice, and no other."""

import asyncio
import datetime
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from edge.certs import make_authority, make_server, store
from edge.settings import BadSettings, settings_of
from edge.store.identity import identity_of
from edge.sync.client import Cloud
from edge.sync.failures import Away
from edge.sync.opened import context_of

HOSTS: Final = ("localhost", "127.0.0.1")


class Hello(BaseHTTPRequestHandler):
    """Answers everything with two bytes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[str]:
    """A server with a certificate of an authority that lies in `ours.pem`."""
    with serving(tmp_path, ssl.TLSVersion.MAXIMUM_SUPPORTED) as origin:
        yield origin


@contextmanager
def serving(tmp_path: Path, newest: ssl.TLSVersion) -> Iterator[str]:
    """Have the same, which knows no newer TLS than this."""
    now = datetime.datetime.now(datetime.UTC)
    for name in ("ours", "others"):
        authority = make_authority(name, HOSTS, now)
        (tmp_path / f"{name}.pem").write_bytes(authority.certificate)
        store(
            make_server(authority, HOSTS, now), tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.load_cert_chain(tmp_path / "ours.crt", tmp_path / "ours.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_address[1]}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def asked(origin: str, ca: str) -> bytes:
    """Ask once."""

    async def ask() -> bytes:
        verify = context_of(origin, ca)
        me = identity_of(bytes(32))
        async with Cloud(origin, bytes(16), me, lambda: 0, verify=verify) as made:
            return (await made.get("/sync", 10)).body

    return asyncio.run(ask())


def test_the_owners_authority_counts_and_no_other(cloud: str, tmp_path: Path) -> None:
    """Neither another one of the venue's nor the machine's."""
    assert asked(cloud, str(tmp_path / "ours.pem")) == b"hi"
    for other in (str(tmp_path / "others.pem"), ""):
        with pytest.raises(Away, match="ConnectError"):
            asked(cloud, other)
    with pytest.raises(OSError, match="No such file"):
        asked(cloud, str(tmp_path / "missing.pem"))


def test_an_older_tls_is_refused(tmp_path: Path) -> None:
    """Also where the certificate is the right one."""
    with (
        serving(tmp_path, ssl.TLSVersion.TLSv1_2) as old,
        pytest.raises(Away, match="ConnectError"),
    ):
        asked(old, str(tmp_path / "ours.pem"))


def test_nothing_is_asked_without_tls_but_of_this_machine() -> None:
    """In the settings as well as in an enrolment code."""
    for good in ("", "https://gate.example", "https://[2001:db8::1]:8443", "http://127.0.0.1:80"):
        assert settings_of({"cloud": {"origin": good}}).cloud.origin == good
    for bad in ("http://gate.example", "https://gate.example/v1", "ftp://x", "http://localhost.x"):
        with pytest.raises(BadSettings):
            settings_of({"cloud": {"origin": bad}})
    assert context_of("http://127.0.0.1:8000") is False
    assert isinstance(context_of("https://127.0.0.1:8000"), ssl.SSLContext)
