"""What the LAN needs of the gate that it belongs to, and nothing more."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from typing import ParamSpec, TypeVar

from edge.gate.gate import Gate
from edge.gate.replica import Replica
from edge.gate.taking import Taking
from edge.gate.trust import Trust
from edge.store.identity import Identity
from shared.instant import Instant
from shared.lan import PROTOCOL, Hello, News
from shared.log.gossip import Key
from shared.wire import encode_vector

P = ParamSpec("P")
T = TypeVar("T")


def unheard(_raw: bytes) -> None:
    """Take a receipt that nobody waits for."""


@dataclass(frozen=True)
class Home:
    """`learn` takes a cloud-signed time in unix ms, `receipt` a receipt as signed, `distrust` a
    device that passed on what was forged. `pool` runs what blocks; it must not be the one on
    which scans wait."""

    me: Identity
    incarnation: int  # of this boot
    session: str  # drawn when this program started (spec/lan.md §2)
    trust: Callable[[], Trust]
    wiped: Callable[[], bool]
    now: Callable[[], Instant]
    replica: Replica
    forked: Callable[[], Collection[Key]]  # incarnations of which two histories are here
    unproved: Callable[[], Sequence[bytes]]  # records that wait for a blob
    at: Callable[[bytes, int, int], Sequence[bytes]]  # the records at a place
    blobs: Callable[[Iterable[bytes]], Mapping[bytes, bytes]]  # by their names, those here
    taking: Taking
    learn: Callable[[int], None]
    pool: Executor
    receipt: Callable[[bytes], object]
    distrust: Callable[[bytes], object]

    async def off_loop(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Run what blocks on a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, lambda: call(*args, **named))

    def hello(self, number: int, news: News) -> Hello:
        """Return our first word on a connection; `number`: how many we have dialled."""
        return Hello(PROTOCOL, self.incarnation, number, self.session, news)

    def digest(self) -> bytes:
        """Return what a ping carries, 32 bytes: two that are alike hold the same (spec/lan.md §4).

        A vector does not tell which histories of a forked incarnation are here, so whoever holds
        any is like nobody, and is asked again and again. Blocks.
        """
        own = self.me.device if self.forked() else b""
        return sha256(encode_vector(self.replica.vector()) + own).digest()


def home_of(gate: Gate, pool: Executor, receipt: Callable[[bytes], object] = unheard) -> Home:
    """Return what the LAN needs of a gate that is open."""
    boots = [number for device, number in gate.ledger.vector() if device == gate.me.device]
    return Home(
        me=gate.me,
        incarnation=max(boots),
        session=token_hex(8),
        trust=gate.held,
        wiped=lambda: gate.held.wiped,
        now=gate.clock.now,
        replica=gate.replica,
        forked=gate.ledger.forked,
        unproved=gate.ledger.unproved,
        at=gate.ledger.at,
        blobs=gate.stores.log.blobs,
        taking=Taking(gate),
        learn=gate.clock.learn,
        pool=pool,
        receipt=receipt,
        distrust=gate.distrusted.add,
    )
