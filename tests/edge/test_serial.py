"""Serial readers, on a real pseudo-terminal."""

import asyncio
import os
import tty

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.scan.follow import LONGEST, follow
from edge.scan.serial_reader import Lines, open_port
from tests.vectors import spec

CODE = spec.texts()["static-ticket"]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\n\r\n"])
def test_a_line_ends_as_readers_end_it(end: bytes) -> None:
    """CR, LF or both, and empty lines are nothing."""
    lines = Lines()
    assert lines.feed(CODE.encode() + end + b"next") == [CODE]
    assert lines.flush() == "next"


@given(st.binary(max_size=4000), st.integers(1, 99))
def test_any_bytes_are_taken_and_bounded(data: bytes, size: int) -> None:
    """Noise on the line costs no memory."""
    lines = Lines()
    for at in range(0, len(data), size):
        lines.feed(data[at : at + size])
    assert len(lines.flush()) <= LONGEST + 1


async def texts_of(path: str, writer: int, sent: bytes, wanted: int) -> list[str]:
    texts: list[str] = []
    enough = asyncio.Event()
    there = asyncio.Event()

    async def on_text(text: str) -> None:
        texts.append(text)
        if len(texts) == wanted:
            enough.set()

    def told(connected: bool) -> None:
        if connected:
            there.set()

    task = asyncio.create_task(follow(lambda: open_port(path, 9600), Lines, on_text, told))
    try:
        async with asyncio.timeout(20):
            await there.wait()
            os.write(writer, sent)
            await enough.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return texts


def test_a_reader_on_a_terminal_is_read() -> None:
    """Two codes, the second without an end."""
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        sent = CODE.encode() + b"\r\nSECOND"
        found = asyncio.run(texts_of(os.ttyname(slave), master, sent, 2))
    finally:
        os.close(master)
        os.close(slave)
    assert found == [CODE, "SECOND"]
