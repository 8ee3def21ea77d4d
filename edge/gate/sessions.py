"""Who is on duty at a lane."""

from dataclasses import dataclass, field

from edge.gate.guests import GuestList
from edge.gate.state import Session


@dataclass
class OnDuty:
    """A session, as this process holds it. The badge and what it opens go with it."""

    session: Session
    id: bytes  # 16: the SESSION record, which others name
    badge: bytes = b""  # the badge's secret, for countersigning; empty for a PIN
    active: float = 0.0  # monotonic seconds of the last act
    lists: dict[bytes, GuestList] = field(default_factory=dict)  # by event

    @property
    def supervises(self) -> bool:
        """Whether this session may sign what only a supervisor may: never by a PIN."""
        return self.session.role == "supervisor" and bool(self.badge)
