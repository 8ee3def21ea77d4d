"""Check-ins over real HTTP: who may, what is answered, and requests that devices sign."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from cloud.checkins.assembly import make_redeemer
from cloud.checkins.controller import ROUTES
from cloud.checkins.devices import check_device
from cloud.checkins.jobs import sweep_nonces, tenants
from cloud.checkins.tallies import Tallies
from cloud.db.connect import new_pool, open_pool, open_up
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.devices.controller import ROUTES as DEVICES
from cloud.http.assembly import assemble
from cloud.http.kernel import Kernel, Rates
from cloud.keys.issuers import Issuers
from cloud.keys.keyring import Keyring
from cloud.lately import Lately
from cloud.settings import Settings
from shared.devices.request import Request, body_hash, sign_request
from shared.log.record import Kind
from tests.cloud.checkins.scene import (
    FAN,
    OWNER,
    SCANNER,
    SEALER,
    STAFF,
    Clock,
    Gatekeeper,
    Scene,
    code,
    set_scene,
    word,
)
from tests.cloud.database import Database
from tests.cloud.serving import serving
from tests.festival import NORTH
from tests.scribe import Scribe


class Unlimited:
    """Counts nothing: rates are tested with the kernel."""

    async def hit(self, bucket: str, per_minute: int) -> int:
        """Let everything pass."""
        return 0


@dataclass(frozen=True)
class Door:
    """The scene, and a client of the service at it."""

    scene: Scene
    http: httpx.Client

    def post(self, path: str, body: object, who: object = STAFF, **headers: str) -> httpx.Response:
        """POST as an account."""
        url = f"/v1/tenants/{self.scene.tenant}/{path}"
        return self.http.post(url, json=body, headers=_as(who) | headers)

    def get(self, path: str, who: object = STAFF, **query: Any) -> httpx.Response:
        """GET as an account."""
        url = f"/v1/tenants/{self.scene.tenant}/{path}"
        return self.http.get(url, headers=_as(who), params=query)

    def redeem(self, body: object, who: object = STAFF, **headers: str) -> httpx.Response:
        """Redeem."""
        return self.post(f"events/{self.scene.event}/redeem", body, who, **headers)

    def upload(self, gate: Scribe, body: bytes, **other: Any) -> httpx.Response:
        """Send a log, signed by its gate, or with something else signed."""
        path = f"/v1/tenants/{self.scene.tenant}/log"
        host = f"{self.http.base_url.host}:{self.http.base_url.port}"
        request = Request("POST", host, other.get("path", path), body_hash(body))
        at = other.get("at", int(time.time() * 1000))
        header = sign_request(request, gate.secret, at, other.get("nonce", os.urandom(16)))
        headers = {"authorization": header, "content-type": "application/octet-stream"}
        return self.http.post(path, content=other.get("sent", body), headers=headers)


def _as(who: object) -> dict[str, str]:
    return {"authorization": f"Bearer {getattr(who, 'int', who)}"} if who else {}


@pytest.fixture(scope="module")
def door(database: Database) -> Iterator[Door]:
    """Serve the routes on the scene; the gates' clock is the festival's, requests are of now."""
    scene = set_scene(database)

    def make_app() -> Any:
        pool = new_pool(database.app_url, size=4)

        clock = Clock()
        redeemer = make_redeemer(
            pool,
            database.app_url,
            Gatekeeper(),
            SEALER,
            now=clock.now,
            monotonic=clock.monotonic,
            software="test",
        )

        @asynccontextmanager
        async def life(_: Litestar) -> AsyncIterator[None]:
            await open_up(pool)
            yield
            await redeemer.close()
            await pool.close()

        kernel = Kernel(
            pool=pool,
            clock=lambda: datetime.now(UTC),
            sealer=SEALER,
            gatekeeper=Gatekeeper(),
            devices=check_device,
            limiter=Unlimited(),
            rates=Rates(),
            new_id=lambda: uuid4().hex,
        )
        given = {
            "redeemer": redeemer,
            "lately": Lately(pool, lambda: datetime.now(UTC), time.monotonic),
            "issuers": Issuers(Keyring(SEALER)),
            "settings": Settings(),
            "tallies": Tallies(),
        }
        return assemble(kernel, (*ROUTES, *DEVICES), given, lifespan=[life])

    with serving(make_app) as address, httpx.Client(base_url=address, timeout=30) as http:
        yield Door(scene, http)


def problem(response: httpx.Response) -> tuple[int, str]:
    """Return what was refused."""
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_a_scan_is_answered_200_whatever_it_comes_to(door: Door) -> None:
    """Admitted, refused, held, and no ticket at all."""
    ticket = door.scene.ticket()
    body = {"gate": NORTH, "code": code(ticket)}
    first, second = door.redeem(body), door.redeem(body)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["signal"] == "green"
    assert first.json()["ticket_id"] == str(ticket)
    assert (second.json()["signal"], second.json()["prior"]["gate_name"]) == ("red", "North")
    nothing = door.redeem({"gate": NORTH, "code": "HELLO"})
    assert (nothing.status_code, nothing.json()["code"]) == (200, "not_a_ticket")
    undone = door.post(f"events/{door.scene.event}/undo", {"entry": first.json()["entries"][0]})
    assert undone.status_code == 200
    assert [each.headers["usher-waiting"] for each in (first, nothing, undone)] == ["0"] * 3
    assert door.redeem(body).json()["code"] == "admitted"


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("", (401, "credentials_missing")),
        ("nobody", (401, "credentials_invalid")),
        (FAN, (404, "not_found")),
    ],
)
def test_who_may_not_redeem_doesnt(door: Door, who: object, expected: tuple[int, str]) -> None:
    """And the ticket stays as it is."""
    ticket = door.scene.ticket()
    assert problem(door.redeem({"gate": NORTH, "code": code(ticket)}, who)) == expected
    assert door.scene.state(ticket) == "active"


def test_another_tenants_event_is_not_there(door: Door) -> None:
    """Nor is a tenant that does not exist."""
    other = set_scene(door.scene.database)
    path = f"events/{other.event}/redeem"
    assert problem(door.post(path, {"gate": 1, "code": "x"})) == (404, "not_found")
    for tenant in (other.tenant, uuid4()):
        url = f"/v1/tenants/{tenant}/events/{door.scene.event}/redeem"
        answer = door.http.post(url, json={"gate": 1, "code": "x"}, headers=_as(STAFF))
        assert problem(answer) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [{}, {"gate": 0, "code": "x"}, {"gate": 1, "code": "x" * 601}, {"gate": 1, "extra": 1}, []],
)
def test_what_is_not_in_the_declared_form_is_a_problem(door: Door, body: object) -> None:
    """400, before any batch hears of it."""
    assert problem(door.redeem(body))[0] == 400


def test_a_key_repeats_the_answer_to_the_byte(door: Door) -> None:
    """The guest is admitted once and told so twice; another body is refused."""
    ticket = door.scene.ticket()
    body, key = {"gate": NORTH, "code": code(ticket)}, {"idempotency-key": "a-key"}
    first, second = (door.redeem(body, **key) for _ in range(2))
    assert first.json()["code"] == "admitted"
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert problem(door.redeem(body | {"confirmed": True}, **key)) == (
        409, "idempotency_key_reused",
    )  # fmt: skip
    assert problem(door.redeem(body, **{"idempotency-key": "a b"}))[1] == (
        "idempotency_key_malformed"
    )


def test_a_gate_sends_its_log_and_the_cloud_tells_what_it_means(door: Door) -> None:
    """Registered, sent, summed up, listed page by page, told ticket by ticket, revoked."""
    ticket, gate = door.scene.ticket(), Scribe("http gate")
    gate.boot()
    gate.enter(word(ticket))
    new = {"public": gate.public.hex(), "name": "North 1"}
    assert problem(door.post("devices", new)) == (403, "scope_missing")
    assert door.post("devices", new, OWNER).status_code == 201
    assert problem(door.post("devices", new, OWNER)) == (409, "device_known")
    weak = {"public": "01" + "00" * 31, "name": "Weak"}
    assert problem(door.post("devices", weak, OWNER)) == (400, "device_weak_key")

    receipt = door.upload(gate, b"".join(gate.log)).json()
    assert (receipt["seq"], receipt["new"], receipt["known"], receipt["broken"]) == (2, 2, 0, None)
    assert door.scene.state(ticket) == "used"

    event = f"events/{door.scene.event}"
    summary = door.get(f"{event}/checkins/summary", SCANNER).json()
    assert {"gate": 1, "entries": summary["entered"]} in summary["gates"]
    assert problem(door.get(f"{event}/checkins/summary", FAN)) == (404, "not_found")
    history = door.get(f"{event}/tickets/{ticket}/history").json()
    assert [(each["kind"], each["online"]) for each in history] == [("in", False)]
    assert problem(door.get(f"{event}/tickets/{uuid4()}/history")) == (404, "not_found")

    seen, cursor = [], ""
    while cursor is not None:
        answer = door.get(f"{event}/checkins/records", limit=1, cursor=cursor).json()
        seen += [each["record"] for each in answer["items"]]
        cursor = answer["next"]
    of_event = [raw for raw in door.scene.raws() if raw[80:88] != bytes(8)]
    assert len(seen) == len(set(seen)) == len(of_event)

    listed = door.get("devices", OWNER).json()["items"]
    assert {each["kind"] for each in listed} >= {"gate"}
    revoked = door.post(f"devices/{gate.device.hex()}/revoke", {}, OWNER).json()
    assert revoked["cutoff"] == {"incarnation": 1, "seq": 2}
    gate.enter("somebody")
    late = door.upload(gate, gate.log[2]).json()  # may still come in, and doesn't count
    assert (late["new"], late["quarantined"]) == (1, 1)


def test_requests_that_a_gate_did_not_sign_are_refused(door: Door) -> None:
    """Another body, path or time, a repetition, a stranger: each has its code, and nothing is
    stored."""
    gate, stranger = Scribe("honest gate"), Scribe("stranger")
    body = gate.boot()
    door.post("devices", {"public": gate.public.hex(), "name": "G"}, OWNER)
    now = int(time.time() * 1000)
    nonce = os.urandom(16)
    bad = [
        (door.upload(stranger, stranger.boot()), "request_unknown_device"),
        (door.upload(gate, body, sent=body + body), "request_bad_signature"),
        (door.upload(gate, body, path="/v1/elsewhere"), "request_bad_signature"),
        (door.upload(gate, body, at=now - 400_000), "request_stale"),
        (door.upload(gate, body, at=now + 400_000), "request_early"),
    ]
    for answer, why in bad:
        assert problem(answer) == (401, why)
    assert gate.log[0] not in door.scene.raws(Kind.BOOT)
    assert door.upload(gate, body, nonce=nonce, at=now).status_code == 200
    assert problem(door.upload(gate, body, nonce=nonce, at=now)) == (401, "request_replayed")
    assert problem(door.upload(gate, stranger.log[0])) == (403, "log_foreign")


def test_nonces_are_forgotten_when_they_are_too_old_to_repeat(door: Door) -> None:
    """The sweep finds the tenant and takes what is past, and nothing else."""
    door.scene.run(
        f"INSERT INTO device_nonce (tenant_id, device_id, nonce, forget_at) VALUES"
        f" ('{door.scene.tenant}', 'd', '0123456789abcdef', '2020-01-01')"
    )

    async def go() -> None:
        pool = await open_pool(door.scene.database.app_url)
        now = datetime.now(UTC)
        async with pool.acquire() as conn:
            assert door.scene.tenant in await tenants(conn, now)
        async with tenant_tx(pool, door.scene.tenant, WORKER, now) as tx:
            assert await sweep_nonces(tx) == 1
        await pool.close()

    asyncio.run(go())


def test_the_document_describes_the_routes(door: Door) -> None:
    """The OpenAPI document is made, and says what a scan is answered."""
    document = door.http.get("/v1/openapi.json").json()
    path = "/v1/tenants/{tenant_id}/events/{event_id}/redeem"
    answer = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]
    assert answer["schema"]["$ref"].endswith("Redeemed")
