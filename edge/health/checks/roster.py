"""What does the organizer say of this device, and who may help?"""

from typing import Final

from edge.health.reading import Reading, Roster
from edge.health.result import FAIL, OK, WARN, Result, unseen
from edge.health.units import counted

LOAD: Final = "Load a new file from the organizer: `usher-edge load`."


def check(reading: Reading) -> Result:
    """A device that is not on the roster admits nobody, whatever it knows."""
    roster = reading.roster
    if roster is None:
        return unseen("roster")
    return _barred(roster) or _heir(roster) or _staff(roster)


def _barred(roster: Roster) -> Result | None:
    if not roster.version:
        return Result("roster", FAIL, "roster_none", "", "No list of devices was loaded.", LOAD)
    if not roster.listed:
        sentence = "The organizer's list does not have this device."
        todo = "Give the organizer this device's public key, then load the new file."
        return Result("roster", FAIL, "roster_not_listed", "", sentence, todo)
    if roster.cut_off:
        sentence = "The organizer has shut this device out."
        todo = "Call the organizer. Scan at another gate."
        return Result("roster", FAIL, "roster_cut_off", "", sentence, todo)
    if roster.locked:
        sentence = "The organizer has locked this device."
        return Result("roster", FAIL, "roster_locked", "", sentence, "Call the organizer.")
    if roster.alone:
        sentence = "This device has not heard from the organizer for too long, and admits nobody."
        todo = "Connect it to the internet, or to gates that are; or load a new file."
        return Result("roster", FAIL, "roster_alone", "", sentence, todo)
    return None


def _heir(roster: Roster) -> Result | None:
    if not roster.heir:
        return None
    sentence = "The organizer's list does not have this device's new key yet. It admits, alone."
    todo = "Connect it to the internet: it goes on by itself."
    return Result("roster", WARN, "roster_new_key", "", sentence, todo)


def _staff(roster: Roster) -> Result:
    value = counted(roster.badges, "badge")
    if not roster.supervisors:
        sentence = "No supervisor has a badge: nobody can approve, override or search."
        todo = "Have the organizer issue a badge, then load the new file."
        return Result("roster", WARN, "roster_no_supervisor", value, sentence, todo)
    if roster.expired:
        sentence = "The list of devices has expired. The gate goes on with it."
        return Result("roster", WARN, "roster_expired", value, sentence, LOAD)
    return Result("roster", OK, "roster_ok", value, "This device is listed.")
