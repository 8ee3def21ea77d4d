"""Counting requests on a real Valkey, and without one."""

import asyncio
import secrets
import ssl
from datetime import UTC, datetime
from pathlib import Path

import hiredis
import pytest
from redis.asyncio import ConnectionPool, Redis

from cloud.embedded.ports import free_port
from cloud.http.counts import dial
from cloud.http.line import Line
from cloud.http.rate_limit import RateLimiter
from edge.certs import make_authority, make_server, server_context, store


def test_two_processes_count_together(redis_url: str) -> None:
    """What one limiter counted, another one waits for, and is told how long."""
    bucket = secrets.token_hex(8)

    async def count() -> list[int]:
        redis = ConnectionPool.from_url(redis_url)
        lines = Line(redis), Line(redis)
        one, other = map(RateLimiter, lines)
        try:
            waits = await asyncio.gather(*(one.hit(bucket, 3) for _ in range(3)))
            return [*waits, await other.hit(bucket, 3), await other.hit(f"{bucket}-", 3)]
        finally:
            for each in lines:
                await each.close()
            await redis.aclose()

    *first, fourth, another = asyncio.run(count())
    assert (first, another) == ([0, 0, 0], 0)
    assert 1 <= fourth <= 61


def test_without_redis_a_process_counts_alone() -> None:
    """Nobody is refused for it, and the limit still holds in the process."""

    async def count() -> list[int]:
        redis = ConnectionPool.from_url(f"redis://127.0.0.1:{free_port()}")
        line = Line(redis)
        limiter = RateLimiter(line)
        return [await limiter.hit("bucket", 2) for _ in range(3)]

    *first, third = asyncio.run(count())
    assert first == [0, 0]
    assert 1 <= third <= 61


def test_a_connection_that_was_lost_is_made_again(redis_url: str) -> None:
    """Who waits is told, and the limiter neither fails nor lets more pass."""
    bucket = secrets.token_hex(8)

    async def count() -> tuple[bool, int]:
        redis = ConnectionPool.from_url(redis_url)
        wire = await dial(redis)
        line = Line(redis)
        limiter = RateLimiter(line)
        try:
            await limiter.hit(bucket, 1)
            waiting = asyncio.ensure_future(wire.ask("BLPOP", bucket + "-", 30))
            client = Redis(connection_pool=redis)
            await client.client_kill_filter(_type="normal", skipme=True)
            with pytest.raises(ConnectionError, match="hung up"):
                await waiting
            waits = [await limiter.hit(bucket, 1) for _ in range(3)]
            return wire.is_open, waits[-1]
        finally:
            await line.close()
            await redis.aclose()

    is_open, wait = asyncio.run(count())
    assert not is_open
    assert 1 <= wait <= 61


def test_it_connects_as_the_url_says(redis_url: str) -> None:
    """To the database that it names, with its password."""

    async def kept() -> object:
        redis = ConnectionPool.from_url(f"{redis_url.removesuffix('/0')}/3")
        wire = await dial(redis)
        try:
            await wire.ask("SET", "here", "3", "EX", 10)
            return await Redis(connection_pool=redis).get("here")
        finally:
            wire.hang_up()
            await redis.aclose()

    assert asyncio.run(kept()) == b"3"


def test_a_wrong_password_is_no_connection(redis_url: str) -> None:
    """It is told, not passed over."""
    place = redis_url.rpartition("@")[2]

    async def ask() -> None:
        await dial(ConnectionPool.from_url(f"redis://:wrong@{place}"))

    with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
        asyncio.run(ask())


def test_rediss_is_tls_to_a_name_that_is_trusted(redis_url: str, tmp_path: Path) -> None:
    """Counting goes through TLS, and not to whoever shows another's certificate."""
    now = datetime.now(UTC)
    authority = make_authority("Cache", ["localhost"], now)
    store(make_server(authority, ["localhost"], now), tmp_path / "crt", tmp_path / "key")
    (tmp_path / "ca").write_bytes(authority.certificate)
    _, _, address = redis_url.removesuffix("/0").rpartition("@")
    password = redis_url.split("@")[0].rpartition(":")[2]

    async def through(name: str) -> object:
        async def pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while piece := await source.read(65536):
                target.write(piece)
            target.close()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            host, port = address.split(":")
            answers, asks = await asyncio.open_connection(host, int(port))
            await asyncio.gather(pipe(reader, asks), pipe(answers, writer), return_exceptions=True)

        context = server_context(tmp_path / "crt", tmp_path / "key")
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        url = f"rediss://:{password}@{name}:{port}?ssl_ca_certs={tmp_path / 'ca'}"
        redis = ConnectionPool.from_url(url)
        try:
            wire = await dial(redis)
            await wire.ask("SET", "there", "1")
            wire.hang_up()
            return await Redis(connection_pool=redis).get("there")
        finally:
            await redis.aclose()
            server.close()

    assert asyncio.run(through("localhost")) == b"1"
    with pytest.raises(ssl.SSLCertVerificationError):
        asyncio.run(through("127.0.0.1"))
