"""A gate that sends its log, as a process of its own: it may be killed, and its memory is its own.

python -m tests.together.uploading SETTINGS ORIGIN

It prints one line of JSON when nothing is left, and lets nothing of the test's process into it.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import msgspec

from edge.gate.gate import Gate, open_gate
from edge.settings import Settings
from edge.sync.client import Cloud
from edge.sync.push import Pushing, Sent


def memory(what: str) -> int:
    """Return this process's bytes: `VmRSS` now, `VmHWM` at the most since `forget`."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(what))


def forget() -> None:
    """Count the most bytes from here on (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


async def sent(gate: Gate, origin: str) -> Sent:
    """Send all that waits."""
    tenant = gate.held.trust.roster.tenant
    async with Cloud(origin, tenant, gate.me, gate.clock.stamp_ms) as cloud:
        return await Pushing(cloud, gate).step()


def main() -> None:
    """Open the gate, send, and tell what that took."""
    settings = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Settings)
    gate = open_gate(settings)
    forget()
    before, begun = memory("VmRSS"), time.monotonic()
    done = asyncio.run(sent(gate, sys.argv[2]))
    took, grown = time.monotonic() - begun, memory("VmHWM") - before
    waiting = gate.stores.log.waiting(gate.me.device)
    told = {"seconds": took, "bytes": grown, "waiting": waiting}
    print(json.dumps(done._asdict() | told), flush=True)  # noqa: T201
    gate.close()


if __name__ == "__main__":
    main()
