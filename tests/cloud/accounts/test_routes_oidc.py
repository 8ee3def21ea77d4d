"""Signing in by an outside issuer, over real HTTP on both sides."""

import json
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from cloud.settings import OidcIssuer
from tests.cloud.accounts.issuer import OKP, SPARE, HttpIssuer, serve, sign
from tests.cloud.accounts.mailbox import secret
from tests.cloud.database import Database
from tests.cloud.service import PASSWORD, Service, good, problem, running
from tests.cloud.trust import TRUST

CLIENT = "usher-at-issuer"
NONCE = "a nonce of enough length"


@pytest.fixture(scope="module")
def issuer() -> Iterator[HttpIssuer]:
    """An issuer that the service is told of."""
    with serve() as served:
        yield served


@pytest.fixture(scope="module")
def service(
    issuer: HttpIssuer,
    database: Database,
    redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """The API, with that issuer in its settings."""
    known = (OidcIssuer(issuer.url, CLIENT),)
    folder = tmp_path_factory.mktemp("service")
    with running(database, redis_url, folder, oidc=known, oidc_insecure_loopback=True) as served:
        yield served


def token(issuer: HttpIssuer, subject: str, key: Any = OKP, **claims: Any) -> str:
    """Return an ID token."""
    now = int(time.time())
    said = {
        "iss": issuer.url, "sub": subject, "aud": CLIENT, "iat": now, "exp": now + 300,
        "nonce": NONCE, "jti": secrets.token_hex(8),
    }  # fmt: skip
    header = {"alg": "Ed25519", "kid": key.kid, "typ": "JWT"}
    return sign(header, json.dumps(said | claims).encode(), key)


def sign_in(service: Service, issuer: HttpIssuer, id_token: str, **more: str) -> httpx.Response:
    """Sign in by an ID token, on a connection of its own."""
    said = {"issuer": issuer.url, "id_token": id_token, "nonce": NONCE} | more
    with httpx.Client(base_url=service.address, timeout=60, verify=TRUST) as client:
        return client.post("/v1/sessions/oidc", json=said)


def address() -> str:
    """Return an address that nobody has."""
    return f"{secrets.token_hex(6)}@example.org"


def test_the_same_person_is_the_same_account(service: Service, issuer: HttpIssuer) -> None:
    """Found by subject, whatever the address is the second time."""
    email = address()
    first, second = (
        good(sign_in(service, issuer, token(issuer, "ada", email=each, email_verified=True)), 201)
        for each in (email, address())
    )
    assert first["account"] == second["account"]
    assert first["account"]["email"] == email
    assert first["account"]["email_verified"] is True
    bearer = service.client(f"Bearer {second['access_token']}")
    assert good(bearer.get("/v1/accounts/me"))["email"] == email


def test_an_unverified_address_is_not_taken_over(service: Service, issuer: HttpIssuer) -> None:
    """Neither somebody's, nor nobody's: the account has none, and the answers are alike."""
    known = service.person()
    told = [
        good(sign_in(service, issuer, token(issuer, subject, email=email)), 201)["account"]
        for subject, email in (("mallory", known.email), ("trudy", address()))
    ]
    assert [each["email"] for each in told] == [None, None]
    assert str(known.account_id) not in [each["account_id"] for each in told]


def test_a_verified_address_links_to_its_account(service: Service, issuer: HttpIssuer) -> None:
    """Its owner goes on signing in by password as well, and no session ends."""
    known = service.person()
    mine = token(issuer, secrets.token_hex(4), email=known.email, email_verified=True)
    told = good(sign_in(service, issuer, mine), 201)["account"]
    assert told["account_id"] == str(known.account_id)
    good(known.get("/v1/accounts/me"))
    said = {"email": known.email, "password": PASSWORD}
    good(service.client().post("/v1/sessions", json=said), 201)


def test_a_squatter_loses_an_address_that_the_issuer_verified(
    service: Service, issuer: HttpIssuer
) -> None:
    """Who signed up with it and never proved it loses password, session, and the old mail."""
    email = address()
    said = {"email": email, "password": PASSWORD}
    client = service.client()
    good(client.post("/v1/accounts", json=said), 202)
    squatter = good(client.post("/v1/sessions", json=said), 201)
    mine = token(issuer, secrets.token_hex(4), email=email, email_verified=True)
    assert good(sign_in(service, issuer, mine), 201)["account"]["email_verified"] is True
    assert problem(client.post("/v1/sessions", json=said)) == (401, "sign_in_refused")
    bearer = service.client(f"Bearer {squatter['access_token']}")
    assert problem(bearer.get("/v1/accounts/me")) == (401, "credentials_invalid")
    proof = {"secret": secret(service, email, "mail.verify")}
    client.post("/v1/accounts/verify", json=proof)
    assert problem(client.post("/v1/sessions", json=said)) == (401, "sign_in_refused")


def test_a_token_is_good_once(service: Service, issuer: HttpIssuer) -> None:
    """Whoever copies it comes too late."""
    mine = token(issuer, "once")
    good(sign_in(service, issuer, mine), 201)
    answer = sign_in(service, issuer, mine)
    assert problem(answer) == (401, "id_token_refused")
    assert answer.json()["reason"] == "id_token_used"


def test_the_first_sign_ins_at_once_make_one_account(service: Service, issuer: HttpIssuer) -> None:
    """Six tokens of one person at the same moment."""
    said = {"email": address(), "email_verified": True}
    tokens = [token(issuer, "crowd", **said) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda each: sign_in(service, issuer, each), tokens))
    assert len({good(answer, 201)["account"]["account_id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "another"}, "id_token_audience"),
        ({"iss": "https://other.test"}, "id_token_issuer"),
        ({"nonce": "another nonce of length"}, "id_token_nonce"),
        ({"exp": 1}, "id_token_expired"),
    ],
)
def test_a_token_for_something_else_is_refused(
    service: Service, issuer: HttpIssuer, claims: dict[str, Any], reason: str
) -> None:
    """401, and why."""
    answer = sign_in(service, issuer, token(issuer, "eve", **claims))
    assert problem(answer) == (401, "id_token_refused")
    assert answer.json()["reason"] == reason


def test_a_forged_token_is_refused(service: Service, issuer: HttpIssuer) -> None:
    """A key that the issuer does not publish, and no token at all."""
    for forged in (token(issuer, "eve", SPARE), "x.y.z", "nonsense"):
        assert problem(sign_in(service, issuer, forged)) == (401, "id_token_refused")


def test_only_issuers_in_the_settings_count(service: Service) -> None:
    """Another address is not even asked."""
    with serve() as other:
        answer = sign_in(service, other, token(other, "eve"))
        assert problem(answer) == (400, "issuer_unknown")
        assert not other.asked


def test_an_address_that_is_none_is_left_out(service: Service, issuer: HttpIssuer) -> None:
    """An issuer can't put a header into our mail, or break the database."""
    for email in ("a@b\r\nBcc: c@d", "nul\u0000@b.org"):
        subject = secrets.token_hex(4)
        mine = token(issuer, subject, email=email, email_verified=True)
        assert good(sign_in(service, issuer, mine), 201)["account"]["email"] is None
