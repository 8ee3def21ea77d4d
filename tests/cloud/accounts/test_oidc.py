"""An outside issuer, over HTTP: what is believed of it and of the tokens that it signs."""

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from cloud.accounts import id_token, oidc
from cloud.accounts.id_token import LEEWAY, OLDEST, Expected, ExternalIdentity, IdTokenRefused
from cloud.accounts.issuer_keys import read_keys
from cloud.accounts.oidc import LARGEST, LASTS, PAUSE, RETRY, Issuer, IssuerFailed
from tests.cloud.accounts.issuer import (
    DESCRIPTION,
    EC,
    OKP,
    RSA,
    SIGNERS,
    SPARE,
    HttpIssuer,
    answer,
    public,
    serve,
    sign,
)

NOW = 1_800_000_000
CLIENT = "usher"
NONCE = "n-0S6_WzA2Mj"
URL = "https://issuer.example"
EXPECTED = Expected(URL, CLIENT, NONCE)
KEYS = read_keys(json.dumps(public(RSA, EC, OKP)).encode())


@pytest.fixture
def issuer() -> Iterator[HttpIssuer]:
    with serve() as running:
        yield running


def claims(url: str = URL, **changes: Any) -> bytes:
    """Return the claims of a good token, some changed or (None) left out."""
    said = {
        "iss": url,
        "sub": "fan-17",
        "aud": CLIENT,
        "exp": NOW + 300,
        "iat": NOW,
        "nonce": NONCE,
        "email": "fan@mail.example",
        "email_verified": True,
    } | changes
    return json.dumps({n: v for n, v in said.items() if v is not None}).encode()


def token(url: str = URL, alg: str = "ES256", **changes: Any) -> str:
    key = SIGNERS[alg]
    return sign({"alg": alg, "kid": key.kid, "typ": "JWT"}, claims(url, **changes), key)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def identify(issuer: HttpIssuer, *tokens: tuple[str, int], wait: float = 30.0) -> list[Any]:
    """Ask one `Issuer` about tokens at their times; return identities and codes of errors."""

    async def ask() -> list[Any]:
        async with httpx.AsyncClient(trust_env=False) as client:
            asked = Issuer(client, issuer.url, loopback=True, wait=wait)
            return [await outcome(asked, text, now) for text, now in tokens]

    return asyncio.run(ask())


async def outcome(asked: Issuer, text: str, now: int) -> ExternalIdentity | str:
    try:
        return await asked.identify(text, CLIENT, NONCE, now)
    except (IdTokenRefused, IssuerFailed) as error:
        return error.code


def code_of(text: str) -> str:
    """Return why a token is refused, with the issuer's keys at hand."""
    with pytest.raises(IdTokenRefused) as refused:
        id_token.verify(text, KEYS, EXPECTED, NOW)
    assert refused.value.sentence
    return refused.value.code


# -- an honest issuer --


@pytest.mark.parametrize("alg", SIGNERS)
def test_an_honest_issuer_is_believed(issuer: HttpIssuer, alg: str) -> None:
    """Each accepted algorithm signs somebody in, with two requests for two tokens."""
    text = token(issuer.url, alg)
    who = ExternalIdentity(issuer.url, "fan-17", "fan@mail.example", email_verified=True)
    assert identify(issuer, (text, NOW), (text, NOW + 1)) == [who, who]
    assert issuer.asked == {DESCRIPTION: 1, "/keys": 1}


def test_the_old_name_of_ed25519_is_accepted() -> None:
    """Issuers still say EdDSA, in tokens and in keys; it means Ed25519 and nothing else."""
    body = f"{b64(json.dumps({'alg': 'EdDSA', 'kid': 'okp'}).encode())}.{b64(claims())}"
    text = f"{body}.{b64(OKP.private_key.sign(body.encode()))}"  # type: ignore[union-attr]
    for alg in ("EdDSA", "Ed25519"):
        keys = read_keys(json.dumps(public(OKP, alg=alg)).encode())
        assert id_token.verify(text, keys, EXPECTED, NOW).subject == "fan-17"


