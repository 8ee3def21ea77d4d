"""The ledger over HTTP: for organizers and a ticket's owner. Nothing here waits for a chain."""

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter
from solders.pubkey import Pubkey

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, fan, needs
from cloud.http.kernel import Sealer
from cloud.ledger.web import picture_rows, pictures, reading, spending, wallets
from cloud.ledger.web.shapes import (
    AssetOut,
    Challenge,
    Decision,
    EventOut,
    Policy,
    Proof,
    ReviewOut,
    SpentOut,
    WalletOut,
)
from cloud.ledger.work import acts, keys

TENANT: Final = "/v1/tenants/{tenant_id:uuid}"
EVENT: Final = f"{TENANT}/events/{{event_id:uuid}}/ledger"
TICKET: Final = f"{TENANT}/events/{{event_id:uuid}}/tickets/{{ticket_id:uuid}}/ledger"
WALLET: Final = f"{TENANT}/wallet"
READ, WRITE, PLAN, BOOKS = "tickets:read", "tickets:write", "events:write", "books:read"
AssetId = Annotated[
    str,
    PathParameter(
        pattern=r"\A[0-9a-f]{64}\Z", min_length=64, max_length=64, description="64 hex digits."
    ),
]


@get(EVENT, opt=needs(READ), tags=["ledger"], operation_id="readEventOnLedger",
     summary="See how an event stands on the ledger")  # fmt: skip
