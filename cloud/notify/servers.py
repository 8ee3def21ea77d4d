"""The mail server that the settings name."""

import ssl
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

PORTS: Final = {"smtp": 587, "smtps": 465}
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Server(NamedTuple):
    """Where mails are handed in, and as whom."""

    host: str
    port: int
    username: str
    password: str
    implicit: bool  # TLS from the first byte; else by STARTTLS
    tls: ssl.SSLContext
    name: str  # what we are called in its greeting

    @property
    def start_tls(self) -> bool | None:
        """Whether STARTTLS must succeed; None: where the server offers it, on this machine."""
        if self.implicit:
            return False
        return None if self.host in LOOPBACK else True


def server(url: str, ca: str, name: str) -> Server:
    """Return the server of `smtps://user:password@host:465` or `smtp://…:587`."""
    parts = urlsplit(url)
    tls = ssl.create_default_context(cafile=ca or None)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    return Server(
        parts.hostname or "", parts.port or PORTS[parts.scheme], unquote(parts.username or ""),
        unquote(parts.password or ""), parts.scheme == "smtps", tls, name,
    )  # fmt: skip
