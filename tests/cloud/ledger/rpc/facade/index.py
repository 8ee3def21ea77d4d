"""What Metaplex's index answers (DAS). While it is `behind`, it says of an asset what it said last.

An asset that it doesn't know is an error there, as at providers, and not null."""

from typing import Any, Final

from solders.pubkey import Pubkey

from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.values import Asset, Flag, Schema
from tests.cloud.ledger.rpc.facade.node import Json, Method, Refusal, b58

MISSING: Final = -32000


class Index:
    """An index of all trees."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain
        self._said: dict[tuple[str, str], Json] = {}
        self.behind = False
        self.methods: dict[str, Method] = {
            "getAsset": self.asset,
            "getAssetProof": self.proof,
            "searchAssets": self.search,
        }

    async def asset(self, id: str) -> Json:  # noqa: A002 -- the parameter's name on the wire
        """Return an asset."""
        if self.behind:
            return self._last("asset", id)
        found = await self._chain.asset(Pubkey.from_string(id))
        if found is None:
            raise Refusal(MISSING, "Database Error: RecordNotFound Error: Asset Not Found")
        return self._keep("asset", id, shown(found))

    async def proof(self, id: str) -> Json:  # noqa: A002
        """Return a proof, of the whole depth."""
        if self.behind:
            return self._last("proof", id)
        found = await self._chain.proof(Pubkey.from_string(id))
        if found is None:
            raise Refusal(MISSING, "Database Error: RecordNotFound Error: Asset Proof Not Found")
        told = {
            "root": b58(found.root),
            "proof": [b58(node) for node in found.nodes],
            "node_index": 2 ** len(found.nodes) + found.index,
            "leaf": b58(found.leaf),
            "tree_id": str(found.tree),
        }
        return self._keep("proof", id, told)

    async def search(self, **wanted: Any) -> Json:
        """Return a page of an owner's or a collection's."""
        if wanted["sortBy"] != {"sortBy": "id", "sortDirection": "asc"}:
            raise Refusal(-32602, "a cursor needs an order by id")
        after = Pubkey.from_string(wanted["after"]) if wanted.get("after") else None
        limit = wanted["limit"]
        if "ownerAddress" in wanted:
            owner = Pubkey.from_string(wanted["ownerAddress"])
            found = await self._chain.assets_by_owner(owner, after, limit)
        else:
            kind, value = wanted["grouping"]
            assert kind == "collection"
            found = await self._chain.assets_by_collection(Pubkey.from_string(value), after, limit)
        return {"total": len(found), "limit": limit, "items": [shown(one) for one in found]}

    def _keep(self, kind: str, name: str, told: Json) -> Json:
        self._said[kind, name] = told
        return told

    def _last(self, kind: str, name: str) -> Json:
        if (kind, name) not in self._said:
            raise Refusal(MISSING, "Database Error: RecordNotFound Error: Asset Not Found")
        return self._said[kind, name]


def shown(asset: Asset) -> Json:
    """Return an asset as indexes write it."""
    leaf = asset.leaf
    delegated = leaf.delegate != leaf.owner
    group = {"group_key": "collection", "group_value": str(asset.collection)}
    return {
        "interface": "V1_NFT",
        "id": str(leaf.id),
        "content": {
            "$schema": "https://schema.metaplex.com/nft1.0.json",
            "json_uri": asset.uri,
            "files": [],
            "metadata": {"name": asset.name, "symbol": asset.symbol},
            "links": {},
        },
        "authorities": [],
        "compression": _compression(asset),
        "grouping": [group] if asset.collection else [],
        "royalty": {"royalty_model": "creators", "target": None, "percent": 0.0},
        "creators": [],
        "ownership": {
            "frozen": bool(leaf.flags & (Flag.FROZEN | Flag.FROZEN_BY_OWNER)),
            "non_transferable": bool(leaf.flags & Flag.SOULBOUND),
            "delegated": delegated,
            "delegate": str(leaf.delegate) if delegated else None,
            "ownership_model": "single",
            "owner": str(leaf.owner),
        },
        "supply": {"print_max_supply": 0, "print_current_supply": 0, "edition_nonce": None},
        "mutable": True,
        "burnt": asset.burnt,
    }


def _compression(asset: Asset) -> Json:
    leaf = asset.leaf
    told: Json = {
        "eligible": False,
        "compressed": True,
        "data_hash": b58(leaf.data_hash),
        "creator_hash": b58(leaf.creator_hash),
        "asset_hash": "",
        "tree": str(asset.tree),
        "seq": asset.sequence,
        "leaf_id": asset.index,
    }
    if leaf.schema is Schema.V2:
        told["collection_hash"] = b58(leaf.collection_hash)
        told["asset_data_hash"] = b58(leaf.asset_data_hash)
        told["flags"] = int(leaf.flags)
    return told
