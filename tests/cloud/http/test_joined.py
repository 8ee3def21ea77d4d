"""An answer's head and body go out in one piece, and everything goes out in order."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloud.http.joined import Joined


class Out(asyncio.Transport):
    """Keeps each piece that would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        """Keep it."""
        assert not self.closed
        self.sent.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        """Keep them as one."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Take no more."""
        self.closed = True


def sent(act: Callable[[Joined], None]) -> list[bytes]:
    """Return the pieces that went out by the end of the loop's next round."""
    out = Out()

    async def go() -> None:
        act(Joined(out, asyncio.get_running_loop()))
        await asyncio.sleep(0)

    asyncio.run(go())
    return out.sent


def test_a_head_and_its_body_are_one_piece() -> None:
    def answer(way: Joined) -> None:
        way.write(b"head")
        way.write(b"body")

    assert sent(answer) == [b"headbody"]


def test_a_head_alone_goes_out_in_the_next_round() -> None:
    assert sent(lambda way: way.write(b"head")) == [b"head"]


def test_what_is_kept_goes_out_before_the_end() -> None:
    def answer(way: Joined) -> None:
        way.write(b"head")
        way.close()

    assert sent(answer) == [b"head"]


@given(st.lists(st.binary(max_size=4)), st.lists(st.booleans()))
def test_nothing_is_lost_or_moved(pieces: list[bytes], pauses: list[bool]) -> None:
    """However the writes fall on the loop's rounds."""
    out = Out()

    async def go() -> None:
        way = Joined(out, asyncio.get_running_loop())
        for index, piece in enumerate(pieces):
            way.write(piece)
            if index < len(pauses) and pauses[index]:
                await asyncio.sleep(0)
        way.close()

    asyncio.run(go())
    assert b"".join(out.sent) == b"".join(pieces)
    assert out.closed
