"""What the cloud has confirmed of the logs that are here (spec/devices.md §6).

Receipts come from the cloud as answers, or from a neighbour on the LAN; both are judged alike. A
mark of another history than ours confirms nothing: somebody else writes in that device's name,
and a person has to hear of it.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Final

from edge.gate.gate import Gate
from edge.store.settings import SettingStore
from shared.devices.receipt import Receipt, open_receipt
from shared.log.chain import Head
from shared.log.gossip import Key

DISPUTED: Final = "disputed:"
LOG: Final = logging.getLogger(__name__)


class Receipts:
    """Safe to share between threads; calls block for the disk."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def take(self, raw: bytes) -> Receipt:
        """Believe a receipt as far as it speaks of records that are here; raise `UsherError`
        where no command key of our tenant signed it."""
        gate, trust = self._gate, self._gate.held.trust
        receipt = open_receipt(raw, trust.keys, gate.clock.now(), trust.roster.tenant)
        gate.clock.learn(receipt.at)
        marks = [
            Head(bytes.fromhex(m.device), m.incarnation, m.seq, bytes.fromhex(m.hash))
            for m in receipt.marks
        ]
        for mark in (*gate.stores.log.confirm(marks), *self._beyond(marks)):
            self._dispute(mark)
        gate.stores.log.trim_mirror(gate.me.device)
        return receipt

    def _beyond(self, marks: Iterable[Head]) -> Iterator[Head]:
        """Yield the marks of our own log beyond its end: a copy of this device wrote on."""
        me, log = self._gate.me.device, self._gate.stores.log
        return (mark for mark in marks if mark.device == me and not log.at(*mark[:3]))

    def _dispute(self, mark: Head) -> None:
        name = f"{DISPUTED}{mark.device.hex()}.{mark.incarnation}"
        value = mark.seq.to_bytes(8, "big") + mark.hash
        if self._gate.stores.settings.get(name) != value:
            LOG.warning("the cloud has another history of device %s", mark.device.hex())
            self._gate.stores.settings.put({name: value})


def disputed(settings: SettingStore) -> set[Key]:
    """Return the incarnations of which the cloud has shown another history than ours."""
    named = (name.partition(".") for name in settings.starting(DISPUTED))
    return {(bytes.fromhex(device), int(number)) for device, _, number in named}
