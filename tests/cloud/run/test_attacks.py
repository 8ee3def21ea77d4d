"""What a whole service answers to whoever means it harm."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest

from cloud.accounts import base64url, jwt
from cloud.accounts.jwks import SigningKey
from cloud.payments import webhooks
from tests.cloud.run.market import Market, balances, market
from tests.cloud.run.served import Served, until
from tests.cloud.run.wire import Wire, exchange, statuses
from tests.cloud.service import good, problem

ME: Final = "/v1/accounts/me"
HOOK: Final = "/v1/webhooks/stripe"


@pytest.fixture(scope="module")
def place(house: Served) -> Market:
    """A tenant with an event on sale."""
    return market(house, 20)


@pytest.fixture(scope="module")
def http(house: Served) -> Iterator[httpx.Client]:
    """A stranger's client."""
    with house.client() as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a token's header and claims."""
    header, claims, _ = token.split(".")
    return json.loads(base64url.decode(header)), json.loads(base64url.decode(claims))


def spelled(header: object, claims: object) -> str:
    """Return what is signed of a token."""
    both = (json.dumps(each, separators=(",", ":")).encode() for each in (header, claims))
    return ".".join(base64url.encode(each) for each in both)


def granted(house: Served, key: SigningKey, **changed: Any) -> str:
    """Sign a token for an account that exists, but with a key or claims of one's own."""
    (_, claims) = parts(next(iter(house.tokens(1).values())))
    said = {name: value for name, value in claims.items() if name not in ("iat", "exp")}
    said |= {"sub": UUID(said["sub"]), "jti": uuid4(), "sid": UUID(said["sid"])}
    return jwt.issue(jwt.Grant(**said | changed), key, int(time.time()))


def test_another_algorithm_is_no_signature(house: Served, http: httpx.Client) -> None:
    """`none`, and an HMAC with our public key as its secret, prove nothing."""
    (token,) = house.tokens(1).values()
    assert http.get(ME, headers=bearer(token)).status_code == 200
    header, claims = parts(token)
    (published,) = (
        key for key in http.get("/.well-known/jwks.json").json()["keys"]
        if key["kid"] == header["kid"]
    )  # fmt: skip
    public = base64url.decode(published["x"])
    forged = [f"{spelled(header | {'alg': alg}, claims)}." for alg in ("none", "None", "")]
    for secret in (public, published["x"].encode(), json.dumps(published).encode()):
        signed = spelled(header | {"alg": "HS256"}, claims)
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        forged.append(f"{signed}.{base64url.encode(mac)}")
    brought = SigningKey.from_seed(bytes(32))
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(brought.public)}
    forged.append(f"{spelled(header | {'jwk': jwk}, claims)}.{token.rpartition('.')[2]}")
    for each in forged:
        answer = http.get(ME, headers=bearer(each))
        assert problem(answer) == (401, "credentials_invalid"), each


def test_a_key_of_somebody_else_signs_nobody_in(house: Served, http: httpx.Client) -> None:
    """Not under its own name, and not under ours."""
    strange = SigningKey.from_seed(bytes(range(32)))
    assert problem(http.get(ME, headers=bearer(granted(house, strange))))[0] == 401
    (token,) = house.tokens(1).values()
    header, _ = parts(token)
    named = SigningKey(header["kid"], strange.secret)
    assert problem(http.get(ME, headers=bearer(granted(house, named))))[0] == 401


def test_a_token_for_others_or_of_before_is_refused(house: Served, http: httpx.Client) -> None:
    """Another audience, another issuer, or a time that is over."""
    key = house.key()
    assert http.get(ME, headers=bearer(granted(house, key))).status_code == 200
    for changed in ({"aud": "another"}, {"iss": "http://127.0.0.1:1"}):
        token = granted(house, key, **changed)
        assert problem(http.get(ME, headers=bearer(token))) == (401, "credentials_invalid")
    _, claims = parts(granted(house, key))
    del claims["iat"], claims["exp"]
    claims |= {name: UUID(claims[name]) for name in ("sub", "jti", "sid")}
    old = jwt.issue(jwt.Grant(**claims), key, int(time.time()) - 4000)
    assert problem(http.get(ME, headers=bearer(old))) == (401, "token_expired")


def test_signing_out_everywhere_ends_every_token(house: Served, http: httpx.Client) -> None:
    """Also in a tenant, and also a token that has long to live."""
    (account, token), = house.tokens(1).items()  # fmt: skip
    assert http.get(ME, headers=bearer(token)).status_code == 200
    answer = http.post(f"{ME}/sign-out-everywhere", headers=bearer(token))
    assert answer.is_success, answer.text
    assert problem(http.get(ME, headers=bearer(token))) == (401, "credentials_invalid")
    assert house.one_row("SELECT epoch FROM account WHERE account_id = $1", account)["epoch"] == 1
    place = market(house, 1)
    seen = http.get(place.orders, headers=bearer(token))
    assert problem(seen) == (401, "credentials_invalid")


