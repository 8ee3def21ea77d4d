"""Tickets as they are shown, and what their holders may do with them. Pure.

Rule: once a check-in is known (state `used`), a holder changes nothing about a ticket any more.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.tickets.lifecycle import ADMITS, Move, State

MAX_GEN: Final = 65_535  # a token's `gen` has 16 bits
LINE: Final = r"\A[^\x00-\x1f\x7f]*\Z"
CodeState = Literal["ready", "bind_first", "none"]
Attendee = Annotated[
    str, Meta(min_length=1, max_length=80, pattern=LINE, examples=["Ada Lovelace"])
]
Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE, examples=["Charged back"])]


class Ticket(msgspec.Struct, frozen=True):
    """A ticket. `code`: whether there is one to show; `bind_first`: a phone must be bound to it."""

    ticket_id: UUID
    event_id: UUID
    number: int
    class_index: int
    state: State
    gen: Annotated[int, Meta(description="A code of an earlier generation admits nobody.")]
    blocked: bool
    seat: str | None
    attendee: str | None
    email: Annotated[str | None, Meta(description="Of a guest without an account.")]
    account_id: UUID | None
    order_id: UUID | None
    holder: Annotated[str | None, Meta(description="Public key of the phone, in hex.")]
    code: CodeState
    changed_at: datetime


class OwnTicket(msgspec.Struct, frozen=True):
    """One's own ticket, with what it is for."""

    ticket: Ticket
    event: str
    starts_at: datetime
    timezone: str
    ticket_class: str


class Moved(msgspec.Struct, frozen=True):
    """A move in a ticket's history. Others' names and reasons are the organizer's to see."""

    number: int
    at: datetime
    move: Move
    from_state: State
    to_state: State
    gen: int
    actor: str
    reason: str


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why gates shall refuse a ticket, or no longer."""

    reason: Literal["lost", "stolen", "fraud", "payment", "mistake", "other"]


class Revoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a ticket is taken away. It stands in the ticket's history."""

    reason: Reason


class Rename(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who will come; null: nobody is named."""

    attendee: Attendee | None


class Held(NamedTuple):
    """A ticket that is locked, with what its class and its event say."""

    ticket_id: UUID
    event_id: UUID
    class_index: int
    state: State
    gen: int
    blocked: bool
    attendee: str | None
    email: str | None
    account_id: UUID | None
    holder: bytes | None
    signed: bool
    live: bool
    transferable: bool
    event_state: str
    doors_at: datetime
    transfers: bool
    transfer_freeze: int  # seconds
    reissue_limit: int
    reissue_cooldown: int  # seconds


class Past(NamedTuple):
    """How often a holder has had a new code, and when the last time."""

    times: int
    last: datetime | None


class Objection(NamedTuple):
    """Why not. `wait`: seconds after which it may be asked again."""

    code: str
    wait: int = 0


def code_state(state: State, *, signed: bool) -> CodeState:
    """Return whether a ticket has a code."""
    if state not in ADMITS:
        return "none"
    return "ready" if signed else "bind_first"


UNFIT: Final = {State.USED: "ticket_used", State.LISTED: "ticket_listed"}


def unfit(held: Held) -> str | None:
    """Return why a ticket may not change hands or codes by its holder's wish."""
    if held.state is not State.ACTIVE:
        return UNFIT.get(held.state, "ticket_not_valid")
    if held.blocked:
        return "ticket_blocked"
    if held.event_state != "published":
        return "event_closed"
    return "ticket_worn_out" if held.gen >= MAX_GEN else None


def may_reissue(held: Held, past: Past, now: datetime) -> Objection | None:
    """Return why a holder may not have a new code now."""
    if (code := unfit(held)) is not None:
        return Objection(code)
    if past.times >= held.reissue_limit:
        return Objection("reissue_limit")
    if past.last is None:
        return None
    left = past.last + timedelta(seconds=held.reissue_cooldown) - now
    return None if left <= timedelta() else Objection("reissue_cooldown", _seconds(left))


def may_reissue_for(held: Held) -> str | None:
    """Return why the organizer may not give out a new code: no limits, but the state's."""
    if held.state is not State.ACTIVE:
        return UNFIT.get(held.state, "ticket_not_valid")
    return "ticket_worn_out" if held.gen >= MAX_GEN else None


def may_rename(held: Held, now: datetime) -> str | None:
    """Return why a holder may not say any more who comes."""
    if held.state is not State.ACTIVE:
        return UNFIT.get(held.state, "ticket_not_valid")
    return "doors_open" if now >= held.doors_at else None


def is_first_binding(held: Held) -> bool:
    """Whether no code of this generation exists that a phone's key would have to replace."""
    return held.live and not held.signed and held.holder is None


def _seconds(left: timedelta) -> int:
    return -int(-left.total_seconds() // 1)
