"""What clients may not do: other sites, other names, too much, too slow, in the wrong tongue."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from edge.web import headers, problems
from edge.web.door import Door, host_name
from edge.web.limits import Limits
from tests.edge.webfakes import LANE_KEY, OURS, Site, open_site

IMPATIENT = Limits(header_seconds=2.0, body_seconds=0.3, connections_per_client=12)
POSTS = (
    "/api/sign-in",
    "/api/sign-out",
    "/api/lane/post",
    "/api/lane/practice",
    "/api/scan",
    "/api/frame",
    "/api/resolve",
    "/api/undo",
    "/api/challenge",
    "/api/by-hand",
)
GETS = ("/api/lane", "/api/challenge.svg", "/api/search", "/api/recent", "/preview/front.mjpeg")
OPEN = (
    "/", "/kiosk", "/handheld", "/health", "/health.json", "/metrics", "/sw.js",
    "/manifest.webmanifest", "/static/icon.svg", "/v1/openapi.json", "/api/sounds.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve an impatient gate for all tests of this file."""
    with open_site(tmp_path_factory.mktemp("door"), limits=IMPATIENT) as opened:
        yield opened


@pytest.fixture
def site(served: Site) -> Iterator[Site]:
    """Leave the gate to the next test as it was."""
    yield served
    served.tidy()


class Answered(NamedTuple):
    """What came back on a bare connection, up to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The problem's code."""
        assert self.headers["content-type"] == problems.MEDIA_TYPE
        code: str = json.loads(self.body)["code"]
        return code


def dialled(site: Site, source: str = "127.0.0.1") -> ssl.SSLSocket:
    """Return a bare connection."""
    plain = socket.create_connection(("127.0.0.1", site.port), 20, (source, 0))
    return site.opened.enter_context(
        contextlib.closing(site.trusted.wrap_socket(plain, server_hostname="localhost"))
    )


def read_to_end(connection: ssl.SSLSocket) -> bytes:
    """Return all that comes until the gate hangs up."""
    read = bytearray()
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        while piece := connection.recv(65_536):
            read += piece
    return bytes(read)


def answered(read: bytes) -> Answered:
    """Take an answer apart."""
    head, _, body = read.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return Answered(int(first.split()[1]), {name.lower(): value for name, _, value in pairs}, body)


def asked(site: Site, sent: bytes) -> Answered:
    """Send bytes and return what comes until the gate hangs up."""
    connection = dialled(site)
    connection.sendall(sent)
    return answered(read_to_end(connection))


def problem(response: httpx.Response) -> tuple[int, str]:
    """Return how a problem is told."""
    assert response.headers["content-type"] == problems.MEDIA_TYPE
    return response.status_code, response.json()["code"]


def has_every_header(sent: Mapping[str, str]) -> bool:
    """Whether a response carries what every response must."""
    return all(sent.get(name) == value for name, value in headers.SECURITY)


@pytest.mark.parametrize("path", [*POSTS])
def test_posts_need_a_lane(site: Site, path: str) -> None:
    """Without a cookie there is nothing to change."""
    assert problem(site.client().post(path, json={})) == (401, "no_lane")


@pytest.mark.parametrize("path", [*GETS])
def test_what_is_about_a_lane_needs_one(site: Site, path: str) -> None:
    """Without a cookie there is nothing to see."""
    assert problem(site.client().get(path)) == (401, "no_lane")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"X-Usher": "0"},
        {"X-Usher": "1", "Origin": "https://evil.example"},
        {"X-Usher": "1", "Origin": "null"},
        {"X-Usher": "1", "Origin": ""},
        {"X-Usher": "1", "Origin": "https://localhost"},
    ],
    ids=["no header", "wrong header", "foreign", "null", "empty", "other port"],
)
def test_other_sites_change_nothing(site: Site, path: str, sent: Mapping[str, str]) -> None:
    """With a kiosk's cookie even: what changes something must come from our own pages."""
    cookie = site.kiosk().cookies["__Host-lane"]
    strange = site.client({"Cookie": f"__Host-lane={cookie}", **sent})
    assert problem(strange.post(path, json={})) == (403, "origin")


