"""What is done with accounts beside requests: hashing within bounds, forgetting, administrators."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import httpx
import pytest

from cloud.accounts import jobs, signing_keys
from cloud.accounts.hashing import Hashing
from cloud.accounts.passwords import Cost
from cloud.db.connect import open_pool
from cloud.db.tenancy import Origin, PlatformTx, platform_tx
from cloud.errors import Refusal
from cloud.keys.sealing import MasterKey
from tests.cloud.accounts.mailbox import SEALER
from tests.cloud.service import MASTER_KEY, Service, good, problem
from tests.cloud.trust import TRUST

T = TypeVar("T")
CHEAP = Cost(memory_kib=64, passes=1)


def in_platform(service: Service, act: Callable[[PlatformTx], Awaitable[T]]) -> T:
    """Do something in a transaction of the platform, forty days from now."""

    async def run() -> T:
        pool = await open_pool(service.database.app_url, size=1)
        at = service.clock() + timedelta(days=40)
        try:
            async with platform_tx(pool, Origin("operator"), at) as ptx:
                return await act(ptx)
        finally:
            await pool.close()

    return asyncio.run(run())


def test_who_finds_no_slot_comes_back_later() -> None:
    """The third of three is refused while two hold their slots, and let in afterwards."""

    async def run() -> str:
        hashing = Hashing(CHEAP, at_once=2, patience=0.01)
        async with hashing.slot(), hashing.slot():
            with pytest.raises(Refusal, match="busy"):
                async with hashing.slot():
                    pass
        async with hashing.slot():
            return await hashing.hash("correct horse battery")

    assert asyncio.run(run()).startswith("$argon2id$")


def test_a_slot_comes_back_from_a_failure() -> None:
    """Whatever ends inside it."""

    async def run() -> None:
        hashing = Hashing(CHEAP, at_once=1, patience=0.01)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with hashing.slot():
                    raise ZeroDivisionError

    asyncio.run(run())


def test_a_crowd_signs_in_with_two_slots(service: Service) -> None:
    """Eight at once wait for one another and are all let in."""
    person = service.person()
    said = {"email": person.email, "password": "correct horse battery"}

    def sign_in(_: int) -> int:
        with httpx.Client(base_url=service.address, timeout=60, verify=TRUST) as client:
            return client.post("/v1/sessions", json=said).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(sign_in, range(8))) == {201}


def test_what_ended_long_ago_is_forgotten(service: Service) -> None:
    """Ended sessions with their tokens; what goes on stays."""
    gone, stays = service.person(), service.person()
    good(gone.delete("/v1/sessions/current"), 204)
    assert in_platform(service, jobs.sweep_ended) >= 1
    left = service.database.rows(
        "SELECT s.account_id FROM session s JOIN refresh_token USING (session_id)"
    )
    accounts = {row["account_id"] for row in left}
    assert stays.account_id in accounts
    assert gone.account_id not in accounts
    assert service.database.rows("SELECT FROM mail_secret") == []


def test_an_administrator_is_made_by_address(service: Service) -> None:
    """However it is written; nobody is made of nobody."""
    person = service.person()
    assert problem(person.get("/v1/admin/tenants")) == (403, "admin_required")

    async def act(ptx: PlatformTx) -> None:
        assert await jobs.set_admin(ptx, person.email.upper(), admin=True) == person.account_id
        assert await jobs.set_admin(ptx, "nobody@example.org", admin=True) is None

    in_platform(service, act)
    good(person.get("/v1/admin/tenants"))


def test_token_keys_are_sealed_anew_by_a_newer_master_key(service: Service) -> None:
    """Afterwards the old one is not needed, and the key is the same."""
    newest = MasterKey(bytes(32), [bytes.fromhex(MASTER_KEY)])

    async def act(ptx: PlatformTx) -> int:
        count = await signing_keys.reseal(ptx, newest)
        assert await signing_keys.reseal(ptx, newest) == 0
        for row in await ptx.conn.fetch("SELECT kid, sealed FROM token_key"):
            MasterKey(bytes(32)).unseal(row["sealed"], signing_keys.context(row["kid"]))
        older = MasterKey(bytes.fromhex(MASTER_KEY), [bytes(32)])
        assert await signing_keys.reseal(ptx, older) == count
        for row in await ptx.conn.fetch("SELECT kid, sealed FROM token_key"):
            SEALER.unseal(row["sealed"], signing_keys.context(row["kid"]))
        return count

    assert in_platform(service, act) >= 1
