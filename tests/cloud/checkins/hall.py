"""Gates whose logs a test uploads, and the festival's database that takes them in."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from cloud.checkins import devices, uploads
from cloud.checkins.uploads import Taken
from cloud.checkins.view import view_of
from cloud.db.connect import Connection, connect
from cloud.db.tenancy import Origin, TenantTx, enter
from shared.log.record import Kind
from shared.merge.view import View
from tests.cloud.checkins.scene import Clock, Scene, word
from tests.scribe import EVENT, Scribe, root

Act = Callable[[TenantTx], Awaitable[None]]


class Gate(Scribe):
    """A gate that scans tickets of the database, by their ids."""

    def scan(self, ticket: UUID, kind: Kind = Kind.IN, ref: bytes = b"", **more: Any) -> bytes:
        """Write a record of a ticket."""
        if kind is Kind.IN:
            ref = root(word(ticket))
        fields = {"zone": 1, "gate": 1, "allowance": 1, "terms": 255} | more
        if kind is Kind.ANNUL:
            fields |= {"allowance": 0, "terms": 0}
        return self.write(kind, word(ticket), ref or bytes(16), **fields)


@dataclass
class Hall:
    """The festival, and a loop with a connection to its database."""

    scene: Scene
    runner: asyncio.Runner
    conn: Connection

    def run(self, act: Act, *, keep: bool = True) -> None:
        """Act in a transaction, and keep or forget what was done."""

        async def go() -> None:
            with suppress(_Forget):
                async with self.conn.transaction():
                    origin = Origin("test")
                    await enter(self.conn, self.scene.tenant, origin.actor)
                    await act(TenantTx(self.conn, self.scene.tenant, origin, Clock().now()))
                    if not keep:
                        raise _Forget

        self.runner.run(go())

    def take(self, gate: Scribe, *raws: bytes) -> Taken:
        """Upload records; return what became of them."""
        taken: list[Taken] = []

        async def act(tx: TenantTx) -> None:
            taken.append(await uploads.take(tx, gate.device, b"".join(raws)))

        self.run(act)
        return taken[0]

    def register(self, *gates: Scribe) -> None:
        """Let gates in."""

        async def act(tx: TenantTx) -> None:
            for gate in gates:
                await devices.register(tx, gate.public, "gate")

        self.run(act)

    def view(self) -> View:
        """Return the cloud's view."""
        views: list[View] = []

        async def act(tx: TenantTx) -> None:
            views.append(await view_of(tx, EVENT))

        self.run(act)
        return views[0]


class _Forget(Exception):
    """Rolls a transaction back."""


async def connected(url: str) -> Connection:
    conn: Any = await connect(url)
    for name in ("json", "jsonb"):
        await conn.set_type_codec(
            name,
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
            schema="pg_catalog",
        )
    made: Connection = conn
    return made


def written(*tickets: UUID) -> Gate:
    """Return a gate that has booted and let these in."""
    gate = Gate(f"gate {tickets}")
    gate.boot()
    for ticket in tickets:
        gate.scan(ticket)
    return gate
