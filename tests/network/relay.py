"""The one way out of the venue's namespaces: TCP here, a Unix socket between, TCP there.

python -m tests.network.relay listen 0.0.0.0 8000 /path/way-out     # inside
python -m tests.network.relay reach 127.0.0.1 8000 /path/way-out    # outside
"""

import asyncio
import sys
from contextlib import suppress

PIECE = 65_536


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def _join(
    one: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    other: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    await asyncio.gather(_pump(one[0], other[1]), _pump(other[0], one[1]))
    for _, writer in (one, other):
        writer.close()


async def main(role: str, host: str, port: int, path: str) -> None:
    """Relay until told to end."""

    async def inside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other = await asyncio.open_unix_connection(path)
        except OSError:
            writer.close()
            return
        await _join((reader, writer), other)

    async def outside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await _join((reader, writer), other)

    if role == "listen":
        server = await asyncio.start_server(inside, host, port)
    else:
        server = await asyncio.start_unix_server(outside, path)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
