"""What is looked at, one file each. A check is a function of a reading and nothing else."""

from collections.abc import Callable
from typing import Final

from edge.health.checks import (
    agent,
    camera,
    certificate,
    clock,
    cpu,
    decoder,
    disk,
    log,
    manifest,
    memory,
    peers,
    power,
    queue,
    readers,
    roster,
    setup,
    sound,
    storage,
    temperature,
)
from edge.health.reading import Reading
from edge.health.result import Result

Check = Callable[[Reading], Result]
CHECKS: Final[tuple[Check, ...]] = (
    setup.check,
    agent.check,
    roster.check,
    manifest.check,
    clock.check,
    storage.check,
    log.check,
    queue.check,
    disk.check,
    camera.check,
    readers.check,
    certificate.check,
    peers.check,
    power.check,
    temperature.check,
    memory.check,
    cpu.check,
    sound.check,
    decoder.check,
)


def results(reading: Reading) -> list[Result]:
    """Return what every check says, in the order of the table above."""
    return [check(reading) for check in CHECKS]
