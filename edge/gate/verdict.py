"""What a scan came to, as screens, sounds, lamps and other lanes are told.

One `Verdict` goes to everybody. It holds codes and values; sentences are looked up by code in
the language of whoever reads. Nothing in it comes from a code that did not verify.
"""

from enum import StrEnum
from typing import Any

import msgspec

from shared.outcomes import Signal


class Action(StrEnum):
    """What staff may do next about this scan. Values are API: pages and lanes name them."""

    PEOPLE = "people"  # admit more of a group: `left` is how many may
    CONFIRM = "confirm"  # they looked at what `attention` says
    ANSWER = "answer"  # `questions`
    CHALLENGE = "challenge"  # show four bytes for the guest's phone to answer
    PICK_DAY = "pick_day"  # `days`; a supervisor's
    APPROVE = "approve"  # a supervisor lets pass what is held
    OVERRIDE = "override"  # a supervisor admits against the refusal, with a reason
    UNDO = "undo"  # take this admission back


class Prior(msgspec.Struct, frozen=True):
    """The entry that stands against this one."""

    gate: str  # its name
    at: int  # unix ms
    here: bool  # on this very device


class Asked(msgspec.Struct, frozen=True):
    """A question to the guest. No choices: free text of at most 200 characters."""

    id: int
    text: str
    required: bool
    choices: tuple[str, ...]


class PickedDay(msgspec.Struct, frozen=True):
    """A day of the event, in unix seconds."""

    index: int
    start: int
    end: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one scan came to at one lane."""

    scan: str  # names it to `resolve` and `undo`: 16 hex digits
    lane: str
    at: int  # unix ms, by the gate's own clock
    code: str  # an outcome's: stable
    signal: Signal
    source: str  # camera:NAME, handheld, keyboard, serial:NAME, api, hand
    exiting: bool = False
    practice: bool = False
    repeat: bool = False  # the same ticket, still in view: shown, and nothing was decided anew
    reason: str = ""  # the finer code behind a refused code, e.g. base45_pair; may be empty
    ticket_class: str = ""
    name: str = ""
    seat: str = ""
    people: int = 0  # who passed by this scan
    left: int = 0  # how many more may, on this ticket, here and today
    why: str = ""  # an outcome's code: what the supervisor is asked about
    flag: str = ""  # an outcome's code: what reports will say of this admission
    attention: str = ""
    questions: tuple[Asked, ...] = ()
    prior: Prior | None = None
    gates: tuple[str, ...] = ()  # names of gates where this ticket is admitted
    when: int | None = None  # unix seconds: good from then, or too late since then
    days: tuple[PickedDay, ...] = ()
    challenge: str = ""  # 8 hex digits on show for the guest's phone
    stale: bool = False  # the ticket list is older than its first age
    moved: bool = False  # by entering here, somebody left a sibling zone
    actions: tuple[Action, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as JSON's own types."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made
