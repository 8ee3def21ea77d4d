"""Finding other gates by multicast DNS (`_usher._tcp`), and being found.

What is heard here is a hint, since anybody on the network can say anything: an address to
dial, within the network around us. Who is there is for TLS and the roster (spec/lan.md §6).

We are announced under a name made up at every start, with address and port and nothing else:
whoever listens learns that a gate is here, and not which one, whose, or what it is for.
"""

import asyncio
import ipaddress
import logging
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import psutil
from zeroconf import Error as ZeroconfError
from zeroconf import InterfaceChoice, IPVersion, ServiceListener, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from edge.lan.lan import Lan
from edge.settings import LanSettings

LOG: Final = logging.getLogger(__name__)
SERVICE: Final = "_usher._tcp.local."
WILDCARDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  not bound here
RESOLVE_MS: Final = 3000
REFRESH_SECONDS: Final = 15.0  # between looks at our own addresses
AGAIN_SECONDS: Final = 15.0  # until the next attempt where there is no network
MOST_RESOLVING: Final = 16
MOST_ADDRESSES_EACH: Final = 8
TROUBLE: Final = (OSError, ZeroconfError, TimeoutError)


@asynccontextmanager
async def discovering(lan: Lan, settings: LanSettings) -> AsyncIterator[None]:
    """Announce and look for gates inside the block, as far as the network lets us."""
    if not settings.discovery:
        yield
        return
    task = asyncio.create_task(_discover(lan, settings.host))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _discover(lan: Lan, host: str) -> None:
    port = await lan.listening()
    while True:
        try:
            await Discovery(lan, host, port).run()
        except TROUBLE as error:
            LOG.info("no discovery: %s", error)
        except Exception:  # hints are lost, and never the LAN
            LOG.exception("discovery failed")
        await asyncio.sleep(AGAIN_SECONDS)


class Discovery(ServiceListener):
    """One socket's worth of it, until the network changes too much."""

    def __init__(self, lan: Lan, host: str, port: int) -> None:
        self._lan = lan
        self._host = host
        self._port = port
        self._name = f"{secrets.token_hex(6)}.{SERVICE}"
        self._resolving: dict[str, asyncio.Task[None]] = {}
        self._zeroconf: AsyncZeroconf | None = None

    async def run(self) -> None:
        """Announce and browse until cancelled; raises what `TROUBLE` names."""
        everywhere = self._host in WILDCARDS
        self._zeroconf = AsyncZeroconf(
            interfaces=InterfaceChoice.All if everywhere else [self._host],
            ip_version=IPVersion.All if ":" in self._host else IPVersion.V4Only,
        )
        try:
            browser = AsyncServiceBrowser(self._zeroconf.zeroconf, SERVICE, listener=self)
            try:
                await self._announce(self._zeroconf)
            finally:
                await browser.async_cancel()
        finally:
            for task in list(self._resolving.values()):
                task.cancel()
            await self._zeroconf.async_close()

    def add_service(self, _zc: Zeroconf, _type: str, name: str) -> None:
        """Look at who is new."""
        if name != self._name and len(self._resolving) < MOST_RESOLVING:
            task = asyncio.create_task(self._resolve(name))
            self._resolving[name] = task
            task.add_done_callback(lambda _: self._resolving.pop(name, None))

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Look again at who has moved."""
        self.add_service(zc, type_, name)

    def remove_service(self, _zc: Zeroconf, _type: str, _name: str) -> None:
        """Believe no goodbye: anybody could say it for another."""

    async def _announce(self, zeroconf: AsyncZeroconf) -> None:
        announced: tuple[str, ...] = ()
        while True:
            addresses = own_addresses(self._host)
            if addresses != announced:
                info = self._info(addresses)
                if announced:
                    await zeroconf.async_update_interfaces()
                    await (await zeroconf.async_update_service(info))
                else:
                    await (await zeroconf.async_register_service(info, strict=True))
                announced = addresses
            await asyncio.sleep(REFRESH_SECONDS)

    def _info(self, addresses: tuple[str, ...]) -> AsyncServiceInfo:
        host = self._name.replace(f".{SERVICE}", ".local.")
        return AsyncServiceInfo(
            SERVICE,
            self._name,
            port=self._port,
            parsed_addresses=list(addresses),
            properties={"v": "1"},
            server=host,
        )

    async def _resolve(self, name: str) -> None:
        if self._zeroconf is None:
            return
        info = AsyncServiceInfo(SERVICE, name)
        try:
            found = await info.async_request(self._zeroconf.zeroconf, RESOLVE_MS)
        except TROUBLE as error:
            LOG.debug("%s was not resolved: %s", name, error)
            return
        if not found or not info.port:
            return
        for address in info.parsed_scoped_addresses()[:MOST_ADDRESSES_EACH]:
            if is_near(address):
                self._lan.aim(address, info.port, hint=True)


def is_near(address: str) -> bool:
    """Whether an address is one that a gate beside us may have: nobody on the LAN makes us dial
    into the internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (ip.is_private or ip.is_link_local) and not (ip.is_multicast or ip.is_unspecified)


def own_addresses(host: str) -> tuple[str, ...]:
    """Return the addresses at which we may be dialled."""
    if host not in WILDCARDS:
        return (host,)
    families = {socket.AF_INET, socket.AF_INET6} if ":" in host else {socket.AF_INET}
    found = {
        each.address.partition("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for each in addresses
        if each.family in families
    }
    return tuple(sorted(each for each in found if not ipaddress.ip_address(each).is_loopback))
