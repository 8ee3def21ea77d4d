"""Gates that find each other by multicast, and one ticket at all of them in the same instant."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.network.brief import given
from tests.network.venue import Venue, tell, venue


def rush(hall: Venue, code: str, among: tuple[str, ...], pool: ThreadPoolExecutor) -> list[str]:
    """Hold one code up at several gates at once; return what each said."""
    together = Barrier(len(among))

    def hold_up(name: str) -> str:
        together.wait()
        said: str = hall.gates[name].scan(code)["code"]
        return said

    return list(pool.map(hold_up, among))


def main() -> None:
    """Play it."""
    brief = given()
    chance = random.Random(brief.seed)
    with venue(brief, discovery=True) as hall, ThreadPoolExecutor(3) as pool:
        hall.open()
        names = tuple(hall.gates)
        rushes: list[dict[str, Any]] = []
        for code in brief.single:
            among = tuple(chance.sample(names, chance.choice((2, 3))))
            rushes.append({"code": code, "at": among, "said": rush(hall, code, among, pool)})
        tell({"rushes": rushes, "agreed": hall.agreed(), "settings": peers_in_settings(hall)})


def peers_in_settings(hall: Venue) -> int:
    """Return how many addresses of others the gates were told."""
    return sum(len(gate.settings.lan.peers) for gate in hall.gates.values())


if __name__ == "__main__":
    main()
