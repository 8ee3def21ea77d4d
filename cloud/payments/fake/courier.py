"""Sends webhooks as Stripe does: signed anew at each attempt, again with growing pauses."""

import asyncio
import json
from typing import Final

import httpx

from cloud.payments import webhooks
from cloud.payments.fake.database import Settings
from cloud.payments.fake.mail import Delivery, Mail
from cloud.payments.fake.making import Clock
from cloud.payments.fake.shelf import Shelf

AT_ONCE: Final = 4
PATIENCE: Final = 10.0  # seconds for an endpoint to answer
NAP_MIN: Final = 0.02
NAP_MAX: Final = 60.0


class Courier:
    """Sends what is due, for as long as `run` runs."""

    def __init__(
        self, mail: Mail, shelf: Shelf, clock: Clock, settings: Settings, wait: float
    ) -> None:
        self._mail = mail
        self._shelf = shelf
        self._clock = clock
        self._settings = settings
        self._wait = wait
        self._woken = asyncio.Event()
        # Not through a proxy of this machine's settings: endpoints are on this machine.
        self._http = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)

    def wake(self) -> None:
        """Say that there is something to send, or that the time has changed."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                self._woken.clear()
                due = self._mail.due(self._clock.now(), AT_ONCE) if self._endpoint() else []
                if due:
                    await asyncio.gather(*(self.send(each) for each in due))
                else:
                    await self._nap()
        finally:
            await self._http.aclose()

    async def send(self, delivery: Delivery) -> int:
        """Send one, and return the status of the answer; 0: there was none."""
        event = self._shelf.get("event", delivery.event)
        payload = json.dumps(event, indent=2).encode()
        status = await self._post(payload)
        self._mail.note(delivery, status, self._clock.now(), self._wait)
        return status

    async def _post(self, payload: bytes) -> int:
        secret = self._settings.text("webhook_secret")
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": webhooks.sign(payload, secret, int(self._clock.now())),
        }
        try:
            answer = await self._http.post(self._endpoint(), content=payload, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0
        return answer.status_code

    async def _nap(self) -> None:
        due = self._mail.next_due()
        left = NAP_MAX if due is None or not self._endpoint() else due - self._clock.now()
        try:
            await asyncio.wait_for(self._woken.wait(), min(max(left, NAP_MIN), NAP_MAX))
        except TimeoutError:
            return

    def _endpoint(self) -> str:
        return self._settings.text("webhook_url")
