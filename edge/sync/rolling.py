"""Changing this device's key (spec/sync.md §5, "Roll").

    rolling = Rolling(gate, cloud, by_next)
    await rolling.run()             # then close the gate: it is another device's now

The next key is on the disk before anybody hears of it, and takes the old one's place once a
roster lists it: whatever interrupts this, the same command goes on from there. The old key's
log ends where the cloud has it, so all of it is sent first. It stays here, as another device's.
"""

from pathlib import Path
from typing import Final

from edge.gate.gate import Gate
from edge.gate.taking import Taking
from edge.store.identity import Identity, load_identity, make_identity, sync_folder
from edge.store.stores import KEY, NEXT_KEY
from edge.sync.client import Cloud
from edge.sync.failures import Denied
from edge.sync.pull import Pull
from edge.sync.push import Pushing
from shared.devices.roll import roll
from shared.signed import CAPS, Kind

MOST: Final = 1 << 12


class NotRolled(Exception):
    """The key stays. `code`: why; `words.ROLL` has a sentence for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def next_key(folder: Path) -> Identity:
    """Return the key that is to come, made if there is none."""
    return load_identity(folder / NEXT_KEY) or make_identity(folder / NEXT_KEY)


class Rolling:
    """`by_next`: the cloud as the next key asks it."""

    def __init__(self, gate: Gate, cloud: Cloud, by_next: Cloud, successor: Identity) -> None:
        self._gate = gate
        self._cloud = cloud
        self._by_next = by_next
        self._next = successor

    async def run(self) -> None:
        """Change the key. Raises `NotRolled`, `Failure`, `UsherError` and `StorageFailed`."""
        if not await self._is_listed():
            await self._rolled()
            if not await self._is_listed():
                raise NotRolled("enrol_not_listed")
        folder = self._gate.settings.data_folder
        (folder / NEXT_KEY).replace(folder / KEY)
        sync_folder(folder)

    async def _rolled(self) -> None:
        """Send all that the old key has signed, and have the next one listed."""
        pull = Pull(self._cloud, self._gate)
        await pull.lists(await pull.state())
        await Pushing(self._cloud, self._gate).step()
        if self._gate.stores.log.waiting(self._gate.me.device):
            raise NotRolled("records_left")
        asked = roll(self._gate.me.device, self._next.secret)
        await self._cloud.post("/devices/roll", asked, MOST)

    async def _is_listed(self) -> bool:
        """Whether the cloud lists the next key; if so, its roster is in force here."""
        try:
            raw = (await self._by_next.get("/roster", CAPS[Kind.ROSTER])).body
        except Denied as error:
            if error.code == "request_unknown_device":
                return False
            raise
        Taking(self._gate).roster(raw)
        member = self._gate.held.trust.roster.devices.get(self._next.device)
        return member is not None and member.cutoff is None
