"""The kernel over real HTTP, on a real database: transactions, keys, limits, problems."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from redis.asyncio import ConnectionPool

from cloud.db.connect import new_pool, open_up
from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, Principal, admin, anyone, device, fan, needs
from cloud.http.assembly import assemble
from cloud.http.front import neighbourhood
from cloud.http.kernel import Kernel, Rates
from cloud.http.line import Line
from cloud.http.rate_limit import RateLimiter
from cloud.keys.sealing import MasterKey
from tests.cloud.database import Database
from tests.cloud.run.wire import exchange, statuses
from tests.cloud.serving import serving

TENANT, OTHER, OWNER, FAN = UUID(int=1), UUID(int=2), UUID(int=11), UUID(int=12)
T = "/v1/tenants/{tenant_id:uuid}"


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something with bounds."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=10)]
    count: Annotated[int, msgspec.Meta(ge=0)] = 0


@post(f"{T}/things", opt=fan())
async def make(data: JSONBody[Thing], tx: NamedDependency[TenantTx]) -> dict[str, Any]:
    """Write an audit row; `name` says how it ends."""
    await tx.audit("thing.made", f"thing:{data.name}")
    if data.name == "refused":
        raise Refusal("conflict", field="/name", accepted="another")
    if data.name == "broken":
        raise ZeroDivisionError("secret detail")
    return {"name": data.name, "actor": tx.origin.actor, "nonce": str(uuid4())}


@get(f"{T}/things", opt=needs("events:read"))
async def read(tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]) -> dict[str, Any]:
    """Count audit rows."""
    rows = await tx.conn.fetch("SELECT subject FROM audit ORDER BY audit_id")
    return {"role": caller.role, "subjects": [row["subject"] for row in rows]}


@post("/v1/words", opt=anyone())
async def say(data: JSONBody[Thing], ptx: NamedDependency[PlatformTx]) -> dict[str, str]:
    """Write a platform audit row."""
    await ptx.audit("word.said", data.name)
    return {"nonce": str(uuid4())}


@post("/v1/locked/{first:int}", opt=anyone())
async def lock(first: FromPath[int], ptx: NamedDependency[PlatformTx]) -> dict[str, bool]:
    """Lock two rows in the order asked for: two callers with opposite orders deadlock."""
    for number in (first, 1 - first):
        await ptx.conn.execute(
            "UPDATE tenant SET name = name WHERE tenant_id = $1", (TENANT, OTHER)[number]
        )
        await asyncio.sleep(0.2)
    return {"done": True}


class Names:
    """Credentials are names: `Bearer owner`."""

    def principal(self, authorization: str, now: datetime) -> Principal:
        """Know two accounts."""
        match authorization:
            case "Bearer owner":
                return Principal("account", f"account:{OWNER}", OWNER)
            case "Bearer fan":
                return Principal("account", f"account:{FAN}", FAN)
            case "Bearer stale":
                return Principal("account", f"account:{FAN}", FAN, epoch=7)
            case "Bearer service":
                return Principal("client", "client:x", tenant=TENANT, scopes=frozenset({"x"}))
            case "Bearer usk":
                return Principal("key", "key", secret="usk")
        raise Refusal("credentials_invalid")

    async def key_scopes(self, tx: TenantTx, secret: str) -> tuple[str, frozenset[str]]:
        """Know one key."""
        return "key:1", frozenset({"events:read"})

    def role_scopes(self, role: str | None) -> frozenset[str]:
        """An owner reads."""
        return frozenset({"events:read"}) if role == "owner" else frozenset()


@pytest.fixture(scope="module")
def address(database: Database, redis_url: str) -> Iterator[str]:
    """Serve the kernel with the routes above."""
    database.run(
        f"""
        INSERT INTO tenant (tenant_id, slug, name) VALUES ('{TENANT}', 'one', 'One'),
            ('{OTHER}', 'two', 'Two');
        INSERT INTO account (account_id, email) VALUES ('{OWNER}', 'o@x.test'),
            ('{FAN}', 'f@x.test');
        SELECT set_config('app.tenant', '{TENANT}', false);
        INSERT INTO member (account_id, role) VALUES ('{OWNER}', 'owner');
        """
    )

    async def never(*_: object, **__: object) -> bytes:
        raise Refusal("credentials_invalid")

    def make_app() -> Any:
        pool = new_pool(database.app_url)
        redis = ConnectionPool.from_url(redis_url)
        line = Line(redis)
        limiter = RateLimiter(line)

        @asynccontextmanager
        async def life(_: Litestar) -> AsyncIterator[None]:
            await open_up(pool)
            yield
            await pool.close()
            await line.close()
            await redis.aclose()

        kernel = Kernel(
            pool=pool,
            clock=lambda: datetime.now(UTC),
            sealer=MasterKey(bytes(32)),
            gatekeeper=Names(),
            devices=never,
            limiter=limiter,
            rates=Rates(address=300, account=300, sensitive=3),
            new_id=lambda: uuid4().hex,
            body_limit=2000,
        )
        routes = [make, read, say, lock, guess, only_admin, only_device, news_for_devices]
        return assemble(kernel, routes, {}, lifespan=[life])

    with serving(make_app) as at:
        yield at


@post("/v1/guess", opt={**anyone(), "sensitive": True})
async def guess() -> dict[str, bool]:
    """Something that must not be guessed at."""
    return {}


@get("/v1/admin", opt=admin())
async def only_admin(ptx: NamedDependency[PlatformTx]) -> dict[str, bool]:
    """For administrators."""
    return {}


@post(f"{T}/device", opt=device())
async def only_device(caller: NamedDependency[Caller]) -> dict[str, bool]:
    """For devices."""
    return {}


@get(f"{T}/device", opt=device())
async def news_for_devices() -> dict[str, bool]:
    """For devices."""
    return {}


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    """An owner's client."""
    with httpx.Client(base_url=address, headers={"authorization": "Bearer owner"}) as client:
        yield client


