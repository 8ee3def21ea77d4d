"""A receiver of webhooks: a real server that checks signatures with a library that isn't ours."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class Call(NamedTuple):
    """One call that came in."""

    id: str
    type: str
    data: dict[str, Any]
    good: bool  # signed with the secret that the receiver knows
    body: dict[str, Any]
    answer: int | str


class Receiver:
    """Keeps what it is told. What it answers is told by `answers`, one a call, the last for ever.

    A number is a status; "hang": nothing comes; "cut": the connection ends; "drip": a body
    without end; "move": a redirect to `elsewhere`.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hooks"
        self.secret = "whsec_bm9uZSB5ZXQ="
        self.calls: list[Call] = []
        self.paths: list[str] = []
        self.answers: list[int | str] = [204]
        self.elsewhere = ""
        self.over = threading.Event()
        self._lock = threading.Lock()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int | str:
        """Keep a call; return how it is answered."""
        with self._lock:
            self.paths.append(path)
            told = json.loads(body)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            signed = self._good(headers, body)
            name = headers["webhook-id"]
            self.calls.append(Call(name, told["type"], told["data"], signed, told, answer))
            return answer

    def _good(self, headers: dict[str, str], body: bytes) -> bool:
        try:
            Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            return False
        return True

    def until(self, count: int, seconds: float = 30) -> list[Call]:
        """Return the calls, once there are so many."""
        end = time.monotonic() + seconds
        while len(self.calls) < count:
            assert time.monotonic() < end, self.calls
            time.sleep(0.02)
        return self.calls


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            how = receiver.take(self.path, headers, body)
            if how == "hang":
                receiver.over.wait(60)
            elif how == "drip":
                self._drip()
            if isinstance(how, str) and how != "move":
                self.close_connection = True
                return
            self.send_response(302 if how == "move" else int(how))
            if how == "move":
                self.send_header("location", receiver.elsewhere)
            self.send_header("content-length", "0")
            self.end_headers()

        def _drip(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(1 << 40))
            self.end_headers()
            try:
                while not receiver.over.is_set():
                    self.wfile.write(b"x" * 4096)
            except OSError:
                pass

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver = Receiver(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            server.shutdown()
            thread.join()
