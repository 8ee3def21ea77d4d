"""Rule 1: everything that a ticket's state may become stands in this file.

CREATED → RESERVED → PURCHASED → MINTED → ACTIVE → USED → EXPIRED is the main road. A move that
the table lacks is a bug in the caller, never a no-op: `advance` raises, and the database's own
copy of the table (migrations/0004_tickets.sql) refuses it again.

Minting never holds up admission: PURCHASED → ACTIVE is legal, and the mint catches up. LISTED
is for sale by its holder and admits like ACTIVE. A guest list's ticket begins as ACTIVE.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class State(StrEnum):
    """Stored: renaming a value is a migration. NONE is "no ticket yet"."""

    NONE = ""
    CREATED = "created"
    RESERVED = "reserved"
    PURCHASED = "purchased"
    MINTED = "minted"
    ACTIVE = "active"
    LISTED = "listed"
    USED = "used"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    REVOKED = "revoked"


class Move(StrEnum):
    """What happens to a ticket. Stored in its history."""

    CREATE = "create"
    ISSUE = "issue"  # a guest list's ticket, given rather than sold
    HOLD = "hold"
    RELEASE = "release"
    PAY = "pay"
    WITHDRAW = "withdraw"  # a free ticket is taken off sale
    MINT = "mint"
    ACTIVATE = "activate"
    LIST = "list"
    UNLIST = "unlist"
    RESELL = "resell"
    TRANSFER = "transfer"
    REISSUE = "reissue"
    USE = "use"
    UNDO = "undo"
    EXPIRE = "expire"
    REFUND = "refund"
    REVOKE = "revoke"


class Step(NamedTuple):
    """Where a move leads, and by how much the generation grows: 1 kills the old code."""

    state: State
    gen: int = 0


S, M = State, Move
SOLD: Final = (S.PURCHASED, S.MINTED, S.ACTIVE, S.LISTED, S.USED, S.EXPIRED)
ADMITS: Final = frozenset({S.ACTIVE, S.LISTED, S.USED})

TABLE: Final[Mapping[tuple[State, Move], Step]] = {
    (S.NONE, M.CREATE): Step(S.CREATED),
    (S.NONE, M.ISSUE): Step(S.ACTIVE),
    (S.CREATED, M.HOLD): Step(S.RESERVED),
    (S.RESERVED, M.RELEASE): Step(S.CREATED),
    (S.RESERVED, M.PAY): Step(S.PURCHASED),
    (S.CREATED, M.PAY): Step(S.PURCHASED),  # paid after the hold had lapsed, and still free
    (S.CREATED, M.WITHDRAW): Step(S.REVOKED),
    (S.PURCHASED, M.MINT): Step(S.MINTED),
    (S.PURCHASED, M.ACTIVATE): Step(S.ACTIVE),
    (S.MINTED, M.ACTIVATE): Step(S.ACTIVE),
    (S.ACTIVE, M.LIST): Step(S.LISTED),
    (S.LISTED, M.UNLIST): Step(S.ACTIVE),
    (S.LISTED, M.RESELL): Step(S.ACTIVE, gen=1),
    (S.ACTIVE, M.TRANSFER): Step(S.ACTIVE, gen=1),
    (S.ACTIVE, M.REISSUE): Step(S.ACTIVE, gen=1),
    (S.ACTIVE, M.USE): Step(S.USED),
    (S.LISTED, M.USE): Step(S.USED),
    (S.USED, M.UNDO): Step(S.ACTIVE),
    (S.ACTIVE, M.EXPIRE): Step(S.EXPIRED),
    (S.LISTED, M.EXPIRE): Step(S.EXPIRED),
    (S.USED, M.EXPIRE): Step(S.EXPIRED),
    **{(state, M.REFUND): Step(S.REFUNDED) for state in SOLD},
    **{(state, M.REVOKE): Step(S.REVOKED) for state in SOLD},
}


class IllegalMove(ValueError):
    """The table has no such move."""


def advance(state: State, move: Move) -> Step:
    """Return where `move` leads from `state`."""
    try:
        return TABLE[state, move]
    except KeyError:
        raise IllegalMove(f"{move} while {state or 'none'}") from None


def sources(move: Move) -> tuple[State, ...]:
    """Return the states that `move` may start from."""
    return tuple(state for state, each in TABLE if each is move)


def target(move: Move) -> Step:
    """Return where `move` leads: the same from wherever it may start."""
    return next(step for (_, each), step in TABLE.items() if each is move)