def test_a_spent_refresh_token_ends_its_session(house: Served, http: httpx.Client) -> None:
    """Whoever presents it again, owner or thief, has to sign in, with every token of it void."""
    email, password = f"{uuid4().hex}@example.org", "correct horse battery"
    joined = {"email": email, "password": password, "name": "Ada", "locale": "en"}
    good(http.post("/v1/accounts", json=joined), 202)
    house.rows("UPDATE account SET email_verified_at = now() WHERE email = $1", email)
    first = good(http.post("/v1/sessions", json={"email": email, "password": password}), 201)
    tokens = [first]
    for _ in range(2):
        presented = {"refresh_token": tokens[-1]["refresh_token"]}
        tokens.append(good(http.post("/v1/sessions/refresh", json=presented)))
    for each in (tokens[0], tokens[2]):
        again = http.post("/v1/sessions/refresh", json={"refresh_token": each["refresh_token"]})
        assert problem(again) == (401, "refresh_refused")
    assert problem(http.get(ME, headers=bearer(tokens[2]["access_token"])))[0] == 401


def event(place: Market, order: str, intent: str, **said: Any) -> bytes:
    """Return a webhook that says that a payment was received."""
    paid = {
        "id": intent, "object": "payment_intent", "amount": 2500, "amount_received": 2500,
        "currency": "eur", "status": "succeeded", "client_secret": "x",
        "metadata": {"tenant": str(place.tenant), "order": order},
    }  # fmt: skip
    told = {
        "id": f"evt_{uuid4().hex}", "object": "event", "type": "payment_intent.succeeded",
        "created": int(time.time()), "data": {"object": paid | said},
    }  # fmt: skip
    return json.dumps(told).encode()


def send(http: httpx.Client, body: bytes, secret: str, at: float = 0) -> httpx.Response:
    """Send a webhook, signed at a time."""
    header = webhooks.sign(body, secret, int(at or time.time()))
    return http.post(HOOK, content=body, headers={"stripe-signature": header})


def held(http: httpx.Client, place: Market, token: str) -> str:
    """Hold a ticket; return the order's id."""
    body = {"event_id": str(place.event), "items": [{"class_index": 0, "quantity": 1}]}
    return str(good(http.post(place.orders, json=body, headers=bearer(token)), 201)["order_id"])


def test_a_forged_or_stale_webhook_buys_nothing(place: Market, http: httpx.Client) -> None:
    """Nor one whose body was changed after it was signed."""
    house = place.served
    secret = house.told["webhook_secret"]
    (token,) = house.tokens(1).values()
    order = held(http, place, token)
    body = event(place, order, "pi_forged")
    assert problem(send(http, body, "whsec_guess")) == (400, "webhook_bad_signature")
    assert problem(http.post(HOOK, content=body)) == (400, "webhook_header")
    assert problem(send(http, body, secret, time.time() - 400)) == (400, "webhook_stale")
    assert problem(send(http, body, secret, time.time() + 400)) == (400, "webhook_early")
    header = {"stripe-signature": webhooks.sign(body, secret, int(time.time()))}
    changed = body.replace(order.encode(), str(uuid4()).encode())
    answer = http.post(HOOK, content=changed, headers=header)
    assert problem(answer) == (400, "webhook_bad_signature")
    seen = good(http.get(f"{place.orders}/{order}", headers=bearer(token)))
    assert seen["state"] == "held"
    good(http.delete(f"{place.orders}/{order}", headers=bearer(token)))


def test_a_replayed_webhook_buys_once(place: Market, http: httpx.Client) -> None:
    """The same message within the tolerance, and the same payment under another message's id."""
    house = place.served
    secret = house.told["webhook_secret"]
    (token,) = house.tokens(1).values()
    order = held(http, place, token)
    paying = good(http.post(f"{place.orders}/{order}/payment", headers=bearer(token)))
    intent = paying["client_secret"].partition("_secret_")[0]
    with house.fake() as fake:
        card = {"payment_method": "pm_card_visa"}
        assert fake.post(f"/v1/payment_intents/{intent}/confirm", data=card).is_success
    path = f"{place.orders}/{order}"
    until(lambda: good(http.get(path, headers=bearer(token)))["state"] == "paid")
    before = balances(house, place.tenant)
    body = event(place, order, intent)
    for copy in (body, body, event(place, order, intent)):
        assert good(send(http, copy, secret))["outcome"] == "repeated"
    assert balances(house, place.tenant) == before