def test_a_new_key_is_fetched_once(issuer: HttpIssuer) -> None:
    """A token that names a new key makes us ask for the keys, and only for them."""
    text = sign({"alg": "Ed25519", "kid": "spare"}, claims(issuer.url, iat=NOW + PAUSE), SPARE)

    async def ask() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            asked = Issuer(client, issuer.url, loopback=True)
            await asked.identify(token(issuer.url), CLIENT, NONCE, NOW)
            issuer.publish(public(EC, SPARE))
            assert await outcome(asked, text, NOW + PAUSE - 1) == "id_token_unknown_key"
            assert issuer.asked["/keys"] == 1
            found = await asyncio.gather(*(outcome(asked, text, NOW + PAUSE) for _ in range(5)))
            assert all(isinstance(who, ExternalIdentity) for who in found)
            assert issuer.asked == {DESCRIPTION: 1, "/keys": 2}
            assert await outcome(asked, token(issuer.url, "RS256"), NOW + PAUSE + 1) == (
                "id_token_unknown_key"
            )

    asyncio.run(ask())


def test_made_up_keys_do_not_hammer_the_issuer(issuer: HttpIssuer) -> None:
    """A flood of forged tokens with new names costs the issuer one request a `PAUSE`."""
    forged = [
        (sign({"alg": "Ed25519", "kid": f"k{n}"}, claims(issuer.url), SPARE), NOW + n)
        for n in range(PAUSE + 1)
    ]
    assert set(identify(issuer, *forged)) == {"id_token_unknown_key"}
    assert issuer.asked == {DESCRIPTION: 1, "/keys": 2}


def test_what_is_known_gets_old(issuer: HttpIssuer) -> None:
    """After `LASTS` everything is asked for anew, so a withdrawn key is forgotten."""
    times = [NOW, NOW + LASTS - 1, NOW + LASTS]
    found = identify(issuer, *[(token(issuer.url, iat=now, exp=now + 60), now) for now in times])
    assert all(isinstance(who, ExternalIdentity) for who in found)
    assert issuer.asked == {DESCRIPTION: 2, "/keys": 2}


def test_a_failure_is_kept_for_a_while(issuer: HttpIssuer) -> None:
    """An issuer in trouble is asked once, then left alone, then asked again."""
    good = issuer.pages[DESCRIPTION]
    issuer.pages[DESCRIPTION] = answer(b"", 503)
    text = token(issuer.url)

    async def ask() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            asked = Issuer(client, issuer.url, loopback=True)
            for now in (NOW, NOW + RETRY - 1):
                assert await outcome(asked, text, now) == "issuer_answer"
            assert issuer.asked[DESCRIPTION] == 1
            issuer.pages[DESCRIPTION] = good
            assert isinstance(await outcome(asked, text, NOW + RETRY), ExternalIdentity)

    asyncio.run(ask())


# -- a dishonest or broken issuer --


def redirect_to(path: str) -> Callable[[HttpIssuer], None]:
    def set_up(issuer: HttpIssuer) -> None:
        issuer.pages["/moved"] = issuer.pages[path]
        issuer.pages[path] = answer(b"", 302, Location=f"{issuer.url}/moved")

    return set_up


def page(path: str, body: bytes, status: int = 200, **headers: str) -> Callable[[HttpIssuer], None]:
    return lambda issuer: issuer.pages.update({path: answer(body, status, **headers)})


def describes(**changes: str) -> Callable[[HttpIssuer], None]:
    return lambda issuer: issuer.describe(**changes)


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Send for as long as somebody reads."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * 65536)


def trailing_slash(issuer: HttpIssuer) -> None:
    issuer.describe(issuer=f"{issuer.url}/")


def compressed(issuer: HttpIssuer) -> None:
    body = gzip.compress(json.dumps(public(RSA, EC, OKP)).encode())
    issuer.pages["/keys"] = answer(body, Content_Encoding="gzip")


