"""Questions to a database, and to the kernel about a server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg

LISTENING: Final = "0A"
LOOPBACK: Final = "0100007F"  # 127.0.0.1, as /proc/net/tcp writes it


def ask(address: str, *statements: str) -> Any:
    """Run statements on one connection; return the last one's first value."""

    async def run() -> Any:
        conn = await asyncpg.connect(address)
        try:
            return [await conn.fetchval(each) for each in statements][-1]
        finally:
            await conn.close()

    return asyncio.run(run())


def listening_addresses(port: int) -> list[str]:
    """Return the addresses, in hex, at which anybody listens at a port."""
    return [
        address
        for name in ("tcp", "tcp6")
        for address, number, state in _sockets(Path("/proc/net") / name)
        if number == port and state == LISTENING
    ]


def _sockets(table: Path) -> Iterator[tuple[str, int, str]]:
    for line in table.read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address, _, port = local.partition(":")
        yield address, int(port, 16), state


def user_of(pid: int) -> int:
    """Return whom a process runs as."""
    return Path(f"/proc/{pid}").stat().st_uid


def told(pid: int) -> bytes:
    """Return what anybody on the machine may read of a process: arguments and, for its own
    user, environment."""
    return Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
