"""How this device does, for whoever runs the venue (spec/sync.md §6)."""

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from edge.gate.board import CLOCKS
from edge.gate.gate import Gate
from edge.gate.state import CameraStatus
from edge.store.database import StorageFailed
from edge.sync.client import Cloud
from edge.sync.failures import Garbled
from shared.wire import MAX_CAMERAS, MAX_EVENTS, CameraReport, HeldVersion, Report

JSON: Final = "application/json"
TAKEN: Final = 204
T = TypeVar("T")
RESTLESS: Final = ("at", "disk_free", "waiting", "cameras")  # they change without any news


class Reporting:
    """One device's reports. Must not run side by side with itself."""

    def __init__(self, cloud: Cloud, gate: Gate, pool: Executor | None = None) -> None:
        self._cloud = cloud
        self._gate = gate
        self._pool = pool
        self.taken: Any = None  # what the cloud knows, as far as it is news

    async def step(self) -> None:
        """Tell how this device does. Raises `Failure` where the cloud has not taken it."""
        report = await self._blocking(partial(report_of, self._gate))
        body = msgspec.json.encode(report)
        answer = await self._cloud.post("/sync/report", body, 0, kind=JSON)
        if answer.status != TAKEN:  # a portal's, as a rule
            raise Garbled("report")
        self.taken = news_of(report)

    async def due(self) -> bool:
        """Whether there is news since the last report; not before the first. Blocks elsewhere."""
        if self.taken is None:
            return False
        return bool(news_of(await self._blocking(partial(report_of, self._gate))) != self.taken)

    async def _blocking(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def report_of(gate: Gate) -> Report:
    """Return what this device says of itself. Blocks for the disk."""
    around, trust, settings = gate.around, gate.held.trust, gate.stores.settings
    heads = [book.manifest.head for book in trust.books.values()]
    battery = around.get("battery")
    return Report(
        at=gate.clock.stamp_ms(),
        software=str(around.get("version", ""))[:64],
        keyset=trust.keys.keyset.version if trust.keys.keyset else 0,
        roster=trust.roster.version,
        obeyed=settings.number("obeyed"),
        manifests=tuple(
            HeldVersion(head.event, head.version, head.issued) for head in heads[:MAX_EVENTS]
        ),
        waiting=max(0, around.get("waiting", 0)),
        disk_free=_free(gate.settings.data_folder),
        clock=CLOCKS[gate.clock.quality()],
        stamps_until=gate.clock.stamps_until(gate.ledger.stamped_ms()),
        cameras=tuple(map(_camera, around.get("cameras", ())[:MAX_CAMERAS])),
        battery=None if battery is None else min(100, max(0, battery)),
        on_power=around.get("on_power"),
        peers=around.get("peers", 0),
        incarnation=_incarnation(gate),
        locked=gate.held.why_locked(),
    )


def news_of(report: Report) -> Any:
    """Return what of a report is news when it changes."""
    said = msgspec.to_builtins(report)
    cameras = [(each.name, each.connected) for each in report.cameras]
    return {name: value for name, value in said.items() if name not in RESTLESS}, cameras


def _camera(status: CameraStatus) -> CameraReport:
    return CameraReport(status.name[:32], status.connected, min(1000.0, max(0.0, status.fps)))


def _free(folder: Path) -> int:
    """Return how many bytes are free; 0 where the disk is gone, so that somebody looks."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _incarnation(gate: Gate) -> int:
    """Return which boot this is."""
    try:
        last = gate.stores.log.last(gate.me.device)
    except StorageFailed:
        return 0
    return int.from_bytes(last[20:24], "big") if last else 0