def things(http: httpx.Client, tenant: UUID = TENANT, **named: Any) -> httpx.Response:
    """POST a thing."""
    return http.post(f"/v1/tenants/{tenant}/things", **named)


def subjects(http: httpx.Client) -> list[str]:
    """Return what is written down in the tenant."""
    found: list[str] = http.get(f"/v1/tenants/{TENANT}/things").json()["subjects"]
    return found


def problem(response: httpx.Response) -> tuple[int, str]:
    """Return what was refused, once it is sure to be a problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"/problems/{body['code']}"
    assert body["request_id"] == response.headers["x-request-id"]
    return response.status_code, body["code"]


def test_what_is_answered_is_committed_with_who_did_it(http: httpx.Client) -> None:
    """The row is there once the answer is, and names the account."""
    answer = things(http, json={"name": "a"})
    assert (answer.status_code, answer.json()["actor"]) == (201, f"account:{OWNER}")
    assert "thing:a" in subjects(http)


def test_a_refusal_undoes_everything_and_says_what_would_be_taken(http: httpx.Client) -> None:
    """The row written before it is gone."""
    answer = things(http, json={"name": "refused"})
    assert problem(answer) == (409, "conflict")
    assert answer.json()["errors"] == [{"field": "/name", "accepted": "another"}]
    assert "thing:refused" not in subjects(http)


def test_a_fault_says_nothing_of_itself(http: httpx.Client) -> None:
    """No trace, no type, no message; and it is undone."""
    answer = things(http, json={"name": "broken"})
    assert problem(answer) == (500, "internal")
    assert "secret" not in answer.text
    assert "Division" not in answer.text
    assert "thing:broken" not in subjects(http)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 11}, "name"),
        ({"name": "x", "count": -1}, "count"),
        ({"name": "x", "extra": 1}, ""),
        ({}, ""),
        ({"name": 5}, "name"),
    ],
)
def test_what_is_not_in_the_declared_form_is_blamed(
    http: httpx.Client, body: dict[str, Any], field: str
) -> None:
    """400, with the field where one is to blame."""
    answer = things(http, json=body)
    assert problem(answer) == (400, "invalid_request")
    assert field in str(answer.json().get("errors", ""))


def test_what_is_not_json_is_refused(http: httpx.Client) -> None:
    """Half a document is the caller's fault, not ours."""
    answer = things(http, content=b'{"name": ', headers={"content-type": "application/json"})
    assert answer.status_code == 400
    problem(answer)


def test_a_key_gives_one_effect_and_one_answer(http: httpx.Client) -> None:
    """The second answer is the first one, and says that it is."""
    key = {"idempotency-key": "k-1"}
    first, second = (things(http, json={"name": "once"}, headers=key) for _ in range(2))
    assert first.content == second.content
    assert second.status_code == 201
    assert second.headers["idempotent-replayed"] == "true"
    assert subjects(http).count("thing:once") == 1


def test_a_key_with_another_body_is_refused(http: httpx.Client) -> None:
    """409, and the first effect stays alone."""
    key = {"idempotency-key": "k-2"}
    things(http, json={"name": "two"}, headers=key)
    assert problem(things(http, json={"name": "three"}, headers=key)) == (
        409, "idempotency_key_reused",
    )  # fmt: skip
    assert "thing:three" not in subjects(http)


