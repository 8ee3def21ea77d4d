"""An endpoint that webhooks are sent to: a real HTTP server that keeps what it gets."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from cloud.payments import webhooks
from cloud.payments.webhooks import ProviderEvent
from tests.cloud.payments.processes import PATIENCE, SECRET


class Letter(NamedTuple):
    """One webhook as it came."""

    body: bytes
    signature: str

    def event(self, secret: str = SECRET) -> ProviderEvent:
        """Return what it says, judged at the time at which it was signed."""
        signed_at = webhooks.parse_header(self.signature).time
        return webhooks.verify(self.body, self.signature, [secret], signed_at)


class Letterbox:
    """Takes webhooks; `refusing` is how many of the next are answered with 500."""

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.refusing = 0
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def wait(self, count: int) -> list[Letter]:
        """Return all letters as soon as there are *count*."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self._letters) >= count, PATIENCE)
            assert came, f"{len(self._letters)} webhooks came, and not {count}"
            return list(self._letters)

    def types(self, count: int) -> list[str]:
        """Return what the first *count* letters tell of, in the order in which they came."""
        return [letter.event().type for letter in self.wait(count)]

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, letter: Letter) -> int:
        with self._changed:
            self._letters.append(letter)
            self._changed.notify_all()
            self.refusing -= 1
            return 500 if self.refusing >= 0 else 200

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = take(Letter(body, self.headers["Stripe-Signature"]))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_request(self, code: object = "-", size: object = "-") -> None:
                """Write no line to the tests' output."""

        return Handler
