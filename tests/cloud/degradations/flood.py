"""Many visitors at once, as a process of its own: `python -m tests.cloud.degradations.flood`.

    … HOST PORT PATH COUNT

Each asks again as soon as it is answered, or as long after as it was told to wait; until standard
input ends. Then it prints, as JSON, how often each status came, with the median of its seconds.
"""

import asyncio
import json
import statistics
import sys
import time
from collections import defaultdict
from typing import Final

PATIENCE: Final = 0.2  # seconds that a refused visitor waits: less than is asked of him

Told = dict[int, list[float]]


async def visit(host: str, port: int, path: str, told: Told, stop: asyncio.Event) -> None:
    """Ask, until it is time to stop."""
    reader, writer = await asyncio.open_connection(host, port)
    asked = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    while not stop.is_set():
        began = time.monotonic()
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        await reader.readexactly(length)
        told[status].append(time.monotonic() - began)
        if status == 503:
            assert b"retry-after" in head.lower()
            await asyncio.sleep(PATIENCE)
    writer.close()


async def main() -> None:
    """Flood."""
    host, port, path, count = sys.argv[1:]
    told: Told = defaultdict(list)
    stop = asyncio.Event()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async with asyncio.TaskGroup() as group:
        for _ in range(int(count)):
            group.create_task(visit(host, int(port), path, told, stop))
        await reader.read()
        stop.set()
    said = {status: [len(each), statistics.median(each)] for status, each in told.items()}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    asyncio.run(main())
