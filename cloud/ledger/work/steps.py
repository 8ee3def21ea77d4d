"""What a ticket wants of the ledger, what it has there, and the one step between them. Pure."""

from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from solders.pubkey import Pubkey

# States of a ticket that is somebody's (cloud/tickets/lifecycle.py), and those that end it. Of
# one that is over, the asset stays as it is.
GOOD: Final = frozenset({"purchased", "minted", "active", "listed", "used"})
VOID: Final = frozenset({"refunded", "revoked"})


class Kind(StrEnum):
    """A step. It is stored in ledger_job.kind."""

    MINT = "mint"
    TRANSFER = "transfer"
    FREEZE = "freeze"
    THAW = "thaw"
    BURN = "burn"


class Has(Struct, frozen=True):
    """An asset as events have told of it."""

    owner: Pubkey
    frozen: bool = False
    burnt: bool = False


class Wants(Struct, frozen=True):
    """An asset as it shall be. `owner` None: there shall be none."""

    owner: Pubkey | None
    frozen: bool = False


def wanted(state: str, owner: Pubkey, has: Has | None, *, freezes: bool) -> Wants:
    """Return what a ticket in *state* wants, being *owner*'s."""
    if state in GOOD:
        return Wants(owner, frozen=freezes and state == "used")
    if state in VOID or has is None:
        return Wants(None)
    return Wants(has.owner, frozen=has.frozen)


def next_step(has: Has | None, wants: Wants) -> Kind | None:
    """Return what to do next; None: nothing. What was burnt stays so."""
    if has is None:
        return None if wants.owner is None else Kind.MINT
    if has.burnt:
        return None
    moves = wants.owner is None or wants.owner != has.owner
    if has.frozen and (moves or not wants.frozen):
        return Kind.THAW  # nothing frozen moves
    if wants.owner is None:
        return Kind.BURN
    if moves:
        return Kind.TRANSFER
    return Kind.FREEZE if wants.frozen and not has.frozen else None


def after(has: Has | None, wants: Wants, step: Kind) -> Has:
    """Return what there is once a step towards *wants* has landed."""
    owner = wants.owner if step in (Kind.MINT, Kind.TRANSFER) else None
    if has is None:
        if owner is None:
            raise ValueError("only a mint begins an asset")
        return Has(owner)
    return replace(
        has,
        owner=owner or has.owner,
        frozen=step is Kind.FREEZE or (has.frozen and step is not Kind.THAW),
        burnt=step is Kind.BURN,
    )
