"""What comes before a body has an end, in bytes and in seconds."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from cloud.http import wire
from tests.cloud.run.wire import Wire, exchange
from tests.cloud.serving import serving

BEGIN = b"GET / HTTP/1.1\r\nhost: x\r\n"
END = b"connection: close\r\n\r\n"
LONG = b"x" * (wire.LONGEST + 1)
ENDLESS = b"x" * (wire.LONGEST + 2 * (1 << 18))  # what is read at once may be as much longer
MANY = b"a: b\r\n" * wire.LONGEST
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"


async def slow(scope: Any, receive: Any, send: Any) -> None:
    """Answer after a while, with how many headers came."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(scope["headers"])).encode()})


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve it."""
    with serving(lambda: slow) as at:
        yield at


def refused(answer: bytes) -> tuple[int, str]:
    """Return the status and the code of an answer that is a problem document."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    said = json.loads(body)
    assert int(head.split()[1]) == said["status"]
    return said["status"], said["code"]


@pytest.mark.parametrize(
    "head",
    [
        BEGIN + b"a: " + ENDLESS,
        BEGIN + b"a: " + LONG + b"\r\n" + END,
        BEGIN + ENDLESS,
        BEGIN + MANY,
        BEGIN + MANY + END,
        b"GET /" + ENDLESS,
        b"GET /" + LONG + b" HTTP/1.1\r\n" + END,
        CHUNKED + MANY,
        CHUNKED + b"a: " + ENDLESS,
    ],
    ids=["value", "whole value", "name", "many", "all of many", "address", "whole address",
         "trailers", "trailer"],
)  # fmt: skip
@pytest.mark.parametrize("piece", [1000, 1 << 20])
def test_a_long_head_is_refused(address: str, head: bytes, piece: int) -> None:
    """Whether its end comes or not, at once or in pieces."""
    with Wire(address) as sent:
        try:
            for at in range(0, len(head), piece):
                sent.send(head[at : at + piece])
        except (BrokenPipeError, ConnectionResetError):
            return  # refused before all of it was sent: the answer may be lost with the rest
        assert refused(sent.read()) == (431, "head_too_large")


def test_a_head_that_just_fits_is_taken(address: str) -> None:
    """Each request of a connection has its own."""
    one = BEGIN + b"a: " + b"x" * (wire.LONGEST - 1000) + b"\r\n"
    answer = exchange(address, one + b"\r\n" + one + END)
    assert answer.count(b"HTTP/1.1 200") == 2


def test_what_is_no_request_is_told_so(address: str) -> None:
    """By a problem document, as everything is."""
    assert refused(exchange(address, b"\x16\x03\x01\x00\r\n\r\n")) == (400, "invalid_request")


@pytest.mark.parametrize("said", [b"", b"GET / HT", BEGIN + b"a: b\r\n"])
def test_who_says_nothing_is_left(
    address: str, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or not enough; who has asked may wait for an answer, and ask again."""
    monkeypatch.setattr(wire, "SLOWEST", 0.2)
    with Wire(address) as silent, Wire(address) as asking:
        asking.send(BEGIN + b"\r\n")
        silent.send(said)
        assert silent.read() == b""
        asking.send(BEGIN + END)
        assert asking.read().count(b"HTTP/1.1 200") == 2
