"""What indexes say of assets: one, its proof, or lists of them, by id."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from solders.pubkey import Pubkey

from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.rpc import index
from cloud.ledger.rpc.endpoint import Said
from cloud.ledger.rpc.endpoints import Endpoints
from cloud.ledger.values import Asset, Proof

T = TypeVar("T")
PAGE: Final = 1000
PAGES: Final = 8
UNKNOWN: Final = -32000  # with words that it was not found: indexes have no null
ORDER: Final = {"sortBy": "id", "sortDirection": "asc"}


class Listing:
    """Indexes of assets."""

    def __init__(self, indexes: Endpoints) -> None:
        self._indexes = indexes

    async def asset(self, asset: Pubkey) -> Asset | None:
        """Return an asset."""
        return await self._found("getAsset", asset, index.read_asset)

    async def proof(self, asset: Pubkey) -> Proof | None:
        """Return a proof."""
        return await self._found("getAssetProof", asset, index.read_proof)

    async def page(self, wanted: dict[str, Any], after: Pubkey | None, limit: int) -> list[Asset]:
        """Return at most *limit* leaves above *after*. What is no leaf doesn't count, up to a few
        pages of it."""
        found: list[Asset] = []
        size = min(limit, PAGE)
        since = None if after is None else str(after)
        told = {since}
        for _ in range(PAGES):
            asked = {**wanted, "compressed": True, "sortBy": ORDER, "limit": size}
            asked |= {} if since is None else {"after": since}
            page = await self._indexes.first("searchAssets", asked, index.read_page)
            names = {name for name, _ in page}
            if len(page) > size or len(names) < len(page) or names & told:
                raise LedgerMalformed("rpc_page", "more than was asked for, or something twice")
            told |= names
            found += [one for _, one in page if one is not None]
            if len(page) < size or len(found) >= size:
                break
            since = page[-1][0]
        return found[:size]

    async def _found(
        self, method: str, asset: Pubkey, read: Callable[[bytes], T | None]
    ) -> T | None:
        try:
            return await self._indexes.first(method, {"id": str(asset)}, read)
        except Said as said:
            if said.number == UNKNOWN and "not found" in said.words.lower():
                return None
            raise
