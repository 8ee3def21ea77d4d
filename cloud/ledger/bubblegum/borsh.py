"""Borsh, as far as the programs' layouts need it: read with every length checked."""

from collections.abc import Callable
from typing import TypeVar

from solders.pubkey import Pubkey

from cloud.ledger.faults import LedgerMalformed

T = TypeVar("T")


class Reader:
    """Reads *data* from *at*. Raises `LedgerMalformed` ("borsh") where it does not fit."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, size: int) -> bytes:
        """Return the next *size* bytes."""
        end = self.at + size
        if end > len(self.data):
            raise LedgerMalformed("borsh", f"{size} bytes are missing at {self.at}")
        taken = self.data[self.at : end]
        self.at = end
        return bytes(taken)

    def number(self, size: int) -> int:
        """Return an unsigned number of *size* bytes."""
        return int.from_bytes(self.take(size), "little")

    def flag(self) -> bool:
        """Return a bool, which is 0 or 1."""
        byte = self.number(1)
        if byte > 1:
            raise LedgerMalformed("borsh", f"no bool at {self.at - 1}")
        return byte == 1

    def text(self) -> str:
        """Return a string."""
        raw = self.take(self.number(4))
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise LedgerMalformed("borsh", f"no UTF-8 before {self.at}") from None

    def key(self) -> Pubkey:
        """Return an address."""
        return Pubkey.from_bytes(self.take(32))

    def option(self, read: Callable[[], T]) -> T | None:
        """Return what *read* reads, or None."""
        return read() if self.flag() else None

    def many(self, read: Callable[[], T]) -> list[T]:
        """Return a vector. Each element takes a byte at least, so its length is bounded."""
        count = self.number(4)
        if count > len(self.data) - self.at:
            raise LedgerMalformed("borsh", f"a vector of {count} at {self.at - 4}")
        return [read() for _ in range(count)]

    def end(self) -> None:
        """Check that nothing is left."""
        if self.at != len(self.data):
            raise LedgerMalformed("borsh", f"{len(self.data) - self.at} bytes too many")


def text(value: str) -> bytes:
    """Write a string."""
    raw = value.encode()
    return len(raw).to_bytes(4, "little") + raw


def option(value: bytes | None) -> bytes:
    """Write what may be absent."""
    return b"\0" if value is None else b"\1" + value
