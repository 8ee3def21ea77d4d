"""Accounts while a transaction runs: what it touches is a copy until it has succeeded."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.programs import SYSTEM
from cloud.ledger.values import Error

PER_BYTE: Final = 6960  # lamports, for two years
OVERHEAD: Final = 128  # bytes that every account counts


def rent(size: int) -> int:
    """Return the deposit that an account of *size* bytes must hold."""
    return (OVERHEAD + size) * PER_BYTE


class Failed(Exception):
    """An instruction failed: the transaction has no effect but its fee."""

    def __init__(self, name: str, code: int | None = None) -> None:
        super().__init__(name, code)
        self.error = Error(name, code)


def custom(code: int) -> Failed:
    """Return a program's own failure."""
    return Failed("Custom", int(code))


class Held(Struct):
    """An account. `owner` is the program that may change its data."""

    owner: Pubkey
    lamports: int
    data: bytearray

    def copy(self) -> "Held":
        """Return one that can be changed alone."""
        return Held(self.owner, self.lamports, bytearray(self.data))


class Work:
    """The accounts as one transaction sees and changes them, over those that *base* holds."""

    def __init__(self, base: Mapping[Pubkey, Held]) -> None:
        self._base = base
        self.touched: dict[Pubkey, Held] = {}

    def read(self, key: Pubkey) -> Held | None:
        """Return an account, not to be changed."""
        return self.touched.get(key) or self._base.get(key)

    def write(self, key: Pubkey) -> Held:
        """Return an account to be changed; one that is not there is empty."""
        held = self.touched.get(key)
        if held is None:
            base = self._base.get(key)
            held = base.copy() if base else Held(SYSTEM, 0, bytearray())
            self.touched[key] = held
        return held

    def pay(self, source: Pubkey, target: Pubkey, lamports: int) -> None:
        """Move lamports, as the system program does. It fails with Custom 1 for too few."""
        payer = self.write(source)
        if payer.data or payer.owner != SYSTEM:
            raise Failed("InvalidArgument")
        if payer.lamports < lamports:
            raise custom(1)
        payer.lamports -= lamports
        self.write(target).lamports += lamports

    def short_of_rent(self) -> bool:
        """Whether a touched account holds less than its deposit, and held not so before."""
        return any(
            0 < held.lamports < rent(len(held.data)) and not self._poor(key, held)
            for key, held in self.touched.items()
        )

    def _poor(self, key: Pubkey, held: Held) -> bool:
        """Whether it was as poor as that already: such accounts may only be emptied."""
        before = self._base.get(key)
        return (
            before is not None
            and 0 < before.lamports < rent(len(before.data))
            and len(before.data) == len(held.data)
            and held.lamports <= before.lamports
        )
