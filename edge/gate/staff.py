"""Signing in and out: badges that can sign, PINs that only open scanning (spec/devices.md §5).

A badge's secret stays in memory while its owner is on duty, because every supervisor's act is
signed with it at the moment it is written. A PIN is short and, on a stolen device, found by
trying; so it opens scanning and never supervision, and five wrong ones close PINs on this
device until a badge signs in.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from nacl import pwhash
from nacl.exceptions import InvalidkeyError

from edge.errors import Refused
from edge.gate.acts import stored
from edge.gate.lanes import Lane, Lanes
from edge.gate.ledger import Ledger, Line
from edge.gate.sessions import OnDuty
from edge.gate.state import Session
from edge.gate.trust import Trust
from edge.store.database import StorageFailed
from edge.store.settings import Pin, SettingStore
from shared import hashing, keys
from shared.devices.badge import decode_badge
from shared.devices.roster import Badge
from shared.errors import Malformed
from shared.instant import Instant
from shared.log.record import EMPTY, ZERO16, Kind, record_id

PIN_TRIES: Final = 5
PIN_LENGTHS: Final = range(4, 13)
MOST_PINS: Final = 50
BY_BADGE, BY_PIN, ENDED = 1, 2, 3
_TRIES: Final = "pin_tries"
# Small enough for a small computer's memory: a PIN falls to whoever has the disk anyway.
_OPERATIONS: Final = 4
_MEMORY: Final = 1 << 23


def pin_verifier(pin: str) -> bytes:
    """Return the Argon2id verifier of a PIN of 4 to 12 digits."""
    if not _is_pin(pin):
        raise ValueError("a PIN has 4 to 12 digits")
    return pwhash.argon2id.str(pin.encode(), opslimit=_OPERATIONS, memlimit=_MEMORY)


class Staff:
    """Sessions of all lanes."""

    def __init__(
        self,
        lanes: Lanes,
        ledger: Ledger,
        trust: Callable[[], Trust],
        settings: SettingStore,
        now: Callable[[], Instant],
        seconds: Callable[[], float],
        lock_after: float,
        meant: Callable[[str], Iterable[str]],
    ) -> None:
        self._lanes = lanes
        self._ledger = ledger
        self._trust = trust
        self._settings = settings
        self._now = now
        self._seconds = seconds
        self._lock_after = lock_after
        self._meant = meant
        self._trying = threading.Lock()

    def session(self, lane: str) -> Session | None:
        """Return who is on duty."""
        duty = self._lanes.lane(lane).duty
        return duty.session if duty else None

    def sign_in_pin(self, lane: str, pin: str) -> Session:
        """Open scanning by a PIN."""
        target = self._lanes.lane(lane)
        books = self._trust().books.values()
        if any(not book.rules.policy.pins for book in books):
            raise Refused("pin_not_allowed")
        with self._trying, stored():  # one at a time: no burst of tries slips past the count
            tries = self._settings.number(_TRIES)
            if tries >= PIN_TRIES:
                raise Refused("pin_locked")
            self._settings.put_number(_TRIES, tries + 1)  # before the try: a restart is no way out
            owner = next((each for each in self._settings.pins() if _fits(each, pin)), None)
            if owner is None:
                raise Refused("pin_locked" if tries + 1 >= PIN_TRIES else "pin_wrong")
            self._settings.put_number(_TRIES, 0)
        session = Session(owner.name, "scan", "pin", self._now().ms)
        return self._begin(target, session, BY_PIN, b"")

    def sign_in_badge(self, lane: str, badge: str) -> Session:
        """Open what the badge's role allows."""
        target = self._lanes.lane(lane)
        secret, entry = self.badge(badge)
        with self._trying, stored():
            self._settings.put_number(_TRIES, 0)
        session = Session(entry.name, entry.role, "badge", self._now().ms)
        return self._begin(target, session, BY_BADGE, secret)

    def badge(self, text: str) -> tuple[bytes, Badge]:
        """Return a badge's secret and what the roster says of it. A reader may have typed it."""
        secrets = []
        for meant in self._meant(text):
            with suppress(Malformed):
                secrets.append(keys.secret_key(decode_badge(meant)))
        if not secrets:
            raise Refused("badge_malformed")
        listed = self._trust().roster.badges
        secret = next((each for each in secrets if keys.public_key(each) in listed), secrets[0])
        return secret, self._listed(secret)

    def supervisor(self, lane: Lane, badge: str) -> bytes:
        """Return the secret of the supervisor who signs: the badge shown, or who is on duty."""
        if badge:
            secret, entry = self.badge(badge)
            if entry.role != "supervisor":
                raise Refused("supervisor_only")
            return secret
        return self.supervising(lane).badge

    def supervising(self, lane: Lane) -> OnDuty:
        """Return the supervisor on duty, whose badge must still be good."""
        if lane.duty is None or not lane.duty.supervises:
            raise Refused("supervisor_only")
        self._listed(lane.duty.badge)
        return lane.duty

    def sign_out(self, lane: str) -> None:
        """Lock a lane."""
        target = self._lanes.lane(lane)
        with target.lock:
            duty = target.duty
            _forget(target)
            if duty is not None:
                self._write_end(duty)
        self._lanes.changed(target)

    def active(self, lane: Lane) -> None:
        """Note that somebody is working at a lane."""
        if lane.duty is not None:
            lane.duty.active = self._seconds()

    def lock_idle(self) -> None:
        """Lock the lanes where nobody has done anything for a while."""
        before = self._seconds() - self._lock_after
        for lane in self._lanes.all():
            if lane.duty is not None and lane.duty.active < before:
                self.sign_out(lane.id)

    def lock_revoked(self) -> None:
        """Lock the lanes whose badge was withdrawn since it was shown."""
        for lane in self._lanes.all():
            if lane.duty is not None and lane.duty.badge and not self._is_good(lane.duty):
                self.sign_out(lane.id)

    def _listed(self, secret: bytes) -> Badge:
        """Return what the roster says of a badge that it has and that is not withdrawn."""
        entry = self._trust().roster.badges.get(keys.public_key(secret))
        if entry is None:
            raise Refused("badge_unknown")
        if entry.revoked is not None and self._now().seconds >= entry.revoked:
            raise Refused("badge_revoked")
        return entry

    def _is_good(self, duty: OnDuty) -> bool:
        try:
            return self._listed(duty.badge).role == duty.session.role
        except Refused:
            return False

    def _begin(self, lane: Lane, session: Session, reason: int, secret: bytes) -> Session:
        ref = hashing.badge_id(keys.public_key(secret)) if secret else ZERO16
        record = EMPTY._replace(kind=Kind.SESSION, reason=reason, ref=ref)
        with stored(), lane.lock:
            if lane.duty is not None:
                self._write_end(lane.duty)
                _forget(lane)
            (raw,) = self._ledger.append((Line(record, badge=secret),))
            lane.duty = OnDuty(session, record_id(raw), secret, self._seconds())
        self._lanes.changed(lane)
        return session

    def _write_end(self, duty: OnDuty) -> None:
        """Write that a session ended. Where the disk fails, the next one ends it all the same."""
        record = EMPTY._replace(kind=Kind.SESSION, reason=ENDED, session=duty.id)
        try:
            self._ledger.append((Line(record),))
        except StorageFailed:
            return


def _forget(lane: Lane) -> None:
    """End what a lane knows of somebody's session: with it go the badges that scans hold."""
    lane.duty = None
    lane.shown = None
    lane.pending.clear()


def _is_pin(pin: str) -> bool:
    return pin.isascii() and pin.isdigit() and len(pin) in PIN_LENGTHS


def _fits(owner: Pin, pin: str) -> bool:
    if not _is_pin(pin):
        return False
    try:
        return pwhash.verify(owner.verifier, pin.encode())
    except InvalidkeyError:
        return False