def test_our_own_pages_may(site: Site) -> None:
    """Our origin with the header, or no origin at all."""
    browser = site.handheld("Sam Scanner")
    for sent in ({"Origin": site.origin}, {"Origin": site.origin.upper()}, {}):
        assert browser.post("/api/challenge", headers=sent).status_code == 200


def test_two_origins_are_none(site: Site) -> None:
    """A request can't have it both ways."""
    browser = site.handheld()
    twice = [*OURS.items(), ("Origin", site.origin), ("Origin", "https://evil.example")]
    assert problem(browser.post("/api/challenge", headers=twice)) == (403, "origin")


@pytest.mark.parametrize("path", ["/", "/api/lane", "/v1/scan", "/nothing"])
def test_there_is_no_cors(site: Site, path: str) -> None:
    """No preflight is ever granted."""
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = site.client().options(path, headers=asks)
    assert response.status_code in {204, 404}
    assert not any(name.startswith("access-control") for name in response.headers)
    assert has_every_header(response.headers)


@pytest.mark.parametrize("path", [*OPEN, *GETS, *POSTS, "/nothing", "/v1/lane", "/v1/scan"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[::2]", "gate"])
def test_a_name_that_is_not_ours_gets_nothing(site: Site, path: str, host: str) -> None:
    """Whatever the path: a page whose name was made to point here is turned away."""
    response = site.client().get(path, headers={"Host": host})
    assert problem(response) == (421, "wrong_host")
    assert has_every_header(response.headers)


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:1", "127.0.0.1:8443", "gate.example", "[::1]:8443", "[::1]"]
)
def test_names_that_are_ours_are_answered(site: Site, host: str) -> None:
    """Configured names and loopback, with any port and in any case."""
    assert site.client().get("/metrics", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "name"),
    [("a:1", "a"), ("[::1]:1", "::1"), ("[::1", ""), ("[::1]x", ""), (":1", ""), ("", "")],
)
def test_the_name_is_taken_out_of_the_host(host: str, name: str) -> None:
    """Broken brackets are no name."""
    assert host_name(host) == name


@pytest.mark.parametrize("path", OPEN)
def test_every_page_has_every_header(site: Site, path: str) -> None:
    """Also on redirects and files."""
    assert has_every_header(site.client().get(path).headers)


def test_every_refusal_has_every_header(site: Site) -> None:
    """401, 403, 404, 405 and 413 alike; none of them may be kept."""
    client = site.client()
    refusals = [
        client.get("/api/lane"),
        client.get("/kiosk", params={"key": "wrong"}),
        client.get("/nothing"),
        client.delete("/api/scan"),
        site.handheld().post("/api/scan", content=b" " * 16_385),
    ]
    assert [response.status_code for response in refusals] == [401, 403, 404, 405, 413]
    for response in refusals:
        assert has_every_header(response.headers)
        assert response.headers["cache-control"] == "no-store"
        assert "server" not in response.headers


def test_the_policy_allows_no_other_origin() -> None:
    """Nothing inline, nothing from elsewhere, and no frame around us."""
    policy = dict(each.split(" ", 1) for each in headers.CSP.split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe-inline" not in headers.CSP
    assert "http" not in headers.CSP


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/nothing", "/v1/nothing", "/api/live"])
def test_an_unknown_address_is_a_problem(site: Site, path: str) -> None:
    """Also the WebSocket's, asked for by plain HTTP."""
    assert problem(site.handheld().get(path)) == (404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW", "HEAD"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/api/scan", "OPTIONS, POST"), ("/handheld", "GET, OPTIONS"), ("/static/a", "GET, OPTIONS")],
)
def test_a_wrong_method_is_told_the_right_ones(
    site: Site, method: str, path: str, allowed: str
) -> None:
    """405 names what may be done."""
    response = site.client().request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed


def test_a_body_is_as_large_as_it_may_be_and_no_larger(site: Site) -> None:
    """16 KiB of JSON, announced or not."""
    browser = site.handheld()
    most = b'{"pin": "1"' + b" " * (16_384 - 12) + b"}"
    assert problem(browser.post("/api/sign-in", content=most)) == (403, "pin_wrong")
    assert problem(browser.post("/api/sign-in", content=most + b" ")) == (413, "body_too_large")
    pieces = iter([most, b" "])
    assert problem(browser.post("/api/sign-in", content=pieces)) == (413, "body_too_large")
    api = site.client({"Authorization": f"Bearer {LANE_KEY}"})
    assert problem(api.post("/v1/scan", content=most + b" ")) == (413, "body_too_large")


