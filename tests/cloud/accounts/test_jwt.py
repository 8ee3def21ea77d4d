"""Access tokens: what is issued, what is accepted, and what attackers try."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet, OKPKey

from cloud.accounts.jwks import BadKeySet, SigningKey, jwks, parse_jwks, thumbprint
from cloud.accounts.jwt import (
    LARGEST_TOKEN,
    LEEWAY,
    SENTENCES,
    AccessClaims,
    Grant,
    TokenRefused,
    issue,
    verify,
)
from shared import keys as ed25519

ISSUER = "https://usher.example"
AUDIENCE = "usher"
NOW = 1_800_000_000
KEY = SigningKey.from_seed(bytes(range(32)))
OTHER = SigningKey.from_seed(bytes(range(1, 33)))
KEYS = {KEY.kid: KEY.public}
GRANT = Grant(
    iss=ISSUER,
    aud=AUDIENCE,
    sub=UUID(int=1),
    client_id="usher-web",
    jti=UUID(int=2),
    kind="account",
    epoch=3,
    sid=UUID(int=4),
)
CLIENT = Grant(
    iss=ISSUER,
    aud=AUDIENCE,
    sub=UUID(int=5),
    client_id=str(UUID(int=5)),
    jti=UUID(int=6),
    kind="client",
    epoch=0,
    scope="checkins:write tickets:read",
    tenant=UUID(int=7),
)
HEADER = {"alg": "Ed25519", "kid": KEY.kid, "typ": "at+jwt"}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def spelled(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signed(header: bytes, payload: bytes, key: SigningKey = KEY) -> str:
    """Return a token of any content with a signature that is right."""
    from nacl.signing import SigningKey as Nacl

    body = f"{b64(header)}.{b64(payload)}"
    return f"{body}.{b64(Nacl(key.secret[:32]).sign(body.encode()).signature)}"


def claims_of(grant: Grant = GRANT, **changes: Any) -> dict[str, Any]:
    """Return the claims of a token, in their order, some changed or (None) left out."""
    said = msgspec.to_builtins(grant) | {"iat": NOW, "exp": NOW + 600} | changes
    names = dict.fromkeys((*AccessClaims.__struct_fields__, *said))
    return {name: said[name] for name in names if said.get(name) is not None}


def code_of(token: str, now: int = NOW, audience: str = AUDIENCE, issuer: str = ISSUER) -> str:
    """Return why a token is refused."""
    with pytest.raises(TokenRefused) as refused:
        verify(token, KEYS, issuer=issuer, audience=audience, now=now)
    assert refused.value.sentence == SENTENCES[refused.value.code]
    return refused.value.code


@pytest.mark.parametrize("grant", [GRANT, CLIENT], ids=["account", "client"])
def test_a_token_says_what_was_granted(grant: Grant) -> None:
    """Verifying returns the grant, with its times."""
    token = issue(grant, KEY, NOW)
    claims = verify(token, KEYS, issuer=ISSUER, audience=AUDIENCE, now=NOW)
    said = {name: getattr(grant, name) for name in Grant.__struct_fields__}
    assert claims == AccessClaims(**said, iat=NOW, exp=NOW + 600)


def test_a_token_is_spelled_as_ever() -> None:
    """The token of a fixed grant and key is known; Ed25519 is deterministic."""
    token = issue(GRANT, KEY, NOW)
    header, payload, _ = token.split(".")
    assert base64.urlsafe_b64decode(header + "==") == spelled(HEADER)
    assert base64.urlsafe_b64decode(payload + "==") == (
        b'{"iss":"https://usher.example","aud":"usher",'
        b'"sub":"00000000-0000-0000-0000-000000000001","client_id":"usher-web",'
        b'"jti":"00000000-0000-0000-0000-000000000002","kind":"account","epoch":3,'
        b'"sid":"00000000-0000-0000-0000-000000000004","iat":1800000000,"exp":1800000600}'
    )
    assert token == signed(spelled(HEADER), spelled(claims_of()))


def test_the_example_of_rfc_8037() -> None:
    """Key, thumbprint and signature are those of RFC 8037, appendix A."""
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    key = SigningKey.from_seed(seed)
    assert b64(key.public) == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = ed25519.sign(key.secret, b"", message)
    assert b64(signature) == (
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )


grants = st.builds(
    lambda ids, epoch, client, scope, tenant: Grant(
        iss=ISSUER,
        aud=AUDIENCE,
        sub=ids[0],
        client_id=str(ids[0]) if client else "wéb-✓",
        jti=ids[1],
        kind="client" if client else "account",
        epoch=epoch,
        sid=None if client else ids[2],
        scope=scope if client else "",
        tenant=tenant,
    ),
    st.tuples(st.uuids(), st.uuids(), st.uuids()),
    st.integers(0, (1 << 53) - 1),
    st.booleans(),
    st.from_regex(r"\A[!#-\[\]-~ ]{0,60}\Z"),
    st.none() | st.uuids(),
)


@given(grants, st.integers(0, 1 << 39), st.integers(1, 3600))
def test_joserfc_reads_what_we_issue(grant: Grant, now: int, lifetime: int) -> None:
    """Another implementation finds our signature right and reads the same claims."""
    public = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": b64(KEY.public)})
    token = joserfc_jwt.decode(issue(grant, KEY, now, lifetime), public, algorithms=["Ed25519"])
    assert token.header == HEADER
    assert token.claims == claims_of(grant, iat=now, exp=now + lifetime)


@given(grants, st.integers(0, 1 << 39))
def test_we_read_what_joserfc_issues(grant: Grant, now: int) -> None:
    """A token by another implementation, with our members in our order, is accepted."""
    private = OKPKey.import_key(
        {"kty": "OKP", "crv": "Ed25519", "x": b64(KEY.public), "d": b64(KEY.secret[:32])}
    )
    claims = claims_of(grant, iat=now, exp=now + 60)
    registry = jws.JWSRegistry(algorithms=["Ed25519"])
    payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False)
    token = jws.serialize_compact(HEADER, payload, private, registry=registry)
    found = verify(token, KEYS, issuer=ISSUER, audience=AUDIENCE, now=now)
    assert msgspec.to_builtins(found) == claims


ATTACKS: dict[str, tuple[str, Callable[[], str]]] = {}


def attack(code: str) -> Callable[[Callable[[], str]], Callable[[], str]]:
    def add(make: Callable[[], str]) -> Callable[[], str]:
        ATTACKS[make.__name__] = (code, make)
        return make

    return add


def with_header(header: object) -> str:
    return signed(header if isinstance(header, bytes) else spelled(header), spelled(claims_of()))


@attack("token_algorithm")
def alg_none() -> str:
    return f"{b64(spelled({'alg': 'none', 'typ': 'at+jwt'}))}.{b64(spelled(claims_of()))}."


@attack("token_algorithm")
def alg_none_in_another_case() -> str:
    return with_header(HEADER | {"alg": "nOnE"})


@attack("token_algorithm")
def hmac_with_the_public_key_as_secret() -> str:
    body = f"{b64(spelled(HEADER | {'alg': 'HS256'}))}.{b64(spelled(claims_of()))}"
    return f"{body}.{b64(hmac.digest(KEY.public, body.encode(), hashlib.sha256))}"


@attack("token_algorithm")
def the_deprecated_name() -> str:
    return with_header(HEADER | {"alg": "EdDSA"})


@attack("token_algorithm")
def no_algorithm() -> str:
    return with_header({"kid": KEY.kid, "typ": "at+jwt"})


@attack("token_type")
def an_id_token() -> str:
    return with_header(HEADER | {"typ": "JWT"})


@attack("token_type")
def no_type() -> str:
    return with_header({"alg": "Ed25519", "kid": KEY.kid})


@attack("token_unknown_key")
def no_kid() -> str:
    return with_header({"alg": "Ed25519", "kid": "", "typ": "at+jwt"})


@attack("token_unknown_key")
def kid_of_a_stranger() -> str:
    return signed(spelled(HEADER | {"kid": OTHER.kid}), spelled(claims_of()), OTHER)


@attack("token_unknown_key")
def kid_as_a_path() -> str:
    return with_header(HEADER | {"kid": "../../../../dev/null"})


@attack("token_unknown_key")
def kid_as_sql() -> str:
    return with_header(HEADER | {"kid": "x' UNION SELECT 'key' --"})


@attack("token_malformed")
def kid_as_a_list() -> str:
    return with_header(HEADER | {"kid": [KEY.kid]})


@attack("token_signature")
def our_kid_and_the_key_of_a_stranger() -> str:
    return signed(spelled(HEADER), spelled(claims_of()), OTHER)


@attack("token_signature")
def a_claim_changed() -> str:
    header, _, signature = issue(GRANT, KEY, NOW).split(".")
    return f"{header}.{b64(spelled(claims_of(epoch=4)))}.{signature}"


@attack("token_signature")
def half_a_signature() -> str:
    header, payload, signature = issue(GRANT, KEY, NOW).split(".")
    half = base64.urlsafe_b64decode(signature + "==")[:32]
    return f"{header}.{payload}.{b64(half)}"


@attack("token_signature")
def no_signature() -> str:
    return ".".join([*issue(GRANT, KEY, NOW).split(".")[:2], ""])


@attack("token_malformed")
def crit() -> str:
    return with_header(HEADER | {"crit": ["b64"], "b64": False})


@attack("token_malformed")
def a_key_of_its_own() -> str:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(OTHER.public)}
    return signed(spelled(HEADER | {"jwk": jwk}), spelled(claims_of()), OTHER)


@attack("token_malformed")
def jku() -> str:
    return with_header(HEADER | {"jku": "https://attacker.example/jwks"})


@attack("token_malformed")
def x5u() -> str:
    return with_header(HEADER | {"x5u": "https://attacker.example/cert"})


@attack("token_malformed")
def x5c() -> str:
    return with_header(HEADER | {"x5c": ["MIIB"]})


@attack("token_malformed")
def a_header_member_twice() -> str:
    twice = b'{"alg":"none","alg":"Ed25519","kid":"%s","typ":"at+jwt"}'
    return with_header(twice % KEY.kid.encode())


@attack("token_malformed")
def a_header_with_a_space() -> str:
    return with_header(json.dumps(HEADER).encode())


@attack("token_malformed")
def encrypted() -> str:
    return f"{b64(spelled({'alg': 'dir', 'enc': 'A256GCM'}))}..{b64(bytes(12))}.AAAA.AAAA"


@attack("token_claims")
def nested() -> str:
    return signed(spelled(HEADER), issue(GRANT, KEY, NOW).encode())


@attack("token_malformed")
def too_large() -> str:
    return signed(spelled(HEADER), spelled(claims_of(client_id="x" * LARGEST_TOKEN)))


@attack("token_malformed")
def not_ascii() -> str:
    return issue(GRANT, KEY, NOW)[:-1] + "\uff21"


@attack("token_malformed")
def a_lone_surrogate() -> str:
    return issue(GRANT, KEY, NOW) + "\ud800"


@attack("token_malformed")
def padded() -> str:
    return issue(GRANT, KEY, NOW) + "=="


@attack("token_malformed")
def a_newline_behind() -> str:
    return issue(GRANT, KEY, NOW) + "\n"


@attack("token_malformed")
def loose_last_bits() -> str:
    token = issue(GRANT, KEY, NOW)  # 64 bytes leave four bits of the last character unused
    return token[:-1] + chr(ord(token[-1]) + 1)


@attack("token_malformed")
def nothing() -> str:
    return ""


@attack("token_malformed")
def dots() -> str:
    return ".."


@attack("token_malformed")
def a_header_nested_deeply() -> str:
    return with_header(b"[" * 2000)


@attack("token_claims")
def a_claim_twice() -> str:
    once = spelled(claims_of())
    return signed(spelled(HEADER), once.replace(b'"epoch":3', b'"epoch":9,"epoch":3'))


@attack("token_claims")
def an_unknown_claim() -> str:
    return signed(spelled(HEADER), spelled(claims_of(admin=True)))


@attack("token_claims")
def an_account_with_scopes() -> str:
    return signed(spelled(HEADER), spelled(claims_of(scope="platform:admin")))


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_its_own_name(name: str) -> None:
    """Each forged token is refused, and for the reason that it was made for."""
    code, make = ATTACKS[name]
    assert code_of(make()) == code


BAD_CLAIMS: list[tuple[str, dict[str, Any]]] = [
    ("token_issuer", {"iss": "https://usher.example/"}),
    ("token_audience", {"aud": "another-service"}),
    ("token_claims", {"aud": ["usher", "another-service"]}),
    ("token_claims", {"sub": None}),
    ("token_claims", {"sub": "fan@usher.example"}),
    ("token_claims", {"sub": "0" * 31 + "1"}),
    ("token_claims", {"sub": "00000000-0000-0000-0000-00000000000A"}),
    ("token_claims", {"jti": None}),
    ("token_claims", {"client_id": None}),
    ("token_claims", {"kind": "admin"}),
    ("token_claims", {"kind": "client"}),
    ("token_claims", {"kind": "client", "sid": None}),
    ("token_claims", {"epoch": -1}),
    ("token_claims", {"epoch": True}),
    ("token_claims", {"sid": None}),
    ("token_claims", {"exp": None}),
    ("token_claims", {"exp": 1e12}),
    ("token_claims", {"exp": str(NOW + 600)}),
    ("token_claims", {"exp": NOW + 3601}),
    ("token_claims", {"exp": NOW}),
    ("token_claims", {"exp": 1 << 41}),
    ("token_claims", {"iat": None}),
    ("token_claims", {"scope": "tickets:read\n"}),
]


@pytest.mark.parametrize(("code", "changes"), BAD_CLAIMS, ids=repr)
def test_wrong_claims_are_refused(code: str, changes: dict[str, Any]) -> None:
    """Not even our own signature makes a token out of wrong claims."""
    assert code_of(signed(spelled(HEADER), spelled(claims_of(**changes)))) == code


def test_time() -> None:
    """A token lives from `iat` until before `exp`, with the leeway on both sides."""
    token = issue(GRANT, KEY, NOW)
    for now in (NOW - LEEWAY, NOW + 599 + LEEWAY):
        verify(token, KEYS, issuer=ISSUER, audience=AUDIENCE, now=now)
    assert code_of(token, NOW - LEEWAY - 1) == "token_not_yet"
    assert code_of(token, NOW + 600 + LEEWAY) == "token_expired"


def test_no_verdict_is_remembered() -> None:
    """A token that was just accepted is refused once its key is gone or another one, its time
    is over, or it is shown to somebody else."""
    token = issue(GRANT, KEY, NOW)
    verify(token, KEYS, issuer=ISSUER, audience=AUDIENCE, now=NOW)
    assert code_of(token, NOW + 700) == "token_expired"
    with pytest.raises(TokenRefused, match="token_unknown_key"):
        verify(token, {}, issuer=ISSUER, audience=AUDIENCE, now=NOW)
    with pytest.raises(TokenRefused, match="token_signature"):
        verify(token, {KEY.kid: OTHER.public}, issuer=ISSUER, audience=AUDIENCE, now=NOW)
    with pytest.raises(TokenRefused, match="token_issuer"):
        verify(token, KEYS, issuer="https://other.example", audience=AUDIENCE, now=NOW)
    with pytest.raises(TokenRefused, match="token_audience"):
        verify(token, KEYS, issuer=ISSUER, audience="other", now=NOW)


@given(st.data())
def test_no_changed_character_passes(data: st.DataObject) -> None:
    """A token with any one character changed is refused, by a known code."""
    token = issue(CLIENT, KEY, NOW)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != token[place]))
    assert code_of(token[:place] + other + token[place + 1 :]) in SENTENCES


@given(st.text() | st.text(alphabet="eyJ.-_AQ0=", max_size=60))
def test_no_text_breaks_the_verifier(text: str) -> None:
    """Any text is refused by a code, and by no other exception."""
    assert code_of(text) in SENTENCES


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_signed_bytes_break_the_verifier(header: bytes, payload: bytes) -> None:
    """Arbitrary bytes under a right signature are refused by a code."""
    assert code_of(signed(header, payload)) in SENTENCES
    assert code_of(signed(spelled(HEADER), payload)) == "token_claims"


@pytest.mark.parametrize(
    "changes",
    [
        {"sid": None},
        {"scope": "tickets:read"},
        {"kind": "client", "sid": None, "client_id": str(GRANT.sub), "scope": "a\tb"},
        {"iss": ""},
        {"kind": "client"},
        {"epoch": -1},
        {"client_id": "x" * 513},
    ],
    ids=repr,
)
def test_what_would_be_refused_is_not_issued(changes: dict[str, Any]) -> None:
    """A grant that contradicts itself is the caller's error."""
    with pytest.raises(ValueError, match="a grant"):
        issue(msgspec.structs.replace(GRANT, **changes), KEY, NOW)


