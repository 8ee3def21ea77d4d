"""How many records lie on this device alone?"""

from typing import Final

from edge.health.reading import Queue, Reading
from edge.health.result import FAIL, OK, WARN, Result, unseen
from edge.health.units import counted

MANY: Final = 5_000  # about an evening of one busy lane
TOO_MANY: Final = 50_000
GROWING: Final = 1.0  # records a minute
COPIED: Final = (
    "A copy of that device wrote in its name: find both, shut the copy out, and look at the "
    "incidents."
)
ADVICE: Final = "Connect the gate to the cloud, or carry its log: `usher-edge export`."


def check(reading: Reading) -> Result:
    """A record without a receipt is lost with this device."""
    queue = reading.queue
    if queue is None:
        return unseen("queue")
    return _parted(queue) or _waiting(queue)


def _parted(queue: Queue) -> Result | None:
    """Return what is wrong with records that waiting does not mend."""
    if queue.disputed:
        names = ", ".join(queue.disputed)
        sentence = f"The cloud has another history of {names} than this gate."
        return Result("queue", FAIL, "queue_disputed", names, sentence, COPIED)
    if queue.refused:
        names = ", ".join(name for name, _ in queue.refused)
        sentence = f"The cloud refuses records of {names} ({queue.refused[0][1]})."
        return Result("queue", WARN, "queue_refused", names, sentence, ADVICE)
    return None


def _waiting(queue: Queue) -> Result:
    value = f"{queue.waiting:,} waiting"
    what = counted(queue.waiting, "record")
    sentence = f"{what} without a receipt{_growth(queue.growth)}."
    if queue.waiting >= TOO_MANY:
        return Result("queue", FAIL, "queue_too_many", value, sentence, ADVICE)
    if queue.waiting >= MANY:
        return Result("queue", WARN, "queue_many", value, sentence, ADVICE)
    return Result("queue", OK, "queue_ok", value, sentence)


def _growth(growth: float | None) -> str:
    if growth is None or abs(growth) < GROWING:
        return ""
    return f", {abs(growth):,.0f} {'more' if growth > 0 else 'fewer'} each minute"
