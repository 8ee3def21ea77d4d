"""Changing this device's key (spec/sync.md §5, "Roll").

    rolling = Rolling(gate, old, new, by_old, by_new)
    await rolling.run()             # then close the gate: it is another device's now

The next key takes the old one's place on this disk before the cloud is asked for it, and the old
one signs nothing more but that question. So whether the cloud has heard it or not, what a gate
writes that starts in between counts once the cloud lists its key. Whatever interrupts this, the
same command goes on from there, and so does the agent.

The old key's log ends where the cloud has it, so all of it is sent first. It stays here, as
another device's.
"""

import asyncio
import logging
import random
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.gate.gate import Gate, NotSetUp
from edge.gate.taking import Taking
from edge.store.database import StorageFailed
from edge.store.identity import Identity, load_identity, make_identity, sync_folder
from edge.store.stores import KEY, NEXT_KEY, OLD_KEY
from edge.sync.backoff import Backoff
from edge.sync.client import Cloud
from edge.sync.failures import Denied, Failure
from edge.sync.pull import Pull
from edge.sync.push import Pushing
from shared.devices.roll import roll
from shared.errors import UsherError
from shared.signed import CAPS, Kind

LOG: Final = logging.getLogger(__name__)
MOST: Final = 1 << 12
RETRY: Final = 15.0  # seconds, the longest pause


class NotRolled(Exception):
    """The cloud does not list the new key. `code`: why; `words.NOT_ROLLED` has a sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def next_key(folder: Path) -> Identity:
    """Return the key that is to come, made if there is none."""
    return load_identity(folder / NEXT_KEY) or make_identity(folder / NEXT_KEY)


class Rolling:
    """From a key to the next. `by_old`, `by_new`: the cloud as either asks it."""

    def __init__(
        self, gate: Gate, old: Identity, new: Identity, by_old: Cloud, by_new: Cloud
    ) -> None:
        self._gate = gate
        self._old = old
        self._new = new
        self._by_old = by_old
        self._by_new = by_new

    async def run(self) -> None:
        """Change the key. Raises `NotRolled`, `Failure`, `UsherError` and `StorageFailed`."""
        if self._gate.me == self._old:
            await self._send()
            step_over(self._gate.settings.data_folder)
        await self.finish()

    async def finish(self) -> None:
        """Have the cloud list the key that is in place here. Raises as `run`."""
        if not await self._is_listed():
            await self._ask()
            if not await self._is_listed():
                raise NotRolled("enrol_not_listed")
        folder = self._gate.settings.data_folder
        (folder / OLD_KEY).unlink(missing_ok=True)
        sync_folder(folder)

    async def _send(self) -> None:
        """Send all that the old key has signed."""
        pull = Pull(self._by_old, self._gate)
        await pull.lists(await pull.state())
        await Pushing(self._by_old, self._gate).step()
        if self._gate.stores.log.waiting(self._old.device):
            raise NotRolled("records_left")

    async def _ask(self) -> None:
        """Have the new key listed. Where the old one is shut out, learn it from the roster, and
        obey what it is told: a stolen gate must not escape its wipe by a new key."""
        try:
            await self._by_old.post("/devices/roll", roll(self._old.device, self._new.secret), MOST)
        except Denied:
            pull = Pull(self._by_old, self._gate, device=self._old.device)
            await pull.roster()
            await pull.commands()
            raise

    async def _is_listed(self) -> bool:
        """Whether the cloud lists the new key; if so, its roster is in force here."""
        try:
            raw = (await self._by_new.get("/roster", CAPS[Kind.ROSTER])).body
        except Denied as error:
            if error.code == "request_unknown_device":
                return False
            raise
        self._take(raw)
        listed = self._gate.held.trust.roster.roster
        named = () if listed is None else listed.devices
        return any(each.pk == self._new.pk.hex() and each.cutoff is None for each in named)

    def _take(self, raw: bytes) -> None:
        Taking(self._gate).roster(raw)


async def finished(rolling: Rolling, gate: Gate) -> None:
    """Finish what a command has begun; return once the cloud lists this gate, or it was wiped."""
    backoff = Backoff(random.random, RETRY)
    while not gate.held.wiped:
        try:
            await rolling.finish()
            return
        except (NotRolled, Failure, UsherError, NotSetUp, StorageFailed) as error:
            LOG.warning("the new key is not listed: %s", getattr(error, "code", error))
            wait = error.wait if isinstance(error, Denied) else 0.0
            await asyncio.sleep(backoff.failed(wait))


def step_over(folder: Path) -> None:
    """Put the next key in the old one's place, which is kept: for one question more."""
    with suppress(FileExistsError):  # cut off between these two
        (folder / OLD_KEY).hardlink_to(folder / KEY)
    sync_folder(folder)
    (folder / NEXT_KEY).replace(folder / KEY)
    sync_folder(folder)