async def read_event(event_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> EventOut:
    """Return what is minted, waits, has failed, and what the trees cost."""
    return await _event(tx, event_id)


@get(f"{EVENT}/spent", opt=needs(BOOKS), tags=["ledger"], operation_id="readLedgerSpending",
     summary="See what an event has spent on the ledger")  # fmt: skip
async def read_spent(event_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> SpentOut:
    """Return what its transactions took by kind, as the books have it, beside the estimate."""
    await _known(tx, event_id)
    return await spending.spent(tx, event_id)


@post(f"{EVENT}/pause", opt=needs(WRITE), status_code=200, tags=["ledger"],
      operation_id="pauseLedger", summary="Stop minting for an event")  # fmt: skip
async def pause(event_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> EventOut:
    """Sign and send nothing more for the event. Sales and gates go on."""
    return await _paused(tx, event_id, paused=True)


@post(f"{EVENT}/resume", opt=needs(WRITE), status_code=200, tags=["ledger"],
      operation_id="resumeLedger", summary="Mint for an event again")  # fmt: skip
async def resume(event_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> EventOut:
    """Go on where it was stopped."""
    return await _paused(tx, event_id, paused=False)


@post(f"{EVENT}/retry", opt=needs(WRITE), status_code=200, tags=["ledger"],
      operation_id="retryLedger", summary="Try again what failed")  # fmt: skip
async def retry(event_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> EventOut:
    """Try again what was given up, and look again for transactions whose end nobody knows."""
    await _known(tx, event_id)
    count = await acts.retry(tx, event_id)
    await tx.audit("ledger.retried", f"event:{event_id}", count=count)
    return await _event(tx, event_id)


@put(f"{EVENT}/policy", opt=needs(PLAN), tags=["ledger"], operation_id="setLedgerPolicy",
     summary="Say what the ledger does at an event")  # fmt: skip
async def set_policy(
    event_id: FromPath[UUID], data: JSONBody[Policy], tx: NamedDependency[TenantTx]
) -> EventOut:
    """Have tickets frozen once they were used, or not."""
    await _known(tx, event_id)
    await acts.freeze(tx, event_id, freezes=data.freezes)
    await tx.audit("ledger.policy", f"event:{event_id}", freezes=data.freezes)
    return await _event(tx, event_id)


@put(f"{EVENT}/image",
     opt={**needs(PLAN), "body_limit": pictures.LARGEST, "takes": (", ".join(pictures.KINDS), ""),
          "refuses": (422,)},
     tags=["ledger"], operation_id="setCollectionImage",
     summary="Upload the collection's picture")  # fmt: skip
async def set_image(
    request: Request[Any, Any, Any], event_id: FromPath[UUID], tx: NamedDependency[TenantTx]
) -> EventOut:
    """Have wallets show a picture of the event: PNG, JPEG or WebP, as its content says.

    At most 4 MiB and 8 million pixels, 64 to 4096 a side. It is written anew, so that nothing
    but pixels stays (colours are taken for sRGB), and named by its hash. The collection shows it
    from now on, and so do tickets that are minted from now on; what was minted keeps what it has.
    """
    await _known(tx, event_id)
    if request.content_type[0] not in pictures.KINDS:
        raise Refusal("media_type", accepted=", ".join(pictures.KINDS))
    picture = await asyncio.to_thread(pictures.remade, await request.body())
    await picture_rows.show(tx, event_id, picture)
    await tx.audit("ledger.image", f"event:{event_id}", image=picture.digest.hex())
    return await _event(tx, event_id)


@delete(f"{EVENT}/image", opt=needs(PLAN), status_code=200, tags=["ledger"],
        operation_id="removeCollectionImage", summary="Show no picture any more")  # fmt: skip
async def remove_image(event_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> EventOut:
    """Have the collection and later tickets show none; what was minted keeps what it has."""
    await _known(tx, event_id)
    await picture_rows.hide(tx, event_id)
    await tx.audit("ledger.image", f"event:{event_id}", image=None)
    return await _event(tx, event_id)


@get(f"{EVENT}/reviews", opt=needs(READ), tags=["ledger"], operation_id="listLedgerReviews",
     summary="List what others did to assets")  # fmt: skip
async def list_reviews(event_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> list[ReviewOut]:
    """Return what nobody has settled: 200 at most. No ticket is changed by it."""
    await _known(tx, event_id)
    return list(await reading.reviews(tx, event_id))


@post(f"{EVENT}/reviews/{{asset_id:str}}", opt=needs(WRITE), status_code=200, tags=["ledger"],
      operation_id="settleLedgerReview", summary="Settle what others did to an asset")  # fmt: skip
async def settle_review(
    event_id: FromPath[UUID],
    asset_id: AssetId,
    data: JSONBody[Decision],
    tx: NamedDependency[TenantTx],
) -> EventOut:
    """Have it undone by the collection's delegate, or leave it. What was burnt stays burnt."""
    await _known(tx, event_id)
    if not await acts.settle(tx, event_id, bytes.fromhex(asset_id), data.decision):
        raise Refusal("not_found")
    await tx.audit("ledger.review", f"asset:{asset_id}", decision=data.decision)
    return await _event(tx, event_id)


@get(TICKET, opt=fan(), tags=["ledger"], operation_id="readTicketOnLedger",
     summary="See how a ticket stands on the ledger")  # fmt: skip
async def read_ticket(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> AssetOut:
    """Return its asset and what was done to it; its owner's, or with `tickets:read`."""
    row = await reading.asset_row(tx, event_id, ticket_id)
    if row is None or caller.account is None or caller.account != row["account_id"]:
        caller.need(READ)
    if row is None:
        raise Refusal("not_found")
    return await reading.asset(tx, event_id, row)


@get(WALLET, opt=fan(), tags=["ledger"], operation_id="readWallet",
     summary="See where one's tickets are on the ledger")  # fmt: skip
async def read_wallet(
    tx: NamedDependency[TenantTx], caller: NamedDependency[Caller], sealer: NamedDependency[Any]
) -> WalletOut:
    """Return the address: a wallet that was linked, or one that is kept for the account."""
    return await _wallet(tx, caller.own(), sealer)


@post(f"{WALLET}/challenge", opt=fan(), status_code=200, tags=["ledger"],
      operation_id="challengeWallet", summary="Ask what a wallet has to sign")  # fmt: skip
async def challenge(tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]) -> Challenge:
    """Return a text, good for ten minutes and for this account alone."""
    return wallets.challenge(tx.tenant, caller.own(), tx.now + wallets.LIVES)


@put(WALLET, opt=fan(), tags=["ledger"], operation_id="linkWallet", summary="Link a wallet")
async def link_wallet(
    data: JSONBody[Proof],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    sealer: NamedDependency[Any],
) -> WalletOut:
    """Have one's tickets go to a wallet of one's own, which has signed the challenge."""
    account = caller.own()
    await wallets.link(tx, account, wallets.proved(tx.tenant, account, data, tx.now))
    await acts.own(tx, account)
    await tx.audit("wallet.linked", f"account:{account}")
    return await _wallet(tx, account, sealer)


@delete(WALLET, opt=fan(), status_code=200, tags=["ledger"], operation_id="unlinkWallet",
        summary="Unlink a wallet")  # fmt: skip
async def unlink_wallet(
    tx: NamedDependency[TenantTx], caller: NamedDependency[Caller], sealer: NamedDependency[Any]
) -> WalletOut:
    """Have one's tickets go where they are kept for one."""
    account = caller.own()
    await wallets.unlink(tx, account)
    await acts.own(tx, account)
    await tx.audit("wallet.unlinked", f"account:{account}")
    return await _wallet(tx, account, sealer)


async def _paused(tx: TenantTx, event_id: UUID, *, paused: bool) -> EventOut:
    await _known(tx, event_id)
    await acts.pause(tx, event_id, paused=paused)
    await tx.audit("ledger.paused" if paused else "ledger.resumed", f"event:{event_id}")
    return await _event(tx, event_id)


async def _known(tx: TenantTx, event_id: UUID) -> None:
    if not await reading.event_exists(tx, event_id):
        raise Refusal("not_found")


async def _event(tx: TenantTx, event_id: UUID) -> EventOut:
    await _known(tx, event_id)
    return await reading.event(tx, event_id)


async def _wallet(tx: TenantTx, account: UUID, sealer: Sealer) -> WalletOut:
    row = await wallets.read(tx, account)
    if row is not None:
        return WalletOut(str(Pubkey.from_bytes(row["address"])), True, row["linked_at"])  # noqa: FBT003
    ours = await keys.opened(tx, sealer)
    kept = ours.fan(tx.tenant, await wallets.kept(tx, account))
    return WalletOut(str(kept), False, None)  # noqa: FBT003


ROUTES: Final = (
    read_event, read_spent, pause, resume, retry, set_policy, set_image, remove_image, list_reviews,
    settle_review, read_ticket, read_wallet, challenge, link_wallet, unlink_wallet,
)  # fmt: skip
