"""How a tenant's gates are, each beside what it should hold."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from cloud.db.tenancy import TenantTx
from cloud.devices import reports
from cloud.devices.model import Appliance, Expected, Standing, Word, judge
from cloud.devices.reports import Documents, Gate, Newest
from cloud.devices.shapes import Hex32
from shared.wire import HeldVersion, Report

Since = Mapping[tuple[bytes, str], datetime]


class EventStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One event's manifest on a device."""

    event_id: UUID
    event: str  # its reference, as devices call it
    name: str
    newest: int  # version
    held: int  # version, 0 for none
    age: int | None  # seconds since what it holds was signed
    behind: int  # seconds that there was a newer one already when it reported; 0 for none


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a gate is. `word`: `ready`, or the first thing that is wrong."""

    device: Hex32
    name: str
    appliance: Appliance
    site: int
    word: Word
    last_contact: datetime | None
    address: str | None
    clock_ahead: int | None  # milliseconds that its clock was before ours when it reported
    commands: int  # number of the newest command; `report.obeyed` is the last one obeyed
    events: Sequence[EventStatus]
    report: Report | None  # what it said last


async def read(tx: TenantTx, gates: Sequence[Gate]) -> list[DeviceStatus]:
    """Return how these gates are."""
    events, since = await reports.events(tx), await reports.followed(tx, gates)
    newest = await reports.documents(tx)
    return [_status(tx.now, gate, newest, events, since) for gate in gates]


def _status(
    now: datetime, gate: Gate, newest: Documents, events: Sequence[Newest], since: Since
) -> DeviceStatus:
    held = {each.event: each for each in gate.report.manifests} if gate.report else {}
    told = [_event(now, gate, each, held.get(each.ref), since) for each in events]
    at = gate.received_at
    return DeviceStatus(
        device=gate.device_id.hex(),
        name=gate.name,
        appliance=gate.appliance,
        site=gate.site,
        word=judge(_standing(now, gate, newest, events, told)),
        last_contact=at,
        address=gate.address,
        clock_ahead=gate.report.at - int(at.timestamp() * 1000) if gate.report and at else None,
        commands=gate.commands,
        events=told,
        report=gate.report,
    )


def _standing(
    now: datetime,
    gate: Gate,
    newest: Documents,
    events: Sequence[Newest],
    told: Sequence[EventStatus],
) -> Standing:
    at = gate.received_at or now
    return Standing(
        gate.revoked,
        gate.report,
        (now - at).total_seconds(),
        reports.document(newest.keyset, at),
        reports.document(newest.roster, at),
        [
            Expected(status.held, status.behind, each.soon, status.held > status.newest)
            for each, status in zip(events, told, strict=True)
        ],
    )


def _event(
    now: datetime, gate: Gate, newest: Newest, held: HeldVersion | None, since: Since
) -> EventStatus:
    later, at = since.get((gate.device_id, newest.ref)), gate.received_at or now
    return EventStatus(
        event_id=newest.event_id,
        event=newest.ref,
        name=newest.name,
        newest=newest.version,
        held=held.version if held else 0,
        age=max(0, int(now.timestamp()) - held.issued) if held and held.version else None,
        behind=max(0, int((at - later).total_seconds())) if later else 0,
    )
