"""Slots and blockhashes. Both follow from the clock and a secret: nothing of them is stored."""

from hashlib import sha256
from typing import Final

from solders.hash import Hash

SLOT_MS: Final = 400
LIVES: Final = 150  # slots after its own, in which a blockhash can be used


class Window:
    """The slots since *started_ms* and the blockhashes of the newest."""

    def __init__(self, secret: bytes, started_ms: int) -> None:
        self._secret = secret
        self._started = started_ms
        self._known: dict[Hash, int] = {}
        self._newest = -1

    def slot(self, now: float) -> int:
        """Return the slot at *now*, in Unix seconds."""
        return max(0, int(now * 1000) - self._started) // SLOT_MS

    def blockhash(self, slot: int) -> Hash:
        """Return a slot's blockhash."""
        return Hash(sha256(self._secret + slot.to_bytes(8, "little")).digest())

    def alive(self, blockhash: Hash, slot: int) -> bool:
        """Whether a transaction of that blockhash may land in *slot*."""
        if slot > self._newest:
            first = max(0, slot - LIVES, self._newest + 1)
            self._known |= {self.blockhash(new): new for new in range(first, slot + 1)}
            kept = slot - 2 * LIVES
            self._known = {key: made for key, made in self._known.items() if made >= kept}
            self._newest = slot
        made = self._known.get(blockhash)
        return made is not None and slot - LIVES <= made <= slot
