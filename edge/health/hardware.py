"""The machine as psutil and a few files of the system tell of it. Nothing is judged here."""

import os
import shutil
import time
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

import psutil

from edge.health.reading import Access, Hardware, Power, Room
from edge.settings import Settings

THROTTLED: Final = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
PROCESSORS: Final = ("coretemp", "k10temp", "cpu_thermal", "soc_thermal", "acpitz")


def read_hardware(settings: Settings) -> Hardware:
    """Return how the machine does now."""
    memory = psutil.virtual_memory()
    return Hardware(
        wall=int(time.time()),
        disk=_disk(settings.data_folder),
        memory=Room(memory.available, memory.total),
        load=os.getloadavg()[0] / (os.cpu_count() or 1),
        temperature=_temperature(),
        power=_power() if settings.power else None,
        readers={each.name: _access(Path(each.device)) for each in settings.readers},
        aplay=shutil.which("aplay") is not None,
        libzbar=_has_libzbar(),
    )


def throttled(text: str) -> int | None:
    """Return the bits that a Raspberry Pi's firmware reports, in hex."""
    try:
        return int(text.strip(), 16)
    except ValueError:
        return None


def _disk(folder: Path) -> Room | None:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return Room(usage.free, usage.total)


def _temperature() -> float | None:
    sensors = psutil.sensors_temperatures()
    found = [each.current for name in PROCESSORS for each in sensors.get(name, ())]
    return max(found, default=None)


def _power() -> Power:
    battery = psutil.sensors_battery()
    try:
        bits = throttled(THROTTLED.read_text())
    except OSError:
        bits = None
    if battery is None:
        return Power(throttled=bits)
    return Power(round(battery.percent), battery.power_plugged, bits)


def _access(path: Path) -> Access:
    if not os.access(path, os.F_OK):
        return "missing"
    return "ok" if os.access(path, os.R_OK) else "unreadable"


@cache
def _has_libzbar() -> bool:
    """Load it as the decoder does: only that tells whether it can be used."""
    try:
        import_module("pyzbar.pyzbar")
    except ImportError:
        return False
    return True
