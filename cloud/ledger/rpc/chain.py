"""Solana as a `Chain`: what a node and an index say, read and passed on.

Where a lie or a lag would cost a ticket, one node isn't enough. That a transaction can land no
more follows from the height and from its not having been seen: so all nodes are asked for both,
the height is the second highest (one liar can't raise it, one that stands still can't hold it
of three), whoever has seen a transaction is believed, and that none has counts only if one of
them is as far as that height. With a single node, it is trusted in this.
"""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger.bubblegum.transaction import parse
from cloud.ledger.faults import LedgerAway, LedgerUntrusted
from cloud.ledger.rpc import answers
from cloud.ledger.rpc.answers import At, Epoch
from cloud.ledger.rpc.endpoints import Endpoints
from cloud.ledger.rpc.listing import Listing
from cloud.ledger.values import (
    Account,
    Asset,
    Blockhash,
    Commitment,
    Error,
    Landed,
    Proof,
    Simulated,
    Status,
)

STATUSES: Final = 256  # that one call takes
KEYS: Final = 128  # the same of a question for fees
PAGE: Final = 1000  # of a history
AT_ONCE: Final = 8  # transactions of a history
RANK: Final = list(Commitment)
BASE64: Final = {"encoding": "base64"}


class RpcChain:
    """A `Chain` over nodes and indexes. `most_price`: micro-lamports for a compute unit."""

    def __init__(self, nodes: Endpoints, indexes: Endpoints, most_price: int) -> None:
        self._nodes = nodes
        self._listing = Listing(indexes)
        self._most_price = most_price
        self._slot = 0  # that was final when we last asked for the height

    async def blockhash(self, commitment: Commitment) -> Blockhash:
        """Return the newest blockhash."""
        at = self._at(commitment)
        return await self._nodes.first("getLatestBlockhash", [at], answers.read_blockhash)

    async def height(self, commitment: Commitment) -> int:
        """Return the height, of all nodes: see above."""
        asked = [{"commitment": commitment.value}]
        told = await self._nodes.all("getEpochInfo", asked, answers.read_epoch)
        found = agreed(told)
        if commitment is Commitment.FINALIZED:
            self._slot = max(self._slot, found.absolute_slot)
        return found.block_height

    async def rent(self, size: int) -> int:
        """Return a deposit."""
        asked = "getMinimumBalanceForRentExemption"
        return await self._nodes.first(asked, [size], answers.read_number)

    async def priority_fee(self, writable: Sequence[Pubkey]) -> int:
        """Return what most blocks took of late for changing these accounts; no more than we pay."""
        keys = [str(key) for key in writable[:KEYS]]
        return await self._nodes.first(
            "getRecentPrioritizationFees",
            [keys],
            lambda raw: answers.read_price(raw, self._most_price),
        )

    async def simulate(self, transaction: bytes) -> Simulated:
        """Run it without effect, at a node that knows its blockhash."""
        refused = parse(transaction)
        if isinstance(refused, Error):
            return Simulated(refused, 0)
        config = {**BASE64, "sigVerify": True, "commitment": Commitment.CONFIRMED.value}
        asked = [_packed(transaction), config]
        return await self._nodes.first(
            "simulateTransaction",
            asked,
            answers.read_simulated,
            lambda found: found.error != Error("BlockhashNotFound"),
        )

    async def send(self, transaction: bytes) -> Error | None:
        """Send it if it would run, whether or not it would succeed: a failure that has landed is
        known sooner than one that never does."""
        parsed = parse(transaction)
        if isinstance(parsed, Error):
            return parsed
        before = (await self.simulate(transaction)).error
        if before is not None and before.instruction is None:
            return before
        config = {**BASE64, "skipPreflight": True, "maxRetries": 0}
        asked = [_packed(transaction), config]
        name = await self._nodes.first("sendTransaction", asked, answers.read_name)
        if name != parsed.signature:
            raise LedgerUntrusted("rpc_signature", "another transaction than was sent")
        return None

    async def statuses(self, signatures: Sequence[Signature]) -> list[Status | None]:
        """Return what became of each, of all nodes: see above."""
        found: list[Status | None] = []
        for first in range(0, len(signatures), STATUSES):
            found += await self._statuses(signatures[first : first + STATUSES])
        return found

    async def _statuses(self, signatures: Sequence[Signature]) -> list[Status | None]:
        names = [str(one) for one in signatures]
        told = await self._nodes.all(
            "getSignatureStatuses",
            [names, {"searchTransactionHistory": True}],
            lambda raw: answers.read_statuses(raw, len(names)),
        )
        return seen(told, self._slot)

    async def landed(self, signature: Signature) -> Landed | None:
        """Return a transaction, of whichever node has it."""
        config = {
            **BASE64,
            "commitment": Commitment.CONFIRMED.value,
            "maxSupportedTransactionVersion": 0,
        }
        found = await self._nodes.first(
            "getTransaction",
            [str(signature), config],
            answers.read_landed,
            lambda one: one is not None,
        )
        if found is not None and found.signature != signature:
            raise LedgerUntrusted("landed_bytes", "another transaction than was asked for")
        return found

    async def history(
        self, address: Pubkey, until: Signature | None, before: Signature | None, limit: int
    ) -> list[Landed]:
        """Return what touched an address, newest first, failed ones too."""
        config: dict[str, Any] = {
            "limit": min(limit, PAGE),
            "commitment": Commitment.CONFIRMED.value,
        }
        ends = {"until": until, "before": before}
        config |= {name: str(end) for name, end in ends.items() if end is not None}
        asked = [str(address), config]
        names = await self._nodes.first("getSignaturesForAddress", asked, answers.read_names)
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(name: Signature) -> Landed:
            async with turn:
                found = await self.landed(name)
            if found is None:
                raise LedgerAway("rpc_behind", "a transaction that is listed isn't there")
            return found

        return await asyncio.gather(*map(one, names))

    async def account(self, address: Pubkey, commitment: Commitment) -> Account | None:
        """Return an account, of a node that isn't behind what we know."""
        asked = [str(address), {**BASE64, **self._at(commitment)}]
        return await self._nodes.first("getAccountInfo", asked, answers.read_account)

    async def asset(self, asset: Pubkey) -> Asset | None:
        """Return what an index says."""
        return await self._listing.asset(asset)

    async def proof(self, asset: Pubkey) -> Proof | None:
        """Return an index's proof."""
        return await self._listing.proof(asset)

    async def assets_by_owner(self, owner: Pubkey, after: Pubkey | None, limit: int) -> list[Asset]:
        """Return what an index lists of an owner."""
        wanted = {"ownerAddress": str(owner), "burnt": False}
        return await self._listing.page(wanted, after, limit)

    async def assets_by_collection(
        self, collection: Pubkey, after: Pubkey | None, limit: int
    ) -> list[Asset]:
        """Return what an index lists of a collection. Some leave out what is burnt."""
        return await self._listing.page({"grouping": ["collection", str(collection)]}, after, limit)

    def _at(self, commitment: Commitment) -> dict[str, Any]:
        return {"commitment": commitment.value, "minContextSlot": self._slot}


def _packed(transaction: bytes) -> str:
    return b64encode(transaction).decode()


def agreed(told: Sequence[Epoch]) -> Epoch:
    """Return the second highest of several, or the only one."""
    ranked = sorted(told, key=lambda each: (each.block_height, each.absolute_slot))
    return ranked[-2] if len(ranked) > 1 else ranked[0]


def seen(told: Sequence[At[list[Status | None]]], slot: int) -> list[Status | None]:
    """Return what is known of each, the most settled word. Raises `LedgerAway` where one was seen
    by nobody and nobody is as far as *slot*."""
    found = [
        max(filter(None, said), key=lambda one: RANK.index(one.commitment), default=None)
        for said in zip(*(each.value for each in told), strict=True)
    ]
    if None in found and all(each.context.slot < slot for each in told):
        raise LedgerAway("rpc_behind", "nobody who could know has been asked")
    return found
