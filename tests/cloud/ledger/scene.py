"""Somebody with keys, who sends transactions to an embedded chain."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction

from cloud.db.connect import Pool
from cloud.ledger.bubblegum import building
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.tree.shape import layout
from cloud.ledger.values import Asset, Commitment, Error, Mint, Proof, Schema, Shape

SECRET: Final = bytes(range(32))
START: Final = 1_800_000_000.0
SMALL: Final = Shape(5, 8, 2)


def key(name: str) -> Keypair:
    """Return somebody's key."""
    return Keypair.from_seed(sha256(name.encode()).digest())


PAYER: Final = key("payer")
OURS: Final = key("authority")
PARTIES: Final = Parties(PAYER.pubkey(), OURS.pubkey())
FAN: Final = key("fan").pubkey()
FRIEND: Final = key("friend").pubkey()


class Clock:
    """A time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        """Return it."""
        return self.now


def signed(instructions: Sequence[Instruction], blockhash: Hash, *others: Keypair) -> bytes:
    """Return a transaction that the payer and *others* have signed."""
    message = Message.new_with_blockhash(list(instructions), PAYER.pubkey(), blockhash)
    return bytes(Transaction([PAYER, *others], message, blockhash))


class Scene:
    """A chain, with a tree and a collection once `built`."""

    def __init__(self, chain: EmbeddedChain, schema: Schema, shape: Shape) -> None:
        self.chain = chain
        self.schema = schema
        self.shape = shape
        self.tree = key("tree")
        self.collection = key("collection")

    @classmethod
    async def on(
        cls, pool: Pool, clock: Clock, schema: Schema = Schema.V2, shape: Shape = SMALL
    ) -> "Scene":
        """Open the ledger of a database, and build what is needed."""
        scene = cls(await EmbeddedChain.open(pool, clock, SECRET), schema, shape)
        await scene.build()
        return scene

    async def build(self) -> None:
        """Pay ourselves, and make a collection and a tree."""
        await self.chain.fund(PAYER.pubkey(), 10**12)
        made = building.create_collection(
            PARTIES, self.collection.pubkey(), "Concert", "https://tickets.example/c/1"
        )
        assert await self.send(made, others=(self.collection,)) is None
        await self.plant()

    async def plant(self) -> None:
        """Make the tree."""
        deposit = await self.chain.rent(layout(self.shape).size)
        both = building.create_tree(PARTIES, self.tree.pubkey(), self.shape, self.schema, deposit)
        assert await self.send(*both, others=(self.tree, OURS)) is None

    async def signed(
        self, *instructions: Instruction, others: Sequence[Keypair] = (OURS,)
    ) -> bytes:
        """Sign with the newest blockhash."""
        newest = await self.chain.blockhash(Commitment.CONFIRMED)
        return signed(instructions, newest.value, *others)

    async def send(
        self, *instructions: Instruction, others: Sequence[Keypair] = (OURS,)
    ) -> Error | None:
        """Send it; return why it was refused, or why it failed."""
        raw = await self.signed(*instructions, others=others)
        refused = await self.chain.send(raw)
        if refused is not None:
            return refused
        (status,) = await self.chain.statuses([Transaction.from_bytes(raw).signatures[0]])
        assert status is not None
        return status.error

    def wanted(self, number: int, owner: Pubkey = FAN) -> Mint:
        """Return a ticket to be minted."""
        collection = self.collection.pubkey() if self.schema is Schema.V2 else None
        return Mint(
            owner, f"Ticket {number}", f"https://tickets.example/{number}", "TIX", collection
        )

    def minting(self, number: int, owner: Pubkey = FAN) -> Instruction:
        """Return the instruction that mints it."""
        return building.mint(PARTIES, self.tree.pubkey(), self.schema, self.wanted(number, owner))

    async def known(self, asset: Pubkey) -> tuple[Asset, Proof]:
        """Return an asset and its proof, which are there."""
        found, proof = await self.chain.asset(asset), await self.chain.proof(asset)
        assert found is not None
        assert proof is not None
        return found, proof
