"""Steps that are due, as signed transactions. Nothing is stored or sent here."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID, uuid4

from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.ledger.faults import LedgerAway, LedgerFault, LedgerRefused
from cloud.ledger.ports import Signed
from cloud.ledger.values import Mint, Schema
from cloud.ledger.work.asset_rows import Claim, Due, Keepers
from cloud.ledger.work.event_rows import OnLedger, Text, TreeRow
from cloud.ledger.work.house import House
from cloud.ledger.work.job_rows import Job
from cloud.ledger.work.keys import Fan
from cloud.ledger.work.naming import SYMBOL, name_of, uri_of
from cloud.ledger.work.steps import Kind, Wants, after, next_step, wanted


class Step(Struct, frozen=True):
    """A ticket and what is to be done next. `more`: another step will follow. `schema`: of the
    asset that it has."""

    due: Due
    kind: Kind
    wants: Wants
    more: bool
    schema: Schema = Schema.V2


class Made(Struct, frozen=True):
    """Signed jobs with the tickets that they claim; and tickets for which none could be signed."""

    jobs: Sequence[Job]
    claims: Sequence[Claim]
    failed: Sequence[tuple[UUID, str]] = ()


NOTHING: Final = Made((), ())


def compared(
    house: House, tenant: UUID, about: OnLedger, trees: Sequence[TreeRow], due: Sequence[Due]
) -> tuple[list[Due], list[Step]]:
    """Return the tickets whose assets are as they shall be, and the steps for the others."""
    old = {tree.tree_no for tree in trees if tree.schema is Schema.V1}
    agreed, steps = [], []
    for each in due:
        owner = each.wallet or _kept(house, tenant, each)
        freezes = about.freezes and each.tree_no not in old  # V1 knows no freezing
        wants = wanted(each.state, owner, each.has, freezes=freezes)
        kind = next_step(each.has, wants)
        if kind is None:
            agreed.append(each)
            continue
        more = next_step(after(each.has, wants, kind), wants) is not None
        schema = Schema.V1 if each.tree_no in old else Schema.V2
        steps.append(Step(each, kind, wants, more, schema))
    return agreed, steps


async def mints(
    house: House, about: OnLedger, tree: TreeRow, steps: Sequence[Step], texts: Mapping[int, Text]
) -> Made:
    """Sign mints into a tree, packed; there is room for all."""
    if tree.address is None:
        raise ValueError("a tree that is not there")
    collection = about.collection if tree.schema is Schema.V2 else None
    wanted = [_mint(collection, texts[each.due.class_index], each) for each in steps]
    jobs, claims, left = [], [], list(steps)
    for signed in await house.ledger.mint(tree.address, wanted, tree.schema):
        job = Job(uuid4(), Kind.MINT, signed, tree.tree_no)
        mine, left = left[: len(signed.data_hashes)], left[len(signed.data_hashes) :]
        jobs.append(job)
        claims += [
            _claim(each, job, place, texts[each.due.class_index].text_id, each.due.gen)
            for place, each in enumerate(mine)
        ]
    return Made(jobs, claims)


async def changes(house: House, tenant: UUID, steps: Sequence[Step], had: Keepers) -> Made:
    """Sign one change for each ticket. One that can't be is told, and holds up no other. *had*:
    who had the tickets whose assets are V1's."""
    jobs, claims, failed = [], [], []
    for each in steps:
        try:
            if each.schema is Schema.V1:
                _lend(house, tenant, each, had.get(each.due.ticket_id, ()))
            signed = await _change(house, each)
        except LedgerAway:
            raise
        except LedgerFault as fault:
            failed.append((each.due.ticket_id, fault.code))
            continue
        job = Job(uuid4(), each.kind, signed, each.due.tree_no, each.due.ticket_id)
        jobs.append(job)
        claims.append(_claim(each, job, 0))
    return Made(jobs, claims, failed)


async def _change(house: House, step: Step) -> Signed:
    asset, owner = step.due.asset_id, step.wants.owner
    if asset is None:
        raise ValueError("only a mint begins an asset")
    if step.kind is Kind.TRANSFER and owner is not None:
        return await house.ledger.transfer(asset, owner)
    acts = {
        Kind.FREEZE: house.ledger.freeze, Kind.THAW: house.ledger.thaw,
        Kind.BURN: house.ledger.burn,
    }  # fmt: skip
    return await acts[step.kind](asset)


def _lend(house: House, tenant: UUID, step: Step, fans: Sequence[Fan]) -> None:
    """Have the owner's key sign. Raises `LedgerRefused` where it isn't we who keep it."""
    has = step.due.has
    if has is None or not house.keys.lend(has.owner, tenant, step.due.ticket_id, fans):
        raise LedgerRefused("asset_owner", "of V1, it obeys its owner's key, which isn't ours")


def _kept(house: House, tenant: UUID, due: Due) -> Pubkey:
    """Return the address that we keep for a ticket's owner."""
    if due.fan is None:
        return house.keys.bearer(tenant, due.ticket_id)
    return house.keys.fan(tenant, due.fan)


def _mint(collection: Pubkey | None, text: Text, step: Step) -> Mint:
    if step.wants.owner is None:
        raise ValueError("a mint for nobody")
    return Mint(
        step.wants.owner,
        name_of(text.body["event"], step.due.number),
        uri_of(text.body["base"], step.due.ref, step.due.gen),
        SYMBOL,
        collection,
    )


def _claim(
    step: Step, job: Job, place: int, text_id: int | None = None, gen: int | None = None
) -> Claim:
    due = step.due
    return Claim(due.ticket_id, job.job_id, place, due.wish, step.more, text_id, gen)
