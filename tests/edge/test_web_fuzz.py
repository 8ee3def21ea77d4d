"""Anything at all, sent to every address: an answer that was declared, and a gate that goes on."""

import contextlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from websockets.exceptions import ConnectionClosed

from edge.practice.world import EVENT, PIN
from edge.web import problems
from edge.web.headers import SECURITY
from edge.web.limits import Limits
from tests.edge.test_web_door import GETS, KEY, OPEN, POSTS, UPGRADE, answered, dialled, read_to_end
from tests.edge.webfakes import KIOSK_KEY, LANE_KEY, Site, open_site

PATHS = (*OPEN, *GETS, *POSTS, "/v1/scan", "/v1/lane", "/api/live")
# 500 is not among them: nothing that a client sends may break anything.
STATUSES = {
    200, 204, 303, 304, 400, 401, 403, 404, 405, 408, 409, 413, 421, 422, 431, 503,
}  # fmt: skip
CLOSINGS = {1002, 1007, 1008, 1009}
STRANGE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Faults(logging.Handler):
    """Keeps what is logged of faults."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.heard.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve one gate for all examples."""
    limits = Limits(header_seconds=2.0, body_seconds=0.2)
    with open_site(tmp_path_factory.mktemp("fuzz"), limits=limits) as opened:
        yield opened


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """Return the faults of this process: the gate's, the server's and the event loop's."""
    handler = Faults()
    logging.getLogger().addHandler(handler)
    yield handler.heard
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="module")
def clients(site: Site) -> dict[str, dict[str, str]]:
    """Return the headers that somebody of each kind comes with."""
    browsers = {
        "handheld": site.handheld(),
        "supervisor": site.handheld("Sue Supervisor"),
        "kiosk": site.kiosk("Tom Technician"),
    }
    made = {
        who: {"X-Usher": "1", "Cookie": f"__Host-lane={browser.cookies['__Host-lane']}"}
        for who, browser in browsers.items()
    }
    site.opened.close()
    return made | {"stranger": {}, "third party": {"Authorization": f"Bearer {LANE_KEY}"}}


whoever = st.sampled_from(["stranger", "handheld", "supervisor", "kiosk", "third party"])
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from([EVENT.hex(), PIN, "keyboard", "0" * 16, "0" * 32, "emergency"])
)  # fmt: skip
names = st.sampled_from(
    ["text", "source", "scan", "act", "badge", "pin", "event", "gate", "exiting", "on", "ticket",
     "people", "answers", "confirmed", "approve", "override", "day", "1", ""]
)  # fmt: skip
values: SearchStrategy[Any] = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6)
)
bodies = st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode())
header_names = st.sampled_from(
    ["X-Usher", "Origin", "Cookie", "Authorization", "Accept-Language", "Content-Type",
     "Content-Encoding", "Expect", "If-None-Match", "X-Forwarded-For", "Range", "Transfer-Encoding",
     "Content-Length", "Connection", "Upgrade", "Host"]
)  # fmt: skip
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
segments = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)


@st.composite
def paths(draw: DrawFn) -> str:
    """Return an address of ours, near one of ours, or of nobody's."""
    path = draw(st.sampled_from(PATHS) | segments.map("/".__add__))
    for extra in draw(st.lists(segments, max_size=2)):
        path += draw(st.sampled_from(["/", "?", "?q=", "?key=", "?lang=", "%", "//", "&"])) + extra
    return path


def send(site: Site, head: str, sent: bytes) -> None:
    """Send one request on a connection of its own and judge the answer."""
    connection = dialled(site)
    connection.sendall(head.encode("latin-1") + b"\r\n\r\n" + sent)
    read = read_to_end(connection)
    connection.close()
    judge(head, read)


