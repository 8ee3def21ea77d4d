"""Enrolments: an offer shown at the console, taken up by a device (shared/spec/devices.md §2).

Each step locks the offer's row, asks `shared.devices.enrolment` what comes of it, and stores
that. Of two devices that claim one offer at once, one is told that it is used.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.devices import enrolment_rows as rows
from cloud.devices import registry, rosters
from cloud.devices.enrolment_rows import Held
from cloud.devices.model import Appliance
from cloud.errors import Refusal
from cloud.keys.keyring import Keyring
from shared import hashing
from shared.devices import enrolment as steps
from shared.devices.enrolment import Enrolment, Offer, State
from shared.errors import UsherError

LIFE: Final = timedelta(minutes=10)  # of an offer
ENDS: Final = (State.CONFIRMED, State.VOID, State.REVOKED)
NONCE: Final = steps.NONCE_SIZE


async def offer(tx: TenantTx, made: Offer, name: str, appliance: Appliance, site: int) -> Held:
    """Store an offer, to be shown to one device."""
    held = await rows.add(tx, made, name, appliance, site)
    await tx.audit("enrolment.offered", f"enrolment:{held.enrolment_id}", site=site)
    return held


async def claim(tx: TenantTx, hello: bytes, random: Callable[[int], bytes]) -> bytes:
    """Take a device's hello in; return the challenge."""
    with refused():
        held = await rows.lock_code(tx, steps.code_of(hello))
        before = held.enrolment if held else None
        after = steps.claim(before, hello, random(NONCE), _seconds(tx))
    if held is None:  # `steps.claim` has refused that
        raise RuntimeError("an unknown offer was claimed")
    if after != before:
        await registry.refuse_known(tx, after.pk)
    await _save(tx, held, after)
    return after.challenge


async def reveal(tx: TenantTx, code: bytes, nonce: bytes) -> State:
    """Take a device's nonce in; return how the enrolment stands then."""
    held = _known(await rows.lock_code(tx, code))
    with refused():
        after = steps.reveal(held.enrolment, nonce, _seconds(tx))
    await _save(tx, held, after)
    return after.state


async def state(tx: TenantTx, code: bytes) -> str:
    """Return how an enrolment stands, by its code: a state, or `expired`."""
    return state_of(_known(await rows.of_code(tx, code)).enrolment, tx.now)


async def compare(tx: TenantTx, keyring: Keyring, enrolment_id: UUID, typed: str) -> Held:
    """Take in what a person read off the device. The right digits make it a member, on a roster
    of this transaction; others void the offer."""
    held = await rows.lock(tx, enrolment_id)
    with refused():
        after = steps.compare(held.enrolment, typed, _seconds(tx))
    saved = await _save(tx, held, after)
    if after.state == State.CONFIRMED:
        await registry.register(tx, after.pk, held.name, held.appliance, held.site)
        await rosters.publish(tx, keyring)
    return saved


async def revoke(tx: TenantTx, enrolment_id: UUID) -> Held:
    """Take an offer back. Once it was confirmed, the device is revoked instead."""
    held = await rows.lock(tx, enrolment_id)
    with refused():
        after = steps.revoke(held.enrolment)
    return await _save(tx, held, after)


def state_of(enrolment: Enrolment, now: datetime) -> str:
    """Return a state, or `expired` for what no step can follow any more."""
    open_ = enrolment.state in (State.OFFERED, State.CLAIMED, State.REVEALED)
    over = open_ and now.timestamp() >= enrolment.offer.expires
    return "expired" if over else enrolment.state.value


@contextmanager
def refused() -> Iterator[None]:
    """Refuse what the shared code refuses, by the same code."""
    try:
        yield
    except UsherError as error:
        raise Refusal(error.code) from None


def _known(held: Held | None) -> Held:
    if held is None:
        raise Refusal("enrol_unknown")
    return held


async def _save(tx: TenantTx, held: Held, after: Enrolment) -> Held:
    """Store where it stands now, and write down how it ended."""
    if after != held.enrolment:
        await rows.save(tx, held.enrolment_id, after)
    if after.state != held.enrolment.state and after.state in ENDS:
        device = hashing.device_id(after.pk).hex() if after.hello else ""
        subject = f"enrolment:{held.enrolment_id}"
        await tx.audit(f"enrolment.{after.state.value}", subject, device=device)
    return held._replace(enrolment=after)


def _seconds(tx: TenantTx) -> int:
    return int(tx.now.timestamp())
