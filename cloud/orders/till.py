"""How requests and sweeps reach the payment provider: few at once, and none for long.

A request that asks the provider keeps its database connection meanwhile. So that a slow
provider can't take all of them, only so many may ask at a time; one more is told to come back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Final, TypeVar

from cloud.errors import Refusal
from cloud.payments.objects import Intent, IntentStatus
from cloud.payments.provider import Provider, ProviderAway, ProviderRefused

T = TypeVar("T")
PATIENCE: Final = 5.0  # seconds


class Till:
    """The provider, asked by requests."""

    def __init__(self, provider: Provider, at_once: int, patience: float = PATIENCE) -> None:
        self._provider = provider
        self._free = asyncio.Semaphore(at_once)
        self._patience = patience

    async def create(
        self, amount: int, currency: str, metadata: dict[str, str], key: str
    ) -> Intent:
        """Return a new payment, or the one that was made under this key."""

        async def work() -> Intent:
            return await self._provider.create_intent(
                amount=amount, currency=currency, metadata=metadata, key=key
            )

        return await self._ask(work)

    async def retrieve(self, intent: str) -> Intent:
        """Return a payment as it stands."""
        return await self._ask(lambda: self._provider.retrieve(intent))

    async def cancel(self, intent: str) -> Intent:
        """Give a payment up where that is still possible; return it as it stands then."""
        return await self._ask(lambda: give_up(self._provider, intent))

    async def _ask(self, work: Callable[[], Awaitable[T]]) -> T:
        if self._free.locked():
            raise Refusal("payments_busy")
        async with self._free:
            try:
                return await asyncio.wait_for(work(), self._patience)
            except ProviderAway as away:
                failure = Refusal("payments_away", retry_after=max(1, ceil(away.wait)))
            except TimeoutError:
                failure = Refusal("payments_away")
            except ProviderRefused as refused:
                failure = Refusal("payment_refused", reason=refused.code)
        raise failure


async def give_up(provider: Provider, intent: str) -> Intent:
    """Give a payment up; return it as it stands: paid, if somebody was faster."""
    try:
        return await provider.cancel(intent, f"cancel-{intent}")
    except ProviderRefused:
        return await provider.retrieve(intent)


def is_open(intent: Intent) -> bool:
    """Whether the payment may still become one that succeeded."""
    return intent.status not in (IntentStatus.SUCCEEDED, IntentStatus.CANCELED)
