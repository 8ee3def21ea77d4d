"""A bad line to the cloud: a relay in which every connection but some comes to a bad end.

python -m tests.network.faults SEED REPORT 127.0.0.1 8000 /path/way-out

REPORT is a JSON file that says how often each fault has struck.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final

LARGEST: Final = 1 << 11  # bytes that pass before a fault, at the most
PIECE: Final = 1 << 16
DROP, PAUSE = 256, 0.02  # bytes, and seconds between them, of a slow line


class Fault(StrEnum):
    """How a connection goes."""

    CLEAN = "clean"
    CUT = "cut"  # in the middle of an answer, as by a pulled plug
    TRUNCATED = "truncated"  # the same, but in good order: the end looks like an end
    LOST = "lost"  # in the middle of a request
    UNANSWERED = "unanswered"  # the cloud has heard all of it, and no answer arrives
    SLOW = "slow"


class Line:
    """Deals faults out, each as often as any other, in an order that `seed` makes."""

    def __init__(self, seed: int, report: Path, way_out: str) -> None:
        self._chance = random.Random(seed)
        self._faults = self._dealt()
        self._struck: Counter[str] = Counter()
        self._report = report
        self._way_out = way_out
        self.struck(Fault.CLEAN)

    def _dealt(self) -> Iterator[Fault]:
        while True:
            deck = list(Fault)
            self._chance.shuffle(deck)
            yield from deck

    def struck(self, fault: Fault) -> None:
        """Note that it did."""
        self._struck[fault] += 1
        self._report.write_text(json.dumps(self._struck))

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        fault = next(self._faults)
        most = round(2 ** self._chance.uniform(0, LARGEST.bit_length() - 1))
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_unix_connection(self._way_out)
            ways = (
                asyncio.create_task(self._out(fault, most, reader, far_writer)),
                asyncio.create_task(self._back(fault, most, far_reader, writer)),
            )
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            if any(way.result() for way in done if not way.exception()):
                self.struck(fault)
            far_writer.transport.abort()
            if fault is Fault.TRUNCATED:
                writer.close()
        if fault is not Fault.TRUNCATED:
            writer.transport.abort()

    async def _out(
        self, fault: Fault, most: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Carry requests; return whether the fault has struck."""
        left = most if fault is Fault.LOST else -1
        return await self._pump(fault, left, reader, writer)

    async def _back(
        self, fault: Fault, most: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Carry answers; return whether the fault has struck."""
        left = most if fault in (Fault.CUT, Fault.TRUNCATED) else -1
        return await self._pump(fault, 0 if fault is Fault.UNANSWERED else left, reader, writer)

    async def _pump(
        self, fault: Fault, left: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Carry bytes until one side has no more, or `left` have passed; -1: all."""
        slow = fault is Fault.SLOW
        while data := await reader.read(DROP if slow else PIECE):
            if 0 <= left < len(data):
                writer.write(data[:left])
                await writer.drain()
                return True
            left = max(-1, left - len(data)) if left >= 0 else -1
            writer.write(data)
            await writer.drain()
            if slow:
                await asyncio.sleep(PAUSE)
        return slow


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
