"""Access tokens over real HTTP: forged, misdirected and stale ones; the keys that make them."""

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from joserfc import jwt as jose
from joserfc.jwk import KeySet, OKPKey

from cloud.accounts import jwt, signing_keys
from cloud.accounts.jwks import SigningKey
from cloud.accounts.key_times import LAST_TOKENS, LIFE, NOTICE
from cloud.accounts.signing_keys import TokenKeys, context
from cloud.db.connect import Pool, open_pool
from cloud.db.tenancy import Origin, platform_tx
from tests.cloud.accounts.mailbox import SEALER
from tests.cloud.database import Database
from tests.cloud.service import Service, good, problem

T = TypeVar("T")
AUDIENCE = "usher-api"


@pytest.fixture(scope="module")
def person(service: Service) -> Any:
    """Somebody with an account."""
    return service.person()


@pytest.fixture(scope="module")
def key(service: Service, person: Any) -> SigningKey:
    """The key that the service signs with: what a thief of database and master key has."""
    rows = service.database.rows("SELECT kid, sealed FROM token_key WHERE retired_at IS NULL")
    return SigningKey.from_seed(SEALER.unseal(rows[0]["sealed"], context(rows[0]["kid"])))


def token_of(client: httpx.Client) -> str:
    """Return the token that a client sends."""
    return client.headers["authorization"].removeprefix("Bearer ")


def grant(client: httpx.Client) -> jwt.Grant:
    """Return what a client's token says."""
    claims = json.loads(unpadded(token_of(client).split(".")[1]))
    del claims["iat"], claims["exp"]
    return msgspec.convert(claims, jwt.Grant)


def unpadded(text: str) -> bytes:
    """Return the bytes of base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def padless(raw: bytes) -> str:
    """Return base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def me(service: Service, token: str) -> httpx.Response:
    """Ask who one is."""
    return service.client(f"Bearer {token}").get("/v1/accounts/me")


def now(service: Service) -> int:
    """Return the service's time."""
    return int(service.clock().timestamp())


def test_the_published_keys_verify_the_token_for_others(service: Service, person: Any) -> None:
    """Another library takes our JWKS and our token, and reads who it is."""
    published = service.client().get("/.well-known/jwks.json")
    assert published.headers["cache-control"] == "public, max-age=300"
    keys = KeySet.import_key_set(good(published, 200))
    read = jose.decode(token_of(person), keys, algorithms=["Ed25519"])
    assert read.header["typ"] == "at+jwt"
    assert read.claims["sub"] == str(person.account_id)
    assert read.claims["aud"] == AUDIENCE
    assert {name for each in published.json()["keys"] for name in each} == {
        "kty", "crv", "use", "alg", "kid", "x",
    }  # fmt: skip


def test_the_issuer_describes_itself(service: Service, person: Any) -> None:
    """The metadata names the issuer of the tokens, and addresses that answer."""
    told = good(service.client().get("/.well-known/oauth-authorization-server"), 200)
    assert told["issuer"] == grant(person).iss
    assert told["jwks_uri"] == f"{told['issuer']}/.well-known/jwks.json"
    assert told["token_endpoint"] == f"{told['issuer']}/v1/oauth/token"
    assert "platform:admin" not in told["scopes_supported"]


def test_the_algorithm_is_pinned(service: Service, person: Any, key: SigningKey) -> None:
    """No `none`, and no HMAC with the public key as its secret."""
    header, payload, _ = token_of(person).split(".")
    told = json.loads(unpadded(header))
    none = padless(json.dumps(told | {"alg": "none"}).encode())
    hmacs = padless(json.dumps(told | {"alg": "HS256"}, separators=(",", ":")).encode())
    signature = hmac.digest(key.public, f"{hmacs}.{payload}".encode(), sha256)
    for forged in (f"{none}.{payload}.", f"{hmacs}.{payload}.{padless(signature)}"):
        assert problem(me(service, forged)) == (401, "credentials_invalid")


def test_a_key_of_ones_own_signs_nothing(service: Service, person: Any, key: SigningKey) -> None:
    """Neither under its own name, nor under ours, nor brought along in the header."""
    own = SigningKey.from_seed(bytes(32))
    named = SigningKey(key.kid, own.secret)
    for forger in (own, named):
        forged = jwt.issue(grant(person), forger, now(service))
        assert problem(me(service, forged)) == (401, "credentials_invalid")
    made = OKPKey.generate_key("Ed25519")
    header = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.kid, "jwk": made.as_dict(private=False)}
    claims = json.loads(unpadded(token_of(person).split(".")[1]))
    brought = jose.encode(header, claims, made, algorithms=["Ed25519"])
    assert problem(me(service, brought)) == (401, "credentials_invalid")


@pytest.mark.parametrize("changed", [{"aud": "another"}, {"iss": "https://other.test"}])
def test_a_token_for_another_service_is_refused(
    service: Service, person: Any, key: SigningKey, changed: dict[str, str]
) -> None:
    """Though it is signed with the right key."""
    other = msgspec.structs.replace(grant(person), **changed)
    forged = jwt.issue(other, key, now(service))
    assert problem(me(service, forged)) == (401, "credentials_invalid")