def test_one_tenant_s_webhook_does_not_reach_another(place: Market, http: httpx.Client) -> None:
    """Signed rightly, but naming an order that is another tenant's: it is unknown there."""
    house = place.served
    secret = house.told["webhook_secret"]
    (token,) = house.tokens(1).values()
    order = held(http, place, token)
    other = market(house, 1)
    crossed = good(send(http, event(other, order, f"pi_{uuid4().hex}"), secret))
    assert crossed["outcome"] == "unknown order"
    nowhere = event(place, order, f"pi_{uuid4().hex}", metadata={"tenant": str(uuid4())})
    assert good(send(http, nowhere, secret))["outcome"] == "unknown tenant"
    seen = good(http.get(f"{place.orders}/{order}", headers=bearer(token)))
    assert seen["state"] == "held"
    assert balances(house, other.tenant) == {}
    good(http.delete(f"{place.orders}/{order}", headers=bearer(token)))


INJECTED: Final = (
    "' OR '1'='1", "1; DROP TABLE ticket; --", "%27%20OR%201=1--", "${jndi:ldap://127.0.0.1}",
    "../../etc/passwd", "\x00", "%00", "\u202e", "0x1", "{{7*7}}", "%0d%0aSet-Cookie:a=b",
)  # fmt: skip


@pytest.mark.parametrize("text", INJECTED)
def test_a_string_is_never_more_than_a_string(place: Market, http: httpx.Client, text: str) -> None:
    """In a path, a query, a header and a body: refused as what it is, and nothing is broken."""
    house = place.served
    quoted = "".join(f"%{byte:02x}" for byte in text.encode())
    (token,) = house.tokens(1).values()
    said = bearer(token)
    asked = [
        http.get(f"/v1/tenants/{quoted}/orders", headers=said),
        http.get(f"{place.orders}/{quoted}", headers=said),
        http.get(f"{place.orders}?cursor={quoted}", headers=said),
        http.get(f"{place.orders}?order_state={quoted}", headers=said),
        http.get(f"{place.orders}?limit={quoted}", headers=said),
        http.post(place.orders, json={"event_id": text, "items": []}, headers=said),
        http.post("/v1/sessions", json={"email": text, "password": "correct horse battery"}),
        http.get(ME, headers=[(b"authorization", b"Bearer " + text.encode().replace(b"\0", b"0"))]),
    ]
    for answer in asked:
        assert 400 <= answer.status_code < 500, (answer.request.url, answer.text)
        status, _ = problem(answer)
        assert status == answer.status_code
        assert text not in answer.text or len(text) < 5
        assert "set-cookie" not in answer.headers
    assert house.one_row("SELECT count(*) AS n FROM ticket")["n"] >= 20


def test_headers_can_not_be_injected(place: Market, http: httpx.Client) -> None:
    """A request id or a forwarded address that is none is not repeated and not believed."""
    for name in ("x-request-id", "x-forwarded-for", "traceparent", "origin", "idempotency-key"):
        for value in (b"a\tb'; DROP TABLE event;--", b"\xff\xfe", b"x" * 5000):
            answer = http.get(place.orders, headers=[(name.encode(), value)])
            assert answer.status_code in (401, 400), (name, answer.text)
            assert value not in answer.headers.get("x-request-id", "").encode("latin-1")
            assert "access-control-allow-origin" not in answer.headers