def test_an_announced_size_is_refused_before_anything_is_read(site: Site) -> None:
    """The answer comes although not a byte of the body does."""
    cookie = site.handheld().cookies["__Host-lane"]
    head = (
        f"POST /api/scan HTTP/1.1\r\nHost: localhost\r\nX-Usher: 1\r\nCookie: __Host-lane={cookie}"
    )
    sent = f"{head}\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n"
    told = asked(site, sent.encode())
    assert (told.status, told.code) == (413, "body_too_large")


@pytest.mark.parametrize(
    "sent", [b"/ HTTP/1.1\r\nX: " + b"x" * 16_400, b"/" + b"x" * 16_400 + b" HTTP/1.1"]
)
def test_large_headers_are_refused(site: Site, sent: bytes) -> None:
    """16 KiB of address and headers together, also where they come in one piece."""
    told = asked(site, b"GET " + sent + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (told.status, told.code) == (431, "headers_too_large")


def test_a_slow_body_is_given_up(site: Site) -> None:
    """What is announced has to come in time."""
    cookie = site.handheld().cookies["__Host-lane"]
    head = (
        f"POST /api/scan HTTP/1.1\r\nHost: localhost\r\nX-Usher: 1\r\nCookie: __Host-lane={cookie}"
    )
    told = asked(site, f'{head}\r\nContent-Length: 100\r\n\r\n{{"text'.encode())
    assert (told.status, told.code, told.headers["connection"]) == (408, "body_slow", "close")
    assert has_every_header(told.headers)


def test_a_body_that_trickles_on_after_its_answer_is_cut_off(site: Site) -> None:
    """An early refusal is no way to hold a connection for ever."""
    connection = dialled(site)
    connection.sendall(
        b"POST /api/scan HTTP/1.1\r\nHost: localhost\r\nX-Usher: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    with pytest.raises(OSError):  # noqa: PT011  reset, broken pipe or end of TLS
        trickle(connection)


def trickle(connection: ssl.SSLSocket) -> None:
    """Send a body for ever."""
    while True:
        connection.sendall(b"1\r\n \r\n")


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n"]
)
def test_headers_that_never_end_are_cut_off(site: Site, begun: bytes) -> None:
    """Whoever connects has to ask for something."""
    connection = dialled(site)
    connection.sendall(begun)
    assert read_to_end(connection) == b""


def test_headers_that_never_end_are_cut_off_on_a_kept_connection_too(site: Site) -> None:
    """The second request has the first one's deadline."""
    connection = dialled(site)
    connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    connection.sendall(b"GET / HTT")
    assert b"HTTP/1.1" not in read_to_end(connection)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 16_400,
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_told_so(site: Site, garbage: bytes) -> None:
    """A problem with every header, and the connection ends."""
    told = asked(site, garbage)
    assert (told.status, told.code) == (400, "bad_request")
    assert has_every_header(told.headers)


UPGRADE = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
KEY = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (f"POST /api/live HTTP/1.1\r\n{UPGRADE}{KEY}", 400, "bad_request"),
        (f"GET /api/live HTTP/1.1\r\n{UPGRADE}", 400, "bad_request"),
        (f"GET /api/live HTTP/1.1\r\n{UPGRADE}{KEY.replace('13', '7')}", 400, "bad_request"),
        (f"GET /api/live HTTP/1.1\r\n{UPGRADE}{KEY}{'X: y' * 1025}\r\n", 400, "bad_request"),
        ("GET /api/live HTTP/1.1\r\n" + UPGRADE + KEY + "X: y\r\n" * 70, 400, "bad_request"),
        (f"GET /nothing HTTP/1.1\r\n{UPGRADE}{KEY}", 404, "not_found"),
        (f"GET /api/scan HTTP/1.1\r\n{UPGRADE}{KEY}", 404, "not_found"),
        (f"GET /api/live HTTP/1.1\r\n{UPGRADE}{KEY}", 403, "origin"),
    ],
)
def test_what_is_no_handshake_is_told_so(site: Site, sent: str, status: int, code: str) -> None:
    """Every failed handshake is a problem with every header, never silence."""
    told = asked(site, f"{sent}\r\n".encode())
    assert (told.status, told.code) == (status, code)
    assert has_every_header(told.headers)


