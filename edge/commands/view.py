"""`usher-edge view`: what all logs that this gate has heard mean together, for programs to read."""

from typing import Any

from edge.commands.files import Fail
from edge.gate.clock import DeviceClock
from edge.gate.gate import Machine
from edge.gate.replay import ledger_of
from edge.gate.touching import touching
from edge.gate.trust import pinned, restored
from edge.settings import Settings
from edge.store.database import StorageFailed
from edge.store.identity import load_identity
from edge.store.stores import KEY, Stores, open_stores
from shared.merge.view import Summary


def view(settings: Settings, fail: Fail) -> dict[str, Any]:
    """Return the merged view, read from the disk beside the agent: by event, as the cloud tells
    it, and how many own records the cloud has not confirmed."""
    me = load_identity(settings.data_folder / KEY)
    if me is None:
        fail(f"{settings.data} has no device key. Run `usher-edge enrol` or `init` first.")
    try:
        stores = open_stores(settings.data_folder)
    except StorageFailed as error:
        fail(f"{settings.data} can't be opened: {error}.")
    try:
        start = pinned(stores)
        if start is None:
            fail("This gate knows no organizer yet. Run `usher-edge enrol` or `init` first.")
        trust = restored(start, stores.documents)
        clock, logs = _clock(settings, stores), touching(stores.log.records)
        views = {
            event: ledger_of(me, stores.log, clock, lambda: trust, logs.get(event, ())).summary()
            for event in sorted({*trust.books, *logs})
        }
        waiting = stores.log.waiting(me.device)
    except StorageFailed as error:
        fail(f"The disk failed: {error}.")
    finally:
        stores.close()
    return {"waiting": waiting, "events": {each.hex(): told(views[each], each) for each in views}}


def told(summary: Summary, event: bytes) -> dict[str, Any]:
    """Return the part of a view that is about one event."""
    entries = [(gate, n) for of, gate, n in summary.entries if of == event]
    about = (each for each in summary.findings if each.event in (event, bytes(8)))
    return {
        "entered": sum(n for _, n in entries),
        "inside": [
            {"zone": where.zone, "day": where.day, "people": n}
            for where, n in summary.presence
            if where.event == event
        ],
        "gates": [{"gate": gate, "entries": n} for gate, n in entries],
        "findings": [
            {
                "kind": each.kind.value,
                "ticket": each.ticket.hex(),
                "record": each.record.hex(),
                "device": each.device.hex(),
                "incarnation": each.incarnation,
                "seq": each.seq,
            }
            for each in about
        ],
        "quarantined": len(summary.quarantined),
        "unproved": len(summary.unproved),
    }


def _clock(settings: Settings, stores: Stores) -> DeviceClock:
    machine, vouched = Machine(), settings.clock != "none"
    return DeviceClock(stores.settings, machine.monotonic, machine.wall, vouched=vouched)
