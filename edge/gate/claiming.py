"""What a station asks before it admits: is the right to enter still free? (spec/claims.md)

The answer is the venue's: a lane asks the other gates of the LAN, and goes on by itself where
nobody answers in time.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from shared.log.record import Confirm


class Claiming(NamedTuple):
    """The rights of one ticket that an admission would use up, all or none."""

    event: bytes  # 8
    ticket: bytes  # hash, 16
    rights: tuple[bytes, ...]


class Standing(NamedTuple):
    """How far others agreed.

    `held`: somebody else has used or claimed the right. What is known of that is in the ledger
    by now: decide anew. `degraded`: whom the roster names first did not grant it. `roster`: the
    version that both went by, None for the one in force.
    """

    confirm: Confirm = Confirm.LOCAL
    degraded: bool = False
    held: bool = False
    roster: int | None = None


Claim = Callable[[Claiming], Standing]  # blocks, 3 s at the most; called by any thread
Over = Callable[[bytes], None]  # told of a ticket: what was claimed is written, or won't be
UNCONTESTED: Final = Standing()


def uncontested(_claiming: Claiming) -> Standing:
    """Answer for a gate that has no others beside it."""
    return UNCONTESTED


def unheeded(_ticket: bytes) -> None:
    """Take the end of an admission that nobody was asked about."""
