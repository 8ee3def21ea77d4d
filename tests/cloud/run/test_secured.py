"""`usher-cloud serve` as a unit of systemd runs it: over TLS 1.3, to those whom an authority
vouches for, and telling the service manager how it does."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.cloud.broker.papers import Authority
from tests.cloud.run.served import Served, served

LONGEST: Final = 60.0  # seconds; the machine may be doing much else
Secured = tuple[Served, Authority, socket.socket]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A service with papers, its authority, and who hears what it tells systemd."""
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder / "papers")
    certificate, key = authority.issue("api", server=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(LONGEST)
        manager.bind(str(folder / "notify"))
        told = {
            "USHER_LISTEN_CERT": str(certificate),
            "USHER_LISTEN_KEY": str(key),
            "USHER_LISTEN_CA": str(authority.certificate),
            "USHER_WORKERS": "1",
            "NOTIFY_SOCKET": str(folder / "notify"),
        }
        with served(folder, **told) as service:
            yield service, authority, manager


def _ask(service: Served, context: ssl.SSLContext) -> int:
    with httpx.Client(verify=context, trust_env=False, timeout=LONGEST) as http:
        return http.get(f"{service.address}/livez").status_code


def test_whoever_has_papers_is_answered(secured: Secured) -> None:
    """Over TLS 1.3, at an address that says so."""
    service, authority, _ = secured
    assert service.address.startswith("https://")
    context = ssl.create_default_context(cafile=authority.certificate)
    context.load_cert_chain(*authority.issue("proxy"))
    assert _ask(service, context) == 200


def test_weaker_ways_are_refused(secured: Secured, tmp_path: Path) -> None:
    """Without a certificate, with another authority's, over TLS 1.2, in the clear."""
    service, authority, _ = secured
    bare = ssl.create_default_context(cafile=authority.certificate)
    strange = ssl.create_default_context(cafile=authority.certificate)
    strange.load_cert_chain(*Authority(tmp_path).issue("proxy"))
    old = ssl.create_default_context(cafile=authority.certificate)
    old.load_cert_chain(*authority.issue("proxy"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for context in (bare, strange, old):
        with pytest.raises(httpx.TransportError):
            _ask(service, context)
    with pytest.raises(httpx.TransportError):
        httpx.get(service.address.replace("https:", "http:") + "/livez", trust_env=False)


def test_systemd_is_told(secured: Secured) -> None:
    """That all processes answer, then again and again that it lives, and that it ends."""
    service, _, manager = secured
    assert _heard(manager, "READY=1") >= 0
    assert _heard(manager, "WATCHDOG=1") >= 0
    service.stop()
    assert _heard(manager, "STOPPING=1") >= 0


def _heard(manager: socket.socket, state: str) -> int:
    """Return how many other states came before this one."""
    end = time.monotonic() + LONGEST
    others = 0
    while manager.recv(100) != state.encode():
        others += 1
        assert time.monotonic() < end, f"{state} was never told"
    return others