def test_a_refused_request_leaves_its_key_free(http: httpx.Client) -> None:
    """It did nothing, so a better one may follow under the key."""
    key = {"idempotency-key": "k-3"}
    assert things(http, json={"name": "refused"}, headers=key).status_code == 409
    assert things(http, json={"name": "better"}, headers=key).status_code == 201


def test_keys_belong_to_their_caller(http: httpx.Client) -> None:
    """The same key of somebody else is another key."""
    key = {"idempotency-key": "k-4"}
    mine = things(http, json={"name": "mine"}, headers=key)
    theirs = things(http, json={"name": "mine"}, headers=key | {"authorization": "Bearer fan"})
    assert mine.json()["nonce"] != theirs.json()["nonce"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a b"])
def test_a_key_has_a_form(http: httpx.Client, key: str) -> None:
    """One to 255 printable characters."""
    answer = things(http, json={"name": "form"}, headers={"idempotency-key": key})
    assert problem(answer) == (400, "idempotency_key_malformed")


@pytest.mark.parametrize("path", [f"/v1/tenants/{TENANT}/things", "/v1/words"])
def test_at_the_same_moment_too(http: httpx.Client, path: str) -> None:
    """Twelve at once: one effect, and all are told the same."""

    def send(_: int) -> httpx.Response:
        body = {"name": "race"}
        return http.post(path, json=body, headers={"idempotency-key": "race"})

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["nonce"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 11


def test_strangers_are_told_to_sign_in(http: httpx.Client) -> None:
    """401 with a challenge, on what is not for everybody."""
    for path in (f"/v1/tenants/{TENANT}/things", "/v1/admin"):
        answer = httpx.get(f"{http.base_url}{path}")
        assert problem(answer) == (401, "credentials_missing")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("nonsense", (401, "credentials_invalid")),
        ("stale", (401, "credentials_invalid")),
        ("fan", (404, "not_found")),
        ("service", (403, "scope_missing")),
    ],
)
def test_who_may_not_read_does_not(http: httpx.Client, who: str, expected: tuple[int, str]) -> None:
    """A signed-out account, a stranger to the tenant, a service without the scope."""
    answer = http.get(f"/v1/tenants/{TENANT}/things", headers={"authorization": f"Bearer {who}"})
    assert problem(answer) == expected


def test_a_key_acts_under_its_own_name(http: httpx.Client) -> None:
    """The audit names the key that was looked up in the tenant."""
    answer = things(http, json={"name": "k"}, headers={"authorization": "Bearer usk"})
    assert answer.json()["actor"] == "key:1"


@pytest.mark.parametrize("tenant", [OTHER, UUID(int=99)])
def test_another_tenant_is_not_there(http: httpx.Client, tenant: UUID) -> None:
    """Whether it exists or not, an owner elsewhere is told the same."""
    answer = http.get(f"/v1/tenants/{tenant}/things")
    assert problem(answer) == (404, "not_found")


def test_a_device_route_takes_no_token(http: httpx.Client) -> None:
    """Even an owner's."""
    assert problem(http.post(f"/v1/tenants/{TENANT}/device")) == (401, "device_required")


def test_unknown_addresses_and_methods_are_problems_too(http: httpx.Client) -> None:
    """With the same headers as any answer."""
    assert problem(http.get("/nowhere")) == (404, "not_found")
    assert problem(http.delete("/v1/words")) == (405, "method_not_allowed")
    assert http.get("/nowhere").headers["x-content-type-options"] == "nosniff"


def test_a_body_has_a_size(http: httpx.Client) -> None:
    """Declared or not, more than the limit is refused."""
    assert problem(things(http, content=b" " * 2001)) == (413, "body_too_large")
    pieces = (b" " * 500 for _ in range(5))
    assert problem(things(http, content=pieces)) == (413, "body_too_large")


