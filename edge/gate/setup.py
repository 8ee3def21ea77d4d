"""Setting a device up and feeding it files: what works without any network.

These run beside the agent, in a process of their own: they never write this device's log, and
the agent reads again when it is told to.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from edge.gate.clock import DeviceClock
from edge.gate.intake import Intake
from edge.gate.ledger import Ledger
from edge.gate.replay import ledger_of
from edge.gate.trust import Trust, pinned, restored
from edge.store.identity import Identity, load_identity, loading, make_identity, sync_folder
from edge.store.stores import DATABASE, KEY, MIRROR, Stores, open_stores
from shared import hashing
from shared.bundle import FileKind, Part, Section, decode, encode
from shared.devices.command import Command, Recipient
from shared.errors import Malformed, Refused, Untrusted
from shared.keys import SEED_SIZE, is_valid_point
from shared.log.chain import MAX_BATCH
from shared.log.gossip import missing
from shared.log.record import SIZE

Advance = Callable[[], None]


def set_up(folder: Path, tenant: bytes, root: bytes) -> Identity:
    """Give a device its key and its organizer. Neither is replaced while its log is here.

    A key without a log was used for one that is lost: with it, a second history would begin
    (spec/log.md §4). Such a device gets a new one, and is enrolled again.
    """
    if not is_valid_point(root):
        raise Untrusted("enrol_weak_root")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    stores = open_stores(folder)
    try:
        known = stores.settings.get("tenant")
        if known is not None and known != tenant:
            raise Refused("enrol_used")
        me = load_identity(folder / KEY)
        if me is None or (known is None and not _remembered(me, stores)):
            (folder / KEY).unlink(missing_ok=True)
            me = make_identity(folder / KEY)
        if known is None:
            stores.settings.put({"tenant": tenant, "root": root})
        return me
    finally:
        stores.close()


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
        return encode(FileKind.LOG, self._sections())

    def _trust(self) -> Trust:
        start = pinned(self._stores.settings)
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
            self._obey(command)
        return intake.news

    def _obey(self, command: Command) -> None:
        """Carry a command out, its number stored before (spec/devices.md §4)."""
        settings = self._stores.settings
        settings.put_number("obeyed", command.number)
        if command.action in ("lock", "unlock"):
            settings.put_number("locked", int(command.action == "lock"))
        elif command.action == "set_time" and command.time is not None:
            self._clock.obey(command.time)
        elif command.action == "wipe":
            wipe(self._stores.database.path.parent)

    def _log(self, sections: list[Section], advance: Advance) -> list[str]:
        _check_log(sections)
        trust = self._trust()
        blobs = {hashing.evidence(s.content): s.content for s in sections if s.part is Part.BLOB}
        ledger = ledger_of(self._me, self._stores.log, self._clock, trust)
        news: list[str] = []
        pk = b""
        for part, content in sections:
            if part is Part.DEVICE:
                pk = content
            elif part is Part.RECORDS:
                news.append(_heard(ledger, trust, pk, content, blobs))
                advance()
        return news

    def _sections(self) -> Iterator[Section]:
        log, members = self._stores.log, self._trust().roster.devices
        known = {device: member.pk for device, member in members.items()}
        known[self._me.device] = self._me.pk
        device = b""
        for span in missing(log.vector(), {}):
            if span.device not in known:
                continue
            if span.device != device:
                device = span.device
                yield Section(Part.DEVICE, known[device])
            yield Section(Part.RECORDS, b"".join(log.span(span)[:MAX_BATCH]))
        for blob in log.all_blobs():
            yield Section(Part.BLOB, blob)


def wipe(folder: Path) -> None:
    """Destroy the device's key first, then everything else (spec/devices.md §4)."""
    if (key := folder / KEY).exists():
        with key.open("r+b") as file:
            file.write(bytes(SEED_SIZE))
            file.flush()
            os.fsync(file.fileno())
        key.unlink()
        sync_folder(folder)
    for path in (*sorted(folder.glob(f"{DATABASE}*")), *sorted(folder.glob(f"{MIRROR}*"))):
        if not path.name.endswith("-shm"):  # an agent that runs on has it in its memory
            os.truncate(path, 0)
        path.unlink()


def _heard(ledger: Ledger, trust: Trust, pk: bytes, batch: bytes, blobs: dict[bytes, bytes]) -> str:
    """Take one batch in; return in words what came of it."""
    member = trust.roster.devices.get(hashing.device_id(pk))
    if member is None:
        return f"{len(batch) // SIZE:,} records of a device that is not on the roster: passed over"
    heard = ledger.hear(member.pk, batch, blobs, trust.keys, trust.roster)
    listed = trust.roster.roster.devices if trust.roster.roster else ()
    name = next((each.name for each in listed if each.pk == pk.hex()), "a device")
    told = f"{name}: {heard.new:,} new records"
    return told if heard.fault is None else f"{told}, then stopped: {heard.fault}"


def _check_log(sections: list[Section]) -> None:
    """Raise `Malformed` unless every batch belongs to a device and has a size that one can have."""
    pk = b""
    for part, content in sections:
        if part is Part.DEVICE:
            pk = content
        elif part is Part.RECORDS and not (pk and SIZE <= len(content) <= MAX_BATCH * SIZE):
            raise Malformed("record_length", len(content))
