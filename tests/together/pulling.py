"""A gate's pull as a process of its own, to be killed.

python -m tests.together.pulling GATE.toml URL
"""

import asyncio
import sys
from pathlib import Path

from edge.gate.gate import open_gate
from edge.settings import read_settings
from edge.sync.client import Cloud
from edge.sync.pull import Pull


async def main(settings: Path, origin: str) -> None:
    """Pull everything once."""
    gate = open_gate(read_settings(settings), software="test")
    tenant = gate.held.trust.roster.tenant
    async with Cloud(origin, tenant, gate.me, gate.clock.stamp_ms) as cloud:
        pull = Pull(cloud, gate)
        state = await pull.state()
        for failed in (*await pull.lists(state), *await pull.events(state)):
            raise failed
    gate.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
