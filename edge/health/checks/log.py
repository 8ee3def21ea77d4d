"""Is the log whole: does SQLite find its file sound, and does each record follow the last?"""

from typing import Final

from edge.health.reading import Reading, Written
from edge.health.result import FAIL, OK, WARN, Result, unseen
from edge.health.units import counted
from shared.log.chain import Fault

RESTART: Final = "Export the log, then restart the agent: it saves what is readable."
CALL: Final = "Export the log and call the organizer: a record was changed or is missing."
COPY: Final = (
    "A copy of its disk wrote in its name: find it, shut it out, and look at the incidents."
)
KEEP: Final = "Keep the file that was set aside for the organizer, then move it off this disk."
WATCH: Final = "Nothing now. If it comes back, replace the disk."


def check(reading: Reading) -> Result:
    """The log is what everybody was admitted by."""
    log, written = reading.log, reading.written or Written()
    if log is None:
        return unseen("log")
    value = counted(log.records, "record")
    if log.faults:
        sentence = f"The database is damaged: {log.faults[0]}."
        return Result("log", FAIL, "log_damaged", value, sentence, RESTART)
    if log.broken == Fault.REPEATED:
        sentence = f"After {value} of this start there are two histories of this device."
        return Result("log", FAIL, "log_copied", value, sentence, COPY)
    if log.broken:
        sentence = f"The log's chain is broken after {value} ({log.broken})."
        return Result("log", FAIL, "log_broken", value, sentence, CALL)
    if written.aside:
        sentence = "A damaged database was set aside; what was readable was saved."
        return Result("log", WARN, "log_aside", counted(written.aside, "file"), sentence, KEEP)
    if written.healed:
        sentence = f"Mended at the start: {written.healed[0]}."
        return Result("log", WARN, "log_healed", value, sentence, WATCH)
    return Result("log", OK, "log_whole", value, "The log is whole since the last start.")
