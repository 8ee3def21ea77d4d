"""A Core collection: the account whose plugins say who may freeze, move and burn its leaves.

05 | update authority 32 | name | uri | minted u32 | size u32
03 | where the registry lies u64
plugins, each its number and its data
04 | count u32 | count times (plugin u8, authority, offset u64) | 0 u32
"""

from enum import IntEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.borsh import Reader, option, text
from cloud.ledger.bubblegum.programs import BUBBLEGUM
from cloud.ledger.faults import LedgerMalformed

CREATE: Final = 0x15  # `create_collection_v2`


class Plugin(IntEnum):
    """The plugins that the ledger knows."""

    FREEZE = 5
    TRANSFER = 7
    BURN = 8
    BUBBLEGUM = 15


PLUGINS: Final = (Plugin.BUBBLEGUM, Plugin.FREEZE, Plugin.TRANSFER, Plugin.BURN)
"""Those of our collections, in the order in which they are created."""


class Granted(Struct, frozen=True):
    """A plugin and who it obeys: an address, or the update authority for None."""

    plugin: Plugin
    authority: Pubkey | None = None
    frozen: bool = False  # FREEZE alone: the whole collection


class Collection(Struct, frozen=True):
    """The account. `minted` counts all leaves ever, `size` those that are left."""

    authority: Pubkey
    name: str
    uri: str
    minted: int
    size: int
    plugins: tuple[Granted, ...]

    def granted(self, plugin: Plugin) -> Granted | None:
        """Return a plugin of it."""
        return next((held for held in self.plugins if held.plugin is plugin), None)

    def obeys(self, plugin: Plugin, who: Pubkey) -> bool:
        """Whether *who* is that plugin's authority."""
        held = self.granted(plugin)
        return held is not None and (held.authority or self.authority) == who

    def counted(self, minted: int, size: int) -> "Collection":
        """Return it with that many more leaves."""
        return replace(self, minted=self.minted + minted, size=self.size + size)

    @property
    def counts(self) -> slice:
        """Where its two numbers lie in the account."""
        start = 1 + 32 + len(text(self.name)) + len(text(self.uri))
        return slice(start, start + 8)

    def numbers(self) -> bytes:
        """Return what lies there."""
        return self.minted.to_bytes(4, "little") + self.size.to_bytes(4, "little")

    def encode(self) -> bytes:
        """Return the account's bytes."""
        base = b"\5" + bytes(self.authority) + text(self.name) + text(self.uri) + self.numbers()
        at = len(base) + 9
        data = b""
        records = b""
        for held in self.plugins:
            records += bytes((held.plugin,)) + _authority(held.authority)
            records += (at + len(data)).to_bytes(8, "little")
            data += _data(held)
        header = b"\3" + (at + len(data)).to_bytes(8, "little")
        count = len(self.plugins).to_bytes(4, "little")
        return base + header + data + b"\4" + count + records + bytes(4)


def created(authority: Pubkey, name: str, uri: str, asked: tuple[Granted, ...]) -> Collection:
    """Return a new collection. Bubblegum's plugin obeys Bubblegum, whatever was asked."""
    plugins = tuple(
        replace(held, authority=BUBBLEGUM) if held.plugin is Plugin.BUBBLEGUM else held
        for held in asked
    )
    return Collection(authority, name, uri, 0, 0, plugins)


OURS: Final = tuple(Granted(plugin) for plugin in PLUGINS)
"""Of our collections: all obey the update authority, but for Bubblegum's own."""


def size_of(name: str, uri: str) -> int:
    """Return how large the account of one of our collections is."""
    return len(created(BUBBLEGUM, name, uri, OURS).encode())


def create_data(name: str, uri: str, plugins: tuple[Granted, ...]) -> bytes:
    """Return the data of the instruction that creates a collection."""
    pairs = b"".join(
        _data(held) + option(None if held.authority is None else _authority(held.authority))
        for held in plugins
    )
    count = len(plugins).to_bytes(4, "little")
    return bytes((CREATE,)) + text(name) + text(uri) + b"\1" + count + pairs + b"\0"


def read_create(data: bytes) -> tuple[str, str, tuple[Granted, ...]]:
    """Read that instruction: name, uri, plugins. External adapters are not known here."""
    reader = Reader(data)
    if reader.number(1) != CREATE:
        raise LedgerMalformed("collection", "another instruction")
    name, uri = reader.text(), reader.text()
    plugins = reader.option(lambda: reader.many(lambda: _granted(reader))) or []
    if reader.option(lambda: reader.number(4)):
        raise LedgerMalformed("collection", "external plugins")
    reader.end()
    return name, uri, tuple(plugins)


def read_collection(data: bytes) -> Collection:
    """Read an account. Raises `LedgerMalformed`, also for plugins that are not known here."""
    reader = Reader(data)
    if reader.number(1) != 5:
        raise LedgerMalformed("collection", "not a collection")
    authority, name, uri = reader.key(), reader.text(), reader.text()
    minted, size = reader.number(4), reader.number(4)
    if reader.at == len(data):
        return Collection(authority, name, uri, minted, size, ())
    plugins = _plugins(data[reader.at :], reader.at)
    return Collection(authority, name, uri, minted, size, plugins)


@lru_cache(256)
def _plugins(rest: bytes, start: int) -> tuple[Granted, ...]:
    """Read what follows the two numbers, the only part that minting changes."""
    data = bytes(start) + rest
    reader = Reader(data, start)
    if reader.number(1) != 3:
        raise LedgerMalformed("collection", "no header of plugins")
    registry = Reader(data, reader.number(8))
    if registry.number(1) != 4:
        raise LedgerMalformed("collection", "no registry")
    return tuple(registry.many(lambda: _registered(registry, data)))


def _data(held: Granted) -> bytes:
    number = bytes((held.plugin,))
    return number + bytes((held.frozen,)) if held.plugin is Plugin.FREEZE else number


def _authority(address: Pubkey | None) -> bytes:
    return b"\2" if address is None else b"\3" + bytes(address)


def _plugin(reader: Reader) -> Plugin:
    number = reader.number(1)
    try:
        return Plugin(number)
    except ValueError:
        raise LedgerMalformed("collection", f"no plugin {number} is known here") from None


def _read_authority(reader: Reader) -> Pubkey | None:
    kind = reader.number(1)
    if kind not in (2, 3):
        raise LedgerMalformed("collection", f"no authority {kind} is known here")
    return reader.key() if kind == 3 else None


def _granted(reader: Reader) -> Granted:
    plugin = _plugin(reader)
    frozen = reader.flag() if plugin is Plugin.FREEZE else False
    return Granted(plugin, reader.option(lambda: _read_authority(reader)), frozen)


def _registered(registry: Reader, data: bytes) -> Granted:
    plugin, authority = _plugin(registry), _read_authority(registry)
    held = Reader(data, registry.number(8))
    if _plugin(held) is not plugin:
        raise LedgerMalformed("collection", "a plugin is not where its registry says")
    return Granted(plugin, authority, held.flag() if plugin is Plugin.FREEZE else False)
