"""An OpenID Connect issuer on this machine, honest until it is told otherwise."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

DESCRIPTION = "/.well-known/openid-configuration"
Page = Callable[[BaseHTTPRequestHandler], None]

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
OKP = OKPKey.generate_key("Ed25519", {"kid": "okp"})
SPARE = OKPKey.generate_key("Ed25519", {"kid": "spare"})
SIGNERS: dict[str, Key] = {"RS256": RSA, "PS256": RSA, "ES256": EC, "Ed25519": OKP}


def public(*keys: Key, **more: str) -> dict[str, Any]:
    """Return a JWK set."""
    return {"keys": [dict(key.as_dict(private=False)) | more for key in keys]}


def sign(header: dict[str, Any], payload: bytes, key: Key) -> str:
    """Return a JWS with any header and payload, by joserfc."""
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    registry.max_header_length = 1 << 16
    return jws.serialize_compact(header, payload, key, registry=registry)


class HttpIssuer:
    """What the issuer answers, by path, and how often it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: Counter[str] = Counter()
        self.pages: dict[str, Page] = {}
        self.describe()
        self.publish(public(RSA, EC, OKP))

    def describe(self, **changes: str) -> None:
        """Say these things of itself, beside what is right."""
        description = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.pages[DESCRIPTION] = answer(json.dumps(description | changes).encode())

    def publish(self, keys: dict[str, Any]) -> None:
        """Publish these keys from now on."""
        self.pages["/keys"] = answer(json.dumps(keys).encode())


def answer(body: bytes, status: int = 200, **headers: str) -> Page:
    """Return a page."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return write


@contextmanager
def serve() -> Iterator[HttpIssuer]:
    """Run an issuer in a thread."""
    issuer: HttpIssuer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked[self.path] += 1
            try:
                issuer.pages.get(self.path, answer(b"", 404))(self)
            except OSError:
                self.close_connection = True  # the client had enough

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = HttpIssuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
