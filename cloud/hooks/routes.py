"""Webhooks over HTTP: made, changed, tested, paused; what was sent, and how that went."""

import ipaddress
import secrets
from collections.abc import Collection
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.hooks import repository
from cloud.hooks.jobs import context
from cloud.hooks.model import SECRET_SIZE, TEST, address_fault, body_of, secret_text
from cloud.hooks.reaching import is_public
from cloud.hooks.repository import Endpoint
from cloud.hooks.shapes import (
    AfterDelivery,
    Attempt,
    DeliveryDetail,
    DeliveryOut,
    HookChange,
    HookOut,
    HookSecret,
    NewHook,
    NewHookOut,
    Replayed,
    Since,
)
from cloud.http.access import needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.keys.sealing import MasterKey
from cloud.settings import Settings
from cloud.tenants.tenant_controller import TENANT
from cloud.topics import TOPICS

HOOKS: Final = f"{TENANT}/hooks"
HOOK: Final = f"{HOOKS}/{{endpoint_id:uuid}}"
DELIVERY: Final = f"{HOOK}/deliveries/{{delivery_id:uuid}}"
MOST: Final = 10  # of a tenant: so that one whose receivers are slow takes few of the senders
READ: Final = needs("hooks:read")
WRITE: Final = needs("hooks:write")
TAGS: Final = ["webhooks"]


@post(HOOKS, opt=WRITE, tags=TAGS, operation_id="makeHook", summary="Make a webhook")
async def make_hook(
    data: JSONBody[NewHook],
    tx: NamedDependency[TenantTx],
    sealer: NamedDependency[MasterKey],
    settings: NamedDependency[Settings],
) -> NewHookOut:
    """Have events told to an address from now on. The secret is shown this once."""
    _check(data.url, data.topics, settings)
    name, secret = uuid4(), secrets.token_bytes(SECRET_SIZE)
    made = Endpoint(
        name, data.url, data.name, data.topics, b"", None, None, tx.now, None, "", 0, None
    )
    made = made._replace(sealed=sealer.seal(secret, context(made)))
    if not await repository.add(tx, made, MOST):
        raise Refusal("hooks_too_many", accepted=f"at most {MOST}")
    await tx.audit("hook.made", f"hook:{name}")
    return NewHookOut(**msgspec.structs.asdict(_shown(made)), secret=secret_text(secret))


@get(HOOKS, opt=READ, tags=TAGS, operation_id="listHooks", summary="List the webhooks")
async def list_hooks(tx: NamedDependency[TenantTx]) -> Page[HookOut]:
    """Return all webhooks, without their secrets."""
    return Page([_shown(each) for each in await repository.endpoints(tx)])


