"""Calls to addresses that somebody else chose."""

import asyncio
import ssl
from collections.abc import Iterator

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
