"""Signatures, addresses and waits, without a server."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from cloud.hooks.model import (
    REST_LONGEST,
    WAITS,
    address_fault,
    body_of,
    next_try,
    rest,
    secret_text,
    sign,
)
from cloud.hooks.reaching import is_public, is_public_or_loopback

NOW = datetime(2027, 5, 1, 18, 0, 0, 250_000, tzinfo=UTC)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.text())
def test_a_receivers_library_takes_what_either_secret_signed(
    new: bytes, old: bytes, text: str
) -> None:
    now = datetime.now(UTC)
    body = body_of("order.paid", 1, now, {"text": text.encode(errors="replace").decode()})
    signed = sign("msg_1", now, body, (new, old))
    for secret in (new, old):
        told = Webhook(secret_text(secret)).verify(signed.body, dict(signed.headers))
        assert told["type"] == "order.paid"


def test_the_example_of_the_specification_is_signed_alike() -> None:
    """github.com/standard-webhooks: the reference libraries' own example."""
    signed = sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
        [base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
    )
    wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signed.headers["webhook-signature"] == wanted
    assert signed.headers["webhook-timestamp"] == "1614265330"


def test_tries_end_after_days() -> None:
    tries = [next_try(attempt, NOW, 0.0) for attempt in range(1, len(WAITS) + 2)]
    assert tries[-1] is None
    assert all(each is not None and each > NOW for each in tries[:-1])
    assert timedelta(days=2) < sum(WAITS, timedelta()) < timedelta(days=4)
    late = next_try(1, NOW, 1.0)
    assert late is not None
    assert NOW + WAITS[0] < late <= NOW + WAITS[0] * 1.2


def test_an_endpoint_rests_longer_each_time_and_not_for_ever() -> None:
    rests = [rest(failures) for failures in range(1, 200)]
    assert rests == sorted(rests)
    assert rests[-1] == timedelta(seconds=REST_LONGEST)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://example.com/hooks?a=b", ""),
        ("https://example.com:8443/", ""),
        ("https://[2001:4860:4860::8888]/", ""),
        ("http://example.com/", "hook_url_scheme"),
        ("ftp://example.com/", "hook_url_scheme"),
        ("https://user@example.com/", "hook_url_malformed"),
        ("https://user:word@example.com/", "hook_url_malformed"),
        ("https://example.com/#part", "hook_url_malformed"),
        ("https://", "hook_url_malformed"),
        ("https:///path", "hook_url_malformed"),
        ("https://example.com:99999/", "hook_url_malformed"),
        ("https://example.com:0/", "hook_url_malformed"),
        ("https://exa mple.com/", "hook_url_malformed"),
        ("https://example.com/\r\nx-evil: 1", "hook_url_malformed"),
        ("https://éxample.com/", "hook_url_malformed"),
        ("https://[::1", "hook_url_malformed"),
        ("", "hook_url_malformed"),
    ],
)
def test_an_address_is_one_that_can_be_called(url: str, fault: str) -> None:
    assert address_fault(url, loopback=False) == fault


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "::ffff:8.8.8.8"],
)
def test_what_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "2002:7f00:1::", "2001::1", "2001:db8::1", "localhost", "", "127.1",
        "192.0.0.192", "::ffff:192.0.0.192", "168.63.129.16", "fec0::1", "::127.0.0.1",
    ],
)  # fmt: skip
def test_what_is_not(address: str) -> None:
    assert not is_public(address)


def test_trying_out_reaches_this_machine_and_no_other_of_the_network() -> None:
    assert is_public_or_loopback("127.0.0.1")
    assert is_public_or_loopback("::1")
    assert not is_public_or_loopback("10.0.0.1")
    assert not is_public_or_loopback("rubbish")
