"""How many records lie on this device alone?"""

from typing import Final

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, WARN, Result, unseen
from edge.health.units import counted

MANY: Final = 5_000  # about an evening of one busy lane
TOO_MANY: Final = 50_000
GROWING: Final = 1.0  # records a minute
ADVICE: Final = "Connect the gate to the cloud, or carry its log: `usher-edge export`."


def check(reading: Reading) -> Result:
    """A record without a receipt is lost with this device."""
    queue = reading.queue
    if queue is None:
        return unseen("queue")
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
