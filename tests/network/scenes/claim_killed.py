"""kill -9 between a claim and its grant: of the owner that was asked, then of the gate that asked.

The owner's process is stopped, so that the claim lies unread in its machine when the blow falls;
or nothing passes from the owner to the gate, so that the grant is on its way for good.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from edge.gate.repeats import WINDOWS
from tests.network.brief import given
from tests.network.claiming import CLAIM, GRANT, Tickets
from tests.network.gate import Gate
from tests.network.organizer import GATES
from tests.network.venue import Venue, tell, venue
from tests.network.waiting import until

SOON = 0.002  # seconds between two looks: the gate waits for 150 ms, and then asks another
UNKNOWN = "unknown"  # the gate was killed while it held the guest up


def scan(gate: Gate, code: str) -> str:
    """Hold a code up; return what was said, if anything."""
    try:
        said: str = gate.scan(code)["code"]
    except httpx.HTTPError:
        return UNKNOWN
    return said


def owner_dies(hall: Venue, tickets: Tickets, turn: int, pool: ThreadPoolExecutor) -> Any:
    """Kill the owner of a ticket that is asked for it; a copy comes elsewhere, then to it."""
    names = GATES[turn:] + GATES[:turn]
    owner, asker, third = (hall.gates[name] for name in names)
    tickets.steady(owner, asker)
    code, later = tickets.of(owner), tickets.of(owner)
    owner.freeze()
    before = owner.unread(asker)
    first = pool.submit(scan, asker, code)
    until(lambda: owner.unread(asker) - before >= CLAIM, f"{owner.name} is asked", every=SOON)
    owner.kill()
    second = pool.submit(scan, third, code)
    said = [first.result(), second.result()]
    owner.start()
    at_once = [scan(gate, later) for gate in (owner, third)]
    tickets.steady(owner, asker)
    time.sleep(WINDOWS["api"] + 0.2)  # or it would be in view still where it was let in
    said += [scan(gate, code) for gate in (owner, asker, third)]
    return {"names": names, "code": code, "said": said, "later": later, "at_once": at_once}


def asker_dies(
    hall: Venue, tickets: Tickets, turn: int, pool: ThreadPoolExecutor, *, back: bool
) -> Any:
    """Kill a gate before it hears that a ticket was granted to it; the ticket comes to another
    gate while it is dead, or once it is back."""
    names = GATES[turn:] + GATES[:turn]
    owner, asker, third = (hall.gates[name] for name in names)
    tickets.steady(owner, asker)
    tickets.steady(owner, third)
    code = tickets.of(owner)
    hall.lan.mute(owner.name, asker.name)
    lost = pool.submit(scan, asker, code)
    until(lambda: owner.unheard(asker) >= GRANT, f"{owner.name} has granted", every=SOON)
    asker.kill()
    said = [lost.result()]
    hall.lan.heal()
    if not back:
        said.append(scan(third, code))
    asker.start()
    tickets.steady(owner, asker)
    if back:
        said.append(scan(third, code))
    return {"names": names, "code": code, "said": said}


def main() -> None:
    """Play it, with each gate as the owner once."""
    brief = given()
    with venue(brief) as hall, ThreadPoolExecutor(2) as pool:
        hall.open()
        tickets = Tickets(hall.gates.values(), brief.single)
        turns = range(len(GATES))
        told = {
            "owners": [owner_dies(hall, tickets, turn, pool) for turn in turns],
            "away": [asker_dies(hall, tickets, 0, pool, back=False)],
            "back": [asker_dies(hall, tickets, turn, pool, back=True) for turn in turns],
        }
        devices = {name: gate.device.hex() for name, gate in hall.gates.items()}
        tell(told | {"agreed": hall.agreed(), "devices": devices})


if __name__ == "__main__":
    main()
