"""The payment provider as the rest of the cloud sees it, and Stripe behind it.

Amounts are in minor units: what Stripe counts in others is put into its own here (`units.py`).

provider = StripeProvider(key, address)
intent = await provider.create_intent(amount=4200, currency="eur", metadata={...}, key="order-…")

Every operation that changes something takes an idempotency key: asked again with the same key
it has the same effect once, so whoever was cut off asks again. Two things can go wrong:

- `ProviderRefused`: the provider understood and said no; asking again changes nothing.
- `ProviderAway`: no answer that can be relied on. **The work may have been done.** Ask again with
  the same key, or wait for the webhook.
"""

import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, TypeVar

import msgspec
import stripe
from stripe.params import PaymentIntentCreateParams

from cloud.breakers.breaker import Breaker, Breakers, Resting
from cloud.breakers.model import Outcome, Rule
from cloud.payments.objects import Intent as Intent
from cloud.payments.objects import IntentStatus as IntentStatus
from cloud.payments.objects import RefundResult as RefundResult
from cloud.payments.objects import RefundStatus as RefundStatus
from cloud.payments.objects import Told, in_minor_units
from cloud.payments.units import charged
from cloud.payments.wire import Wire

T = TypeVar("T")
Method = Literal["card"]

STRIPE: Final = "https://api.stripe.com"
PAGE: Final = 100  # the most that one list call gives
RULE: Final = Rule(rest=10_000, probe=75_000)  # three attempts, and what is waited between them


class ProviderRefused(Exception):
    """The provider said no. `code` is Stripe's, or ours where Stripe has none."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ProviderAway(Exception):
    """The provider gave no usable answer; what was asked for may have happened all the same.

    `resting`: it was not asked, for it failed too often; how many seconds that goes on.
    """

    def __init__(self, code: str, wait: float = 0.0) -> None:
        super().__init__(code)
        self.code = code
        self.wait = wait


class Provider(Protocol):
    """What a payment provider does for us. All may raise `ProviderRefused` and `ProviderAway`."""

    async def create_intent(
        self, *, amount: int, currency: str, metadata: Mapping[str, str], key: str
    ) -> Intent:
        """Return a new payment, which the buyer completes with its client secret."""
        ...

    async def retrieve(self, intent_id: str) -> Intent:
        """Return the payment as it stands now."""
        ...

    async def cancel(self, intent_id: str, key: str) -> Intent:
        """Give a payment up; refused once it has succeeded or was given up before."""
        ...

    async def refund(
        self, intent_id: str, amount: int, currency: str, key: str, metadata: Mapping[str, str]
    ) -> RefundResult:
        """Give *amount* of a payment back; refused beyond what is left of it."""
        ...

    async def retrieve_refunds(self, intent_id: str) -> Sequence[RefundResult]:
        """Return all refunds of a payment, the newest first."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class StripeProvider:
    """Stripe, or whatever speaks its protocol at *address*."""

    def __init__(
        self,
        key: str,
        address: str = STRIPE,
        *,
        methods: Sequence[Method] = ("card",),
        timeout: float = 20,
        retries: int = 2,
        at_once: int = 16,
        breaker: Breaker | None = None,
    ) -> None:
        """`methods`: how buyers may pay; without any, as the account's settings say.

        `timeout`: seconds for each attempt; `at_once`: how many requests are under way, while
        more of them wait. `breaker`: shared with other processes; without, its own.
        """
        # Stripe's client writes whole answers, with client secrets, to its log's debug level.
        logging.getLogger("stripe").setLevel(logging.WARNING)
        self._http = Wire(timeout, at_once)
        self._stripe = stripe.StripeClient(
            key,
            base_addresses={"api": address.rstrip("/")},
            http_client=self._http,
            max_network_retries=retries,
        )
        self._methods: Final = tuple(methods)
        self._breaker = breaker or Breakers(None).of("payments", RULE)

    async def create_intent(
        self, *, amount: int, currency: str, metadata: Mapping[str, str], key: str
    ) -> Intent:
        """Return a new payment, which the buyer completes with its client secret."""
        wanted: PaymentIntentCreateParams = {
            "amount": _charged(amount, currency),
            "currency": currency,
            "metadata": dict(metadata),
        }
        if self._methods:
            wanted["allowed_payment_method_types"] = list(self._methods)
        asked = self._stripe.v1.payment_intents.create_async(wanted, {"idempotency_key": key})
        return _read(await self._asked(asked), Intent)

    async def retrieve(self, intent_id: str) -> Intent:
        """Return the payment as it stands now."""
        return _read(
            await self._asked(self._stripe.v1.payment_intents.retrieve_async(intent_id)), Intent
        )

    async def cancel(self, intent_id: str, key: str) -> Intent:
        """Give a payment up; refused once it has succeeded or was given up before."""
        asked = self._stripe.v1.payment_intents.cancel_async(
            intent_id, options={"idempotency_key": key}
        )
        return _read(await self._asked(asked), Intent)

    async def refund(
        self, intent_id: str, amount: int, currency: str, key: str, metadata: Mapping[str, str]
    ) -> RefundResult:
        """Give *amount* of a payment back; refused beyond what is left of it."""
        back = _charged(amount, currency)
        asked = self._stripe.v1.refunds.create_async(
            {"payment_intent": intent_id, "amount": back, "metadata": dict(metadata)},
            {"idempotency_key": key},
        )
        return _read(await self._asked(asked), RefundResult)

    async def retrieve_refunds(self, intent_id: str) -> Sequence[RefundResult]:
        """Return all refunds of a payment, the newest first."""
        return await self._asked(self._all_refunds(intent_id))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.close_async()

    async def _all_refunds(self, intent_id: str) -> list[RefundResult]:
        page = await self._stripe.v1.refunds.list_async(
            {"payment_intent": intent_id, "limit": PAGE}
        )
        return [_read(refund, RefundResult) async for refund in page.auto_paging_iter()]

    async def _asked(self, answer: Coroutine[Any, Any, T]) -> T:
        """Return *answer*. Stripe's own error holds whole answers, so ours keeps nothing of it."""
        failure: ProviderRefused | ProviderAway
        try:
            async with self._breaker.guarding() as call:
                try:
                    return await answer
                except stripe.StripeError as error:
                    failure = failure_of(error)
                    call.outcome = outcome_of(failure)
        except Resting as resting:
            answer.close()
            failure = ProviderAway("resting", resting.seconds)
        raise failure


