"""What staff do about a scan beside scanning: say more, take back, override, look up.

Everything that needs a supervisor is signed by a badge at the moment it is written: the one on
duty at the lane, or one that is shown for this act alone.
"""

import threading
from collections.abc import Callable
from typing import Final

from edge.errors import Refused
from edge.gate.acts import Act, reason_number, stored
from edge.gate.incidents import shown
from edge.gate.lanes import CHALLENGE_SECONDS, Lane
from edge.gate.lines import undo_line
from edge.gate.pending import Pending
from edge.gate.searching import Searching, forget
from edge.gate.state import Findings, IncidentShown
from edge.gate.station import Parts, Station, repeated
from edge.gate.verdict import Verdict
from shared.decide import by_hand
from shared.log.record import ZERO16
from shared.manifest.sealed import Name
from shared.outcomes import Signal
from shared.rules.decision import Draft, Hold
from shared.rules.undo import undo

UNDONE: Final = "undone"
HAND: Final = "hand"


class Desk:
    """Safe to call from any thread."""

    def __init__(self, parts: Parts, station: Station, random: Callable[[int], bytes]) -> None:
        self._ = parts
        self._station = station
        self._random = random
        self._searching = Searching(parts.trust, parts.documents)
        self._overriding = threading.Lock()

    def resolve(self, lane: str, scan: str, act: Act, badge: str = "") -> Verdict:
        """Decide a scan again, with what staff have said of it so far and now."""
        target = self._.lanes.lane(lane)
        with target.lock:
            if (done := target.done.get(scan)) is not None and done[0] == act:
                return repeated(done[1])  # the answer was lost, or the button was hit twice
            pending = self._pending(target, scan)
            if act.supervised or badge:
                secret = self._.staff.supervisor(target, badge)
                pending = pending._replace(badge=secret)
            verdict = self._decided(target, pending._replace(act=_joined(pending, act)))
            if verdict.signal is Signal.ADMIT:
                target.close(scan, act, verdict)
            return verdict

    def undo(self, lane: str, scan: str, badge: str = "") -> Verdict:
        """Take back the admission that a verdict told of."""
        target = self._.lanes.lane(lane)
        with target.lock:
            if self._.locked():
                raise Refused("gate_locked")
            pending = self._pending(target, scan)
            secret = self._.staff.supervisor(target, badge) if badge else b""
            with self._station.alone(pending.scan.ticket_hash):
                drafts = [
                    self._undone(target, pending, entry, secret) for entry in pending.admitted
                ]
                if not drafts:
                    raise Refused("nothing_to_undo")
                self._write_undo(target, pending, drafts, secret)
            told = {"code": UNDONE, "signal": Signal.ADMIT, "people": len(drafts)}
            verdict = self._station.tell(target, pending.source, told)
            token = pending.scan.token
            target.repeats.note(token.event + token.ticket, verdict, self._.seconds())
            del target.pending[scan]
            return self._station.publish(target, verdict)

    def challenge(self, lane: str) -> str:
        """Show four new bytes, for one answer within a minute; return them as hex."""
        target = self._.lanes.lane(lane)
        with target.lock:
            shown = self._random(4)
            target.challenge = shown, self._.seconds() + CHALLENGE_SECONDS
            self._.staff.active(target)
            self._.lanes.changed(target)
            return shown.hex()

    def find(self, lane: str, words: str) -> Findings:
        """Return the tickets that a supervisor looks for by name, seat or order."""
        target = self._.lanes.lane(lane)
        with target.lock:
            if self._.locked():
                forget(target)
                raise Refused("gate_locked")
            self._.staff.supervising(target)
            self._.staff.active(target)
            return self._searching.find(target, words, self._station.ledger(target))

    def incidents(self, lane: str) -> list[IncidentShown]:
        """Return what the cloud says a person must settle, for a supervisor."""
        target = self._.lanes.lane(lane)
        with target.lock:
            self._.staff.supervising(target)
            self._.staff.active(target)
            lists, trust = self._searching.lists(target), self._.trust()
            notes = self._.incidents.newest()
            return [shown(note, trust, self._.me.device, lists) for note in notes]

    def by_hand(self, lane: str, ticket: str, act: Act) -> Verdict:
        """Decide on a ticket that a supervisor picked from the list, with no code shown."""
        target = self._.lanes.lane(lane)
        with target.lock:
            badge = self._.staff.supervising(target).badge
            event, record, entry = self._searching.picked(target, ticket)
            name = Name(entry.name, entry.seat) if entry else Name("", "")
            pending = Pending(by_hand(record, event), b"", HAND, name, act, badge)
            return self._decided(target, pending)

    def _decided(self, lane: Lane, pending: Pending) -> Verdict:
        """Have the station decide; overrides one at a time, so that the quota holds."""
        if not pending.act.override:
            return self._station.decide_again(lane, pending)
        with self._overriding:
            self._check_override(lane, pending)
            return self._station.decide_again(lane, pending)

    def _pending(self, lane: Lane, scan: str) -> Pending:
        found = lane.pending.get(scan)
        if found is None:
            raise Refused("scan_unknown")
        return found

    def _check_override(self, lane: Lane, pending: Pending) -> None:
        """Refuse an override without a reason, or beyond the event's quota for one device."""
        if reason_number(pending.act.override) is None:
            raise Refused("override_reason")
        token = pending.scan.token
        book = self._.trust().books.get(token.event)
        rule = book.rules.classes.get(token.ticket_class) if book else None
        people = pending.act.people if rule is not None and rule.group else 1
        quota = book.rules.policy.overrides if book else 0
        if self._station.ledger(lane).overrides(token.event) + max(1, people) > quota:
            raise Refused("override_quota")

    def _undone(self, lane: Lane, pending: Pending, entry: bytes, secret: bytes) -> Draft:
        """Return the record that takes one entry back."""
        scan = pending.scan
        history = self._station.history(lane, scan.token.event, scan.ticket_hash)
        inside = (visit for pool in history.pools.values() for visit in pool.inside)
        visit = next((visit for visit in inside if visit.id == entry), None)
        if visit is None:
            raise Refused("nothing_to_undo")
        now, signed = self._.clock.now(), bool(secret)
        made = undo(visit, history, now, same_device=True, supervisor=signed)
        if isinstance(made, Hold) and lane.duty is not None and lane.duty.supervises:
            made = undo(visit, history, now, same_device=True, supervisor=True)
        if isinstance(made, Hold):
            raise Refused("undo_needs_supervisor")
        if made is None:
            raise Refused("nothing_to_undo")
        return made

    def _write_undo(self, lane: Lane, pending: Pending, drafts: list[Draft], secret: bytes) -> None:
        posts = self._.lanes.posts(lane)
        post = posts.get(pending.scan.token.event)
        if post is None:
            raise Refused("post_gate")
        if not secret and lane.duty is not None and lane.duty.supervises:
            secret = lane.duty.badge
        session = lane.duty.id if lane.duty else ZERO16
        quality = self._.clock.quality()
        lines = [undo_line(draft, pending, post, quality, session, secret) for draft in drafts]
        with stored():
            self._station.ledger(lane).append(lines)


def _joined(pending: Pending, act: Act) -> Act:
    """Return what staff have said of a scan, before and now."""
    before = pending.act
    return Act(
        people=act.people,
        answers={**before.answers, **act.answers},
        confirmed=before.confirmed or act.confirmed,
        approve=before.approve or act.approve,
        override=act.override or before.override,
        day=act.day or before.day,
    )
