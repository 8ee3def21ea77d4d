"""Devices that follow the state are woken by what concerns them, once it is committed."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import asyncpg

from shared import keys
from tests.cloud.devices.house import House
from tests.cloud.devices.machine import Machine
from tests.cloud.service import good


async def heard(url: str, act: Callable[[], Any]) -> list[str]:
    """Return whom the database told of what `act` does."""
    conn = await asyncpg.connect(url)
    told: list[str] = []
    try:
        await conn.add_listener("usher_sync", lambda *said: told.append(said[3]))
        await asyncio.to_thread(act)
        async with asyncio.timeout(10):
            while not told:  # noqa: ASYNC110 - the server tells
                await asyncio.sleep(0.01)
    finally:
        await conn.close()
    return told


def check(house: House, act: Callable[[], Any]) -> None:
    """The tenant's devices are told, and no others."""
    told = asyncio.run(heard(house.service.settings.database_url, act))
    assert set(told) == {str(house.tenant.tenant_id)}


def test_devices_are_told_of_a_roster(house: House) -> None:
    """Of a member, a badge, and a setting."""
    house.gate()
    check(house, house.gate)
    badge = {"name": "Ada", "role": "scan", "public": keys.public_key(os.urandom(32)).hex()}
    check(house, lambda: good(house.owner.post(f"{house.tenant.path}/badges", json=badge)))
    path, said = f"{house.devices}/settings", {"lock_after": 60}
    check(house, lambda: good(house.owner.put(path, json=said)))


def test_devices_are_told_of_a_command(house: House) -> None:
    """So a stolen one is wiped at once, if it is online."""
    gate: Machine = house.gate()
    path = f"{house.devices}/{gate.id}/commands"
    check(house, lambda: good(house.owner.post(path, json={"action": "wipe"})))
