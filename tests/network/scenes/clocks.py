"""Three gates, two of which have clocks that are hours off, and one evening between them."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from edge.gate.repeats import WINDOWS
from tests.network.brief import given
from tests.network.gate import ENTRY, EXIT
from tests.network.namespaces import run
from tests.network.venue import Venue, tell, venue

STEPS = (
    ("North", ENTRY), ("South", EXIT), ("West", ENTRY), ("North", EXIT), ("South", ENTRY),
    ("West", EXIT), ("North", ENTRY),
)  # fmt: skip
AHEAD, BEHIND = "North", "West"


def bent(hours: str) -> Mapping[str, str]:
    """Return the environment in which a program's wall clock is that far off; its monotonic
    clock is not."""
    library = run("faketime", "-m", "-f", "+0s", "printenv", "LD_PRELOAD").strip()
    return {"LD_PRELOAD": library, "FAKETIME": hours, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def stroll(hall: Venue, codes: Iterable[str]) -> list[dict[str, Any]]:
    """Send guests in and out by every gate; return what they were told, step by step."""
    said: list[dict[str, Any]] = []
    for number, (name, lane) in enumerate(STEPS):
        if (name, lane) in STEPS[:number]:
            time.sleep(WINDOWS["api"] + 0.2)  # or they would be in view there still
        for code in codes:
            verdict = hall.gates[name].scan(code, lane)
            said.append({"lane": lane, "said": verdict["code"], "repeat": verdict["repeat"]})
        hall.agree_without_cloud()
    return said


def prior(hall: Venue, code: str) -> dict[str, Any]:
    """Admit at the gate that is ahead, and return what the others say of when that was."""
    at = time.time_ns() // 1_000_000
    hall.gates[AHEAD].scan(code)
    hall.agree_without_cloud()
    verdicts = {name: hall.gates[name].scan(code) for name in (BEHIND, "South")}
    return {
        name: {"said": verdict["code"], "off": verdict["prior"]["at"] - at}
        for name, verdict in verdicts.items()
    }


def main() -> None:
    """Play it."""
    brief = given()
    clocks = {AHEAD: ("network", bent("+5h")), BEHIND: ("none", bent("-3h"))}
    single = iter(brief.single)
    with venue(brief, clocks=clocks) as hall:
        hall.open()
        hall.noticed(lambda status: status["clock"] == "trusted", "all know the time")
        begun = time.time()
        told: dict[str, Any] = {"stroll": stroll(hall, brief.often)}
        told["prior"] = prior(hall, next(single))
        hall.lan.cut({AHEAD}, {"South", BEHIND})
        hall.noticed(lambda status: not status["peers"], "one is alone", AHEAD)
        told["copies"] = [
            {"code": code, "said": [hall.gates[name].scan(code)["code"] for name in among]}
            for code, among in zip(single, ((AHEAD, "South"), (BEHIND, AHEAD)), strict=True)
        ]
        hall.lan.heal()
        told["agreed"] = hall.agreed()
        told["between"] = [begun, time.time()]
        told["status"] = {name: gate.status() for name, gate in hall.gates.items()}
        told["heard"] = hall.organizer.status()
        told["off"] = {
            name: clock_of(gate.machine.inside([]), gate.env) for name, gate in hall.gates.items()
        }
        tell(told)


def clock_of(inside: list[str], env: Mapping[str, str]) -> float:
    """Return how far a program's wall clock at a gate is off, in seconds."""
    said = run("env", *(f"{name}={value}" for name, value in env.items()), *inside, "date", "+%s")
    return int(said) - time.time()


if __name__ == "__main__":
    main()
