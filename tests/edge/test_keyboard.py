"""Keyboard-wedge readers: real kernel events, through a pipe in the place of the device."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edge.scan.follow import LONGEST, follow
from edge.scan.keyboard import CAPS_LOCK, DOWN, EV_KEY, EVENT, PLAIN, SHIFTED, UP, Device, Typed
from tests.vectors import spec

CODE = spec.texts()["static-ticket"]
SHIFT, ENTER = 42, 28
KEY_OF = {c: (k, False) for k, c in PLAIN.items()} | {
    c: (k, True) for k, c in SHIFTED.items() if c != " "
}


def event(key: int, value: int, kind: int = EV_KEY) -> bytes:
    return EVENT.pack(1_800_000_000, 5, kind, key, value)


def press(key: int) -> bytes:
    """A key down and up, each with the report that the kernel puts behind it."""
    return event(key, DOWN) + event(0, 0, 0) + event(key, UP) + event(0, 0, 0)


def typed(text: str) -> bytes:
    """Every event of a reader that types a text."""
    data = b""
    for character in text:
        key, shifted = KEY_OF[character]
        data += event(SHIFT, DOWN) + press(key) + event(SHIFT, UP) if shifted else press(key)
    return data


def test_a_typed_code_comes_out_at_enter() -> None:
    """Digits, capitals, signs and spaces."""
    assert Typed().feed(typed(CODE) + press(ENTER)) == [CODE]


def test_nothing_comes_out_before_enter_or_a_pause() -> None:
    """And a pause takes all that was there."""
    keys = Typed()
    assert keys.feed(typed("AB 12")) == []
    assert keys.flush() == "AB 12"
    assert keys.flush() == ""


def test_caps_lock_turns_letters_alone() -> None:
    """As the host's own keyboard would."""
    assert Typed().feed(press(CAPS_LOCK) + typed("aB1") + press(ENTER)) == ["Ab1"]


def test_a_key_held_down_is_one_key() -> None:
    """The kernel repeats keys that people hold; readers hold none."""
    assert Typed().feed(event(30, DOWN) + event(30, 2) * 9 + press(ENTER)) == ["a"]


def test_a_code_that_lost_keys_is_dropped() -> None:
    """The kernel says so, and half a code is none."""
    lost = typed("AB") + event(3, 0, 0) + typed("CD") + press(ENTER)
    assert Typed().feed(lost) == ["CD"]


def test_a_line_without_end_is_bounded() -> None:
    """Somebody leans on the keyboard."""
    assert len(Typed().feed(typed("a") * 5000 + press(ENTER))[0]) == LONGEST


@given(st.binary(max_size=500), st.integers(1, 40))
def test_any_bytes_are_taken(data: bytes, size: int) -> None:
    """Random events, cut anywhere, break nothing."""
    keys = Typed()
    for at in range(0, len(data), size):
        keys.feed(data[at : at + size])
    keys.flush()


Collect = Callable[[str], Awaitable[None]]


async def heard(path: Path, act: Callable[[], None], wanted: int) -> list[str]:
    """Return the texts that a followed device gave after `act`."""
    texts: list[str] = []
    enough = asyncio.Event()

    async def on_text(text: str) -> None:
        texts.append(text)
        if len(texts) == wanted:
            enough.set()

    task = asyncio.create_task(follow(lambda: Device(path), Typed, on_text))
    try:
        act()
        async with asyncio.timeout(20):
            await enough.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return texts


def test_a_device_is_read_whenever_it_is_there(tmp_path: Path) -> None:
    """Not plugged in yet, plugged in, and a code without Enter ended by the pause."""
    path = tmp_path / "event0"

    async def run() -> list[str]:
        def plug_in() -> None:
            os.mkfifo(path)
            writer = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            os.write(writer, typed(CODE) + press(ENTER) + typed("A-1"))
            asyncio.get_running_loop().call_later(15, os.close, writer)
            closing.append(writer)

        closing: list[int] = []
        return await heard(path, plug_in, 2)

    assert asyncio.run(run()) == [CODE, "A-1"]


def test_the_struct_is_the_kernels() -> None:
    """As long as on every 64-bit machine."""
    assert EVENT.size == 24
