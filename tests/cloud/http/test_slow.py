"""A body that comes too slowly is refused, and one that is there may be waited upon for long."""

import asyncio
from typing import Any

import pytest

from cloud.errors import Refusal
from cloud.http.front import capped, patience

PIECE: dict[str, Any] = {"type": "http.request", "body": b"x", "more_body": True}
LAST: dict[str, Any] = {"type": "http.request", "body": b"", "more_body": False}
CHUNKED = {b"transfer-encoding": b"chunked"}
GONE: dict[str, Any] = {"type": "http.disconnect"}


def test_drops_of_a_body_are_refused() -> None:
    async def drop() -> Any:
        await asyncio.sleep(0.01)
        return PIECE

    async def go() -> None:
        receive = capped(drop, 1 << 20, CHUNKED, 0.1)
        for _ in range(1000):
            await receive()

    with pytest.raises(Refusal, match="body_slow"):
        asyncio.run(go())


@pytest.mark.parametrize("headers", [{b"content-length": b"9"}, CHUNKED])
def test_half_a_body_is_refused(headers: dict[bytes, bytes]) -> None:
    """Whoever hangs up in the middle is no fault of the service."""
    messages = iter([PIECE, GONE])

    async def come() -> Any:
        return next(messages)

    async def go() -> None:
        receive = capped(come, 10, headers, 5)
        await receive()
        await receive()

    with pytest.raises(Refusal, match="body_cut"):
        asyncio.run(go())


def test_who_leaves_without_a_body_just_leaves() -> None:
    """A stream is told so, and ends."""

    async def gone() -> Any:
        return GONE

    async def go() -> Any:
        return await capped(gone, 10, {}, 5)()

    assert asyncio.run(go()) == GONE


def test_what_comes_after_the_body_has_time() -> None:
    """A stream waits for hours for its caller to go."""
    messages = iter([LAST, GONE])

    async def come() -> Any:
        message = next(messages)
        await asyncio.sleep(0.2 if message is GONE else 0)
        return message

    async def go() -> Any:
        receive = capped(come, 10, CHUNKED, 0.1)
        return [await receive(), await receive()]

    assert asyncio.run(go()) == [LAST, GONE]


def test_a_large_body_has_longer() -> None:
    assert patience(4 << 20) > 60 > patience(1 << 20) > 20