FAILURES: dict[str, tuple[str, Callable[[HttpIssuer], None]]] = {
    "another name": ("issuer_mismatch", describes(issuer="https://honest.example")),
    "a slash more": ("issuer_mismatch", trailing_slash),
    "no keys' address": ("issuer_answer", page(DESCRIPTION, b'{"issuer":"x"}')),
    "said twice": ("issuer_answer", page(DESCRIPTION, b'{"issuer":"a","issuer":"a"}')),
    "not JSON": ("issuer_answer", page(DESCRIPTION, b"<html>")),
    "not UTF-8": ("issuer_answer", page(DESCRIPTION, b'{"issuer":"\xff"}')),
    "a list": ("issuer_answer", page(DESCRIPTION, b"[]")),
    "nested deeply": ("issuer_answer", page(DESCRIPTION, b"[" * 100_000)),
    "not found": ("issuer_answer", page(DESCRIPTION, b"", 404)),
    "redirected": ("issuer_answer", redirect_to(DESCRIPTION)),
    "keys redirected": ("issuer_answer", redirect_to("/keys")),
    "too large": ("issuer_answer", page(DESCRIPTION, b" " * (LARGEST + 1))),
    "endless": ("issuer_answer", lambda issuer: issuer.pages.update({DESCRIPTION: endless})),
    "compressed": ("issuer_answer", compressed),
    "keys in the clear": ("issuer_address", describes(jwks_uri="http://keys.example/")),
    "keys in a file": ("issuer_address", describes(jwks_uri="file:///etc/passwd")),
    "keys nowhere": ("issuer_address", describes(jwks_uri="")),
    "keys at no address": ("issuer_address", describes(jwks_uri="https://[")),
    "no key": ("issuer_keys", page("/keys", b'{"keys":[]}')),
    "no set": ("issuer_answer", page("/keys", b'{"keys":{}}')),
    "too many keys": ("issuer_answer", page("/keys", json.dumps({"keys": [{}] * 101}).encode())),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_wrong_answer_is_a_failure_of_the_issuer(issuer: HttpIssuer, name: str) -> None:
    """Each wrong answer has its code, and a good token does not help."""
    code, set_up = FAILURES[name]
    set_up(issuer)
    assert identify(issuer, (token(issuer.url), NOW)) == [code]
    assert issuer.asked["/moved"] == 0


def test_a_slow_answer_is_not_waited_for(issuer: HttpIssuer) -> None:
    """An issuer that drips, so that no single read is late, is given up all the same."""
    done = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not done.wait(0.02):
            handler.wfile.write(b" ")

    issuer.pages[DESCRIPTION] = drip
    try:
        assert identify(issuer, (token(issuer.url), NOW), wait=0.3) == ["issuer_unreachable"]
    finally:
        done.set()


def test_an_issuer_that_is_gone() -> None:
    """A refused connection is a failure of the issuer."""
    with serve() as issuer:
        pass
    assert identify(issuer, (token(issuer.url), NOW)) == ["issuer_unreachable"]


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:1", False),
        ("http://issuer.example", True),
        ("http://127.0.0.1.issuer.example", True),
        ("http://127.0.0.1@issuer.example", True),
        ("ftp://issuer.example", True),
        ("https://issuer.example?tenant=1", True),
        ("https://issuer.example#fragment", True),
        ("https://user:secret@issuer.example", True),
        ("https://", True),
        ("https://[", True),
        ("https://issuer example", True),
        ("issuer.example", True),
        ("", True),
    ],
)
def test_other_addresses_are_refused_at_once(url: str, loopback: bool) -> None:
    """Only https, and http to this machine where that is allowed; nothing is asked."""
    with pytest.raises(IssuerFailed, match="issuer_address"):
        Issuer(httpx.AsyncClient(trust_env=False), url, loopback=loopback)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_may_be_allowed(host: str) -> None:
    """The setting admits each name of this machine."""
    Issuer(httpx.AsyncClient(trust_env=False), f"http://{host}:8080", loopback=True)


# -- keys --


def test_only_keys_that_can_sign_are_taken() -> None:
    """Weak, private, shared, foreign and broken keys are passed over, the rest is used."""
    modulus = b64(bytes([128]) + bytes(127))
    long = b64(b"\x7f" + b"\xff" * 254)
    jwk: dict[str, Any] = dict(EC.as_dict(private=False))
    others: list[Any] = [
        {"kty": "RSA", "kid": "1024 bits", "n": modulus, "e": "AQAB"},
        {"kty": "RSA", "kid": "16384 bits", "n": b64(b"\xff" * 2048), "e": "AQAB"},
        {"kty": "RSA", "kid": "exponent 1", "n": RSA["n"], "e": "AQ"},
        {"kty": "RSA", "kid": "long exponent", "n": RSA["n"], "e": long},
        {"kty": "RSA", "kid": "half"},
        {"kty": "oct", "kid": "shared", "k": b64(bytes(32))},
        {"kty": "ML-DSA", "kid": "later"},
        {"kty": 7},
        "text",
        jwk | {"kid": "encrypts", "use": "enc"},
        jwk | {"kid": "off the curve", "x": b64(b"\1" * 32)},
        jwk | {"kid": 7},
        dict(OKP.as_dict(private=True)),
        ECKey.generate_key("P-384", {"kid": "P-384"}).as_dict(private=False),
        OKPKey.generate_key("X25519", {"kid": "X25519"}).as_dict(private=False),
    ]
    found = read_keys(json.dumps({"keys": [*others, jwk]}).encode())
    assert [key.kid for key in found] == ["ec"]


