"""`verify`: what is genuine, what is not, and that nothing else ever comes of a webhook."""

import json
from typing import Final

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from cloud.payments import webhooks
from cloud.payments.objects import Charge, Intent, IntentStatus, Other, RefundResult, RefundStatus
from cloud.payments.webhooks import MalformedWebhook, UntrustedWebhook, sign, verify
from shared.errors import Malformed, Untrusted

NOW: Final = 1_795_000_000
SECRET: Final = "whsec_one"
OTHER: Final = "whsec_two"


def body(kind: str = "payment_intent.succeeded", **thing: object) -> bytes:
    """Return an event, by default of a payment that came."""
    intent = {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "succeeded",
        "amount": 4200,
        "amount_received": 4200,
        "currency": "eur",
        "client_secret": "pi_1_secret_x",
        "metadata": {"order": "o-1"},
        "some_new_field": [1, {"a": None}],
    }
    event = {"id": "evt_1", "type": kind, "created": NOW, "data": {"object": thing or intent}}
    return json.dumps(event).encode()


BODY: Final = body()
HEADER: Final = sign(BODY, SECRET, NOW)


def code(
    payload: bytes = BODY,
    header: str = HEADER,
    secrets: tuple[str, ...] = (SECRET,),
    now: int = NOW,
) -> str | None:
    """Return the code with which a webhook is refused; None: it is taken."""
    try:
        verify(payload, header, secrets, now)
    except (MalformedWebhook, UntrustedWebhook) as error:
        return error.code
    return None


def test_a_genuine_webhook_tells_of_a_payment() -> None:
    """What was signed with the secret is taken, and read."""
    event = verify(BODY, HEADER, [SECRET], NOW)
    assert (event.id, event.type, event.created) == ("evt_1", "payment_intent.succeeded", NOW)
    assert event.object == Intent(
        "pi_1", IntentStatus.SUCCEEDED, 4200, "eur", "pi_1_secret_x", {"order": "o-1"}, 4200
    )


def test_refunds_charges_and_the_rest_are_read() -> None:
    """Each kind of event has its own object, and an unknown kind is no error."""
    refund: dict[str, object] = {
        "id": "re_1",
        "status": "failed",
        "amount": 5,
        "currency": "eur",
        "metadata": {},
    }
    charge = {"id": "ch_1", "amount": 9, "amount_refunded": 5, "currency": "eur"}
    things: dict[str, dict[str, object]] = {
        "refund.failed": refund,
        "charge.refund.updated": refund,
        "charge.refunded": {**charge, "refunded": False, "payment_intent": "pi_1"},
        "customer.created": {"id": "cus_1", "object": "customer", "email": "a@example.org"},
        "balance.available": {"object": "balance"},
    }
    read = {kind: webhooks.decode(body(kind, **thing)).object for kind, thing in things.items()}
    assert read == {
        "refund.failed": RefundResult("re_1", RefundStatus.FAILED, 5, "eur"),
        "charge.refund.updated": RefundResult("re_1", RefundStatus.FAILED, 5, "eur"),
        "charge.refunded": Charge("ch_1", 9, 5, "eur", False, "pi_1"),
        "customer.created": Other("customer", "cus_1"),
        "balance.available": Other("balance"),
    }


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"payload": BODY.replace(b"4200", b"1200")}, "webhook_bad_signature"),
        ({"payload": BODY + b" "}, "webhook_bad_signature"),
        ({"payload": b""}, "webhook_bad_signature"),
        ({"secrets": (OTHER,)}, "webhook_bad_signature"),
        ({"secrets": ()}, "webhook_no_secret"),
        ({"secrets": ("",), "header": sign(BODY, "", NOW)}, "webhook_no_secret"),
        ({"secrets": (" ",), "header": sign(BODY, " ", NOW)}, "webhook_no_secret"),
        ({"header": sign(BODY, "", NOW), "secrets": ("", SECRET)}, "webhook_bad_signature"),
        ({"now": NOW + 300}, None),
        ({"now": NOW + 301}, "webhook_stale"),
        ({"now": NOW - 300}, None),
        ({"now": NOW - 301}, "webhook_early"),
        ({"now": NOW + 301, "secrets": (OTHER,)}, "webhook_bad_signature"),
        ({"header": HEADER.replace(f"t={NOW}", f"t={NOW + 1}")}, "webhook_bad_signature"),
        ({"header": ""}, "webhook_header"),
        ({"header": HEADER.partition(",")[2]}, "webhook_header"),
        ({"header": HEADER.partition(",")[0]}, "webhook_no_signature"),
        ({"header": HEADER[:-1]}, "webhook_bad_signature"),
        ({"header": HEADER.replace("v1=", "v0=")}, "webhook_no_signature"),
        ({"header": f"t={NOW},v1="}, "webhook_bad_signature"),
        ({"header": f"t={NOW - 5}," + HEADER}, "webhook_header"),
        ({"header": HEADER.replace("t=", "t=-")}, "webhook_header"),
        ({"header": HEADER.replace("t=1", "t=\N{ARABIC-INDIC DIGIT ONE}")}, "webhook_header"),
        ({"header": HEADER + ",v1=é"}, "webhook_header"),
        ({"header": f"t={10**12}," + HEADER.partition(",")[2]}, "webhook_header"),
        ({"header": HEADER + ",v1=" + "0" * 2048}, "webhook_header_too_long"),
        ({"header": HEADER + ",v1=" + "0" * 64}, None),
        ({"header": f"t={NOW},v0=x,v1={'0' * 64},{HEADER.partition(',')[2]}"}, None),
        ({"secrets": (OTHER, SECRET)}, None),
    ],
)
def test_each_wrong_webhook_has_its_code(changed: dict[str, object], expected: str | None) -> None:
    """One thing is wrong with each, and the code says which; with some, nothing is."""
    assert code(**changed) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"id": "\xff", "type": "a", "created": 1, "data": {"object": {}}}',
        body("payment_intent.succeeded", id="pi_1", object="payment_intent"),
        BODY.replace(b'"succeeded"', b'"a_new_status"'),
        BODY.replace(b"4200", b"42.5"),
        BODY.replace(b"4200", b'"4200"'),
        BODY.replace(b"4200", b"-1"),
        BODY.replace(b"4200", b"%d" % 2**53),
        BODY.replace(b'"eur"', b'"EURO"'),
        BODY[:-1],
        b"[" * 100_000,
        b'{"id":"e","type":"x","created":1,"data":{"object":' + b'{"a":' * 100_000,
    ],
)
def test_a_signed_body_in_another_form_is_malformed(payload: bytes) -> None:
    """A signature makes no sense of nonsense: it is refused, and nothing breaks."""
    assert code(payload, sign(payload, SECRET, NOW)) == "webhook_body"


