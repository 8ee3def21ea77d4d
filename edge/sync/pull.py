"""What a gate asks the cloud for: first what is newest, then what it lacks of it.

    pull = Pull(cloud, gate)
    state = await pull.state()      # and the time
    await pull.lists(state)         # keyset, roster, commands
    await pull.events(state)        # each event's tickets, by delta or chunk by chunk

Each step is safe to break off and to repeat. One that fails leaves in force what was in force,
and what came of it stays on the disk.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Final, TypeVar

import msgspec

from edge.gate.gate import Gate
from edge.gate.snapshot import Lacking
from edge.gate.taking import Taking
from edge.gate.tickets import Tickets
from edge.sync.backoff import unmoved
from edge.sync.client import Cloud
from edge.sync.download import Download
from edge.sync.failures import Denied, Garbled
from edge.sync.frames import unpressed
from edge.sync.turns import TROUBLE, Turns, nothing_newer
from shared.devices.command import STAMP
from shared.errors import UsherError
from shared.manifest import delta
from shared.signed import CAPS, Kind
from shared.wire import EventState, SyncState, unframed

MOST_STATE: Final = 1 << 16
MOST_COMMANDS: Final = 64  # in one answer; what is left comes with the next
MOST_DELTA: Final = CAPS[Kind.MANIFEST] + delta.MAX_LOG + 8
HEAD: Final = CAPS[Kind.MANIFEST]
TURNS: Final = 8  # heads that may follow one another during one download
TOO_OLD: Final = frozenset({"manifest_too_old", "manifest_missing"})
STATE: Final = msgspec.json.Decoder(SyncState)
T = TypeVar("T")


class Pull:
    """One device's asking. Steps of the same kind must not run side by side."""

    def __init__(
        self,
        cloud: Cloud,
        gate: Gate,
        pool: Executor | None = None,
        moved: Callable[[], None] = unmoved,
        device: bytes = b"",
    ) -> None:
        self._cloud = cloud
        self._device = device  # whose commands these are; by default the gate's own
        self._moved = moved  # called where chunks that were lacking were kept
        self._gate = gate
        self._taking = Taking(gate)
        self._tickets = Tickets(gate)
        self._pool = pool
        self._turns = Turns(self._event)

    async def state(self) -> SyncState:
        """Ask what is newest, and take the time from the answer."""
        asked = self._gate.clock.monotonic()
        answer = await self._cloud.get("/sync", MOST_STATE)
        state = state_of(answer.body)
        if self._gate.held.trust.keys.keyset is None:
            await self.keyset()
        stamp = _hex(answer.headers.get("usher-stamp", ""))
        take = partial(self._taking.stamp, stamp, answer.nonce, asked)
        try:
            await self._blocking(take)
        except UsherError as error:
            if error.code != "stamp_unknown_key":
                raise
            await self.keyset()  # the keys have changed since
            await self._blocking(take)
        self._cloud.time_is_known()
        return state

    async def lists(self, state: SyncState) -> list[Exception]:
        """Take keyset, roster and commands, as far as there are newer ones; what fails of them
        is in no other's way."""
        failed: list[Exception] = []
        for newer, take in (
            (self._keyset_version() < state.keyset, partial(self.keyset, state.keyset)),
            (self._gate.held.trust.roster.version < state.roster, self.roster),
            (self._obeyed() < state.commands, self.commands),
        ):
            try:
                if newer:
                    await take()
            except TROUBLE as error:
                failed.append(error)
        return failed

    async def keyset(self, version: int = 0) -> None:
        """Take the newest keyset, by way of every change of the root up to `version`."""
        keys = self._gate.held.trust.keys
        raws: list[bytes] = []
        root: str | None = keys.root.hex()
        while root is not None and len(raws) < TURNS:
            path = f"/keyset?root={root}"
            raw = (await self._cloud.get(path, CAPS[Kind.KEYSET], signed=False)).body
            raws.append(raw)
            keys = keys.accept(raw)
            older = keys.keyset is not None and keys.keyset.version < version
            root = keys.keyset.successor if keys.keyset is not None and older else None
        await self._blocking(partial(self._taking.keyset, raws))

    async def roster(self) -> None:
        """Take the newest roster."""
        answer = await self._cloud.get("/roster", CAPS[Kind.ROSTER])
        await self._blocking(partial(self._taking.roster, answer.body))

    async def commands(self) -> None:
        """Take the commands that were not obeyed yet, in their order. One that is no good is
        passed over: behind it may be a wipe."""
        most = MOST_COMMANDS * (CAPS[Kind.COMMAND] + 4)
        answer = await self._cloud.get(f"/sync/commands?after={self._obeyed()}", most)
        fault: UsherError | None = None
        for raw in unframed(answer.body, MOST_COMMANDS):
            try:
                await self._blocking(partial(self._taking.command, raw, self._device))
            except UsherError as error:
                fault = fault or error
        if fault is not None:
            raise fault

    def _keyset_version(self) -> int:
        keyset = self._gate.held.trust.keys.keyset
        return keyset.version if keyset is not None else 0

    def _obeyed(self) -> int:
        return self._gate.stores.settings.number("obeyed")

    async def events(
        self, state: SyncState, newer: Callable[[], bool] = nothing_newer
    ) -> list[Exception]:
        """Bring every event up to date, and return what failed. `newer`: see `Turns.take`."""
        failed = await self._turns.take(state, newer)
        self._gate.unfollowed = {
            bytes.fromhex(event): error.code
            for event, error in self._turns.failing.items()
            if isinstance(error, UsherError)
        }
        return failed

    async def _event(self, named: EventState) -> None:
        """Bring one event's tickets to the version that is named, or a newer one.

        An older one than is here is old news, or the cloud was put back from a backup: asked for
        what follows, it tells which, and its list is then refused for staff to see.
        """
        event, version = bytes.fromhex(named.event), named.version
        book = self._gate.held.trust.books.get(event)
        if book is not None and version and book.manifest.head.version != version:
            if not await self._followed(event, book.manifest.head.version, book.manifest.raw):
                await self._snapshot(event)
        elif book is None and version:
            await self._snapshot(event)
        await self._names(event)

    async def _followed(self, event: bytes, since: int, base: bytes) -> bool:
        """Go on by delta; return whether that was possible."""
        path = f"/sync/events/{event.hex()}/delta?from={since}"
        try:
            answer = await self._cloud.get(path, MOST_DELTA)
        except Garbled:
            return False
        except Denied as error:
            if error.code in TOO_OLD:
                return False
            raise
        known = base if answer.headers.get("usher-base") == str(since) else b""
        try:
            raw, log = _two(unpressed(answer.body, MOST_DELTA, known))
            await self._blocking(partial(self._tickets.follow, event, raw, log))
        except (Garbled, UsherError):
            return False  # spec/manifest.md §6: for whatever reason
        return True

    async def _snapshot(self, event: bytes) -> None:
        """Fetch what is missing of the newest head, which may change meanwhile."""
        for _ in range(TURNS):
            raw = (await self._cloud.get(f"/sync/events/{event.hex()}/head", HEAD)).body
            lacking = await self._blocking(partial(self._tickets.begin, event, raw))
            if lacking is None:
                return
            if lacking.places:
                await self._fetch(event, lacking)
            if await self._blocking(partial(self._tickets.finish, event)):
                return
        raise Garbled("manifest_incomplete")

    async def _names(self, event: bytes) -> None:
        """Fetch the names of the list in force that are not here."""
        lacking = await self._blocking(partial(self._tickets.names, event))
        if lacking is not None:
            await self._fetch(event, lacking)

    async def _fetch(self, event: bytes, lacking: Lacking) -> None:
        """Fetch chunks. What the list's moving on has left out is for the next head to tell."""
        await Download(self._cloud, self._keep, self._blocking).chunks(event, lacking)

    def _keep(self, chunks: Mapping[bytes, bytes]) -> None:
        self._tickets.keep(chunks)
        self._moved()

    async def _blocking(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def state_of(body: bytes) -> SyncState:
    """Return what the cloud says is newest."""
    try:
        return STATE.decode(body)
    except (msgspec.DecodeError, ValueError):
        raise Garbled("state") from None


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text) if len(text) == 2 * STAMP.size else b""
    except ValueError:
        return b""


def _two(body: bytes) -> tuple[bytes, bytes]:
    parts = unframed(body, 2)
    if len(parts) != 2:
        raise Garbled("delta")
    return parts[0], parts[1]