def test_an_expired_token_says_so(service: Service, person: Any, key: SigningKey) -> None:
    """So that the client refreshes it; one from the future is just refused."""
    at = now(service)
    assert problem(me(service, jwt.issue(grant(person), key, at - 700))) == (401, "token_expired")
    early = jwt.issue(grant(person), key, at + 3600)
    assert problem(me(service, early)) == (401, "credentials_invalid")


def test_a_token_of_another_epoch_is_refused(
    service: Service, person: Any, key: SigningKey
) -> None:
    """An older and a newer one, with the right key; here and in the tenants."""
    tenant = service.tenant(person)
    for epoch in (1, 7):
        other = msgspec.structs.replace(grant(person), epoch=epoch)
        forged = service.client(f"Bearer {jwt.issue(other, key, now(service))}")
        for path in ("/v1/accounts/me", tenant.path):
            assert problem(forged.get(path)) == (401, "credentials_invalid")


def test_a_service_token_without_a_tenant_is_refused(
    service: Service, person: Any, key: SigningKey
) -> None:
    """It would be good in all of them."""
    client = uuid4()
    everywhere = jwt.Grant(
        iss=grant(person).iss, aud=AUDIENCE, sub=client, client_id=str(client), jti=uuid4(),
        kind="client", epoch=0, scope="tenant:read",
    )  # fmt: skip
    tenant = service.tenant(person)
    bearer = service.client(f"Bearer {jwt.issue(everywhere, key, now(service))}")
    assert problem(bearer.get(tenant.path)) == (401, "credentials_invalid")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer", "credentials_malformed"),
        ("Basic eDp5", "credentials_malformed"),
        ("Bearer a.b.c", "credentials_invalid"),
        ("Bearer ' OR 1=1 --", "credentials_invalid"),
        ("Bearer " + "x" * 8000, "credentials_invalid"),
        ("Bearer usk_short", "credentials_invalid"),
        ("Bearer \u00fc", "credentials_invalid"),
    ],
)
def test_what_is_no_credential_is_refused(service: Service, header: str, code: str) -> None:
    """401 with a challenge, and never a fault of ours."""
    sent = {b"authorization": header.encode("latin-1")}
    answer = httpx.get(f"{service.address}/v1/accounts/me", headers=sent)
    assert problem(answer) == (401, code)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_device_header_opens_no_account(service: Service) -> None:
    """Its signature proves a device, in a tenant."""
    answer = service.client("Usher1 00.0.00.00").get("/v1/accounts/me")
    assert problem(answer) == (403, "account_required")


def keyed(database: Database, act: Callable[[Pool], Awaitable[T]]) -> T:
    """Do something with a pool."""

    async def run() -> T:
        pool = await open_pool(database.app_url, size=4)
        try:
            return await act(pool)
        finally:
            await pool.close()

    return asyncio.run(run())


def test_a_new_key_is_known_before_it_signs_and_the_old_one_verifies_after(
    service: Service, person: Any
) -> None:
    """A process that looked within the notice verifies each token while it lasts."""
    at = [service.clock() + LIFE]

    def clock() -> datetime:
        return at[0]

    async def act(pool: Pool) -> tuple[list[str], list[set[str]]]:
        keys = TokenKeys(pool, SEALER, clock)
        signed, known = [], []
        for pause in (timedelta(), NOTICE, LAST_TOKENS):
            at[0] += pause
            await keys.load()
            signed.append(keys.signer().kid)
            known.append(set(keys.public))
        return signed, known

    signed, known = keyed(service.database, act)
    old, new = signed[0], signed[1]
    assert signed == [old, new, new]
    assert known == [{old, new}, {old, new}, {new}]


def test_many_processes_make_one_first_key(database: Database) -> None:
    """Eight that begin at once agree."""
    at = datetime.fromisoformat("2101-01-01T00:00:00+00:00")
    before = len(database.rows("SELECT kid FROM token_key"))

    async def act(pool: Pool) -> set[str]:
        many = [TokenKeys(pool, SEALER, lambda: at) for _ in range(8)]
        await asyncio.gather(*(keys.load() for keys in many))
        return {keys.signer().kid for keys in many}

    assert len(keyed(database, act)) == 1
    assert len(database.rows("SELECT kid FROM token_key")) - before <= 1


def test_a_withdrawn_key_is_void_and_another_signs(service: Service, person: Any) -> None:
    """Where it was made void; a process that doesn't know the new one asks for it by itself."""
    at = service.clock()

    async def act(pool: Pool) -> tuple[str, set[str], str]:
        keys = TokenKeys(pool, SEALER, lambda: at)
        await keys.load()
        stolen = keys.signer().kid
        async with platform_tx(pool, Origin("operator"), at) as ptx:
            assert await signing_keys.withdraw(ptx, SEALER, stolen)
            assert not await signing_keys.withdraw(ptx, SEALER, stolen)
        keys.ask()
        asked = keys._asking
        assert asked is not None
        await asked
        return stolen, set(keys.public), keys.signer().kid

    stolen, public, signer = keyed(service.database, act)
    assert stolen not in public
    assert signer in public
    row = service.database.rows("SELECT sealed FROM token_key WHERE kid = $1", signer)[0]
    fresh = SigningKey.from_seed(SEALER.unseal(row["sealed"], context(signer)))
    token = jwt.issue(grant(person), fresh, now(service))
    answers = service.until(lambda: me(service, token), lambda answer: answer.is_success)
    assert UUID(good(answers)["account_id"]) == person.account_id
