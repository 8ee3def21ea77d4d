"""Solana as a `Chain`: what a node and an index say, read and passed on.

Where a lie or a lag would cost a ticket, one node isn't enough. That a transaction can land no
more follows from the height and from its not having been seen: so all nodes are asked for both,
and of several two must answer, or nothing is dead and nothing is signed. The height is the second
highest (one liar can't raise it, one that stands still can't hold it of three), whoever has seen a
transaction land is believed, and that none has, or that it failed, counts if two say so; that none
has, only of nodes as far as that height. Nor does one node say how long a transaction may land: it
is at least as long as a blockhash of this moment lives, by the height that the others have reached.
A node that is named alone is trusted in this.
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
from cloud.ledger.rpc.agreeing import agreed, reached, seen
from cloud.ledger.rpc.answers import Epoch
from cloud.ledger.rpc.cluster import read_genesis
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
LIVES: Final = 150  # blocks in which a transaction may land after its blockhash's own
AT_ONCE: Final = 8  # transactions of a history, and trials
BASE64: Final = {"encoding": "base64"}


class RpcChain:
    """A `Chain` over nodes and indexes. `most_price`: micro-lamports for a compute unit."""

    def __init__(self, nodes: Endpoints, indexes: Endpoints, most_price: int) -> None:
        self._nodes = nodes
        self._listing = Listing(indexes)
        self._most_price = most_price
        self._trials = asyncio.Semaphore(AT_ONCE)
        self._slot = 0  # that was final when we last asked for the height

    async def genesis(self) -> bytes:
        """Return the hash that the nodes' cluster began with. Raises `LedgerUntrusted`
        ("rpc_cluster") where they are of several."""
        told = await self._nodes.all("getGenesisHash", [], read_genesis, self._nodes.agreeing)
        if len(set(told)) > 1:
            raise LedgerUntrusted("rpc_cluster", "nodes of several clusters are named")
        return told[0]

    async def blockhash(self, commitment: Commitment) -> Blockhash:
        """Return a node's newest blockhash, with a last height that is not below the true one."""
        at = self._at(commitment)
        newest = await self._nodes.first("getLatestBlockhash", [at], answers.read_blockhash)
        latest = reached(await self._heights(commitment)) + LIVES
        if newest.last_height > latest + LIVES:
            raise LedgerUntrusted("rpc_height", "a blockhash that would live too long")
        return Blockhash(newest.value, max(newest.last_height, latest))

    async def height(self, commitment: Commitment) -> int:
        """Return the height, of all nodes: see above."""
        found = agreed(await self._heights(commitment))
        if commitment is Commitment.FINALIZED:
            self._slot = max(self._slot, found.absolute_slot)
        return found.block_height

    async def _heights(self, commitment: Commitment) -> list[Epoch]:
        asked = [{"commitment": commitment.value}]
        least = self._nodes.agreeing
        return await self._nodes.all("getEpochInfo", asked, answers.read_epoch, least)

    async def rent(self, size: int) -> int:
        """Return a deposit."""
        asked = "getMinimumBalanceForRentExemption"
        return await self._nodes.first(asked, [size], lambda raw: answers.read_rent(raw, size))

    async def priority_fee(self, writable: Sequence[Pubkey]) -> int:
        """Return what most blocks took of late for changing these accounts; no more than we pay."""
        keys = [str(key) for key in writable[:KEYS]]
        return await self._nodes.first(
            "getRecentPrioritizationFees",
            [keys],
            lambda raw: answers.read_price(raw, self._most_price),
        )

    async def simulate(self, transaction: bytes) -> Simulated:
        """Run it without effect, at a node that would run it: others don't know its blockhash."""
        refused = parse(transaction)
        if isinstance(refused, Error):
            return Simulated(refused, 0)
        config = {**BASE64, "sigVerify": True, "commitment": Commitment.CONFIRMED.value}
        asked = [_packed(transaction), config]
        return await self._nodes.first(
            "simulateTransaction",
            asked,
            answers.read_simulated,
            lambda found: found.error is None or found.error.instruction is not None,
        )

    async def estimate(self, draft: bytes) -> Simulated:
        """Run it at all nodes: whoever needs the most units is believed, for who says too few makes
        it fail. (The most that may be believed, `packing.py` knows.)"""
        config = {
            **BASE64,
            "sigVerify": False,
            "replaceRecentBlockhash": True,
            "commitment": Commitment.CONFIRMED.value,
        }
        asked = [_packed(draft), config]
        async with self._trials:
            told = await self._nodes.all("simulateTransaction", asked, answers.read_simulated)
        ran = [each for each in told if each.error is None]
        return max(ran or told, key=lambda each: each.units)

    async def send(self, transaction: bytes) -> Error | None:
        """Send it if it would run, whether or not it would succeed: a failure that has landed is
        known sooner than one that never does. All nodes get it, for one may take it and do
        nothing."""
        parsed = parse(transaction)
        if isinstance(parsed, Error):
            return parsed
        before = (await self.simulate(transaction)).error
        if before is not None and before.instruction is None:
            return before
        config = {**BASE64, "skipPreflight": True, "maxRetries": 0}
        asked = [_packed(transaction), config]
        await self._nodes.all(
            "sendTransaction", asked, lambda raw: answers.read_name(raw, parsed.signature)
        )
        return None

    async def statuses(
        self, signatures: Sequence[Signature], *, surely: bool = False
    ) -> list[Status | None]:
        """Return what became of each, of all nodes: see above."""
        found: list[Status | None] = []
        for first in range(0, len(signatures), STATUSES):
            found += await self._statuses(signatures[first : first + STATUSES], surely=surely)
        return found

    async def _statuses(
        self, signatures: Sequence[Signature], *, surely: bool
    ) -> list[Status | None]:
        names = [str(one) for one in signatures]
        told = await self._nodes.all(
            "getSignatureStatuses",
            [names, {"searchTransactionHistory": True}],
            lambda raw: answers.read_statuses(raw, len(names)),
        )
        return seen(told, self._slot, self._nodes.agreeing, surely=surely)

    async def landed(self, signature: Signature) -> Landed | None:
        """Return a transaction, of whichever node has it."""
        config = {
            **BASE64,
            "commitment": Commitment.CONFIRMED.value,
            "maxSupportedTransactionVersion": 0,
        }
        return await self._nodes.first(
            "getTransaction",
            [str(signature), config],
            lambda raw: answers.read_landed(raw, signature),
            lambda one: one is not None,
        )

    async def history(
        self, address: Pubkey, until: Signature | None, before: Signature | None, limit: int
    ) -> list[Landed]:
        """Return what touched an address, newest first, failed ones too."""
        most = min(limit, PAGE)
        config: dict[str, Any] = {"limit": most, "commitment": Commitment.CONFIRMED.value}
        ends = {
            name: end for name, end in (("until", until), ("before", before)) if end is not None
        }
        config |= {name: str(end) for name, end in ends.items()}
        names = await self._nodes.first(
            "getSignaturesForAddress",
            [str(address), config],
            lambda raw: answers.read_names(raw, set(ends.values()), most),
        )
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

    async def accounts(
        self, address: Pubkey, commitment: Commitment, *, surely: bool = False
    ) -> list[Account | None]:
        """Return an account, of each node that isn't behind what we know."""
        asked = [str(address), {**BASE64, **self._at(commitment)}]
        least = self._nodes.agreeing if surely else 1
        return await self._nodes.all("getAccountInfo", asked, answers.read_account, least)

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
