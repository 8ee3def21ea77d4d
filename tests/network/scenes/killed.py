"""A gate that is killed while it scans, again and again, with the cloud in reach and without."""

import random
import time
from threading import Event, Thread
from typing import Any

import httpx

from tests.network.brief import given
from tests.network.gate import ENTRY, EXIT, Gate
from tests.network.venue import tell, venue

GATE, OTHER = "North", "South"
SCANNERS = 3
KILLS = 2  # with the cloud in reach, and as many without
UP = (0.5, 1.5)  # seconds until the next kill
PAUSE = 0.01  # seconds between two guests at a scanner


class Scanner(Thread):
    """Lets its guests in and out in turn, and keeps what it was answered."""

    def __init__(self, gate: Gate, codes: tuple[str, ...], over: Event) -> None:
        super().__init__()
        self._gate = gate
        self._codes = codes
        self._over = over
        self._inside: dict[str, bool | None] = dict.fromkeys(codes, False)  # None: who knows
        self.answered: list[tuple[str, str, str]] = []  # code, lane, what was said
        self.unknown: list[tuple[str, str]] = []  # code, lane
        self.fault = ""

    def run(self) -> None:
        """Go round until it is over."""
        try:
            while not self._over.is_set():
                for code in self._codes:
                    self._pass(code)
                    time.sleep(PAUSE)
        except Exception as error:  # noqa: BLE001  told where it is asserted
            self.fault = repr(error)

    def _pass(self, code: str) -> None:
        """Send one guest through the lane that they need. Of whom nobody knows whether they are
        inside, they try to come in: then they are, whatever is said."""
        lane = EXIT if self._inside[code] else ENTRY
        try:
            verdict = self._gate.scan(code, lane)
        except httpx.HTTPError:
            self.unknown.append((code, lane))
            self._inside[code] = None
            time.sleep(0.2)
            return
        if verdict["repeat"]:
            raise AssertionError("the same guest twice: there are too few")
        self.answered.append((code, lane, verdict["code"]))
        self._inside[code] = lane == ENTRY


def kill(gate: Gate, chance: random.Random) -> None:
    """Let it run for a while, kill it, and start it again."""
    for _ in range(KILLS):
        time.sleep(chance.uniform(*UP))
        gate.kill()
        gate.start()
    time.sleep(UP[0])


def main() -> None:
    """Play it."""
    brief = given()
    over, chance = Event(), random.Random(brief.seed)
    with venue(brief, (GATE, OTHER)) as hall:
        hall.open()
        gate = hall.gates[GATE]
        scanners = [Scanner(gate, brief.often[n::SCANNERS], over) for n in range(SCANNERS)]
        for scanner in scanners:
            scanner.start()
        kill(gate, chance)
        hall.cut_internet()
        kill(gate, chance)
        over.set()
        for scanner in scanners:
            scanner.join()
        hall.mend_internet()
        tell(told(scanners) | {"agreed": hall.agreed(), "boots": gate.boots})


def told(scanners: list[Scanner]) -> dict[str, Any]:
    """Return what all scanners saw."""
    return {
        "answered": [each for scanner in scanners for each in scanner.answered],
        "unknown": [each for scanner in scanners for each in scanner.unknown],
        "faults": [scanner.fault for scanner in scanners if scanner.fault],
    }


if __name__ == "__main__":
    main()
