"""Webhooks yet to be sent, held back, lost, sent and given up."""

import random
import sqlite3
from enum import StrEnum
from typing import Final, NamedTuple

from cloud.payments.fake.database import Database, Settings
from cloud.payments.fake.refusals import Body

ATTEMPTS_MAX: Final = 16
WAIT_MAX: Final = 3600.0


class Mode(StrEnum):
    """What becomes of the webhooks of new events."""

    DELIVER = "deliver"
    HOLD = "hold"  # until flushed
    DROP = "drop"  # for good, unless lost ones are flushed


class Order(StrEnum):
    """In which order held webhooks go out."""

    MADE = "made"
    REVERSED = "reversed"
    SHUFFLED = "shuffled"


class Delivery(NamedTuple):
    """One sending of one event."""

    seq: int
    event: str
    type: str
    attempts: int


STATES: Final = {Mode.DELIVER: "pending", Mode.HOLD: "held", Mode.DROP: "lost"}


class Mail:
    """The deliveries, in the database."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def set_mode(self, mode: Mode, copies: int) -> None:
        """Say what becomes of the webhooks of new events, and how often each is sent."""
        self._settings.put("mail_mode", mode.value)
        self._settings.put("mail_copies", copies)

    _ADD: Final = "INSERT INTO delivery (event, type, state, due) VALUES (?, ?, ?, ?)"

    def add(self, event: Body, now: float) -> None:
        """Put an event into the post."""
        mode = Mode(self._settings.text("mail_mode", Mode.DELIVER.value))
        for _ in range(int(self._settings.number("mail_copies", 1))):
            self._database.run(self._ADD, event["id"], event["type"], STATES[mode], now)

    def again(self, event: Body, copies: int, now: float) -> None:
        """Send an event again, whatever became of it before."""
        for _ in range(copies):
            self._database.run(self._ADD, event["id"], event["type"], "pending", now)

    _DUE: Final = """
    SELECT seq, event, type, attempts FROM delivery
    WHERE state = 'pending' AND due <= ? ORDER BY due, seq LIMIT ?
    """

    def due(self, now: float, most: int) -> list[Delivery]:
        """Return what is to be sent now."""
        return [Delivery(*row) for row in self._database.run(self._DUE, now, most)]

    _NEXT: Final = "SELECT min(due) AS due FROM delivery WHERE state = 'pending'"

    def next_due(self) -> float | None:
        """Return when the next sending is due."""
        found: float | None = self._database.run(self._NEXT)[0]["due"]
        return found

    _HELD: Final = """
    SELECT seq, event, type, attempts FROM delivery
    WHERE state = 'held' OR (? AND state = 'lost') ORDER BY seq
    """

    def held(self, order: Order, lost: bool, seed: int) -> list[Delivery]:
        """Return what was held back, and on request what was lost, in the order wanted."""
        found = [Delivery(*row) for row in self._database.run(self._HELD, lost)]
        if order is Order.REVERSED:
            found.reverse()
        if order is Order.SHUFFLED:
            random.Random(seed).shuffle(found)
        return found

    _DONE: Final = """
    UPDATE delivery SET attempts = attempts + 1, state = ?2, due = ?3, status = ?4 WHERE seq = ?1
    """

    def note(self, sent: Delivery, status: int, now: float, wait: float) -> None:
        """Note what came of a sending; one that failed is due again, each time later."""
        state = "sent" if 200 <= status < 300 else "pending"
        if state == "pending" and sent.attempts + 1 >= ATTEMPTS_MAX:
            state = "given_up"
        due = now + min(wait * 2**sent.attempts, WAIT_MAX)
        self._database.run(self._DONE, sent.seq, state, due, status)

    _ALL: Final = "SELECT event, type, state, attempts, status, due FROM delivery ORDER BY seq"

    def all(self) -> list[Body]:
        """Return every delivery, in the order of their events."""
        return [_shown(row) for row in self._database.run(self._ALL)]


def _shown(row: sqlite3.Row) -> Body:
    return dict(row)
