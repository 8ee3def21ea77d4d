"""The `Ledger`: it builds, signs, sends and resolves over any `Chain`, and proves what it reads."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger import history
from cloud.ledger.bubblegum import building
from cloud.ledger.bubblegum.building import Parties, metadata_of
from cloud.ledger.bubblegum.codes import Compression
from cloud.ledger.bubblegum.config import Config, read_config
from cloud.ledger.bubblegum.programs import BUBBLEGUM, PAIRS, config_of
from cloud.ledger.faults import LedgerFault, LedgerRefused, LedgerUntrusted
from cloud.ledger.history import effects_of
from cloud.ledger.packing import draft, highest, limit_of, message_of, pack, sign
from cloud.ledger.ports import (
    Chain,
    Changes,
    Done,
    Expired,
    Failed,
    Outcome,
    Pending,
    Signed,
    Signer,
)
from cloud.ledger.proving import by_enough, prove, shown_by
from cloud.ledger.tree.concurrent import ConcurrentTree, load
from cloud.ledger.tree.shape import layout
from cloud.ledger.values import (
    Account,
    Asset,
    Commitment,
    Error,
    Flag,
    Leaf,
    Mint,
    Proof,
    Schema,
    Shape,
    Status,
    Tree,
)

LOG = structlog.get_logger("usher.ledger")
RANK: Final = list(Commitment)
CRASH: Final = "ProgramFailedToComplete"  # how a stale proof may end on a real node
Build = Callable[[Parties, Asset, Proof, int], Instruction]


class SigningLedger:
    """A `Ledger` whose trees are of one authority, and of one generation where none is named.

    `counts`: whether the chain counts compute units, so that each transaction is tried before it
    is signed, for its limit.
    """

    def __init__(
        self,
        chain: Chain,
        signer: Signer,
        parties: Parties,
        schema: Schema,
        *,
        counts: bool = False,
    ) -> None:
        self._chain = chain
        self._signer = signer
        self._parties = parties
        self._schema = schema
        self._counts = counts

    async def create_collection(self, name: str, uri: str) -> Signed:
        """Build a collection."""
        made = self._signer.create()
        wanted = building.create_collection(self._parties, made, name, uri)
        return await self._one([wanted], [made], creates=made)

    async def create_tree(self, shape: Shape, schema: Schema | None = None) -> Signed:
        """Build a tree."""
        deposit = await self._chain.rent(layout(shape).size)
        made = self._signer.create()
        wanted = building.create_tree(self._parties, made, shape, schema or self._schema, deposit)
        return await self._one(wanted, [made], creates=made)

    async def mint(
        self, tree: Pubkey, mints: Sequence[Mint], schema: Schema | None = None
    ) -> list[Signed]:
        """Build mints, packed."""
        made = schema or self._schema
        wanted = [building.mint(self._parties, tree, made, one) for one in mints]
        hashes = [metadata_of(one).data_hash(made) for one in mints]
        return await self._sign(wanted, [tree, config_of(tree)], hashes)

    async def transfer(self, asset: Pubkey, to: Pubkey) -> Signed:
        """Build a move."""

        def move(parties: Parties, found: Asset, proof: Proof, canopy: int) -> Instruction:
            if found.leaf.flags & Flag.SOULBOUND:
                raise LedgerRefused("asset_soulbound", "it is bound to its owner")
            if found.leaf.flags:
                raise LedgerRefused("asset_frozen", "it is frozen")
            return building.transfer(parties, found, proof, canopy, to)

        return await self._change(asset, move)

    async def freeze(self, asset: Pubkey) -> Signed:
        """Build a freeze."""
        return await self._change(asset, _only_v2(building.freeze))

    async def thaw(self, asset: Pubkey) -> Signed:
        """Build the end of a freeze."""
        return await self._change(asset, _only_v2(building.thaw))

    async def burn(self, asset: Pubkey) -> Signed:
        """Build an end."""
        return await self._change(asset, building.burn)

    async def submit(self, signed: Signed) -> Error | None:
        """Send it."""
        return await self._chain.send(signed.raw)

    async def resolve(self, signed: Signed, commitment: Commitment) -> Outcome:
        """Look for it. That it can't land any more is said only after a last look."""
        (outcome,) = await self.resolve_all([signed], commitment)
        return outcome

    async def resolve_all(self, signed: Sequence[Signed], commitment: Commitment) -> list[Outcome]:
        """Look for several."""
        height = await self._height()
        ends = any(each.last_height < height for each in signed)
        names = [each.signature for each in signed]
        statuses = await self._chain.statuses(names, surely=ends)
        told = await asyncio.gather(
            *(
                self._resolved(each, status, height, commitment)
                for each, status in zip(signed, statuses, strict=True)
            )
        )
        return await self._shown(told)

    async def _height(self) -> int:
        """Return the final height; 0 where nobody can say: then nothing is dead, and what has
        landed is found all the same."""
        try:
            return await self._chain.height(Commitment.FINALIZED)
        except LedgerFault as fault:
            LOG.warning("ledger_height", fault=fault.code)
            return 0

    async def _shown(self, told: Sequence[Outcome]) -> list[Outcome]:
        """Let nothing pass for done that its tree's account doesn't show."""
        by_tree: dict[Pubkey, list[Account | None]] = {}
        outcomes = list(told)
        for place, each in enumerate(told):
            if not isinstance(each, Done):
                continue
            for tree in {found.tree for found in each.effects}:
                if tree not in by_tree:
                    by_tree[tree] = await self._chain.accounts(tree, Commitment.CONFIRMED)
                mine = [found for found in each.effects if found.tree == tree]
                if not shown_by(mine, each.slot, by_tree[tree]):
                    outcomes[place] = Pending()
        return outcomes

    async def _resolved(
        self, signed: Signed, status: Status | None, height: int, commitment: Commitment
    ) -> Outcome:
        if status is None:
            return Expired() if height > signed.last_height else Pending()
        if RANK.index(status.commitment) < RANK.index(commitment):
            return Pending()
        landed = await self._chain.landed(signed.signature)
        if landed is None:
            return Pending()  # its status is known already, its content is not
        if landed.raw != signed.raw:
            raise LedgerUntrusted("landed_bytes", "another transaction under our signature")
        if landed.error != status.error:
            raise LedgerUntrusted("landed_error", "whether it failed is said in two ways")
        if status.error is not None:
            return Failed(status.error, _stale(status.error), landed.paid)
        return Done(landed.slot, effects_of(landed), landed.paid)

    async def tree(self, tree: Pubkey) -> Tree | None:
        """Read both accounts."""
        found = await self._held(tree)
        if found is None:
            return None
        held, config = found
        return Tree(
            tree,
            config.schema,
            held.shape,
            config.creator,
            config.delegate,
            max(config.minted, held.appended),  # whichever was read later
            held.root,
            held.sequence,
        )

    async def _held(self, tree: Pubkey) -> tuple[ConcurrentTree, Config] | None:
        """Return a tree as whoever has seen the most of it shows it: of what was done to it, no
        one node can keep anything back."""
        accounts = await self._chain.accounts(tree, Commitment.CONFIRMED, surely=True)
        abouts = await self._chain.accounts(config_of(tree), Commitment.CONFIRMED, surely=True)
        if not any(accounts) or not any(abouts):
            return None
        config = max(by_enough(abouts, _config), key=lambda each: each.minted)
        found = by_enough(accounts, lambda account: _tree(tree, config, account))
        return max(found, key=lambda each: each.sequence), config

    async def proved(self, asset: Pubkey) -> tuple[Asset, Proof] | None:
        """Read and prove."""
        found = await self._proved(asset, surely=True)
        return None if found is None else found[:2]

    async def asset(self, asset: Pubkey) -> Asset | None:
        """Read and prove."""
        found = await self._proved(asset, surely=True)
        return None if found is None else found[0]

    async def proof(self, asset: Pubkey) -> Proof | None:
        """Read and prove."""
        found = await self._proved(asset, surely=True)
        return None if found is None else found[1]

    async def assets_by_owner(self, owner: Pubkey, after: Pubkey | None, limit: int) -> list[Asset]:
        """Read, and prove each: that none is missing, nobody can prove."""
        listed = await self._chain.assets_by_owner(owner, after, limit)
        proved = [await self.asset(found.leaf.id) for found in listed]
        return [found for found in proved if found is not None and found.leaf.owner == owner]

    async def reconcile(self, tree: Pubkey, since: Signature | None) -> Changes:
        """Read all history after *since*, page by page."""
        found = await self._held(tree)
        if found is None:
            raise LedgerRefused("no_tree", "there is no such tree")
        newest = [page async for page in history.pages(self._chain, tree, since, None)]
        landed = [one for page in newest for one in page][::-1]
        base = await history.base_of(self._chain, tree, since, found[0])
        return history.changes(tree, landed, since, base, found[0])

    async def _change(self, asset: Pubkey, build: Build) -> Signed:
        found = await self._proved(asset)
        if found is None or found[0].burnt:
            raise LedgerRefused("no_asset", "there is no such asset, or no more")
        wanted = build(self._acting(found[0].leaf), *found)
        tree = found[0].tree
        return await self._one([wanted], [tree, config_of(tree)])

    def _acting(self, leaf: Leaf) -> Parties:
        """Return who changes a leaf: we do, or in V1, where we are neither its owner nor their
        delegate, its owner."""
        ours = self._parties
        if leaf.schema is Schema.V2 or ours.authority in (leaf.owner, leaf.delegate):
            return ours
        return Parties(ours.payer, leaf.owner)

    async def _proved(
        self, asset: Pubkey, *, surely: bool = False
    ) -> tuple[Asset, Proof, int] | None:
        """Return an asset, its proof and its tree's canopy, all proved; None for no asset.
        *surely*: by as many nodes as it takes to believe it; a change is proved by the chain.

        An index that lags is asked once more, for the account may have moved in between."""
        for last in (False, True):
            found, proof = await self._chain.asset(asset), await self._chain.proof(asset)
            if found is None or proof is None:
                return None
            if found.leaf.id != asset:
                raise LedgerUntrusted("asset_id", "another asset than was asked for")
            accounts = await self._shown_of(found.tree, surely=surely)
            try:
                return found, proof, _canopy(found, proof, accounts)
            except LedgerUntrusted as fault:
                if last or fault.code not in ("proof_old", "asset_old", "asset_leaf"):
                    raise
        return None

    async def _shown_of(self, tree: Pubkey, *, surely: bool) -> list[Account | None]:
        if surely:
            return await self._chain.accounts(tree, Commitment.CONFIRMED)
        return [await self._chain.account(tree, Commitment.CONFIRMED)]

    async def _one(
        self, wanted: Sequence[Instruction], writes: Sequence[Pubkey], creates: Pubkey | None = None
    ) -> Signed:
        signed = await self._sign(wanted, writes, [], creates)
        if len(signed) != 1:
            raise LedgerRefused("transaction_size", "it does not fit in one transaction")
        return signed[0]

    async def _sign(
        self,
        wanted: Sequence[Instruction],
        writes: Sequence[Pubkey],
        hashes: Sequence[bytes],
        creates: Pubkey | None = None,
    ) -> list[Signed]:
        newest = await self._chain.blockhash(Commitment.CONFIRMED)
        price = await self._chain.priority_fee(writes)
        payer, signed, left = self._parties.payer, [], list(wanted)
        packed = list(pack(payer, wanted, newest.value, price))
        limits = await asyncio.gather(*(self._limit(*each) for each in packed))
        for (count, _), limit in zip(packed, limits, strict=True):
            mine, left = left[:count], left[count:]
            raw, signature = sign(message_of(payer, mine, newest.value, price, limit), self._signer)
            made, hashes = tuple(hashes[:count]), hashes[count:]
            signed.append(Signed(raw, signature, newest.last_height, made, creates))
        return signed

    async def _limit(self, count: int, message: MessageV0) -> int:
        """Return the limit of compute units that is signed: no trial, the highest."""
        if not self._counts:
            return highest(count)
        try:
            return limit_of(count, await self._chain.estimate(draft(message)))
        except LedgerFault as fault:
            LOG.warning("ledger_estimate", fault=fault.code)
            return highest(count)


def _only_v2(build: Build) -> Build:
    def built(parties: Parties, found: Asset, proof: Proof, canopy: int) -> Instruction:
        if found.leaf.schema is Schema.V1:
            raise LedgerRefused("asset_schema", "V1 knows no freezing")
        return build(parties, found, proof, canopy)

    return built


def _config(account: Account | None) -> Config:
    if account is None or account.owner != BUBBLEGUM:
        raise LedgerUntrusted("tree_owner", "its config is not there, or another program's")
    return read_config(account.data)


def _tree(tree: Pubkey, config: Config, account: Account | None) -> ConcurrentTree:
    program = PAIRS[config.schema].compression
    if account is None or account.owner != program:
        raise LedgerUntrusted("tree_owner", "the tree is not there, or another program's")
    held = load(bytearray(account.data))
    if held.authority != bytes(config_of(tree)):
        raise LedgerUntrusted("tree_owner", "the tree obeys another config")
    return held


def _canopy(asset: Asset, proof: Proof, told: Sequence[Account | None]) -> int:
    return by_enough(told, lambda account: prove(asset, proof, account))[0].shape.canopy


def _stale(error: Error) -> bool:
    """Whether a new proof may help."""
    return error.name == CRASH or error.code == Compression.TREE