@get(HOOK, opt=READ, tags=TAGS, operation_id="getHook", summary="Look at a webhook")
async def get_hook(endpoint_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> HookOut:
    """Return a webhook, without its secret."""
    return _shown(await _found(tx, endpoint_id))


@patch(HOOK, opt=WRITE, tags=TAGS, operation_id="changeHook", summary="Change a webhook")
async def change_hook(
    endpoint_id: FromPath[UUID],
    data: JSONBody[HookChange],
    tx: NamedDependency[TenantTx],
    settings: NamedDependency[Settings],
) -> HookOut:
    """Give a webhook another address, name or topics. What waits goes to the new address."""
    found = await _locked(tx, endpoint_id)
    told = {
        name: value
        for name, value in msgspec.structs.asdict(data).items()
        if value is not msgspec.UNSET
    }
    changed = found._replace(**told)
    _check(changed.url, changed.topics, settings)
    await repository.change(tx, endpoint_id, changed.url, changed.name, changed.topics)
    await tx.audit("hook.changed", f"hook:{endpoint_id}")
    return _shown(await _found(tx, endpoint_id))


@delete(HOOK, opt=WRITE, tags=TAGS, operation_id="removeHook", summary="Remove a webhook")
async def remove_hook(endpoint_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> None:
    """Send nothing more there; what waits is dropped."""
    if not await repository.remove(tx, endpoint_id):
        raise Refusal("not_found")
    await tx.audit("hook.removed", f"hook:{endpoint_id}")


@post(f"{HOOK}/secret", opt=WRITE, tags=TAGS, operation_id="rotateHook",
      summary="Give a webhook a new secret")  # fmt: skip
async def rotate_hook(
    endpoint_id: FromPath[UUID], tx: NamedDependency[TenantTx], sealer: NamedDependency[MasterKey]
) -> HookSecret:
    """Replace the secret. For a day the one before signs too, so that no call is lost."""
    found = await _locked(tx, endpoint_id)
    secret = secrets.token_bytes(SECRET_SIZE)
    await repository.rotate(tx, endpoint_id, sealer.seal(secret, context(found)))
    await tx.audit("hook.rotated", f"hook:{endpoint_id}")
    return HookSecret(endpoint_id, secret_text(secret))


@post(f"{HOOK}/test", opt=WRITE, tags=TAGS, operation_id="testHook", status_code=202,
      summary="Send a test")  # fmt: skip
async def test_hook(endpoint_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> Replayed:
    """Send an event of the topic `hook.test`; the list of deliveries tells how it went."""
    found = await _locked(tx, endpoint_id)
    if found.paused_at is not None:
        raise Refusal("hook_paused")
    await repository.put_one(tx, endpoint_id, TEST, body_of(TEST, 1, tx.now, {}))
    return Replayed(1)


@post(f"{HOOK}/pause", opt=WRITE, tags=TAGS, operation_id="pauseHook", summary="Pause a webhook")
async def pause_hook(endpoint_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> HookOut:
    """Let everything wait, for a month at the most."""
    await _locked(tx, endpoint_id)
    if not await repository.pause(tx, endpoint_id, "asked"):
        raise Refusal("hook_paused")
    await tx.audit("hook.paused", f"hook:{endpoint_id}", why="asked")
    return _shown(await _found(tx, endpoint_id))


@post(f"{HOOK}/resume", opt=WRITE, tags=TAGS, operation_id="resumeHook",
      summary="Resume a webhook")  # fmt: skip
async def resume_hook(endpoint_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> HookOut:
    """Send again, and what has waited first."""
    await _locked(tx, endpoint_id)
    if not await repository.resume(tx, endpoint_id):
        raise Refusal("hook_not_paused")
    await tx.audit("hook.resumed", f"hook:{endpoint_id}")
    return _shown(await _found(tx, endpoint_id))


@get(f"{HOOK}/deliveries", opt=READ, tags=TAGS, operation_id="listDeliveries",
     summary="What was sent")  # fmt: skip
async def list_deliveries(
    endpoint_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
    open_only: Annotated[
        bool, QueryParameter(name="open", description="Those that were not taken alone.")
    ] = False,
) -> Page[DeliveryOut]:
    """Return deliveries, newest first, each with its last call."""
    await _found(tx, endpoint_id)
    told = decode(cursor, AfterDelivery)
    after = (told.at, told.delivery_id) if told else None
    rows = await repository.deliveries(tx, endpoint_id, after, limit + 1, open_=open_only)
    found = [_delivery(row) for row in rows]
    return page(found, limit, lambda each: AfterDelivery(each.created_at, each.delivery_id))


@get(DELIVERY, opt=READ, tags=TAGS, operation_id="getDelivery", summary="Look at a delivery")
async def get_delivery(
    endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID], tx: NamedDependency[TenantTx]
) -> DeliveryDetail:
    """Return what is sent, and every call that was made."""
    body = await repository.body(tx, endpoint_id, delivery_id)
    if body is None:
        raise Refusal("not_found")
    calls = [Attempt(**row) for row in await repository.attempts(tx, delivery_id)]
    return DeliveryDetail(delivery_id=delivery_id, body=msgspec.json.decode(body), calls=calls)


@post(f"{DELIVERY}/replay", opt=WRITE, tags=TAGS, operation_id="replayDelivery",
      status_code=202, summary="Send a delivery again")  # fmt: skip
async def replay_delivery(
    endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID], tx: NamedDependency[TenantTx]
) -> Replayed:
    """Send it again under the id that it had, whatever became of it."""
    await _locked(tx, endpoint_id)
    if not await repository.replay(tx, endpoint_id, delivery_id):
        raise Refusal("not_found")
    await tx.audit("hook.replayed", f"hook:{endpoint_id}", deliveries=1)
    return Replayed(1)


@post(f"{HOOK}/replay", opt=WRITE, tags=TAGS, operation_id="replayDeliveries", status_code=202,
      summary="Send again what was not taken")  # fmt: skip
async def replay_deliveries(
    endpoint_id: FromPath[UUID], data: JSONBody[Since], tx: NamedDependency[TenantTx]
) -> Replayed:
    """Send again what was made since then and not taken, given up or not."""
    await _locked(tx, endpoint_id)
    count = await repository.replay_since(tx, endpoint_id, data.since)
    await tx.audit("hook.replayed", f"hook:{endpoint_id}", deliveries=count)
    return Replayed(count)


def _check(url: str, topics: Collection[str], settings: Settings) -> None:
    if fault := address_fault(url, loopback=settings.hooks_loopback):
        raise Refusal(fault, field="/url")
    host = urlsplit(url).hostname or ""
    try:
        told = ipaddress.ip_address(host)
    except ValueError:  # a name: judged at each call, since it may become another address
        private = not settings.hooks_loopback and host.rstrip(".").endswith("localhost")
    else:
        private = not is_public(host) and not (settings.hooks_loopback and told.is_loopback)
    if private:
        raise Refusal("hook_url_private", field="/url")
    for place, topic in enumerate(topics):
        if topic not in TOPICS or not TOPICS[topic].told:
            raise Refusal("hook_topic_unknown", field=f"/topics/{place}")


async def _found(tx: TenantTx, endpoint_id: UUID) -> Endpoint:
    found = await repository.endpoints(tx, endpoint_id)
    if not found:
        raise Refusal("not_found")
    return found[0]


async def _locked(tx: TenantTx, endpoint_id: UUID) -> Endpoint:
    found = await repository.lock(tx, endpoint_id)
    if found is None:
        raise Refusal("not_found")
    return found


def _shown(endpoint: Endpoint) -> HookOut:
    return HookOut(
        endpoint_id=endpoint.endpoint_id,
        url=endpoint.url,
        name=endpoint.name,
        topics=list(endpoint.topics),
        created_at=endpoint.created_at,
        state="active" if endpoint.paused_at is None else "paused",
        paused_for=endpoint.paused_for,  # type: ignore[arg-type]  # the database has a check
        failures=endpoint.failures,
        failing_since=endpoint.failing_since,
        two_secrets_until=endpoint.before_until,
    )


def _delivery(row: Row) -> DeliveryOut:
    taken, dead = row["taken_at"], row["dead_at"]
    last: Any = None
    if row["last_at"] is not None:
        last = Attempt(row["last_at"], row["status"], row["fault"], row["ms"])
    return DeliveryOut(
        delivery_id=row["delivery_id"],
        webhook_id=f"msg_{row['delivery_id'].hex}",
        topic=row["topic"],
        state="taken" if taken else "given_up" if dead else "waiting",
        created_at=row["created_at"],
        attempts=row["attempts"],
        next_at=None if taken or dead else row["due_at"],
        last=last,
    )


ROUTES: Final = (
    make_hook, list_hooks, get_hook, change_hook, remove_hook, rotate_hook, test_hook, pause_hook,
    resume_hook, list_deliveries, get_delivery, replay_delivery, replay_deliveries,
)  # fmt: skip
