"""A body that comes too slowly is refused, and one that is there may be waited upon for long."""

import asyncio
from typing import Any

import pytest

from cloud.errors import Refusal
from cloud.http.front import capped, patience

PIECE: dict[str, Any] = {"type": "http.request", "body": b"x", "more_body": True}
LAST: dict[str, Any] = {"type": "http.request", "body": b"", "more_body": False}
GONE: dict[str, Any] = {"type": "http.disconnect"}


def test_drops_of_a_body_are_refused() -> None:
    async def drop() -> Any:
        await asyncio.sleep(0.01)
        return PIECE

    async def go() -> None:
        receive = capped(drop, 1 << 20, {}, 0.1)
        for _ in range(1000):
            await receive()

    with pytest.raises(Refusal, match="body_slow"):
        asyncio.run(go())


def test_what_comes_after_the_body_has_time() -> None:
    """A stream waits for hours for its caller to go."""
    messages = iter([LAST, GONE])

    async def come() -> Any:
        message = next(messages)
        await asyncio.sleep(0.2 if message is GONE else 0)
        return message

    async def go() -> Any:
        receive = capped(come, 10, {}, 0.1)
        return [await receive(), await receive()]

    assert asyncio.run(go()) == [LAST, GONE]


def test_a_large_body_has_longer() -> None:
    assert patience(4 << 20) > 60 > patience(1 << 20) > 20
