"""What may be done with a venue, and with the zones and gates that events stand on."""

from uuid import UUID

import msgspec
from msgspec import UNSET

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.events import repository, venue_repository
from cloud.events.acts import tell
from cloud.events.fields import check_text
from cloud.events.plan import blames
from cloud.events.venue_model import (
    Layout,
    NewVenue,
    Venue,
    VenueEdit,
    VenueRow,
    check_layout,
    refuse_faults,
)
from cloud.events.zones import zone_of


async def create(tx: TenantTx, new: NewVenue) -> Venue:
    """Make a venue."""
    zone_of(new.timezone)
    check_layout(new)
    row = await venue_repository.insert(tx, new)
    await venue_repository.set_layout(tx, row.venue_id, new.zones, new.gates)
    await tx.audit("venue.created", f"venue:{row.venue_id}")
    return await whole(tx, row)


async def edit(tx: TenantTx, venue_id: UUID, wanted: VenueEdit) -> Venue:
    """Change what a venue is called and where it is; its events keep their time zones."""
    row = await venue_repository.locked(tx, venue_id, wanted.version)
    check_text(wanted)
    if wanted.timezone is not UNSET:
        zone_of(wanted.timezone)
    fields = ("name", "timezone", "address")
    changed = {n: v for n in fields if (v := getattr(wanted, n)) is not UNSET}
    row = await venue_repository.update(tx, msgspec.structs.replace(row, **changed))
    await tx.audit("venue.changed", f"venue:{venue_id}", fields=sorted(changed))
    return await whole(tx, row)


async def archive(tx: TenantTx, venue_id: UUID, version: int) -> Venue:
    """Take a venue out of use. It keeps what it has, for the events of the past."""
    row = await venue_repository.locked(tx, venue_id, version)
    if users := await venue_repository.events_at(tx, venue_id, "draft", "published"):
        raise Refusal("venue_in_use", events=users[:20])
    if row.archived_at is None:
        row = await venue_repository.update(tx, msgspec.structs.replace(row, archived_at=tx.now))
        await tx.audit("venue.archived", f"venue:{venue_id}")
    return await whole(tx, row)


async def set_layout(tx: TenantTx, venue_id: UUID, wanted: Layout) -> Venue:
    """Replace a venue's zones and gates, unless a published event needs one that is missing."""
    row = await venue_repository.locked(tx, venue_id, wanted.version)
    check_layout(wanted)
    await venue_repository.set_layout(tx, venue_id, wanted.zones, wanted.gates)
    row = await venue_repository.update(tx, row)
    for event_id in await venue_repository.events_at(tx, venue_id, "published"):
        plan = await repository.plan_of(tx, event_id)
        refuse_faults(blames(plan), "venue_in_use", events=[event_id])
        await tell(tx, await repository.event_row(tx, event_id), "event.changed")
    await tx.audit("venue.layout_set", f"venue:{venue_id}", version=row.version)
    return await whole(tx, row)


async def whole(tx: TenantTx, row: VenueRow) -> Venue:
    """Return a venue with its layout."""
    zones, gates = await venue_repository.layout(tx, row.venue_id)
    return Venue(**msgspec.structs.asdict(row), zones=zones, gates=gates)
