"""What a decision is asked and what it answers (spec/rules.md §2).

An answer is a value: who is shown which signal, and the records that must be appended in one
transaction before the signal is shown.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from shared.event import Question
from shared.history import Visit
from shared.log.record import ZERO16, Kind
from shared.outcomes import Outcome


class Ask(NamedTuple):
    """What staff say beside the scan. `supervisor`: one signs this act with a badge."""

    people: int = 1  # of a group
    answers: Mapping[int, str] = MappingProxyType({})  # by question id
    confirmed: bool = False  # staff looked at what the class says to look at
    supervisor: bool = False
    override: str = ""  # a supervisor's reason to admit against a refusal
    day: int = 0  # picked by a supervisor where the clock is not trusted


class Draft(NamedTuple):
    """One record to append. What the ticket, the gate and the clock say is added to it."""

    kind: Kind
    zone: int
    day: int
    allowance: int
    terms: int
    ref: bytes = ZERO16
    reason: int = 0  # an outcome's number


class Admit(NamedTuple):
    """Let in or out, once `drafts` are stored and the rights that they name are claimed."""

    outcome: Outcome
    drafts: tuple[Draft, ...]
    people: int = 1
    left: int = 0  # entries that remain here on this day
    flag: Outcome | None = None  # what reports must say of it
    attention: str = ""
    answers: tuple[tuple[int, str], ...] = ()
    note: str = ""  # a supervisor's reason
    raises: bool = False  # a newer generation: attach the token, so that peers believe it
    stale: bool = False  # the manifest is older than its first age
    moved: bool = False  # by entering here, somebody left a sibling zone

    @property
    def rights(self) -> tuple[bytes, ...]:
        """The rights to claim on the LAN, all or none."""
        return tuple(draft.ref for draft in self.drafts if draft.kind is Kind.IN)


class Hold(NamedTuple):
    """Nothing is recorded yet: staff do what the outcome says, and decide again."""

    outcome: Outcome
    why: Outcome | None = None  # what the supervisor is asked about
    questions: tuple[Question, ...] = ()  # those without a good answer
    attention: str = ""

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """Nothing to record."""
        return ()


class Deny(NamedTuple):
    """Refused, and recorded so."""

    outcome: Outcome
    drafts: tuple[Draft, ...] = ()
    prior: Visit | None = None  # the entry that stands against this one
    gates: tuple[int, ...] = ()  # where this ticket is admitted
    when: int | None = None  # unix seconds: since when it is too late, or from when it is good
    left: int = 0  # of a group, how many may still enter

    @property
    def overridable(self) -> bool:
        """Whether a supervisor may admit all the same."""
        return self.outcome in OVERRIDABLE


class Trouble(NamedTuple):
    """The gate can't tell. Never green, whoever signs."""

    outcome: Outcome
    days: tuple[int, ...] = ()  # days of which a supervisor may pick one

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """Nothing to record: it says nothing of the ticket."""
        return ()


Refusal = Deny | Trouble
Decision = Admit | Hold | Deny | Trouble

OVERRIDABLE: Final = frozenset(
    {
        Outcome.ALREADY_ADMITTED,
        Outcome.NO_ENTRIES_LEFT,
        Outcome.NO_DAYS_LEFT,
        Outcome.REENTRY_NOT_ALLOWED,
        Outcome.REVOKED,
        Outcome.SUPERSEDED,
        Outcome.REFUNDED,
        Outcome.UNPAID,
        Outcome.BLOCKED,
        Outcome.EXPIRED,
        Outcome.NOT_YET_VALID,
        Outcome.OUTSIDE_WINDOW,
        Outcome.TOO_SOON,
        Outcome.WRONG_ZONE,
        Outcome.WRONG_GATE,
    }
)
