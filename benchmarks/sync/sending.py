"""A gate that sends what waits on its disk, as a process of its own.

python -m benchmarks.sync.sending SETTINGS

It prints one line of JSON. Times are the machine's monotonic clock, which processes share.
"""

import sys
import time
from pathlib import Path

import msgspec
import uvloop

from edge.gate.gate import Gate, open_gate
from edge.settings import Settings
from edge.sync.client import OCTETS, Answer, Cloud
from edge.sync.push import Pushing, Sent
from tests.together.uploading import forget, memory


class Sending(msgspec.Struct, frozen=True):
    """How it went."""

    begun: float  # seconds
    ended: float
    answering: float  # of these, seconds in which the cloud was waited for
    records: int
    files: int
    waiting: int  # records that the cloud has not signed for
    grown: int  # bytes that this process grew by at the most


class Timed(Cloud):
    """Adds up how long the cloud was waited for."""

    answering = 0.0

    async def post(
        self, path: str, body: bytes, most: int, *, kind: str = OCTETS, signed: bool = True
    ) -> Answer:
        """Ask as always."""
        begin = time.monotonic()
        answer = await super().post(path, body, most, kind=kind, signed=signed)
        self.answering += time.monotonic() - begin
        return answer


async def send(gate: Gate) -> tuple[Sent, float]:
    """Send all that waits; return how much it was, and how long the cloud was waited for."""
    tenant, origin = gate.held.trust.roster.tenant, gate.settings.cloud.origin
    cloud = Timed(origin, tenant, gate.me, gate.clock.stamp_ms)
    async with cloud:
        return await Pushing(cloud, gate).step(), cloud.answering


def main() -> None:
    """Open the gate, send, and tell what that took."""
    settings = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Settings)
    gate = open_gate(settings)
    forget()
    before, begun = memory("VmRSS"), time.monotonic()
    done, answering = uvloop.run(send(gate))
    ended, grown = time.monotonic(), memory("VmHWM") - before
    waiting = gate.stores.log.waiting(gate.me.device)
    told = Sending(begun, ended, answering, done.records, done.files, waiting, grown)
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.flush()
    gate.close()


if __name__ == "__main__":
    main()
