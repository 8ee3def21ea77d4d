"""Who may do what with a ticket: its owner, or who has the scope in the tenant."""

from uuid import UUID

from cloud.http.access import Caller
from cloud.tickets.model import Moved


def judge(caller: Caller, owner: UUID | None, scope: str) -> bool:
    """Return whether the ticket is the caller's own; refuse who neither owns it nor has `scope`.

    A ticket that does not exist has no owner, and is refused in the same words.
    """
    if caller.account is not None and caller.account == owner:
        return True
    caller.need(scope)
    return False


def veiled(moved: Moved, actor: str) -> Moved:
    """Return a move as a ticket's owner sees it: without who else acted, and why."""
    if moved.actor == actor:
        return moved
    return Moved(
        moved.number, moved.at, moved.move, moved.from_state, moved.to_state, moved.gen, "", ""
    )
