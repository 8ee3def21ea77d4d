"""Metaplex's own packages say the same of leaves, ids, proofs and collections."""

from random import Random

from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.collection import PLUGINS, Granted, create_data, created
from cloud.ledger.bubblegum.leaf import NO_ASSET_DATA, collection_hash, leaf_hash
from cloud.ledger.bubblegum.metadata import Creator, Metadata
from cloud.ledger.bubblegum.programs import BUBBLEGUM, asset_of
from cloud.ledger.tree.nodes import Nodes
from cloud.ledger.values import Flag, Leaf, Schema
from tests.cloud.ledger.asking import Json, ask

LEAVES = 60
WORDS = ("", "Ticket", "Зал", "门票 7", "éà", "x" * 30)


def some(random: Random) -> Pubkey:
    """Return an address."""
    return Pubkey.from_bytes(random.randbytes(32))


def a_metadata(random: Random, schema: Schema) -> Metadata:
    """Return what a leaf might be minted as."""
    count = random.randrange(4)
    shares = {0: (), 1: (100,), 2: (40, 60), 3: (1, 98, 1)}[count]
    return Metadata(
        random.choice(WORDS),
        random.choice(("", "TIX")),
        f"https://tickets.example/{random.randrange(10**9)}",
        random.choice((0, 500, 10_000)),
        random.random() < 0.5,
        random.random() < 0.5,
        creators=tuple(Creator(some(random), random.random() < 0.5, part) for part in shares),
        collection=some(random) if random.random() < 0.5 else None,
        collection_verified=schema is Schema.V1 and random.random() < 0.5,
    )


def a_case(random: Random, schema: Schema) -> tuple[Json, Json]:
    """Return a question, and our own answer."""
    tree, owner, delegate = some(random), some(random), some(random)
    nonce = random.choice((0, 1, 58, 170433, 2**30 - 1))
    metadata = a_metadata(random, schema)
    flags = random.choice((0, 1, 2, 3, 4, 5, 6, 7)) if schema is Schema.V2 else 0
    leaf = Leaf(
        schema,
        asset_of(tree, nonce),
        owner,
        delegate,
        nonce,
        metadata.data_hash(schema),
        metadata.creator_hash(),
        collection_hash(metadata.collection),
        NO_ASSET_DATA,
        Flag(flags),
    )
    ours = {
        "id": bytes(leaf.id).hex(),
        "encoded": metadata.encode(schema).hex(),
        "data": leaf.data_hash.hex(),
        "creators": leaf.creator_hash.hex(),
        "leaf": leaf_hash(leaf).hex(),
    }
    question = {
        "ask": "leaf",
        "schema": schema.value,
        "tree": bytes(tree).hex(),
        "nonce": nonce,
        "owner": bytes(owner).hex(),
        "delegate": bytes(delegate).hex(),
        "flags": flags,
        "name": metadata.name,
        "symbol": metadata.symbol,
        "uri": metadata.uri,
        "royalty": metadata.royalty,
        "sold": metadata.sold_before,
        "mutable": metadata.mutable,
        "verified": metadata.collection_verified,
        "collection": metadata.collection and bytes(metadata.collection).hex(),
        "creators": [
            {"address": bytes(one.address).hex(), "verified": one.verified, "share": one.share}
            for one in metadata.creators
        ],
    }
    return question, ours


def test_leaves_and_asset_ids() -> None:
    """Metadata's bytes, data, creator and leaf hashes, and the id; V1 and V2, flags and all."""
    random = Random(7)
    cases = [a_case(random, schema) for schema in Schema for _ in range(LEAVES)]
    assert ask([question for question, _ in cases]) == [ours for _, ours in cases]


def test_proofs_and_roots() -> None:
    """Of trees with few leaves, many, and all."""
    random = Random(8)
    questions, ours = [], []
    for depth, count in ((3, 1), (3, 8), (5, 21), (6, 64), (10, 700)):
        leaves = [random.randbytes(32) for _ in range(count)]
        nodes = Nodes.of(depth, b"".join(leaves))
        for index in {0, count // 2, count - 1}:
            listed = [leaf.hex() for leaf in leaves]
            questions.append({"ask": "proof", "leaves": listed, "depth": depth, "index": index})
            proof = [node.hex() for node in nodes.proof(index)]
            ours.append({"root": nodes.root.hex(), "nodes": proof})
    assert ask(questions) == ours


def test_a_collection_s_account() -> None:
    """Read by Core's own package: every plugin where its registry says, and obeying whom."""
    random = Random(9)
    authority = some(random)
    asked = tuple(Granted(plugin) for plugin in PLUGINS)
    held = created(authority, "Concert", "https://tickets.example/c/1", asked).counted(7, 5)
    question = {
        "ask": "collection",
        "address": bytes(some(random)).hex(),
        "account": held.encode().hex(),
    }
    assert ask([question]) == [
        {
            "authority": bytes(authority).hex(),
            "name": "Concert",
            "uri": "https://tickets.example/c/1",
            "minted": 7,
            "size": 5,
            "bubblegum": f"Address {BUBBLEGUM}",
            "freeze": "UpdateAuthority",
            "frozen": False,
            "transfer": "UpdateAuthority",
            "burn": "UpdateAuthority",
        }
    ]


def test_the_instruction_that_creates_a_collection() -> None:
    """Read and written again by Core's own package."""
    asked = tuple(Granted(plugin) for plugin in PLUGINS)
    data = create_data("Concert", "https://tickets.example/c/1", asked).hex()
    assert ask([{"ask": "creation", "data": data}]) == [
        {
            "name": "Concert",
            "uri": "https://tickets.example/c/1",
            "plugins": [
                "BubblegumV2",
                "PermanentFreezeDelegate",
                "PermanentTransferDelegate",
                "PermanentBurnDelegate",
            ],
            "again": data,
        }
    ]
