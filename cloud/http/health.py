"""Whether the process lives, and whether it can do its work."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from cloud.http.access import anyone
from cloud.http.losses import Dependency, dependencies

Check = Callable[[], Awaitable[bool]]
Open = Callable[[], Awaitable[Mapping[str, int]]]
HIDDEN: Final[Mapping[str, Any]] = {**anyone(), "streams": True}  # without a transaction


class Readiness(msgspec.Struct, frozen=True):
    """Each dependency's state. `ready` is false if one that every request needs is away."""

    ready: bool
    database: bool
    migrated: bool
    cache: bool  # away, rate limits are counted by each process alone
    breakers: dict[str, int]  # how many are left alone for a while, of each kind
    dependencies: dict[str, Dependency]


class Health:
    """Asks what this process stands on."""

    def __init__(self, database: Check, migrated: Check, cache: Check, breakers: Open) -> None:
        self._checks = (database, migrated, cache)
        self._breakers = breakers

    async def readiness(self) -> Readiness:
        """Ask everything now."""
        database, migrated, cache = [await _passes(check) for check in self._checks]
        ready = database and migrated
        open_ = dict(await self._breakers())
        all_ = dependencies(database=database, cache=cache, breakers=open_)
        return Readiness(ready, database, migrated, cache, open_, all_)


async def _passes(check: Check) -> bool:
    try:
        return await check()
    except Exception:  # noqa: BLE001 - whatever it is, the dependency is not well
        return False


@get("/livez", opt=HIDDEN, tags=["health"], operation_id="alive")
async def alive() -> dict[str, bool]:
    """Say that the process answers."""
    return {"alive": True}


@get("/readyz", opt=HIDDEN, tags=["health"], operation_id="ready")
async def ready(health: NamedDependency[Health]) -> Response[Readiness]:
    """Say whether requests can be served: 200, or 503 and what is away."""
    state = await health.readiness()
    return Response(state, status_code=200 if state.ready else 503)


ROUTES: Final = (alive, ready)
