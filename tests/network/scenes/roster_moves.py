"""Copies at several gates in one instant, all the time, while a gate joins and another one is
struck off."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock, Thread
from typing import Any

from tests.network.brief import given
from tests.network.claiming import Tickets
from tests.network.organizer import GATES, NEW
from tests.network.scenes.same_instant import rush
from tests.network.venue import Venue, tell, venue
from tests.network.waiting import until

GONE = "South"
STEADY = 60  # tickets to see by who grants as whose owner
PAUSE = 0.2  # seconds between two copies
MORE = 8  # rushes of each part of the evening, at the least


class Rushes(Thread):
    """Holds one code after the other up at some of the gates at once."""

    def __init__(self, hall: Venue, codes: Sequence[str], among: Sequence[str], seed: int) -> None:
        super().__init__()
        self._hall = hall
        self._codes = codes
        self._among = tuple(among)
        self._chance = random.Random(seed)
        self._lock = Lock()
        self._over = Event()
        self.done: list[dict[str, Any]] = []
        self.fault = ""

    def run(self) -> None:
        """Go on until told to end, or until there are no more codes."""
        try:
            with ThreadPoolExecutor(len(GATES) + 1) as pool:
                for code in self._codes:
                    if self._over.wait(PAUSE):
                        return
                    self._one(code, pool)
            raise AssertionError("there are too few tickets")
        except Exception as error:  # noqa: BLE001  told where it is asserted
            self.fault = repr(error)

    def _one(self, code: str, pool: ThreadPoolExecutor) -> None:
        with self._lock:
            count = self._chance.choice((2, 3))
            among = tuple(self._chance.sample(self._among, count))
            said = rush(self._hall, code, among, pool)
            self.done.append({"code": code, "at": among, "said": said})

    def go_to(self, *among: str) -> None:
        """Have all further ones at some of these gates."""
        with self._lock:
            self._among = among

    def some(self) -> int:
        """Wait for more of them; return how many there were in all."""
        before = len(self.done)
        until(lambda: self.fault or len(self.done) >= before + MORE, "guests come", 90)
        return len(self.done)

    def end(self) -> None:
        """Let the last one be over."""
        self._over.set()
        self.join()


def join(hall: Venue, gate: Any) -> None:
    """Enrol a gate, and wait until it and all others have found each other."""
    hall.enrol(gate)
    hall.gates[gate.name] = gate
    others = len(hall.gates) - 1
    hall.noticed(lambda status: status["peers"] == others, f"{gate.name} is there")


def granting(hall: Venue, codes: Sequence[str], owner: str) -> str:
    """Return one of these codes that North was granted by its first owner, this gate."""
    gates = hall.gates
    return Tickets(gates.values(), codes).steady(gates[owner], gates["North"])


def strike_off(hall: Venue, rushes: Rushes) -> Any:
    """Revoke a gate while it scans; return how it ended."""
    gate = hall.gates[GONE]
    before = len(rushes.done)
    hall.organizer.post(f"{hall.organizer.path}/devices/{gate.device.hex()}/revoke")
    until(lambda: gate.scan(hall.brief.often[0])["code"] == "gate_locked", f"{GONE} is locked")
    rushes.some()
    rushes.go_to(*(name for name in hall.gates if name != GONE))
    del hall.gates[GONE]
    others = len(hall.gates) - 1
    hall.noticed(lambda status: status["peers"] == others, f"{GONE} is gone")
    until(lambda: not gate.view()["waiting"], f"{GONE} has sent what it wrote", 60)
    return {"device": gate.device.hex(), "before": before}


def play(hall: Venue) -> dict[str, Any]:
    """Play the evening."""
    new = hall.gates.pop(NEW)
    hall.open()
    codes = hall.brief.single
    rushes = Rushes(hall, codes[STEADY:], GATES, hall.brief.seed)
    rushes.start()
    try:
        rushes.some()
        join(hall, new)
        rushes.go_to(*hall.gates)
        rushes.some()
        granted = [granting(hall, codes[: STEADY // 2], NEW)]
        gone = strike_off(hall, rushes)
        granted += [granting(hall, codes[STEADY // 2 : STEADY], name) for name in ("West", NEW)]
        rushes.some()
    finally:
        rushes.end()
    listed = {each["device"]: each for each in hall.organizer.all(f"{hall.organizer.path}/devices")}
    return {
        "rushes": rushes.done,
        "fault": rushes.fault,
        "granted": granted,
        "gone": gone | {"cutoff": listed[gone["device"]]["cutoff"]},
        "new": new.device.hex(),
        "agreed": hall.agreed(),
    }


def main() -> None:
    """Play it."""
    with venue(given(), (*GATES, NEW)) as hall:
        tell(play(hall))


if __name__ == "__main__":
    main()
