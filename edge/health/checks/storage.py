"""Can the gate write?"""

from typing import Final

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, WARN, Result, unseen

ADVICE: Final = "Scan at another gate. Free room or replace the disk, then restart this gate."
COPY: Final = "Check the disk's room and rights; export the log soon."


def check(reading: Reading) -> Result:
    """What can't be written must not be admitted."""
    written = reading.written
    if written is None:
        return unseen("storage")
    if written.failed:
        sentence = "A scan could not be written. This gate admits nobody."
        return Result("storage", FAIL, "storage_failed", "", sentence, ADVICE)
    if written.error:
        sentence = f"The data folder can't be written: {written.error}."
        return Result("storage", FAIL, "storage_unwritable", "", sentence, ADVICE)
    if written.mirror != "ok":
        sentence = "The second copy of new records can't be used. The log itself is fine."
        return Result("storage", WARN, f"mirror_{written.mirror}", "", sentence, COPY)
    return Result("storage", OK, "storage_ok", "", "The disk takes what is written.")
