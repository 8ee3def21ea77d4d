"""What is asked of a redemption, and what it is answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.outcomes import Signal

Hex32 = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{32}$",
        min_length=32,
        max_length=32,
        description="32 hex digits.",
        examples=["6f1c0a52b9d84e37a1f05b7c93de2048"],
    ),
]
GateId = Annotated[int, Meta(ge=1, le=65535, description="Where the guest stands.", examples=[1])]
Code = Annotated[str, Meta(max_length=600, description="The text of the QR code, as read.")]
Answers = Annotated[
    Mapping[int, Annotated[str, Meta(max_length=200)]],
    Meta(max_length=50, description="What the guest answered, by the question's number."),
]
Words = Annotated[
    str,
    Meta(
        max_length=80,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="With the reason `other`: what it was.",
    ),
]
Reason = Literal[
    "guest_known",
    "ticket_damaged",
    "phone_dead",
    "wrong_seat_swap",
    "staff_error",
    "emergency",
    "other",
]
# The same at every gate. Numbers are stored in records (shared/spec/log.md §2): never renumber.
REASONS: Final[Mapping[str, int]] = {
    "guest_known": 1,
    "ticket_damaged": 2,
    "phone_dead": 3,
    "wrong_seat_swap": 4,
    "staff_error": 5,
    "emergency": 6,
    "other": 99,
}


class Redeem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A scan: `code`, or `ticket_id` by hand, which is a supervisor's.

    `approve` and `override` are a supervisor's, too: they need the scope `tickets:write`.
    """

    gate: GateId
    code: Code = ""
    ticket_id: UUID | None = None
    direction: Annotated[
        Literal["entry", "exit"] | None, Meta(description="Null: as the gate says, or entry.")
    ] = None
    people: Annotated[int, Meta(ge=1, le=255, description="Of a group.")] = 1
    answers: Answers = {}
    confirmed: Annotated[bool, Meta(description="Staff did what `attention` says.")] = False
    approve: Annotated[bool, Meta(description="Let pass what is held for a supervisor.")] = False
    override: Annotated[
        Reason | None, Meta(description="Admit against a refusal, for this reason.")
    ] = None
    words: Words = ""

    @property
    def supervised(self) -> bool:
        """Whether it takes a supervisor."""
        return self.approve or self.override is not None or self.ticket_id is not None


class Undo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Takes an entry back that was made by mistake."""

    entry: Annotated[Hex32, Meta(description="One of the redemption's `entries`.")]


class Prior(msgspec.Struct, frozen=True):
    """The entry that stands against this one."""

    gate: int
    gate_name: str
    at: datetime
    online: bool  # by the cloud; else a gate's own


class Asked(msgspec.Struct, frozen=True):
    """A question to the guest. No choices: free text of at most 200 characters."""

    id: int
    text: str
    required: bool
    choices: tuple[str, ...]


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan came to. Only green lets anybody pass."""

    code: str  # an outcome's: stable (shared/spec/rules.md)
    signal: Signal
    sentence: str  # English, for the person at the gate
    reason: str = ""  # the finer code behind a code that did not verify
    ticket_id: UUID | None = None
    ticket_class: str = ""
    attendee: str = ""
    seat: str = ""
    people: int = 0  # who passed by this scan
    left: int = 0  # how many more may, on this ticket, here and today
    flag: str = ""  # an outcome's code: what reports will say of this admission
    why: str = ""  # an outcome's code: what a supervisor is asked about
    attention: str = ""  # what staff must look at
    questions: tuple[Asked, ...] = ()
    prior: Prior | None = None
    gates: tuple[str, ...] = ()  # where this ticket is admitted
    when: datetime | None = None  # good from then, or too late since then
    overridable: bool = False  # whether a supervisor may admit all the same
    moved: bool = False  # by entering here, somebody left a sibling zone
    entries: tuple[str, ...] = ()  # the records of this admission; undo names one


class Undone(msgspec.Struct, frozen=True):
    """The entry doesn't stand any more."""

    entry: str
    record: str  # that says so
