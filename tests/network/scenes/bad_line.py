"""A gate whose line to the cloud breaks all the time: it preloads, scans and uploads by it."""

import json
import time
from pathlib import Path

from tests.network.brief import given
from tests.network.faults import Fault
from tests.network.gate import Gate
from tests.network.venue import tell, venue
from tests.network.waiting import until

GATE = "North"
PACE = 0.1  # seconds between two guests
FEWEST = 50  # guests
ENOUGH = 2  # times that each fault has to strike
PATIENCE = 90.0


def struck(report: Path) -> dict[str, int]:
    """Return how often each fault has struck."""
    try:
        found: dict[str, int] = json.loads(report.read_text())
    except (OSError, ValueError):  # it is just being written
        return {}
    return found


def enough(report: Path) -> bool:
    """Whether each has struck often enough."""
    found = struck(report)
    return all(found.get(fault, 0) >= ENOUGH for fault in Fault)


def scanned(gate: Gate, codes: tuple[str, ...], report: Path) -> list[str]:
    """Let guests in, one by one, until all is broken that can be; return what they were told."""
    said: list[str] = []
    for code in codes:
        if enough(report) and len(said) >= FEWEST:
            break
        said.append(gate.scan(code)["code"])
        time.sleep(PACE)
    return said


def main() -> None:
    """Play it."""
    brief = given()
    report = Path(brief.folder) / "faults.json"
    with venue(brief, (GATE,)) as hall:
        gate = hall.gates[GATE]
        gate.enrol(hall.organizer)
        hall.spoil_internet(GATE, report)
        gate.start()
        until(lambda: gate.version(brief.ref), "the list is there", PATIENCE)
        gate.post()
        said = scanned(gate, brief.single, report)
        until(lambda: not gate.view()["waiting"], "all is sent", PATIENCE)
        tell({"said": said, "agreed": hall.agreed(), "struck": struck(report)})


if __name__ == "__main__":
    main()
