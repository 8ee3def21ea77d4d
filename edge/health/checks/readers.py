"""Are the keyboard-wedge and serial readers there?"""

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, Result, together
from edge.health.units import counted


def check(reading: Reading) -> Result:
    """A reader that is not there reads nothing, and nobody hears of it."""
    readers = reading.hardware.readers
    if not readers:
        return Result("readers", OK, "readers_none", "none", "No reader is set up.")
    fine = Result("readers", OK, "readers_ok", counted(len(readers), "reader"), "All are there.")
    return together((_one(name, access) for name, access in readers.items()), fine)


def _one(name: str, access: str) -> Result:
    if access == "missing":
        todo = "Plug it in; if it is, check its device in the settings."
        return Result("readers", FAIL, "reader_missing", name, f"{name} is not there.", todo)
    if access == "unreadable":
        todo = "Put the gate's user into the group that owns the device: input or dialout."
        sentence = f"{name} may not be read by this user."
        return Result("readers", FAIL, "reader_unreadable", name, sentence, todo)
    return Result("readers", OK, "reader_ok", name, f"{name} is there.")