def test_errors_are_of_the_two_families() -> None:
    """Whoever handles the families of `shared.errors` handles these."""
    with pytest.raises(Malformed):
        verify(BODY, "", [SECRET], NOW)
    with pytest.raises(Untrusted):
        verify(BODY, HEADER, [OTHER], NOW)


@pytest.mark.parametrize("code", webhooks.SENTENCES)
def test_every_code_has_its_sentence(code: str) -> None:
    """Whoever reads the error is told in English, after the code."""
    for error in (MalformedWebhook(code), UntrustedWebhook(code)):
        assert str(error) == f"{code}: {webhooks.SENTENCES[code]}"


def test_a_change_of_secrets_loses_nothing() -> None:
    """While there are two secrets, what is signed with either or with both is taken."""
    both = f"{HEADER},{sign(BODY, OTHER, NOW).partition(',')[2]}"
    for secrets in ((SECRET,), (OTHER,), (SECRET, OTHER)):
        assert code(header=both, secrets=secrets) is None
    assert code(header=sign(BODY, OTHER, NOW), secrets=(SECRET, OTHER)) is None


def test_stripes_own_code_agrees() -> None:
    """Stripe's library takes what we sign, and we take what it signs."""
    assert stripe.WebhookSignature.verify_header(BODY, HEADER, SECRET)
    theirs = stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, NOW)
    assert theirs == HEADER


def test_no_secret_is_shown() -> None:
    """An event can be written to a log: who reads it can't pay in the buyer's place."""
    event = verify(BODY, HEADER, [SECRET], NOW)
    assert "pi_1" in repr(event)
    assert "secret" not in repr(event)
    assert isinstance(event.object, Intent)
    assert "pi_1_secret_x" not in str(event.object.__rich_repr__())


@given(st.data())
def test_no_other_body_passes(data: st.DataObject) -> None:
    """Any one byte changed, added or left out makes it a forgery."""
    place = data.draw(st.integers(0, len(BODY) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != BODY[place]))
    changed = BODY[:place] + bytes([byte]) + BODY[place + 1 :]
    shorter = BODY[:place] + BODY[place + 1 :]
    longer = BODY[:place] + bytes([byte]) + BODY[place:]
    for payload in (changed, shorter, longer):
        assert code(payload) == "webhook_bad_signature"


@given(st.integers(0, len(HEADER) - 1))
def test_no_shorter_header_passes(length: int) -> None:
    """A header that breaks off proves nothing, wherever it does."""
    assert code(header=HEADER[:length]) is not None


@given(
    st.binary(max_size=200),
    st.one_of(
        st.text(max_size=200),
        st.lists(
            st.tuples(st.sampled_from(["t", "v1", "v0", ""]), st.text(max_size=70)), max_size=5
        ).map(lambda pairs: ",".join(f"{name}={value}" for name, value in pairs)),
    ),
    st.integers(0, 2**40),
)
def test_whatever_comes_is_refused_with_a_code(payload: bytes, header: str, now: int) -> None:
    """No header and no body from outside break the code or pass without the secret."""
    assert code(payload, header, now=now) is not None


@given(st.binary(max_size=300), st.integers(0, 10**11))
def test_what_is_signed_is_genuine(payload: bytes, now: int) -> None:
    """`sign` and `verify` agree over any bytes: only the content can still be refused."""
    assert code(payload, sign(payload, SECRET, now), now=now) in (None, "webhook_body")
