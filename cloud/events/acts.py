"""What may be done with an event: made, changed, published, cancelled.

Each act locks the event's row first, and leaves a plan without faults or refuses: gates take
whatever is published, and a class with a fault would admit nobody.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.events import artist_repository, class_repository, repository, stock, venue_repository
from cloud.events.fields import check_currency, check_price
from cloud.events.model import (
    TIMES,
    Artists,
    Event,
    EventEdit,
    NewEvent,
    changes,
    check,
)
from cloud.events.plan import blames, is_too_large
from cloud.events.venue_model import VenueRow, refuse_faults
from cloud.keys.issuers import Issuers
from cloud.keys.model import token_end
from cloud.tickets.counting import make_known

ATTEMPTS: Final = 8  # at a reference that no other event of the tenant has
REF_SIZE: Final = 8


async def create(tx: TenantTx, new: NewEvent, random: Callable[[int], bytes]) -> Event:
    """Make a draft."""
    venue = await _venue_in_use(tx, new.venue_id)
    timezone = new.timezone or venue.timezone
    check(new, timezone)
    check_currency(new.currency)
    for _ in range(ATTEMPTS):
        event = await repository.insert(tx, new, timezone, random(REF_SIZE))
        if event is not None:
            await tx.audit("event.created", f"event:{event.event_id}")
            return event
    raise RuntimeError("no new event has a reference of its own")


async def _venue_in_use(tx: TenantTx, venue_id: UUID) -> VenueRow:
    venue = await venue_repository.venue_row(tx, venue_id)
    if venue.archived_at is not None:
        raise Refusal("venue_archived", field="/venue_id", accepted="a venue that is in use")
    return venue


async def edit(tx: TenantTx, event_id: UUID, wanted: EventEdit, issuers: Issuers) -> Event:
    """Change what may still change."""
    before = await repository.locked(tx, event_id, wanted.version)
    changed = changes(before, wanted)
    if not changed:
        return before
    if "venue_id" in changed:
        await _venue_in_use(tx, changed["venue_id"])
    if "currency" in changed:
        await _priced_in(tx, event_id, changed["currency"])
    check(msgspec.structs.replace(before, **changed), changed.get("timezone", before.timezone))
    event = await repository.update(tx, before, changed)
    await tx.audit("event.changed", f"event:{event_id}", fields=sorted(changed))
    if event.state == "published":
        await require_sound(tx, event)
        await tell(tx, event, "event.changed")
        if not changed.keys().isdisjoint(TIMES):
            await _moved(tx, before, event, issuers)
    return event


async def _priced_in(tx: TenantTx, event_id: UUID, currency: str) -> None:
    check_currency(currency)
    for each in await class_repository.class_rows(tx, event_id):
        check_price(each.price, currency, "/currency")


async def _moved(tx: TenantTx, before: Event, event: Event, issuers: Issuers) -> None:
    """Tell of new times; tokens say when they end, so `exp` tells whether that is later now."""
    if event.ends_at <= tx.now:
        raise Refusal("event_over", field="/ends_at", accepted="a time to come")
    await issuers.extend(tx, event.event_id, event.ends_at)
    await tell(
        tx,
        event,
        "event.moved",
        before={name: getattr(before, name) for name in TIMES},
        after={name: getattr(event, name) for name in TIMES},
        exp=int(token_end(event.ends_at).timestamp()),
        later=event.ends_at > before.ends_at,
    )


async def publish(tx: TenantTx, event_id: UUID, version: int, issuers: Issuers) -> Event:
    """Put an event on sale: its plan is sound, its key made, its tickets are there."""
    draft = await repository.locked(tx, event_id, version)
    if draft.state != "draft":
        raise Refusal("event_state", accepted="a draft")
    if draft.ends_at <= tx.now:
        raise Refusal("event_over", field="/ends_at", accepted="a time to come")
    classes = await class_repository.class_rows(tx, event_id)
    if not classes:
        raise Refusal("event_without_class", field="/classes", accepted="one ticket class or more")
    await require_sound(tx, draft)
    event = await repository.update(tx, draft, {"state": "published", "published_at": tx.now})
    await issuers.begin(tx, event_id)
    await issuers.extend(tx, event_id, event.ends_at)  # where a draft's key was needed before
    for each in classes:
        if each.seated:
            await stock.add_listed(tx, event_id, each.class_index)
        else:
            await stock.add(tx, event_id, each.class_index, each.capacity)
    await tx.audit("event.published", f"event:{event_id}")
    await tell(tx, event, "event.published")
    await make_known(tx, event_id)
    return await repository.event_row(tx, event_id)


async def cancel(tx: TenantTx, event_id: UUID, version: int) -> Event:
    """Cancel an event. Who bought is refunded by whoever hears `event.cancelled`."""
    before = await repository.locked(tx, event_id, version)
    if before.state not in ("draft", "published"):
        raise Refusal("event_state", accepted="a draft, or a published event")
    event = await repository.update(tx, before, {"state": "cancelled", "cancelled_at": tx.now})
    await tx.audit("event.cancelled", f"event:{event_id}")
    if before.state == "published":
        await tell(tx, event, "event.cancelled")
    return event


async def set_artists(tx: TenantTx, event_id: UUID, wanted: Artists) -> Event:
    """Say who plays, and how royalties are shared."""
    before = await repository.locked(tx, event_id, wanted.version)
    accounts = [each.account_id for each in wanted.artists]
    if len(set(accounts)) != len(accounts):
        raise Refusal("artist_repeated", field="/artists", accepted="each artist once")
    if sum(each.share_bps for each in wanted.artists) > 10_000:
        raise Refusal("artist_shares", field="/artists", accepted="shares of 10000 together")
    if unknown := await artist_repository.strangers(tx, accounts):
        place = accounts.index(unknown[0])
        raise Refusal(
            "artist_unknown",
            field=f"/artists/{place}/account_id",
            accepted="an account with the role `artist` here",
        )
    await artist_repository.set_artists(tx, event_id, wanted.artists)
    await tx.audit("event.artists_set", f"event:{event_id}", artists=[str(a) for a in accounts])
    return await repository.update(tx, before, {})


async def require_sound(tx: TenantTx, event: Event) -> None:
    """Refuse unless the event's plan, as it now is, may be published."""
    await venue_repository.hold(tx, event.venue_id)
    plan = await repository.plan_of(tx, event.event_id)
    refuse_faults(blames(plan), event_id=event.event_id)
    if is_too_large(plan):
        raise Refusal("plan_too_large", accepted="fewer zones, gates, classes or shorter names")


async def tell(tx: TenantTx, event: Event, topic: str, **more: object) -> None:
    """Publish a message about an event. Those of one event are handled in order."""
    key = f"event:{event.event_id}"
    await tx.publish(topic, key, event_id=event.event_id, version=event.version, **more)
