"""Gates find one another by multicast DNS; what is heard there is a hint and no more."""

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from edge.lan.dialling import MOST_HINTS, Address
from edge.lan.discovery import SERVICE, Discovery, discovering, is_near, own_addresses
from edge.settings import LanSettings
from tests.edge.lans import Venue, until, venue

SETTINGS = LanSettings(enabled=True, host="127.0.0.1", port=0)


async def found(folder: Path) -> None:
    async with venue(folder, "North", "South") as site, AsyncExitStack() as stack:
        for member in site:
            await stack.enter_async_context(discovering(member.lan, SETTINGS))
        await site.connected("North", "South")
        await site.scan("North", "standing")
        await site.alike()


def test_gates_find_one_another(tmp_path: Path) -> None:
    """Nobody told either where the other is."""
    asyncio.run(found(tmp_path))


async def announced(folder: Path) -> tuple[str, AsyncServiceInfo]:
    async with venue(folder, "North") as site, discovering(site["North"].lan, SETTINGS):
        names: list[str] = []

        def heard(zeroconf: object, service_type: str, name: str, state_change: object) -> None:
            names.append(name)

        listening = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
        browser = AsyncServiceBrowser(listening.zeroconf, SERVICE, handlers=[heard])
        await until(lambda: names)
        info = AsyncServiceInfo(SERVICE, names[0])
        assert await info.async_request(listening.zeroconf, 3000)
        assert info.port == site["North"].lan.port
        await browser.async_cancel()
        await listening.async_close()
        said = repr(info) + names[0]
        me, world = site["North"].site.me, site.world
        for secret in (me.device.hex(), me.pk.hex(), world.organizer.tenant.hex(), "orth"):
            assert secret not in said
        assert socket.gethostname() not in said
        return names[0], info


def test_the_announcement_says_no_more_than_needed(tmp_path: Path) -> None:
    """Address and port; neither whose gate it is nor which, and another name at each start."""
    first, info = asyncio.run(announced(tmp_path / "1"))
    second, _ = asyncio.run(announced(tmp_path / "2"))
    assert first != second
    assert info.properties == {b"v": b"1"}


async def hints(site: Venue, count: int) -> tuple[Address, ...]:
    lan = site["North"].lan
    for number in range(count):
        lan.aim("127.0.0.1", 20_000 + number, hint=True)
    return lan._dialling.addresses


async def crowded(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        lan = site["North"].lan
        lan.aim("127.0.0.1", 1)
        lan.aim("127.0.0.1", site["South"].lan.port, hint=True)
        await site.connected("North", "South")
        dialled = await hints(site, 3 * MOST_HINTS)
        assert len(dialled) == MOST_HINTS + 1
        kept = {Address("127.0.0.1", 1), Address("127.0.0.1", site["South"].lan.port)}
        assert kept < set(dialled)
        assert Address("127.0.0.1", 20_000 + 3 * MOST_HINTS - 1) in dialled


def test_false_hints_push_out_false_hints_alone(tmp_path: Path) -> None:
    """Neither the addresses of the settings nor those at which a peer was."""
    asyncio.run(crowded(tmp_path))


async def goodbye(folder: Path) -> bool:
    async with venue(folder, "North") as site:
        lan = site["North"].lan
        lan.aim("127.0.0.1", 20_000, hint=True)
        discovery = Discovery(lan, "127.0.0.1", 1)
        discovery.remove_service(None, SERVICE, f"anybody.{SERVICE}")  # type: ignore[arg-type]
        return Address("127.0.0.1", 20_000) in lan._dialling.addresses


def test_a_goodbye_is_not_believed(tmp_path: Path) -> None:
    """Anybody could say it for another."""
    assert asyncio.run(goodbye(tmp_path))


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.1.7", "172.16.0.9", "169.254.3.4",
                                     "127.0.0.1", "fe80::1", "fd00::2"])  # fmt: skip
def test_a_hint_leads_nearby(address: str) -> None:
    """To a private or a link-local address."""
    assert is_near(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "224.0.0.251", "0.0.0.0",
                                     "::", "ff02::fb", "example.org", ""])  # fmt: skip
def test_no_hint_leads_into_the_internet(address: str) -> None:
    """Nobody on the LAN has a gate dial whom they like."""
    assert not is_near(address)


def test_a_gate_announces_where_it_listens() -> None:
    """At the address that it was given, or at all of its own but the loopback."""
    assert own_addresses("127.0.0.1") == ("127.0.0.1",)
    assert "127.0.0.1" not in own_addresses("0.0.0.0")
