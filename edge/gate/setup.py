"""Setting a device up and feeding it files: what works without any network.

These run beside the agent, in a process of their own: they never write this device's log, and
the agent reads again when it is told to.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from edge.gate.clock import DeviceClock
from edge.gate.heard import Heard
from edge.gate.intake import Intake
from edge.gate.replay import ledger_of
from edge.gate.replica import Replica, whole
from edge.gate.trust import Trust, pinned, restored
from edge.store.identity import Identity, load_identity, loading, make_identity
from edge.store.stores import KEY, NEXT_KEY, OLD_KEY, Stores, open_stores
from edge.store.wiping import end_wipe, wipe
from shared.bundle import FileKind, Section, decode
from shared.devices.command import Command, Recipient
from shared.errors import Refused, Untrusted
from shared.keys import is_valid_point

Advance = Callable[[], None]
ENROLLING: Final = "enrolling"  # the setting of an enrolment that is not over


def set_up(folder: Path, tenant: bytes, root: bytes) -> Identity:
    """Give a device its key and its organizer. Neither is replaced while its log is here."""
    if not is_valid_point(root):
        raise Untrusted("enrol_weak_root")
    stores = new_folder(folder)
    try:
        me = own_key(folder, stores, tenant)
        if stores.settings.get("tenant") is None:
            stores.settings.put({"tenant": tenant, "root": root})
        return me
    finally:
        stores.close()


def new_folder(folder: Path) -> Stores:
    """Open a device's folder, made if it is not there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    end_wipe(folder)
    return open_stores(folder)


def own_key(folder: Path, stores: Stores, tenant: bytes) -> Identity:
    """Return the device's key for an organizer, made if there is none; one organizer alone.

    A key without a log was used for one that is lost: with it, a second history would begin
    (spec/log.md §4). Such a device gets a new one, and is enrolled again. One that has begun to
    enrol has written no log yet, and goes on with the key that it began with.
    """
    known = stores.settings.get("tenant")
    if known is not None and known != tenant:
        raise Refused("enrol_used")
    me = load_identity(folder / KEY)
    begun = known is not None or stores.settings.get(ENROLLING) is not None
    if me is None or not (begun or _remembered(me, stores)):
        for name in (KEY, NEXT_KEY, OLD_KEY):
            (folder / name).unlink(missing_ok=True)
        me = make_identity(folder / KEY)
    return me


def _remembered(me: Identity, stores: Stores) -> bool:
    """Whether the mirror still has what this device wrote."""
    return any(raw[4:20] == me.device for raw in stores.mirror.read())


class Feeding:
    """A device's stores, open for a delivery."""

    def __init__(self, stores: Stores, me: Identity, clock: DeviceClock) -> None:
        self._stores = stores
        self._me = me
        self._clock = clock

    def load(self, data: bytes, advance: Advance = lambda: None) -> list[str]:
        """Take a file in, whole or not at all; return in words what it brought."""
        kind, sections = decode(data)
        with loading(self._stores.database.path.parent):
            self._clock.look_again()  # what another delivery has learnt meanwhile
            if kind is FileKind.PRELOAD:
                return self._preload(sections, advance)
            return self._log(sections, advance)

    def export(self) -> Iterator[bytes]:
        """Yield the log of this device, and of others as far as it has heard them, as a file."""
        return whole(self._me, self._stores.log, self._trust())

    def _trust(self) -> Trust:
        start = pinned(self._stores)
        if start is None:
            raise Untrusted("enrol_not_listed")
        return restored(start, self._stores.documents)

    def _preload(self, sections: list[Section], advance: Advance) -> list[str]:
        trust, settings = self._trust(), self._stores.settings
        me = Recipient(trust.roster.tenant, self._me.device, settings.number("obeyed"))
        intake = Intake(trust, self._stores.documents.chunk, self._clock.now(), me)
        intake.take(sections, advance)
        self._clock.learn(intake.signed_ms, intake.bound_ms())  # first: kept, it is no news again
        intake.keep(self._stores.documents)
        for command in intake.commands:
            obey(command, self._stores, self._clock)
        return intake.news

    def _log(self, sections: list[Section], advance: Advance) -> list[str]:
        trust = self._trust()
        taken = self._replica(trust).take_parts(sections, advance)
        return [_in_words(batch, trust) for batch in taken.batches]

    def _replica(self, trust: Trust) -> Replica:
        ledger = ledger_of(self._me, self._stores.log, self._clock, lambda: trust)
        return Replica(self._me, ledger, self._stores.log, lambda: trust)


def obey(command: Command, stores: Stores, clock: DeviceClock) -> None:
    """Carry a command out, its number stored before; of a wipe, that it has begun
    (spec/devices.md §4)."""
    if command.action == "wipe":
        wipe(stores.database.path.parent)
        return
    said = {"obeyed": command.number.to_bytes(8, "big")}
    if command.action in ("lock", "unlock"):
        said["locked"] = int(command.action == "lock").to_bytes(8, "big")
    stores.settings.put(said)
    if command.action == "set_time" and command.time is not None:
        clock.obey(command.time)


def _in_words(batch: Heard, trust: Trust) -> str:
    """Return what came of one batch."""
    if batch.device is None:
        return f"{batch.records:,} records of a device that is not on the roster: passed over"
    listed = trust.roster.roster.devices if trust.roster.roster else ()
    pk = trust.roster.devices[batch.device].pk.hex()
    name = next((each.name for each in listed if each.pk == pk), "a device")
    told = f"{name}: {batch.new:,} new records"
    return told if batch.fault is None else f"{told}, then stopped: {batch.fault}"
