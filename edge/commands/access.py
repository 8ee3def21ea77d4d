"""Keys of lanes and PINs of staff, kept as hashes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import NoReturn

from edge.gate.lanes import KEY as PREFIX
from edge.gate.staff import MOST_PINS, pin_verifier
from edge.settings import Settings
from edge.store.database import StorageFailed
from edge.store.settings import Pin
from edge.store.stores import DATABASE, Stores, open_stores

Fail = Callable[[str], NoReturn]


def make_key(settings: Settings, lane: str, key: str, fail: Fail) -> str:
    """Make `key` the one that opens a lane; return it."""
    with opened(settings, fail) as stores:
        store = stores.settings
        for name, opens in store.starting(PREFIX).items():
            if opens == lane.encode():
                store.drop(f"{PREFIX}{name}")
        store.put({f"{PREFIX}{sha256(key.encode()).hexdigest()}": lane.encode()})
    return key


def put_pin(settings: Settings, name: str, digits: str, fail: Fail) -> None:
    """Add or replace somebody's PIN."""
    try:
        verifier = pin_verifier(digits)
    except ValueError as error:
        fail(f"That is no PIN: {error}.")
    if not name.strip() or not name.isprintable():
        fail("A PIN needs the name of its owner.")
    with opened(settings, fail) as stores:
        store = stores.settings
        if len(store.pins()) >= MOST_PINS:
            fail(f"This gate has {MOST_PINS} PINs already. Remove one first, or use badges.")
        store.put_pin(Pin(name.strip(), "scan", verifier))


def drop_pin(settings: Settings, name: str, fail: Fail) -> None:
    """Take somebody's PIN away."""
    with opened(settings, fail) as stores:
        store = stores.settings
        if not store.drop_pin(name):
            fail(f"{name} has no PIN here.")


def names_of_pins(settings: Settings, fail: Fail) -> list[str]:
    """Return who has one."""
    with opened(settings, fail) as stores:
        store = stores.settings
        return [pin.name for pin in store.pins()]


@contextmanager
def opened(settings: Settings, fail: Fail) -> Iterator[Stores]:
    """Open a gate's stores beside its agent; a disk that fails ends the command."""
    if not (settings.data_folder / DATABASE).exists():
        fail(f"{settings.data} holds no gate. Run `usher-edge enrol` or `init` first.")
    try:
        stores = open_stores(settings.data_folder)
    except StorageFailed as error:
        fail(f"{settings.data} can't be opened: {error}.")
    try:
        yield stores
    except StorageFailed as error:
        fail(f"The disk failed: {error}.")
    finally:
        stores.close()