def judge(head: str, read: bytes) -> None:
    """Hold an answer to what every answer must be."""
    if not read:
        return  # half a request: the connection ended, and so did the wait for the rest
    if read.startswith(b"HTTP/1.1 100"):
        read = read.partition(b"\r\n\r\n")[2]
    told = answered(read)
    assert told.status in STATUSES | {101}
    if told.status == 101:
        return
    assert all(told.headers.get(name) == value for name, value in SECURITY)
    if told.status >= 400 and not head.startswith("HEAD"):
        assert told.headers["content-type"] == problems.MEDIA_TYPE
        size = int(told.headers["content-length"])
        said = json.loads(told.body[:size])
        assert (said["status"], problems.known(said["code"])) == (told.status, True)


@STRANGE
@given(
    who=whoever,
    method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD"]),
    path=paths(),
    more=st.dictionaries(header_names, header_values, max_size=4),
    body=bodies,
)
def test_any_request_gets_a_declared_answer(
    site: Site,
    faults: list[str],
    clients: dict[str, dict[str, str]],
    who: str,
    method: str,
    path: str,
    more: dict[str, str],
    body: bytes,
) -> None:
    """Whoever asks, whatever for, however."""
    sent = {"Host": "localhost", "Content-Length": str(len(body)), **clients[who], **more}
    lines = [f"{name}: {value}" for name, value in {**sent, "Connection": "close"}.items()]
    send(site, "\r\n".join([f"{method} {path} HTTP/1.1", *lines]), body)
    assert faults == []


@STRANGE
@given(who=whoever, path=st.sampled_from(POSTS), body=bodies)
def test_any_body_gets_a_declared_answer(
    site: Site,
    faults: list[str],
    clients: dict[str, dict[str, str]],
    who: str,
    path: str,
    body: bytes,
) -> None:
    """Bodies that nearly fit, and bodies that don't."""
    sent = {"Host": "localhost", "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"{name}: {value}" for name, value in {**clients[who], **sent}.items()]
    send(site, "\r\n".join([f"POST {path} HTTP/1.1", *lines]), body)
    assert faults == []


@STRANGE
@given(st.binary(max_size=400))
def test_any_bytes_get_an_answer_or_an_end(site: Site, faults: list[str], sent: bytes) -> None:
    """What is no HTTP breaks nothing."""
    send(site, sent.decode("latin-1"), b"")
    assert faults == []


@STRANGE
@given(st.lists(st.text(max_size=1100) | st.binary(max_size=1100), min_size=1, max_size=3))
def test_anything_said_on_the_socket_ends_it(
    site: Site, faults: list[str], said: list[str | bytes]
) -> None:
    """A screen that talks is hung up on, by a code of the protocol."""
    browser = site.client({"Cookie": f"__Host-lane={KIOSK_KEY}"})
    browser.cookies.set("__Host-lane", KIOSK_KEY, domain="localhost.local")
    screen = site.live(browser)
    with contextlib.suppress(ConnectionClosed):
        for each in said:
            screen.send(each)
    assert screen.end()[0] in CLOSINGS
    site.opened.close()
    assert faults == []


@STRANGE
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_after_the_handshake_are_survived(
    site: Site, faults: list[str], sent: bytes
) -> None:
    """What is no frame ends the connection and nothing else."""
    connection = dialled(site)
    cookie = f"Origin: https://localhost\r\nCookie: __Host-lane={KIOSK_KEY}\r\n"
    connection.sendall(f"GET /api/live HTTP/1.1\r\n{UPGRADE}{KEY}{cookie}\r\n".encode())
    assert connection.recv(4096).startswith(b"HTTP/1.1 101")
    with contextlib.suppress(OSError):
        connection.sendall(sent)
    connection.close()
    site.opened.close()
    assert faults == []


def test_after_all_that_the_gate_still_admits(site: Site) -> None:
    """The last word is a guest's."""
    site.tidy()
    browser = site.handheld("Sam Scanner")
    verdict = browser.post("/api/scan", json={"text": site.world.code("standing")}).json()
    assert verdict["code"] == "admitted"
    site.tidy()
