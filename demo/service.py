"""The cloud, as `usher-cloud serve` runs it on a laptop: its own PostgreSQL and Valkey, a worker,
and a stand-in for the payment provider, all in one folder."""

import asyncio
import socket
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from demo.api import until
from demo.programs import Program, Programs, console

START: Final = 120.0  # seconds


class Service(NamedTuple):
    """A cloud that runs. Gates reach it by its public address; people, who are not at the
    venue, by its own."""

    program: Program
    address: str
    public: str
    env: dict[str, str]

    async def mailed(self, email: str) -> str:
        """Return the secret that was mailed last, as the operator reads it."""
        lines = (await console("cloud", "admin", "mail", email, env=self.env)).splitlines()
        return next(line.strip() for line in lines if line.startswith("  "))


def free_port() -> int:
    """Return a port of this machine that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def serve(programs: Programs, folder: Path, port: int, public: str) -> Service:
    """Start the cloud, and wait until it serves."""
    env = {
        "USHER_DATA": str(folder),
        "USHER_LISTEN": f"127.0.0.1:{port}",
        "USHER_PUBLIC_URL": public,
    }
    program = await programs.start("cloud", "cloud", "serve", env=env)
    service = Service(program, f"http://127.0.0.1:{port}", public, env)

    async def ready() -> bool:
        program.check()
        try:
            answer = await http.get("/readyz")
        except httpx.TransportError:
            return False
        return answer.is_success

    async with httpx.AsyncClient(base_url=service.address, trust_env=False) as http:
        await until(ready, START, "the cloud starts")
    await asyncio.sleep(0)
    return service