def test_a_handshake_with_a_body_is_given_up(site: Site) -> None:
    """The WebSocket library answers nothing to it, so the deadline has to."""
    sent = f"GET /api/live HTTP/1.1\r\n{UPGRADE}{KEY}Content-Length: 5\r\n\r\nhello"
    connection = dialled(site)
    connection.sendall(sent.encode())
    read = read_to_end(connection)
    assert read == b"" or answered(read).status == 400


def test_one_client_has_so_many_connections_and_no_more(site: Site) -> None:
    """One more is hung up on, and when one ends there is room again."""
    most = IMPATIENT.connections_per_client
    browser = site.handheld()
    browser.close()
    screens = [site.live(browser) for _ in range(most)]
    for screen in screens:
        screen.recv()
    assert read_to_end(dialled(site)) == b""
    screens[0].close()
    while True:  # until the gate, too, has seen the end of that connection
        with contextlib.suppress(httpx.RemoteProtocolError):
            assert site.client().get("/metrics").status_code == 200
            break


def test_many_clients_do_not_keep_the_kiosk_out(tmp_path: Path) -> None:
    """When others have taken every connection there is, this machine still gets in."""
    with open_site(tmp_path, limits=Limits(connections=3)) as site:
        for _ in range(3):
            other = dialled(site, "127.0.0.2")
            other.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert other.recv(100).startswith(b"HTTP/1.1 200")
        assert read_to_end(dialled(site, "127.0.0.2")) == b""
        assert site.client().get("/metrics").status_code == 200


def test_tls_below_1_3_is_refused(site: Site) -> None:
    """TLS 1.2 gets no further than its hello."""
    context = ssl.create_default_context(cafile=site.authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    plain = socket.create_connection(("127.0.0.1", site.port), 20)
    with contextlib.closing(plain), pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(plain, server_hostname="localhost")
    with contextlib.closing(dialled(site)) as modern:
        assert modern.version() == "TLSv1.3"


def test_plain_http_is_refused(site: Site) -> None:
    """Not a byte of HTTP goes over a bare connection."""
    with socket.create_connection(("127.0.0.1", site.port), 20) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in plain.recv(1000)


def test_a_fault_tells_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client hears that something broke; the log hears where, and not a guest's code."""
    code = site.world.bulk(9)

    def breaks(text: str, *_: object) -> None:
        raise KeyError(text)

    monkeypatch.setattr(site.gate.station, "scan", breaks)
    response = site.handheld("Sam Scanner").post("/api/scan", json={"text": code})
    assert problem(response) == (500, "server_fault")
    assert code not in response.text
    assert code not in caplog.text
    assert "KeyError in breaks" in caplog.text


def test_the_door_itself_answers_what_nobody_caught() -> None:
    """A fault outside of all routes is a problem, too, with every header."""

    async def breaks(*_: object) -> None:
        raise RuntimeError("text of a ticket")

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http", "headers": [(b"host", b"localhost")], "raw_path": b"/",
        "query_string": b"", "path": "/",
    }  # fmt: skip
    nothing: Any = None
    asyncio.run(Door(breaks, (), Limits())(scope, nothing, send))
    start, rest = sent
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    assert (start["status"], json.loads(rest["body"])["code"]) == (500, "server_fault")
    assert has_every_header(names)


def test_no_log_has_a_scanned_text_or_a_key(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """At the finest level of every logger."""
    from tests.edge.webfakes import KIOSK_KEY

    with caplog.at_level("DEBUG"):
        browser = site.handheld("Sam Scanner")
        browser.post("/api/scan", json={"text": "a-very-odd-code"})
        site.kiosk()
        site.client().get("/kiosk", params={"key": "a-very-odd-key"})
        site.live(browser).recv()
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    for record in ours:
        said = record.getMessage()
        assert "a-very-odd" not in said
        assert KIOSK_KEY not in said