def _charged(amount: int, currency: str) -> int:
    """Return an amount as Stripe is told it."""
    units = charged(amount, currency)
    if units is None:
        raise ProviderRefused("amount_parts")
    return units


def _read(answer: stripe.StripeObject, form: type[Told]) -> Told:
    try:
        return in_minor_units(msgspec.convert(answer.to_dict(), form))
    except msgspec.ValidationError:
        failure = ProviderAway("unreadable")
    raise failure


# Stripe names no code for these, only the parameter that it objects to.
UNCODED: Final[Mapping[str, str]] = {
    "amount": "amount_too_large",
    "payment_intent": "nothing_to_refund",
}


def failure_of(error: stripe.StripeError) -> ProviderRefused | ProviderAway:
    """Return what *error* means to us, with nothing of its text."""
    match error:
        case stripe.RateLimitError():
            return ProviderAway("rate_limited")
        case stripe.AuthenticationError() | stripe.PermissionError():
            # Not a refusal: once the key is put right, the same request goes through.
            return ProviderAway("key_refused")
        case stripe.IdempotencyError():
            return ProviderRefused("idempotency_key_reused")
        case stripe.CardError() | stripe.InvalidRequestError():
            return ProviderRefused(error.code or _uncoded(error))
        case stripe.APIConnectionError():
            return ProviderAway("unreachable")
    return ProviderAway("busy" if error.http_status == 409 else "outage")


def outcome_of(failure: ProviderRefused | ProviderAway) -> Outcome:
    """Return what a failure says of the provider itself."""
    if isinstance(failure, ProviderRefused) or failure.code == "busy":
        return Outcome.GOOD  # it has answered
    return Outcome.NONE if failure.code == "key_refused" else Outcome.BAD


def _uncoded(error: stripe.CardError | stripe.InvalidRequestError) -> str:
    if error.http_status == 404:
        return "resource_missing"
    return UNCODED.get(error.param or "", "invalid_request")
