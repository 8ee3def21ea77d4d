"""Badges over real HTTP: made here or elsewhere, on the roster, revoked."""

import os
from datetime import datetime, timedelta

import httpx

from cloud.db.tenancy import WORKER, tenant_tx
from cloud.devices import badges
from shared import hashing, keys
from shared.devices.badge import decode_badge
from tests.cloud.database import awaited
from tests.cloud.devices.house import House
from tests.cloud.service import Service, good, problem
from tests.cloud.waiting import blocked, holding


def test_a_badge_made_here_is_told_once(house: House) -> None:
    """Its code holds the key that the roster lists; only the public half is kept."""
    gate, path = house.gate(), f"{house.tenant.path}/badges"
    made = good(house.owner.post(path, json={"name": "Ada", "role": "supervisor"}), 201)
    seed = decode_badge(made["code"])
    public = keys.public_key(seed)
    assert made["public"] == public.hex()
    assert made["badge"] == hashing.badge_id(public).hex()
    assert made["svg"].startswith("<svg")
    listed = gate.learn().badges[public]
    assert (listed.name, listed.role, listed.revoked) == ("Ada", "supervisor", None)
    (shown,) = good(house.owner.get(path))["items"]
    assert "code" not in shown
    rows = house.rows("SELECT b::text AS all FROM badge b WHERE tenant_id = $1")
    assert [row for row in rows if seed.hex() in row["all"]] == []


def test_a_badge_made_elsewhere_comes_with_its_key_alone(house: House) -> None:
    """Nobody is told a code, and the key is listed."""
    gate, public = house.gate(), keys.public_key(os.urandom(32))
    body = {"name": "Box office", "role": "scan", "public": public.hex()}
    made = good(house.owner.post(f"{house.tenant.path}/badges", json=body), 201)
    assert made["code"] is made["svg"] is None
    assert gate.learn().badges[public].role == "scan"


def test_a_key_is_one_badge_or_one_device(house: House) -> None:
    """A gate that is also a badge would be its own supervisor."""
    gate, path = house.gate(), f"{house.tenant.path}/badges"
    public = keys.public_key(os.urandom(32)).hex()
    body = {"name": "A", "role": "scan", "public": public}
    good(house.owner.post(path, json=body), 201)
    assert problem(house.owner.post(path, json=body)) == (409, "badge_known")
    own = body | {"public": gate.pk.hex()}
    assert problem(house.owner.post(path, json=own)) == (409, "badge_known")
    twin = {"public": public, "name": "Gate"}
    assert problem(house.owner.post(house.devices, json=twin)) == (409, "device_known")
    weak = body | {"public": "01" + "00" * 31}
    assert problem(house.owner.post(path, json=weak)) == (400, "device_weak_key")
    assert house.versions() == [1, 2]


def test_of_a_badge_and_a_device_made_at_once_there_is_one(house: House) -> None:
    """Who comes second waits for the first, and hears of it."""
    public = keys.public_key(os.urandom(32))
    body = {"public": public.hex(), "name": "Gate"}

    async def both() -> httpx.Response:
        service, tenant = house.service, house.tenant.tenant_id
        pool = await service.database.pool(size=1)
        async with holding(service) as conn, tenant_tx(pool, tenant, WORKER, service.clock()) as tx:
            await badges.add(tx, public, "Ada", "scan")
            posting = await blocked(conn, lambda: house.owner.post(house.devices, json=body))
        await pool.close()
        return await posting

    assert problem(awaited(both())) == (409, "device_known")


def test_a_time_without_a_zone_is_refused(house: House) -> None:
    """Nobody knows when that was."""
    path = f"{house.tenant.path}/badges"
    made = good(house.owner.post(path, json={"name": "Ada", "role": "scan"}), 201)
    revoke = f"{path}/{made['badge']}/revoke"
    assert problem(house.owner.post(revoke, json={"since": "2026-11-01T00:00:00"}))[0] == 400


def test_a_revoked_badge_stays_listed_with_its_time(house: House) -> None:
    """An earlier time may be said later; a later one changes nothing and publishes nothing."""
    gate, path = house.gate(), f"{house.tenant.path}/badges"
    made = good(house.owner.post(path, json={"name": "Ada", "role": "scan"}), 201)
    public, revoke = bytes.fromhex(made["public"]), f"{path}/{made['badge']}/revoke"
    now = good(house.owner.post(revoke, json={}))["revoked_at"]
    first = int(datetime.fromisoformat(now).timestamp())
    assert gate.learn().badges[public].revoked == first
    ahead = (datetime.fromisoformat(now) + timedelta(hours=1)).isoformat()
    good(house.owner.post(revoke, json={"since": ahead}))
    assert gate.learn().badges[public].revoked == first
    assert house.versions() == [1, 2, 3]
    before = (datetime.fromisoformat(now) - timedelta(hours=1)).isoformat()
    good(house.owner.post(revoke, json={"since": before}))
    assert gate.learn().badges[public].revoked == first - 3600


def test_another_tenant_sees_no_badge(service: Service, house: House) -> None:
    """It neither lists nor revokes one."""
    path, stranger = f"{house.tenant.path}/badges", House(service)
    made = good(house.owner.post(path, json={"name": "Ada", "role": "scan"}), 201)
    theirs = f"{stranger.tenant.path}/badges"
    assert good(stranger.owner.get(theirs))["items"] == []
    for answer in (
        stranger.owner.get(path),
        stranger.owner.post(f"{path}/{made['badge']}/revoke", json={}),
        stranger.owner.post(f"{theirs}/{made['badge']}/revoke", json={}),
    ):
        assert problem(answer) == (404, "not_found")