@pytest.mark.parametrize("lifetime", [0, -1, 3601])
def test_no_endless_token_is_issued(lifetime: int) -> None:
    """A token lasts a second to an hour."""
    with pytest.raises(ValueError, match="a grant"):
        issue(GRANT, KEY, NOW, lifetime)


def test_a_signing_key_hides_its_secret() -> None:
    """Neither half of the secret is in a key's representation."""
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in f"{KEY}{[KEY]}"


def test_published_keys_are_read_back() -> None:
    """`parse_jwks` is the inverse of `jwks`, and joserfc reads the document too."""
    keys = KEYS | {OTHER.kid: OTHER.public}
    document = jwks(keys)
    assert parse_jwks(spelled(document)) == keys
    read = KeySet.import_key_set(json.loads(spelled(document)))
    assert [key.thumbprint() for key in read] == [KEY.kid, OTHER.kid]
    assert not any(key.is_private for key in read)
    assert [thumbprint(public) for public in keys.values()] == list(keys)


def test_keys_of_other_kinds_are_passed_over() -> None:
    """A set may hold keys that we have no use for (RFC 7517 §5)."""
    ours = jwks(KEYS)["keys"]
    others = [
        {"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "kid": "x", "crv": "X25519", "x": b64(OTHER.public)},
        {"kty": "OKP", "kid": "e", "crv": "Ed25519", "use": "enc", "x": b64(OTHER.public)},
        {"kty": "ML-DSA", "kid": "p"},
    ]
    assert parse_jwks(spelled({"keys": others + ours})) == KEYS


BAD_SETS: dict[str, bytes] = {
    "not JSON": b"<html>",
    "nested deeply": b"[" * 5000,
    "no keys": b"{}",
    "a private key": spelled({"keys": [jwks(KEYS)["keys"][0] | {"d": b64(bytes(32))}]}),
    "a shared secret": spelled({"keys": [{"kty": "oct", "kid": "k", "k": "AAAA"}]}),
    "a name twice": spelled({"keys": jwks(KEYS)["keys"] * 2}),
    "no name": spelled(jwks({"": KEY.public})),
    "a short key": spelled(jwks({"k": KEY.public[:31]})),
    "the identity": spelled(jwks({"k": b"\1" + bytes(31)})),
    "a point of small order": spelled(jwks({"k": bytes(32)})),
    "padding": spelled(jwks(KEYS)).replace(
        b64(KEY.public).encode(), b64(KEY.public).encode() + b"="
    ),
    "too many": spelled(jwks({str(n): KEY.public for n in range(101)})),
    "too large": spelled({"keys": [], "note": "x" * (1 << 16)}),
}


@pytest.mark.parametrize("name", BAD_SETS)
def test_a_wrong_set_of_keys_is_refused(name: str) -> None:
    """What is not a set of safe public keys, by distinct names, is refused whole."""
    with pytest.raises(BadKeySet):
        parse_jwks(BAD_SETS[name])