# -- tokens --


def forge(header: dict[str, Any], signature: Callable[[bytes], bytes]) -> str:
    body = f"{b64(json.dumps(header).encode())}.{b64(claims())}"
    return f"{body}.{b64(signature(body.encode()))}"


def hs256(secret: bytes) -> str:
    header = {"alg": "HS256", "kid": "rsa"}
    return forge(header, lambda body: hmac.digest(secret, body, hashlib.sha256))


def with_header(**more: Any) -> str:
    return sign({"alg": "ES256", "kid": "ec", **more}, claims(), EC)


ATTACKS: dict[str, tuple[str, str]] = {
    "alg none": ("id_token_algorithm", forge({"alg": "none", "kid": "rsa"}, lambda _: b"")),
    "HMAC with the public key": ("id_token_algorithm", hs256(RSA.as_pem(private=False))),
    "an algorithm not listed": (
        "id_token_algorithm",
        sign({"alg": "RS512", "kid": "rsa"}, claims(), RSA),
    ),
    "an RSA name on an EC key": (
        "id_token_algorithm",
        sign({"alg": "RS256", "kid": "ec"}, claims(), RSA),
    ),
    "a stranger's key under our name": (
        "id_token_signature",
        sign({"alg": "Ed25519", "kid": "okp"}, claims(), SPARE),
    ),
    "a stranger's name": (
        "id_token_unknown_key",
        sign({"alg": "Ed25519", "kid": "spare"}, claims(), SPARE),
    ),
    "a key of its own": (
        "id_token_malformed",
        sign(
            {"alg": "Ed25519", "kid": "okp", "jwk": SPARE.as_dict(private=False)}, claims(), SPARE
        ),
    ),
    "jku": ("id_token_malformed", with_header(jku="https://attacker.example/keys")),
    "x5u": ("id_token_malformed", with_header(x5u="https://attacker.example/cert")),
    "x5c": ("id_token_malformed", with_header(x5c=["MIIB"])),
    "crit": (
        "id_token_malformed",
        forge({"alg": "ES256", "kid": "ec", "crit": ["x"], "x": 1}, lambda _: bytes(64)),
    ),
    "an access token": ("id_token_malformed", with_header(typ="at+jwt")),
    "nested": ("id_token_malformed", with_header(cty="JWT")),
    "encrypted": ("id_token_malformed", "e30.e30.e30.e30.e30"),
    "too large": ("id_token_malformed", token(name="x" * 20_000)),
    "padded": ("id_token_signature", token() + "=="),
    "cut off": ("id_token_signature", token()[:-4]),
    "no text": ("id_token_malformed", ""),
    "a claim twice": (
        "id_token_claims",
        sign({"alg": "ES256", "kid": "ec"}, claims()[:-1] + b',"sub":"admin"}', EC),
    ),
    "claims that are a list": (
        "id_token_claims",
        sign({"alg": "ES256", "kid": "ec"}, b"[]", EC),
    ),
    "a header member twice": (
        "id_token_malformed",
        ".".join((b64(b'{"alg":"none","alg":"ES256"}'), b64(claims()), "AAAA")),
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_its_own_name(name: str) -> None:
    """Each forged token is refused, and for the reason that it was made for."""
    code, text = ATTACKS[name]
    assert code_of(text) == code


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("id_token_issuer", {"iss": f"{URL}/"}),
        ("id_token_audience", {"aud": "another-app"}),
        ("id_token_audience", {"aud": []}),
        ("id_token_audience", {"aud": [CLIENT, "another-app"]}),
        ("id_token_audience", {"aud": [CLIENT, "another-app"], "azp": "another-app"}),
        ("id_token_audience", {"azp": "another-app"}),
        ("id_token_audience", {"aud": "another-app", "azp": CLIENT}),
        ("id_token_nonce", {"nonce": "another"}),
        ("id_token_nonce", {"nonce": ""}),
        ("id_token_claims", {"nonce": None}),
        ("id_token_claims", {"sub": None}),
        ("id_token_claims", {"sub": ""}),
        ("id_token_claims", {"sub": "x" * 256}),
        ("id_token_claims", {"exp": None}),
        ("id_token_claims", {"iat": None}),
        ("id_token_claims", {"exp": "soon"}),
        ("id_token_claims", {"exp": float("nan")}),
        ("id_token_claims", {"exp": float("inf")}),
        ("id_token_claims", {"exp": True}),
        ("id_token_expired", {"exp": NOW - LEEWAY}),
        ("id_token_expired", {"iat": NOW - OLDEST - LEEWAY}),
        ("id_token_not_yet", {"iat": NOW + LEEWAY + 1}),
        ("id_token_not_yet", {"nbf": NOW + LEEWAY + 1}),
    ],
    ids=repr,
)
def test_wrong_claims_are_refused(code: str, changes: dict[str, Any]) -> None:
    """Nothing that the issuer really signed counts, unless it was meant for this sign-in."""
    assert code_of(token(**changes)) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [CLIENT]},
        {"aud": ["another-app", CLIENT], "azp": CLIENT},
        {"azp": CLIENT},
        {"exp": NOW - LEEWAY + 1},
        {"exp": NOW + 0.5},
        {"iat": NOW + LEEWAY},
        {"groups": ["fans"], "at_hash": "x"},
    ],
    ids=repr,
)
def test_right_claims_are_accepted(changes: dict[str, Any]) -> None:
    """What the specification allows is accepted, up to the bounds."""
    found = id_token.verify(token(**changes), KEYS, EXPECTED, NOW)
    assert found.subject == "fan-17"


