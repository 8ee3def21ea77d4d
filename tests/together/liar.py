"""Between a gate and the cloud: a real server that passes everything on, or lies about it.

with lying(address) as liar:
    liar.about("/head", truncated())         # every answer whose path has this in it
    liar.asked                               # targets, in their order
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import httpx

from edge.sync.failures import Away

HOP: Final = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass
class Said:
    """What the cloud answered."""

    status: int
    headers: dict[str, str]
    body: bytes
    claimed: int = -1  # the length that is stated; -1: the true one
    pause: float = 0.0  # seconds between two bytes
    prompt: int = 0  # bytes that come one by one and without a pause before them
    hang: bool = False  # says no more, and does not hang up
    drop: bool = False  # hangs up without a word


Lie = Callable[[Said], Said]
STREAM: Final = "/sync/stream"  # which the cloud does not end: told up to its first word


@dataclass
class Liar:
    """The server. `lies`: a pattern of paths, and what becomes of their answers."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    lies: dict[str, Lie] = field(default_factory=dict)
    spoil: Callable[[bytes], bytes] = bytes  # what becomes of a request's body
    times: int = 1  # how often a request is sent on; the last answer is passed on
    over: threading.Event = field(default_factory=threading.Event)

    def about(self, part: str, lie: Lie) -> None:
        """Lie about answers whose path has this in it, an expression."""
        self.lies[part] = lie

    def honest(self) -> None:
        """Lie no more, and remember nothing."""
        self.lies.clear()
        self.spoil, self.times = bytes, 1
        self.asked.clear()

    def wanted(self) -> list[int]:
        """Return how many chunks each request asked for."""
        wants = [t.partition("want=")[2][:64] for t in self.asked if "want=" in t]
        return [int(each, 16).bit_count() for each in wants]


@contextmanager
def lying(origin: str) -> Iterator[Liar]:
    """Serve on a port of its own."""
    liar = Liar()
    made = type("Handler", (Handler,), {"liar": liar, "origin": origin})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    server.daemon_threads = True
    liar.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield liar
    finally:
        liar.over.set()
        server.shutdown()
        thread.join(10)
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    liar: Liar
    origin: str

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        self._pass_on(self.liar.spoil(self.rfile.read(int(self.headers["content-length"]))))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _pass_on(self, body: bytes) -> None:
        self.liar.asked.append(self.path)
        said = self._asked(body)
        for _ in range(1, self.liar.times):
            said = self._asked(body)
        for part, lie in list(self.liar.lies.items()):
            if re.search(part, self.path):
                said = lie(said)
        with suppress(ConnectionError):
            self._answer(said)

    def _asked(self, body: bytes) -> Said:
        """Ask the cloud, with the headers that the gate has signed."""
        with httpx.Client(timeout=60) as client:
            request = client.build_request(self.command, f"{self.origin}{self.path}", content=body)
            request.headers.clear()
            request.headers.update(dict(self.headers.items()))
            if self.command == "POST":
                request.headers["content-length"] = str(len(body))
            answer = client.send(request, stream=True)
            raw = b""
            for piece in answer.iter_raw():
                raw += piece
                if self.path.endswith(STREAM) and b"\n\n" in raw:
                    break
            headers = {k: v for k, v in answer.headers.items() if k.lower() not in HOP}
            return Said(answer.status_code, headers, raw)

    def _answer(self, said: Said) -> None:
        if said.drop:
            self.close_connection = True
            return
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        length = len(said.body) if said.claimed < 0 else said.claimed
        self.send_header("content-length", str(length))
        self.end_headers()
        step = 1 if said.pause else 1 << 16
        for start in range(0, len(said.body), step):
            self.wfile.write(said.body[start : start + step])
            if said.pause and start >= said.prompt and self.liar.over.wait(said.pause):
                break
        self.wfile.flush()
        if said.hang:
            self.liar.over.wait(60)
        if length != len(said.body):
            self.close_connection = True


def truncated(share: float = 0.4) -> Lie:
    """Break off after a share of the bytes."""

    def lie(said: Said) -> Said:
        said.claimed = len(said.body)
        said.body = said.body[: int(share * len(said.body))]
        return said

    return lie


def hanging(share: float = 0.4) -> Lie:
    """Send a share of the bytes, and then nothing."""

    def lie(said: Said) -> Said:
        said = truncated(share)(said)
        said.hang = True
        return said

    return lie


def slow(pause: float, share: float = 0.0) -> Lie:
    """Send a byte at a time, each after a pause; a share of them as soon as can be."""

    def lie(said: Said) -> Said:
        said.pause, said.prompt = pause, int(share * len(said.body))
        return said

    return lie


def gone(said: Said) -> Said:
    """Hang up."""
    said.drop = True
    return said


def changed(what: Callable[[bytes], bytes], **headers: str) -> Lie:
    """Answer with something else."""

    def lie(said: Said) -> Said:
        said.body = what(said.body)
        said.headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        return said

    return lie


def other(body: bytes, status: int = 200, kind: str = "text/html") -> Lie:
    """Answer as a portal does."""
    return lambda _: Said(status, {"content-type": kind}, body)


def at_last(ask: Callable[[], object]) -> None:
    """Ask for the truth as a gate does, again where a busy machine lets it wait for too long."""

    def told() -> bool:
        try:
            ask()
        except Away:
            return False
        return True

    until(told)


def until(told: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
