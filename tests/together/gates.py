"""A real gate of a real cloud's organizer: its folder, and the gate while it is open."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from edge.gate.gate import Gate, Machine, open_gate
from edge.gate.setup import set_up
from edge.gate.trust import Book
from edge.settings import settings_of
from edge.store.identity import Identity
from edge.sync.client import Cloud, Limits
from edge.sync.pull import Pull
from edge.sync.running import running
from tests.cloud.service import Event, good
from tests.together.organizer import House

T = TypeVar("T")


class Joined:
    """A gate whose key the organizer has registered."""

    def __init__(
        self,
        house: House,
        folder: Path,
        name: str,
        *,
        register: bool = True,
        off_ms: int = 0,
        **settings: Any,
    ) -> None:
        values: dict[str, Any] = {
            "data": str(folder / "data"),
            "run": str(folder / "run"),
            "name": name.lower(),
        }
        lanes = [{"id": "north", "unattended": True}]
        self.house = house
        values["lan"] = {"enabled": False}
        cloud = {"origin": house.service.address}
        self.settings = settings_of(values | {"lanes": lanes, "cloud": cloud} | settings)
        self.me: Identity = set_up(
            self.settings.data_folder, house.tenant.tenant_id.bytes, house.root
        )
        said = {"public": self.me.pk.hex(), "name": name}
        if register:
            good(house.owner.post(f"{house.tenant.path}/devices", json=said))
        self._off_ms = off_ms
        self._gate: Gate | None = None

    @property
    def gate(self) -> Gate:
        """The gate, opened when it is first asked for."""
        if self._gate is None:
            self._gate = open_gate(self.settings, self.machine(), "test")
        return self._gate

    def machine(self) -> Machine:
        """The machine that it runs on."""
        return Machine(wall=lambda: time.time_ns() // 1_000_000 + self._off_ms)

    def close(self) -> None:
        """Let go of the files, if they are open."""
        if self._gate is not None:
            self._gate.close()
            self._gate = None

    def reopen(self) -> Gate:
        """Restart."""
        self.close()
        return self.gate

    def book(self, event: Event) -> Book:
        """Return what it believes of an event."""
        return self.gate.held.trust.books[self.house.ref(event)]

    def check(self, event: Event) -> None:
        """Compare its list with the cloud's rows."""
        self.house.check(event, self.book(event), self.gate.stores.documents)

    @asynccontextmanager
    async def cloud(self, origin: str = "", limits: Limits | None = None) -> AsyncIterator[Cloud]:
        """Give a connection to the cloud, or to whoever else says to be it."""
        gate, tenant = self.gate, self.house.tenant.tenant_id.bytes
        at = origin or self.house.service.address
        clock, waits = gate.clock.stamp_ms, limits or Limits()
        async with Cloud(at, tenant, gate.me, clock, limits=waits) as cloud:
            yield cloud

    def pull(self, origin: str = "", limits: Limits | None = None) -> None:
        """Ask for everything that is lacking, once; raise what went wrong."""

        async def once(pull: Pull) -> None:
            state = await pull.state()
            for failed in (*await pull.lists(state), *await pull.events(state)):
                raise failed

        self.pulling(once, origin, limits)

    def pulling(
        self,
        what: Callable[[Pull], Awaitable[T]],
        origin: str = "",
        limits: Limits | None = None,
    ) -> T:
        """Run steps of a pull."""

        async def run() -> T:
            async with self.cloud(origin, limits) as cloud:
                return await what(Pull(cloud, self.gate))

        return asyncio.run(run())


class Living:
    """A gate that is kept together with the cloud, as its agent does, on a loop of its own."""

    def __init__(self, joined: Joined) -> None:
        self.joined = joined
        joined.gate  # noqa: B018  opened here, so that a fault is this thread's
        self._runner = asyncio.Runner()  # what is under way is over before its loop is
        self._loop = self._runner.get_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        async def live() -> None:
            async with running(self.joined.gate):
                await self._stop.wait()

        with self._runner:
            self._runner.run(live())

    def until(self, told: Callable[[], Any], seconds: float = 20.0) -> float:
        """Wait until something is so; return how many seconds that took."""
        begun = time.monotonic()
        while not told():
            assert time.monotonic() - begun < seconds, "it did not happen"
            time.sleep(0.005)
        return time.monotonic() - begun

    def __enter__(self) -> "Living":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()