def test_nothing_changed_is_said_in_one_line(http: httpx.Client) -> None:
    """304 without a body for who has the answer already."""
    path = f"/v1/tenants/{TENANT}/things"
    tag = http.get(path).headers["etag"]
    again = http.get(path, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert http.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_several_lines_of_a_list_are_one(http: httpx.Client) -> None:
    """A tag is found in each of them; of an id that is given twice none is taken."""
    path = f"/v1/tenants/{TENANT}/things"
    tag = http.get(path).headers["etag"]
    for tags in ((tag, '"other"'), ('"other"', tag)):
        assert http.get(path, headers=[("if-none-match", each) for each in tags]).status_code == 304
    twice = http.get("/nowhere", headers=[("x-request-id", f"abcdefgh-{n}") for n in (1, 2)])
    assert len(twice.headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    "name", ["Authorization", "Content-Type", "Host", "Idempotency-Key", "Stripe-Signature"]
)
def test_a_header_of_one_value_is_sent_once(address: str, http: httpx.Client, name: str) -> None:
    """Also twice the same: who reads the one and who reads the other would not agree."""
    before = subjects(http)
    sent = {
        "Host": "usher", "Authorization": "Bearer owner", "Content-Type": "application/json",
        "Content-Length": "13", "Connection": "close",
    }  # fmt: skip
    lines = [*sent.items(), *[(name, sent.get(name, "one"))] * (2 - (name in sent))]
    head = "".join(f"{each}: {value}\r\n" for each, value in lines)
    asked = f"POST /v1/tenants/{TENANT}/things HTTP/1.1\r\n{head}\r\n" + '{"name": "x"}'
    answer = exchange(address, asked.encode())
    said = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (statuses(answer), said["code"]) == ([400], "header_repeated")
    assert said["errors"] == [{"field": name.lower(), "accepted": "one value"}]
    assert subjects(http) == before


def test_head_is_get_without_its_body(http: httpx.Client) -> None:
    """The same status and headers, a condition too; what is not read has no HEAD either."""
    path = f"/v1/tenants/{TENANT}/things"
    got, head = http.get(path), http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    told = [{name: value for name, value in each.headers.items()
             if name not in ("date", "x-request-id")} for each in (got, head)]  # fmt: skip
    assert told[0] == told[1]
    assert int(head.headers["content-length"]) == len(got.content) > 0
    assert http.head(path, headers={"if-none-match": got.headers["etag"]}).status_code == 304
    assert http.head("/nowhere").status_code == 404
    assert http.head(path, headers={"authorization": ""}).status_code == 401


def test_who_asks_otherwise_is_told_which_methods_there_are(http: httpx.Client) -> None:
    """HEAD wherever GET is, but where a device signs what it asks for."""
    path = f"/v1/tenants/{TENANT}/things"
    said = http.delete(path)
    assert said.status_code == 405
    assert set(said.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert http.options(path).headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert http.options(f"/v1/tenants/{TENANT}/device").headers["allow"] == "GET, OPTIONS, POST"
    assert (http.head("/v1/words").status_code, http.head("/v1/guess").status_code) == (405, 405)
    signed = http.head(f"/v1/tenants/{TENANT}/device")
    assert (signed.status_code, signed.headers["allow"]) == (405, "GET")


def test_a_requests_id_is_kept_if_it_is_one(http: httpx.Client) -> None:
    """Ours takes the place of a strange one, and no header is split by it."""
    given = http.get("/nowhere", headers={"x-request-id": "abcdefgh-1"})
    assert given.headers["x-request-id"] == "abcdefgh-1"
    strange = http.get("/nowhere", headers={"x-request-id": "a b"})
    assert len(strange.headers["x-request-id"]) == 32


def test_guessing_is_slowed_by_address(http: httpx.Client) -> None:
    """Three a minute: of eight at least two wait, whenever the minute ends, and know how long."""
    answers = [http.post("/v1/guess") for _ in range(8)]
    assert answers[0].status_code == 201
    waiting = [answer for answer in answers if answer.status_code != 201]
    assert len(waiting) >= 2
    assert problem(waiting[0]) == (429, "rate_limited")
    assert 1 <= int(waiting[0].headers["retry-after"]) <= 61


def test_a_deadlock_is_run_again(http: httpx.Client) -> None:
    """Two that lock in opposite orders both succeed."""
    answers: list[httpx.Response] = []

    def send(first: int) -> None:
        answers.append(http.post(f"/v1/locked/{first}", timeout=30))

    threads = [threading.Thread(target=send, args=(first,)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201, 201]


def test_a_proxy_may_weaken_a_tag(http: httpx.Client) -> None:
    """What nginx makes of our tag when it compresses is still our tag."""
    path = f"/v1/tenants/{TENANT}/things"
    tag = http.get(path).headers["etag"]
    assert http.get(path, headers={"if-none-match": f"W/{tag}"}).status_code == 304


def test_a_household_is_counted_as_one() -> None:
    """An IPv6 address by its /64, an IPv4 address by itself, and nothing breaks on none."""
    assert neighbourhood("2001:db8:1:2:3::4") == neighbourhood("2001:db8:1:2:ffff::1")
    assert neighbourhood("2001:db8:1:2::1") != neighbourhood("2001:db8:1:3::1")
    assert neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood(None) == "None"
