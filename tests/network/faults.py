"""A bad line to the cloud: a relay in which every connection comes to a bad end, sooner or later.

python -m tests.network.faults SEED REPORT 127.0.0.1 8000 /path/way-out

REPORT is a JSON file that says how often each fault has struck.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

SMALLEST, LARGEST = 7, 14  # powers of two: bytes that pass before a fault
PIECE: Final = 1 << 16
DROP, PAUSE = 256, 0.02  # bytes, and seconds between them, of a slow line


class Fault(StrEnum):
    """What befalls a connection in the end."""

    CUT = "cut"  # in the middle of an answer, as by a pulled plug
    TRUNCATED = "truncated"  # the same, but in good order: the end looks like an end
    LOST = "lost"  # in the middle of a request
    UNANSWERED = "unanswered"  # the cloud has heard all of it, and no answer arrives
    SLOW = "slow"  # byte by byte, and cut


class Line:
    """Deals faults out, each as often as any other, in an order that `seed` makes."""

    def __init__(self, seed: int, report: Path, way_out: str) -> None:
        self._chance = random.Random(seed)
        self._faults = self._dealt()
        self._struck: Counter[str] = Counter()
        self._report = report
        self._way_out = way_out

    def _dealt(self) -> Iterator[Fault]:
        while True:
            deck = list(Fault)
            self._chance.shuffle(deck)
            yield from deck

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        fault = next(self._faults)
        most = round(2 ** self._chance.uniform(SMALLEST, LARGEST))
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._way_out)
        except OSError:
            writer.transport.abort()
            return
        lost = fault is Fault.LOST
        out = Way(reader, far_writer, fault, most if lost else None)
        back = Way(far_reader, writer, fault, None if lost else most)
        if await first(out.carry(), back.carry()):
            self._struck[fault] += 1
            self._report.write_text(json.dumps(self._struck))
        far_writer.transport.abort()
        if fault is Fault.TRUNCATED:
            writer.close()
        else:
            writer.transport.abort()


class Way(NamedTuple):
    """One direction of a connection; `most`: bytes until its fault strikes, None for never."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    fault: Fault
    most: int | None

    async def carry(self) -> bool:
        """Carry until one side has no more; return whether the fault has struck."""
        left, slow = self.most, self.fault is Fault.SLOW
        while data := await self.reader.read(DROP if slow else PIECE):
            if left is not None and len(data) > left:
                if self.fault is not Fault.UNANSWERED:
                    self.writer.write(data[:left])
                    await self.writer.drain()
                return True
            left = None if left is None else left - len(data)
            self.writer.write(data)
            await self.writer.drain()
            if slow:
                await asyncio.sleep(PAUSE)
        return False


async def first(*ways: Coroutine[Any, Any, bool]) -> bool:
    """Return what the first of them to end says; the others end with it."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return any(task.result() for task in done if task.exception() is None)


async def main(seed: int, report: Path, host: str, port: int, way_out: str) -> None:
    """Carry until told to end."""
    line = Line(seed, report, way_out)
    server = await asyncio.start_server(line.carry, host, port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(
            main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
        )
