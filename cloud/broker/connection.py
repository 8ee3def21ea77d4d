"""Connections to the broker: TLS 1.3, a certificate of ours, time-outs and heartbeats.

A connection that is lost is not mended under the feet of those who use it: what they have in
hand counts for nothing any more. Each ends with it, and whoever runs it (cloud/working.py)
starts it again, on a new connection.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from aio_pika import Connection
from aio_pika.abc import AbstractConnection, ConnectionParameter
from aiormq import Channel
from yarl import URL

from cloud.broker.gathering import Gathering
from cloud.settings import Settings

OPENING: Final = 10.0  # seconds
ANSWERING: Final = 10.0  # seconds, for what is declared and asked
CLOSING: Final = 3.0  # seconds, for what is said at the end; and as many for TLS's own end
HEARTBEAT: Final = 10  # seconds; a peer that was silent for three of them is gone


class _Connection(Connection):
    """One that may say how long the end of TLS is waited for: asyncio's own half a minute."""

    PARAMETERS = (
        *Connection.PARAMETERS,
        ConnectionParameter("ssl_shutdown_timeout", parser=float, is_kwarg=True),
    )


class Address(NamedTuple):
    """Where the broker is, and what proves who we are and who it is. Paths of PEM files."""

    url: str  # amqps://user:password@host:port/vhost
    ca: str = ""  # "": whom the system trusts
    certificate: str = ""
    key: str = ""


def address(settings: Settings) -> Address:
    """Return what the settings say of the broker."""
    return Address(
        settings.broker_url, settings.broker_ca, settings.broker_cert, settings.broker_key
    )


@asynccontextmanager
async def connected(where: Address, name: str) -> AsyncIterator[AbstractConnection]:
    """Lend a connection; `name` is what the broker's lists call it.

    Raises an `AMQPError`, an `OSError` or a `TimeoutError` where there is none to be had.
    """
    connection = _Connection(
        URL(where.url).update_query(heartbeat=str(HEARTBEAT)),
        ssl_context=_trust(where),
        client_properties={"connection_name": f"usher {name}"},
        ssl_shutdown_timeout=CLOSING,
    )
    try:
        await connection.connect(timeout=OPENING)
        yield connection
    finally:
        await _end(connection)


async def _end(connection: AbstractConnection) -> None:
    """Close a connection, be it gone, silent, or never had.

    One that doesn't know itself closed would see to it when it is collected as garbage, in
    whichever thread that happens. So it is told again: then there is nothing to wait for.
    """
    try:
        with suppress(Exception):
            async with asyncio.timeout(CLOSING):
                await connection.close()
    finally:
        await connection.close()


async def open_channel(connection: AbstractConnection) -> Channel:
    """Return a channel on which publishing waits for the broker's word.

    What can't be routed raises: without `on_return_raises` it would count as delivered. The
    channel is the one below aio-pika's own, which takes bytes and gives bytes.
    """
    channel = connection.channel(publisher_confirms=True, on_return_raises=True)
    await channel.initialize(timeout=ANSWERING)
    below = await channel.get_underlay_channel()
    if not isinstance(below, Channel):
        raise TypeError(type(below))
    below.write_queue = Gathering(below.write_queue)
    return below


def closes(channel: Channel) -> asyncio.Event:
    """Return an event that is set when the channel is closed, by whomever."""
    lost = asyncio.Event()
    channel.closing.add_done_callback(lambda _: lost.set())
    return lost


def _trust(where: Address) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=where.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if where.certificate:
        context.load_cert_chain(where.certificate, where.key)
    return context
