"""The people before the gates: honest guests, and those who made copies."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Final

from edge.gate.verdict import Verdict
from edge.practice.world import World
from shared.outcomes import Outcome
from tests.edge.gates import id_hash
from tests.simulators.cast import TICKETS

IN_LANES: Final = ("north", "south")
GARDEN_LANE, OUT_LANE = "garden", "out"
GREEN: Final = frozenset({Outcome.ADMITTED.code, Outcome.READMITTED.code})


@dataclass(eq=False)
class Guest:
    """Somebody with a code."""

    label: str
    text: str
    copied: bool
    inside: bool = False
    wants: int = 1  # visits
    since: int = 0  # ms: when a gate last showed something


@dataclass
class Crowd:
    """Everybody of one evening, and what the gates showed them."""

    guests: list[Guest]
    greens: Counter[str] = field(default_factory=Counter)  # people let in, by label
    exits: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, world: World, random: Random, *, copies: bool) -> "Crowd":
        """Return guests, some with copies of others' tickets."""
        guests = []
        for index in range(TICKETS):
            label = f"#{index}"
            copied = copies and random.random() < 0.25
            text, visits = world.code(label), (random.randint(1, 3) if index % 2 == 0 else 1)
            people = random.randint(2, 4) if copied else 1
            guests += [Guest(label, text, copied, wants=visits) for _ in range(people)]
        return cls(guests)

    def saw(self, guest: Guest, verdict: Verdict, *, leaving: bool) -> None:
        """Let a guest act on what the gate shows."""
        self.shown[verdict.code] += 1
        if verdict.repeat:
            return
        if leaving and verdict.code == Outcome.EXIT.code:
            guest.inside = False
            self.exits[guest.label] += 1
        elif verdict.code in GREEN:
            guest.inside = True
            guest.wants -= 1
            self.greens[guest.label] += 1


def hashes(world: World) -> dict[bytes, str]:
    """Return the labels of the many tickets by what logs know them by."""
    return {id_hash(world, f"#{index}"): f"#{index}" for index in range(TICKETS)}
