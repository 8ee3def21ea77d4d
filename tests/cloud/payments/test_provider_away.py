"""`StripeProvider` while the provider is away: what it tells, and that a repeat costs nothing."""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cloud.payments.provider import Intent, ProviderAway, ProviderRefused, StripeProvider
from tests.cloud.payments.processes import KEY, Running


@pytest.fixture
def stripe(anew: Running) -> Running:
    """The fake, with no fault of another test."""
    return anew


def asked(
    address: str,
    work: Callable[[StripeProvider], Awaitable[Any]],
    timeout: float = 60,
    retries: int = 0,
) -> Any:
    """Return what *work* makes of a provider of its own."""

    async def working() -> Any:
        provider = StripeProvider(KEY, address, timeout=timeout, retries=retries)
        try:
            return await work(provider)
        finally:
            await provider.aclose()

    return asyncio.run(working())


def creating(key: str) -> Callable[[StripeProvider], Awaitable[Intent]]:
    """Return the request for a new intent."""
    return lambda provider: provider.create_intent(
        amount=4200, currency="eur", metadata={"key": key}, key=key
    )


def made_with(stripe: Running, key: str) -> int:
    """Return how many intents were made under a key."""
    page = stripe.http.get("/v1/payment_intents", params={"limit": 100}).json()
    return sum(intent["metadata"]["key"] == key for intent in page["data"])


@pytest.mark.parametrize(
    ("kind", "code", "made"),
    [
        ("outage_before", "outage", 0),
        ("outage_after", "outage", 1),
        ("rate_limit", "rate_limited", 0),
        ("busy", "busy", 0),
        ("hang_before", "unreachable", 0),
        ("hang_after", "unreachable", 1),
    ],
)
def test_a_repeat_with_the_same_key_has_one_effect(
    stripe: Running, kind: str, code: str, made: int
) -> None:
    """However the first request ends, with its work done or not, the second makes it one intent."""
    key = f"repeat-{kind}"
    stripe.test("faults", kind=kind, seconds=10)
    with pytest.raises(ProviderAway) as failure:
        asked(stripe.address, creating(key), timeout=1 if kind.startswith("hang") else 60)
    assert failure.value.code == code
    while made_with(stripe, key) < made:
        time.sleep(0.02)  # we may have given up before the fake began
    assert made_with(stripe, key) == made
    intent = asked(stripe.address, creating(key))
    assert intent.amount == 4200
    assert made_with(stripe, key) == 1


@pytest.mark.parametrize("kind", ["outage_before", "outage_after", "busy"])
def test_a_short_outage_is_sat_out(stripe: Running, kind: str) -> None:
    """Stripe's client asks again by itself, with the same key."""
    key = f"sat-out-{kind}"
    stripe.test("faults", kind=kind)
    assert asked(stripe.address, creating(key), retries=1).amount == 4200
    assert made_with(stripe, key) == 1


def test_a_fault_is_for_so_many_requests_of_an_address(stripe: Running) -> None:
    """Two requests for refunds fail, and nothing else does."""
    stripe.test("faults", kind="outage_before", path="/v1/refunds", requests=2)
    statuses = [stripe.post("/v1/refunds").status_code for _ in range(2)]
    assert stripe.paid()["status"] == "succeeded"
    assert [*statuses, stripe.post("/v1/refunds").status_code] == [503, 503, 400]


def test_nobody_at_the_address_is_an_outage() -> None:
    """A provider that can't be reached is away."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ProviderAway, match="unreachable"):
        asked(f"http://127.0.0.1:{port}", creating("nobody"))


def test_failures_keep_nothing_of_the_answer(stripe: Running) -> None:
    """Neither text nor cause of a failure has a secret, though Stripe's error object has one."""
    intent = stripe.paid()
    answer = stripe.post(f"/v1/payment_intents/{intent['id']}/cancel")
    assert intent["client_secret"] in answer.text
    with pytest.raises(ProviderRefused) as failure:
        asked(stripe.address, lambda provider: provider.cancel(intent["id"], "cancel-paid"))
    error = failure.value
    assert error.code == "payment_intent_unexpected_state"
    assert error.args == (error.code,)
    assert (error.__cause__, error.__context__) == (None, None)


def test_logs_keep_nothing_of_the_answer(stripe: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Even where everything is logged, the client secret and our key are not."""
    caplog.set_level(logging.DEBUG)
    intent = asked(stripe.address, creating("logged"))
    assert caplog.records, "nothing was logged, so the test shows nothing"
    assert intent.client_secret not in caplog.text
    assert KEY not in caplog.text


def test_a_provider_shows_no_key() -> None:
    """The repr of the provider is free of the key."""
    provider = StripeProvider(KEY, "http://127.0.0.1:1")
    assert KEY not in repr(provider)
    asyncio.run(provider.aclose())


def test_an_answer_in_another_form_is_no_answer(stripe: Running) -> None:
    """What can't be understood is not believed: a checkout page is no payment."""
    with pytest.raises(ProviderAway, match="outage"):
        asked(stripe.address + "/checkout/pi_x?", creating("html"))


def test_many_wait_for_a_place() -> None:
    """Of twenty requests no more than two are under way, and those that wait are all made."""
    under_way = most = total = 0

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most, total
        await reader.readuntil(b"\r\n\r\n")
        under_way, total = under_way + 1, total + 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async def working() -> list[BaseException | Intent]:
        server = await asyncio.start_server(busy, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        provider = StripeProvider(KEY, f"http://127.0.0.1:{port}", retries=0, at_once=2)
        asking = (creating(f"busy-{number}")(provider) for number in range(20))
        answers = await asyncio.gather(*asking, return_exceptions=True)
        await provider.aclose()
        server.close()
        await server.wait_closed()
        return answers

    answers = asyncio.run(working())
    assert [str(answer) for answer in answers] == ["outage"] * 20
    assert (most, total) == (2, 20)
