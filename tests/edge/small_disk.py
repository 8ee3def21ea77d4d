"""A gate on a real, small file system: run in a mount namespace of its own, tells JSON.

    unshare -rm python -m tests.edge.small_disk FOLDER SETTINGS

FOLDER is a mount point with `data` to copy from SETTINGS' folder. What is seen is printed; the
test that started this judges it.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from edge.gate.taking import Taking
from edge.practice.world import World
from edge.settings import settings_of
from edge.store.database import StorageFailed
from edge.store.identity import load_identity
from edge.store.stores import KEY
from tests.edge.gates import NOW, Site, Time, chained

TICKETS: Final = ("standing", "standing 2", "standing 3", "bound")


def main(mount: Path, source: Path) -> dict[str, Any]:
    """Go through a disk that fills up, is freed, fills up before a start, is
    read-only, and is full when the gate is wiped."""
    _run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(mount))
    site = _site(mount, source)
    site.open()
    told = _filled(site, mount / "ballast")
    site.close()
    told["starts_full"] = _starts_full(site, mount / "ballast")
    _run("mount", "-o", "remount,ro", str(mount))
    told["read_only"] = _start(site)
    _run("mount", "-o", "remount,rw", str(mount))
    told["writable_again"] = _start(site)
    told["left"] = _wiped_full(site, mount / "ballast")
    return told


def _filled(site: Site, ballast: Path) -> dict[str, Any]:
    """Scan until the disk is full, and go on behind that and when there is room again."""
    _fill_all(site, ballast)
    shown: list[tuple[str, str]] = []
    for ticket, lane in _coming_and_going():
        shown.append((lane, site.scan(ticket, lane).code))
        if shown[-1][1] == "storage_failed":
            break
    blocked = site.gate.board.status().blocked
    full = [site.scan("seated"), site.scan("seated", "out"), site.scan("revoked")]
    mirror = site.gate.stores.mirror.failed
    ballast.unlink()
    again = [site.code_of("seated"), site.code_of("seated"), site.code_of("seated", "out")]
    greens = sum(code in ("admitted", "readmitted", "exit") for _, code in shown)
    return {
        "greens": greens,
        "records": sum(record.kind in (1, 2) for record in site.records()) - 2,
        "full": [(verdict.code, verdict.signal) for verdict in full],
        "blocked": blocked,
        "mirror_failed": mirror,
        "again": again,
        "unblocked": site.gate.board.status().blocked,
        "chained": chained(site),
        "mirrored": len((site.folder / "mirror.log").read_bytes()) // 256,
    }


def _fill_all(site: Site, ballast: Path) -> None:
    fill(ballast)
    with suppress(StorageFailed):
        for number in count():  # the file's own free pages
            site.gate.stores.documents.add_chunks({number.to_bytes(4, "big"): bytes(3000)})


def _wiped_full(site: Site, ballast: Path) -> list[str]:
    """Wipe a running gate whose disk is full; return what is left on it."""
    site.open()
    _fill_all(site, ballast)
    number = site.gate.stores.settings.number("obeyed") + 1
    Taking(site.gate).command(site.world.organizer.command(site.me.device, number, "wipe"))
    site.close()
    return sorted(path.name for path in site.folder.iterdir())


def _starts_full(site: Site, ballast: Path) -> str:
    fill(ballast)
    try:
        return _start(site)
    finally:
        ballast.unlink()


def _start(site: Site) -> str:
    """Return whether a gate starts: `open`, or what it says."""
    try:
        site.open()
    except StorageFailed as error:
        return f"StorageFailed: {error}"
    try:
        return f"open: {chained(site)}"
    finally:
        site.close()


def fill(ballast: Path) -> None:
    """Write until nothing more fits."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1 << 8, 1):
            with suppress(OSError):
                while file.write(b"\0" * size):
                    continue


def _coming_and_going() -> Iterator[tuple[str, str]]:
    for turn in count():
        yield TICKETS[turn // 2 % len(TICKETS)], ("north", "out")[turn % 2]


def _site(mount: Path, source: Path) -> Site:
    told = json.loads(source.read_text())
    shutil.copytree(told["data"], mount / "data")
    settings = settings_of(told | {"data": str(mount / "data")})
    me = load_identity(settings.data_folder / KEY)
    assert me is not None
    return Site(World.make(NOW, tickets=60), settings, me, Time())


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))  # noqa: T201