@pytest.mark.parametrize(
    ("changes", "email", "verified"),
    [
        ({}, "fan@mail.example", True),
        ({"email_verified": "true"}, "fan@mail.example", True),
        ({"email_verified": False}, "fan@mail.example", False),
        ({"email_verified": "false"}, "fan@mail.example", False),
        ({"email_verified": "yes"}, "fan@mail.example", False),
        ({"email_verified": None}, "fan@mail.example", False),
        ({"email": None}, None, False),
    ],
    ids=repr,
)
def test_an_address_is_verified_only_if_the_issuer_says_so(
    changes: dict[str, Any], email: str | None, verified: bool
) -> None:
    """Silence is no verification, and no address is no verified one."""
    found = id_token.verify(token(**changes), KEYS, EXPECTED, NOW)
    assert (found.email, found.email_verified) == (email, verified)


def test_a_token_without_a_kid_needs_a_single_key() -> None:
    """Without a name the key must be the only one of its kind."""
    text = sign({"alg": "RS256"}, claims(), RSA)
    assert id_token.verify(text, KEYS, EXPECTED, NOW).subject == "fan-17"
    second = RSAKey.generate_key(2048, {"kid": "second"})
    keys = read_keys(json.dumps(public(RSA, second)).encode())
    with pytest.raises(IdTokenRefused, match="id_token_unknown_key"):
        id_token.verify(text, keys, EXPECTED, NOW)


def test_a_key_s_own_algorithm_binds() -> None:
    """A key that is published for PS256 does not verify RS256."""
    keys = read_keys(json.dumps(public(RSA, alg="PS256")).encode())
    assert id_token.verify(token(alg="PS256"), keys, EXPECTED, NOW).subject == "fan-17"
    with pytest.raises(IdTokenRefused, match="id_token_algorithm"):
        id_token.verify(token(alg="RS256"), keys, EXPECTED, NOW)


@given(st.text() | st.text(alphabet="eyJ.-_AQ0=", max_size=60))
def test_no_text_breaks_the_verifier(text: str) -> None:
    """Any text is refused by a code, and by no other exception."""
    assert code_of(text) in id_token.SENTENCES


@given(st.binary(max_size=60))
def test_no_claims_break_the_verifier(payload: bytes) -> None:
    """Any bytes that the issuer signed are refused by a code."""
    assert code_of(sign({"alg": "Ed25519", "kid": "okp"}, payload, OKP)) == "id_token_claims"


def test_every_code_has_a_sentence() -> None:
    """The codes of the failures above are all there are."""
    failures = {code for code, _ in FAILURES.values()} | {"issuer_unreachable"}
    assert failures == set(oidc.SENTENCES)
