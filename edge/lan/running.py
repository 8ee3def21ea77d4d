"""The LAN as a part of the agent: started where the settings say so, and shown on the strip."""

import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from edge.gate.gate import Gate
from edge.lan.claims import Claims, alone
from edge.lan.discovery import discovering
from edge.lan.home import home_of, unheard
from edge.lan.lan import Lan
from edge.lan.peer import Peer

LOG: Final = logging.getLogger(__name__)
THREADS: Final = 8  # that wait for the disk on behalf of peers


@asynccontextmanager
async def running(
    gate: Gate, receipt: Callable[[bytes], object] = unheard
) -> AsyncIterator[Lan | None]:
    """Give the running LAN, or None where this gate is to be alone."""
    settings = gate.settings.lan
    if not settings.enabled:
        yield None
        return
    with ThreadPoolExecutor(THREADS, "lan") as pool:
        try:
            home = home_of(gate, pool, receipt)
            lan = Lan(home, settings)
            claims = Claims(lan, home, gate.ledger, gate.stores.log)
        except Exception:  # the gate scans on alone
            LOG.exception("the LAN does not start")
            gate.station.claim = alone
            yield None
            return
        lan.peers.watch(partial(_show, gate, lan))
        gate.ledger.listen(lan.written)
        claims.start()
        gate.station.claim, gate.station.over = claims.claim, claims.over
        lan.start()
        try:
            async with discovering(lan, settings):
                yield lan
        finally:
            await lan.stop()
            await claims.stop()


def _show(gate: Gate, lan: Lan, _peer: Peer, _here: bool) -> None:
    """Say on the status strip how many gates are reached."""
    reached = gate.around["peers"] = len(lan.peers.all())
    if gate.around.get("link") != "cloud":
        gate.around["link"] = "peers" if reached else "alone"
