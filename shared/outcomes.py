"""What a scan can come to: a stable code, a signal, and a sentence (spec/rules.md, "Outcomes").

The number goes into the log record's `reason` and is never reused. The signal is what the
screen, the speaker and the lamp show. Sentences are English and are looked up by code for
translation.
"""

from enum import Enum, StrEnum
from typing import Final


class Signal(StrEnum):
    """The four things that a gate can look and sound like."""

    ADMIT = "green"
    ACT = "amber"
    REFUSE = "red"
    TROUBLE = "machine"


class Outcome(Enum):
    """One outcome: (number, signal, sentence). The stable code is `outcome.code`."""

    # fmt: off
    ADMITTED            = (1, Signal.ADMIT, "Welcome.")
    READMITTED          = (2, Signal.ADMIT, "Welcome back.")
    EXIT                = (3, Signal.ADMIT, "Goodbye.")

    ATTENTION           = (32, Signal.ACT, "Look at the guest before you let them in.")
    STALE_CODE          = (33, Signal.ACT, "Ask to refresh the live ticket; check the phone's clock.")
    LIVE_CODE_REQUIRED  = (34, Signal.ACT, "Ask to open the live ticket; a screenshot does not count.")
    NOT_IN_MANIFEST     = (35, Signal.ACT, "A real ticket, newer than this gate's list. Ask a supervisor.")
    ANSWERS_REQUIRED    = (36, Signal.ACT, "Ask the questions on the screen.")
    SUPERVISOR_REQUIRED = (37, Signal.ACT, "Ask a supervisor.")
    # Not in the first list: a live code that only a challenge can settle (spec/token.md §6).
    CHALLENGE_REQUIRED  = (38, Signal.ACT, "Ask the guest to answer the challenge on this screen.")

    ALREADY_ADMITTED    = (64, Signal.REFUSE, "This ticket is already inside.")
    NO_ENTRIES_LEFT     = (65, Signal.REFUSE, "All entries of this ticket are used.")
    REENTRY_NOT_ALLOWED = (66, Signal.REFUSE, "This ticket does not allow coming back in.")
    REVOKED             = (67, Signal.REFUSE, "This ticket was cancelled.")
    SUPERSEDED          = (68, Signal.REFUSE, "This code was replaced by a newer one.")
    REFUNDED            = (69, Signal.REFUSE, "This ticket was refunded.")
    UNPAID              = (70, Signal.REFUSE, "This ticket is not paid for.")
    BLOCKED             = (71, Signal.REFUSE, "This ticket is blocked.")
    EXPIRED             = (72, Signal.REFUSE, "This ticket has expired.")
    NOT_YET_VALID       = (73, Signal.REFUSE, "This ticket is not valid yet.")
    OUTSIDE_WINDOW      = (74, Signal.REFUSE, "This ticket is for another time.")
    TOO_SOON            = (75, Signal.REFUSE, "Too soon after the last entry.")
    WRONG_EVENT         = (76, Signal.REFUSE, "This ticket is for another event.")
    WRONG_ZONE          = (77, Signal.REFUSE, "This ticket is for another zone.")
    WRONG_GATE          = (78, Signal.REFUSE, "This ticket is for another gate.")
    BAD_SIGNATURE       = (79, Signal.REFUSE, "Not a genuine ticket: the signature is wrong.")
    BAD_HOLDER_PROOF    = (80, Signal.REFUSE, "The live code was not made by this ticket's phone.")
    UNKNOWN_ISSUER      = (81, Signal.REFUSE, "Not a ticket of this organizer.")
    REVOKED_KEY         = (82, Signal.REFUSE, "Signed with a key that was withdrawn.")
    UNKNOWN_VERSION     = (83, Signal.REFUSE, "A newer kind of ticket: update this gate.")
    MALFORMED           = (84, Signal.REFUSE, "The code is damaged. Scan it again.")
    NOT_A_TICKET        = (85, Signal.REFUSE, "Not a ticket. Ask for the ticket's code.")
    SEVERAL_CODES       = (86, Signal.REFUSE, "Several codes in view. Show one.")
    # Not in the first list of outcomes: without them, two different causes would share a code.
    NO_DAYS_LEFT        = (87, Signal.REFUSE, "All days of this ticket are used.")
    KEY_OUTSIDE_WINDOW  = (88, Signal.REFUSE, "Signed with a key that is not in force now.")

    STORAGE_FAILED      = (128, Signal.TROUBLE, "Don't admit. This gate can't write its log.")
    CLOCK_UNTRUSTED     = (129, Signal.TROUBLE, "Don't admit. This gate doesn't know the time.")
    GATE_LOCKED         = (130, Signal.TROUBLE, "Don't admit. This gate is locked.")
    MANIFEST_EXPIRED    = (131, Signal.TROUBLE, "Don't admit. This gate's ticket list is too old.")
    RULES_BROKEN        = (132, Signal.TROUBLE, "Don't admit. This ticket's rules can't be read.")
    # fmt: on

    def __init__(self, number: int, signal: Signal, sentence: str) -> None:
        self.number = number
        self.signal = signal
        self.sentence = sentence
        self.code = self.name.lower()


BY_NUMBER: Final = {outcome.number: outcome for outcome in Outcome}
BY_CODE: Final = {outcome.code: outcome for outcome in Outcome}
