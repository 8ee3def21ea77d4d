"""Acts of staff and machines that this gate refuses, each with a stable code.

What comes of a scan is a verdict and never an error; these are about everything else: signing
in, choosing a gate, taking an admission back. Codes are API; pages look sentences up by code
in their own language.
"""

from collections.abc import Mapping
from typing import Final


class Refused(Exception):
    """An act that is refused, with nothing changed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = SENTENCES[code]

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


SENTENCES: Final[Mapping[str, str]] = {
    # -- staff --
    "not_signed_in": "Sign in first.",
    "pin_wrong": "That PIN is wrong.",
    "pin_locked": "Too many wrong PINs. Sign in with a badge.",
    "pin_not_allowed": "This event asks for a badge, not a PIN.",
    "badge_malformed": "That is not a staff badge.",
    "badge_unknown": "This badge is not on the list.",
    "badge_revoked": "This badge was withdrawn.",
    "supervisor_only": "Only a supervisor may do that: sign in or show the badge.",
    "technician_only": "Only a technician may do that.",
    # -- lanes --
    "lane_unknown": "This gate has no such lane.",
    "too_many_lanes": "Too many handhelds. Lock those that nobody uses.",
    "post_event": "That event is not on this gate.",
    "post_gate": "That gate does not exist in the event's plan.",
    "post_direction": "That gate does not let people pass in that direction.",
    # -- scans --
    "scan_unknown": "That scan is over. Scan the ticket again.",
    "nothing_to_undo": "There is nothing to take back: the guest has left, or it was undone.",
    "undo_needs_supervisor": "Only a supervisor may take that back now.",
    "override_reason": "Choose a reason.",
    "override_quota": "This gate has used up its overrides. Call the organizer.",
    "ticket_unknown": "That ticket is not in this gate's list.",
    "no_search_list": "This gate holds no search list for your badge.",
    "storage_failed": "This gate can't write its log.",
    "gate_locked": "This gate is locked.",
}
