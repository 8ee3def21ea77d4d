"""Beginning and ending to serve."""

import asyncio
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from litestar import Litestar, get

from edge.web.connection import GateConnection
from edge.web.limits import Limits
from edge.web.server import GateServer, serve
from tests.edge.test_web_door import dialled
from tests.edge.webfakes import OTHER_KEY, Site, certificates, open_site, served
from tests.edge.webscreens import PATIENCE


@get("/", sync_to_thread=False)
def nothing() -> None:
    """Answer nothing."""


def test_a_context_below_tls_1_3_is_not_served(tmp_path: Path) -> None:
    """It is the caller's mistake, and said at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with pytest.raises(ValueError, match=r"TLS 1\.3"):
        asyncio.run(serve(Litestar([nothing], logging_config=None), context, "127.0.0.1", 0))


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    """An `OSError`, and not the end of the process."""
    _, context = certificates(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        app = Litestar([nothing], logging_config=None)
        with pytest.raises(OSError, match="in use"):
            asyncio.run(serve(app, context, "127.0.0.1", taken.getsockname()[1]))


def test_answers_do_not_wait_for_confirmation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nagle's algorithm is off for every client: it costs 40 ms a scan."""
    options: list[int] = []
    made = GateConnection.connection_made

    def noted(self: GateConnection, transport: asyncio.Transport) -> None:
        client = transport.get_extra_info("socket")
        options.append(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        made(self, transport)

    monkeypatch.setattr(GateConnection, "connection_made", noted)
    with open_site(tmp_path) as site:
        assert site.client().get("/metrics").status_code == 200
    assert options == [1]


def test_open_sockets_are_closed_when_the_server_stops(tmp_path: Path) -> None:
    """Screens hear 1012, which means: come back in a moment."""
    with ThreadPoolExecutor(1) as pool:
        with open_site(tmp_path, limits=Limits(beat_seconds=3600.0)) as site:
            browser = site.handheld()
            browser.close()
            ended = pool.submit(site.live(browser).end)
            site.opened.pop_all()  # the server is to end it, and not the test
        assert ended.result(PATIENCE)[0] == 1012


def test_an_answer_under_way_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was scanned as the server stops still gets the verdict."""
    answers: list[int] = []
    asked, stopping = threading.Event(), threading.Event()

    def ask(site: Site) -> None:
        browser = site.client()
        answers.append(browser.get("/metrics").status_code)
        browser.close()

    def slow() -> str:
        asked.set()
        assert stopping.wait(20)
        return ""

    ends = GateServer.shutdown

    async def noted(self: GateServer, sockets: list[socket.socket] | None = None) -> None:
        stopping.set()
        await ends(self, sockets)

    monkeypatch.setattr(GateServer, "shutdown", noted)
    monkeypatch.setattr("tests.edge.webfakes.Checks.metrics", lambda _: slow())
    with open_site(tmp_path) as site:
        asking = threading.Thread(target=ask, args=(site,))
        asking.start()
        assert asked.wait(20)
        opened, site.opened = site.opened, ExitStack()
    asking.join(20)
    assert answers == [200]
    opened.close()


def test_a_preview_does_not_hold_the_server_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What never ends is ended at once, with nothing to complain of in the log."""
    with open_site(tmp_path, limits=Limits(leaving_seconds=600)) as site:
        browser = site.kiosk(key=OTHER_KEY)
        watching = browser.send(browser.build_request("GET", "/preview/back.mjpeg"), stream=True)
        assert watching.status_code == 200
        opened, site.opened = site.opened, ExitStack()
    watching.close()
    opened.close()
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


def test_clients_that_ask_nothing_do_not_hold_the_server_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Idle, half a request, or garbage: all are let go at once."""
    with open_site(tmp_path, limits=Limits(leaving_seconds=600)) as site:
        idle = site.client()
        assert idle.get("/metrics").status_code == 200
        for sent in (b"", b"GET / HTT", b"\x00\r\n\r\n"):
            dialled(site).sendall(sent)
        opened, site.opened = site.opened, ExitStack()
    opened.close()
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


def test_a_client_that_never_leaves_is_dropped(tmp_path: Path) -> None:
    """The server ends although a client keeps its connection and answers nothing."""
    _, context = certificates(tmp_path)
    app = Litestar([nothing], logging_config=None)
    trusted = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    limits = Limits(leaving_seconds=1)
    with served(
        lambda heard: serve(app, context, "127.0.0.1", 0, limits=limits, listening=heard)
    ) as port:
        plain = socket.create_connection(("127.0.0.1", port), 20)
        stays = trusted.wrap_socket(plain, server_hostname="localhost")
        stays.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    stays.close()