def raw(path: str, body: bytes, *headers: str, method: str = "POST") -> bytes:
    """Return a request whose headers stand as they are given."""
    lines = [f"{method} {path} HTTP/1.1", "Host: usher", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


JSON: Final = "Content-Type: application/json"
DEEP: Final = b"[" * 100_000
NUMBERS: Final = b'{"event_id":"%s","items":[{"class_index":0,"quantity":%s}]}'


def test_what_is_no_json_is_a_problem(place: Market, http: httpx.Client) -> None:
    """Nested deep, numbers beyond any bound, bytes that are no UTF-8: 400, and the service is
    there for the next."""
    (token,) = place.served.tokens(1).values()
    said = bearer(token) | {"content-type": "application/json"}
    event_id = str(place.event).encode()
    bodies = [
        DEEP, b'{"a":' * 50_000, b"[" * 2000 + b"]" * 2000,
        *(NUMBERS % (event_id, number) for number in (
            b"1e999", b"-1", b"99999999999999999999999999", b"1.5", b"NaN", b"Infinity", b"0",
            b"true", b"9223372036854775808")),
        b'{"event_id":"\xff\xfe"}', b"\xef\xbb\xbf{}", b'"\\ud800"', b"", b"null", b"{" * 9,
        b'{"event_id":"' + event_id + b'","items":[{"class_index":0,"quantity":1}]}\x00',
    ]  # fmt: skip
    for body in bodies:
        answer = http.post(place.orders, content=body, headers=said)
        assert answer.status_code == 400, (body[:60], answer.status_code, answer.text)
        problem(answer)
    for body in (DEEP, b'{"id":"e","type":"x","created":1,"data":{"object":' + DEEP):
        answer = send(http, body, place.served.told["webhook_secret"])
        assert problem(answer) == (400, "webhook_body")


def test_a_repeated_member_is_not_taken_twice(place: Market, http: httpx.Client) -> None:
    """Of two members of one name no two parts of the service can believe different ones."""
    (token,) = place.served.tokens(1).values()
    said = bearer(token) | {"content-type": "application/json"}
    body = (
        b'{"event_id":"%s","items":[{"class_index":0,"quantity":99,"quantity":1}]}'
        % str(place.event).encode()
    )
    answer = http.post(place.orders, content=body, headers=said)
    if answer.status_code == 201:
        order = answer.json()
        assert len(order["items"]) == 1
        assert order["total"] == 2500
        good(http.delete(f"{place.orders}/{order['order_id']}", headers=said))
    else:
        assert problem(answer)[0] == 400


def test_a_body_beyond_the_limit_is_not_read(place: Market, http: httpx.Client) -> None:
    """By its declared length before it is sent, and by its real one if none is declared."""
    (token,) = place.served.tokens(1).values()
    auth = f"Authorization: Bearer {token}"
    declared = raw(place.orders, b"", JSON, auth, "Content-Length: 999999999")
    assert statuses(exchange(place.served.address, declared)) == [413]
    piece = b"%x\r\n" % 65536 + b"a" * 65536 + b"\r\n"
    endless = raw(place.orders, piece * 40, JSON, auth, "Transfer-Encoding: chunked")
    assert statuses(exchange(place.served.address, endless))[:1] in ([413], [])
    big = http.post(HOOK, content=b"a" * 300_000, headers={"stripe-signature": "t=1,v1=00"})
    assert problem(big) == (413, "body_too_large")


# Workers have transactions of their own, as short as their questions; one that waited for half a
# body would be there at the second look as at the first.
HELD: Final = "SELECT pid, xact_start FROM pg_stat_activity WHERE state = 'idle in transaction'"


def test_a_head_beyond_the_limit_is_not_kept(house: Served) -> None:
    """Before anybody is counted: every header takes memory."""
    head = b"GET /livez HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 100_000
    assert statuses(exchange(house.address, head))[:1] in ([431], [])


def test_half_a_request_holds_nobody_up(place: Market, http: httpx.Client) -> None:
    """Two hundred clients that say half of what they mean to say take no turn from others."""
    half_head = b"POST /v1/sessions HTTP/1.1\r\nHost: usher\r\nX-Slow: "
    (token,) = place.served.tokens(1).values()
    half_body = raw(
        place.orders, b'{"event_id"', JSON, f"Authorization: Bearer {token}", "Content-Length: 90"
    )
    wires = [Wire(place.served.address) for _ in range(200)]
    try:
        for number, wire in enumerate(wires):
            wire.send(half_body if number % 2 else half_head)
        looks = []
        for _ in range(2):
            for _ in range(20):
                assert http.get(ME, headers=bearer(token)).status_code == 200
                assert http.get(place.orders, headers=bearer(token)).status_code == 200
            looks.append({tuple(each) for each in place.served.rows(HELD)})
        assert not set.intersection(*looks)
    finally:
        for wire in wires:
            wire.__exit__()


SMUGGLED: Final = b"GET /v1/accounts/me HTTP/1.1\r\nHost: usher\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: +5",),
        ("Content-Length: 5 5",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
        ("Content-Length : 5",),
    ],
    ids=" & ".join,
)
def test_a_request_of_two_lengths_is_one_request_at_most(
    house: Served, headers: tuple[str, ...]
) -> None:
    """What a proxy might take for the body of one request is never answered as another."""
    content = "\r\n".join(
        ["POST /v1/sessions HTTP/1.1", "Host: usher", JSON, *headers, "", ""]
    ).encode()
    answer = exchange(house.address, content + b"0\r\n\r\n" + SMUGGLED)
    assert len(statuses(answer)) <= 1, answer
    assert all(400 <= status < 500 for status in statuses(answer)), answer


def test_basic_credentials_and_oddities_are_refused(house: Served, http: httpx.Client) -> None:
    """Only what is declared is taken for credentials."""
    (token,) = house.tokens(1).values()
    basic = base64.b64encode(b"admin:admin").decode()
    for odd in (
        f"Basic {basic}",
        "Bearer",
        "Bearer x",
        token,
        f"Bearer  {token}",
        f"Token {token}",
    ):
        assert problem(http.get(ME, headers={"authorization": odd}))[0] == 401
    twice = raw(ME, b"", f"Authorization: Bearer {token}", "Authorization: Bearer x", method="GET")
    assert statuses(exchange(house.address, twice)) == [400]
