"""Calls to addresses that somebody else chose."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from cloud.hooks.reaching import Answer, Caller, Vetted, is_public, is_public_or_loopback
from tests.cloud.hooks.receiver import Receiver, receiving

HEADERS = [("webhook-id", "msg_1"), ("content-type", "application/json")]
BODY = b'{"type":"a","data":{}}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def call(url: str, backend: Vetted, wait: float = 10.0, times: int = 1) -> list[Answer]:
    async def run() -> list[Answer]:
        caller = Caller(backend, ssl.create_default_context(), wait)
        try:
            return [await caller.post(url, HEADERS, BODY) for _ in range(times)]
        finally:
            await caller.aclose()

    return asyncio.run(run())


def test_a_name_that_leads_inside_is_not_called(receiver: Receiver) -> None:
    """Whatever else it leads to: one private address among public ones is enough."""
    port = receiver.url.split(":")[2].split("/")[0]

    async def both(host: str, at: int) -> list[str]:
        return ["8.8.8.8", "127.0.0.1"]

    (answer,) = call(f"http://hooks.example:{port}/", Vetted(is_public, both))
    assert answer == Answer(0, "address_private")
    assert receiver.calls == []


def test_a_name_can_not_become_another_between_the_look_and_the_call(receiver: Receiver) -> None:
    """It is resolved once a connection, and what was judged is what is connected to."""
    asked: list[str] = []
    port = receiver.url.split(":")[2].split("/")[0]

    async def turns(host: str, at: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    backend = Vetted(is_public_or_loopback, turns)
    (answer,) = call(f"http://hooks.example:{port}/", backend)
    assert answer.taken
    assert asked == ["hooks.example"]


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        (204, Answer(204)),
        (200, Answer(200)),
        (500, Answer(500, "status")),
        (410, Answer(410, "status")),
        ("cut", Answer(0, "broken")),
        ("hang", Answer(0, "timeout")),
        ("drip", Answer(200)),
    ],
)
def test_whatever_happens_is_an_answer(receiver: Receiver, how: int | str, answer: Answer) -> None:
    receiver.answers = [how]
    assert call(receiver.url, Vetted(is_public_or_loopback), wait=2.0) == [answer]


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.answers, receiver.elsewhere = ["move"], inside.url
        (answer,) = call(receiver.url, Vetted(is_public_or_loopback))
        assert answer == Answer(302, "status")
        assert inside.calls == []


def test_nobody_there_is_said(receiver: Receiver) -> None:
    port = receiver.url.split(":")[2].split("/")[0]
    (answer,) = call("http://127.0.0.1:9/", Vetted(is_public_or_loopback))
    assert answer == Answer(0, "connect")
    (answer,) = call(f"https://127.0.0.1:{port}/", Vetted(is_public_or_loopback))
    assert answer == Answer(0, "tls")

    async def nowhere(host: str, at: int) -> list[str]:
        raise OSError("no such name")

    (answer,) = call("http://nowhere.invalid/", Vetted(is_public, nowhere))
    assert answer == Answer(0, "no_address")


def test_a_refused_connection_is_no_end(receiver: Receiver) -> None:
    receiver.answers = ["cut", 204]
    answers = call(receiver.url, Vetted(is_public_or_loopback), times=2)
    assert [each.taken for each in answers] == [False, True]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (f"http://{'a' * 64}.example/", "no_address"),
        ("http://a..example/", "no_address"),
        ("http://xn--a.example/", "no_address"),
        ("http://.example/", "no_address"),
        ("https://127.0.0.1:1/", "connect"),
        ("gopher://127.0.0.1/", "broken"),
        ("http://[::ffff:169.254.169.254]/", "address_private"),
        ("http://[fe80::1%25lo]/", "no_address"),
        ("http://2130706433:1/", "connect"),  # 127.0.0.1, as a resolver reads it
        ("http://0x7f.1:1/", "connect"),
    ],
)
def test_a_strange_address_is_an_answer_too(url: str, fault: str) -> None:
    """And is judged by what it is resolved to, however it is spelt."""
    assert call(url, Vetted(is_public_or_loopback)) == [Answer(0, fault)]
    assert call(url, Vetted(is_public))[0].status == 0


def test_slow_name_servers_take_none_of_the_loops_threads(receiver: Receiver) -> None:
    """Nor do busy threads of the loop hold up a call: each has its own."""
    free = threading.Event()

    async def run() -> Answer:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        busy = asyncio.create_task(asyncio.to_thread(free.wait, 30))
        caller = Caller(Vetted(is_public_or_loopback), ssl.create_default_context(), 10.0)
        try:
            url = receiver.url.replace("127.0.0.1", "localhost")
            return await caller.post(url, HEADERS, BODY)
        finally:
            free.set()
            await busy
            await caller.aclose()

    assert asyncio.run(run()).taken


def test_an_answer_of_endless_headers_ends_the_call() -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with suppress(OSError):
            while True:
                writer.write(b"x: " + b"y" * 4096 + b"\r\n")
                await writer.drain()

    async def run() -> Answer:
        async with await asyncio.start_server(endless, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            caller = Caller(Vetted(is_public_or_loopback), ssl.create_default_context(), 10.0)
            try:
                return await caller.post(f"http://127.0.0.1:{port}/", HEADERS, BODY)
            finally:
                await caller.aclose()

    assert asyncio.run(run()) == Answer(0, "broken")
