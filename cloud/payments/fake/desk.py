"""What every request is answered from, and the one place where its effects are kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from cloud.payments.fake.answers import Answers
from cloud.payments.fake.courier import Courier
from cloud.payments.fake.database import Database, Settings
from cloud.payments.fake.faults import Faults
from cloud.payments.fake.mail import Mail
from cloud.payments.fake.making import Clock, Ids
from cloud.payments.fake.outcome import Making, Outcome
from cloud.payments.fake.refusals import Body
from cloud.payments.fake.shelf import Shelf


class Start(NamedTuple):
    """What the fake is started with."""

    data: Path
    key: str
    address: str
    seed: str
    webhook: str = ""
    webhook_secret: str = ""
    stopped_at: float | None = None
    retry_wait: float = 0.5


class Desk:
    """The fake's parts, put together on one database."""

    def __init__(self, start: Start) -> None:
        self.database = Database(start.data)
        self.settings = Settings(self.database)
        self.clock = Clock(self.settings, start.stopped_at)
        self.shelf = Shelf(self.database)
        self.answers = Answers(self.database)
        self.faults = Faults(self.database)
        self.mail = Mail(self.database, self.settings)
        self.courier = Courier(self.mail, self.shelf, self.clock, self.settings, start.retry_wait)
        self.key = start.key
        self.address = start.address
        self._ids = Ids(self.settings, start.seed)
        if start.webhook:
            self.set_endpoint(start.webhook, start.webhook_secret)

    def set_endpoint(self, url: str, secret: str) -> None:
        """Say where webhooks go from now on, also those that wait."""
        with self.database.transaction():
            self.settings.put("webhook_url", url)
            self.settings.put("webhook_secret", secret)

    _FORGET: Final = (
        "DELETE FROM object",
        "DELETE FROM answer",
        "DELETE FROM delivery",
        "DELETE FROM fault",
        # Ids go on, so that none is given twice.
        "DELETE FROM setting WHERE name NOT IN ('seed', 'ids')",
    )

    def forget(self) -> None:
        """Begin anew: no objects, no faults, no endpoint, the clock set right."""
        with self.database.transaction():
            for statement in self._FORGET:
                self.database.run(statement)

    def making(self) -> Making:
        """Return what a request is made with."""
        return Making(int(self.clock.now()), self._ids.next, self.address)

    def keep(self, outcome: Outcome, key: str = "") -> None:
        """Keep what *outcome* says, inside the caller's transaction."""
        for thing in outcome.kept:
            self.shelf.put(thing)
        for kind, thing in outcome.events:
            event = self._event(kind, thing, key)
            self.shelf.put(event)
            self.mail.add(event, self.clock.now())

    def apply(self, work: Callable[[Making], Outcome]) -> Outcome:
        """Do *work* and keep what it says; a refusal keeps nothing."""
        with self.database.transaction():
            outcome = work(self.making())
            self.keep(outcome)
        self.courier.wake()
        return outcome

    def _event(self, kind: str, thing: Body, key: str) -> Body:
        making = self.making()
        return {
            "id": making.id("evt"),
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": making.now,
            "data": {"object": thing},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": key or None},
            "type": kind,
        }
