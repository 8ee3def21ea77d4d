"""All that the ledger does, in memory, before a witness: for both generations, success and failure.

What each transaction leads to isn't judged here: the programs are asked, and must say the same.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from msgspec.structs import replace
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from cloud.ledger.bubblegum import building
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.bubblegum.effects import effects
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import SYSTEM
from cloud.ledger.bubblegum.transaction import parse
from cloud.ledger.embedded.accounts import Held, rent
from cloud.ledger.embedded.bank import Bank
from cloud.ledger.embedded.state import Witness
from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.packing import message_of
from cloud.ledger.tree.hashing import EMPTY_LEAF
from cloud.ledger.tree.nodes import Nodes
from cloud.ledger.tree.shape import layout
from cloud.ledger.values import Asset, Effect, Error, Mint, Proof, Schema, Shape

SHAPES: Final = (Shape(3, 8, 0), Shape(5, 8, 2), Shape(14, 64, 8))
SOME: Final = 6  # tickets of a tree
RICH: Final = 10**13  # lamports
FIRST_SLOT: Final = 1000


def key(name: str) -> Keypair:
    """Return somebody's key."""
    return Keypair.from_seed(sha256(name.encode()).digest())


class Troupe:
    """Accounts in memory, and who signs for whom. `sent` counts transactions."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._keys = {held.pubkey(): held for held in map(key, ("payer", "authority", "fan"))}
        self.payer, self.ours, self.fan = self._keys
        self.bank = Bank({self.payer: Held(SYSTEM, RICH, bytearray())})
        self.sent = 0

    def named(self, name: str) -> Pubkey:
        """Return the address of somebody new, who signs when asked."""
        made = key(name)
        self._keys[made.pubkey()] = made
        return made.pubkey()

    def do(self, *wanted: Instruction) -> list[Effect]:
        """Send one transaction. Returns what it did to leaves: nothing if it failed."""
        self.sent += 1
        blockhash = Hash(sha256(self.sent.to_bytes(8)).digest())
        message = message_of(self.payer, wanted, blockhash, 0)
        said = to_bytes_versioned(message)
        signers = message.account_keys[: message.header.num_required_signatures]
        signed = [self._keys[signer].sign_message(said) for signer in signers]
        parsed = parse(bytes(VersionedTransaction.populate(message, signed)))
        if isinstance(parsed, Error):
            raise LedgerMalformed("rehearsal_transaction", parsed.name)
        slot = FIRST_SLOT + self.sent
        done = self.bank.run(parsed, slot)
        self._witness(parsed, self.bank.accounts, slot, done)
        self.bank.adopt(done)
        return [] if done.error else [one for one, _ in effects(parsed.calls, done.events)]


class Grove:
    """One tree with its leaves, as an index would know them."""

    def __init__(self, troupe: Troupe, schema: Schema, shape: Shape) -> None:
        name = f"{schema} {shape.depth}"
        self._troupe = troupe
        self._schema = schema
        self._shape = shape
        self._parties = Parties(troupe.payer, troupe.ours)
        self._nodes = Nodes(shape.depth)
        self._assets: list[Asset] = []
        self._tree = troupe.named(f"tree {name}")
        self._collection = troupe.named(f"collection {name}") if schema is Schema.V2 else None

    def live(self) -> None:
        """Do all there is to do."""
        self._begin()
        for first in range(0, SOME, 3):
            self._did(*(self._mint(number) for number in range(first, first + 3)))
        self._did(self._mint(SOME, "x" * 33))  # a name too long
        self._stale()
        if self._schema is Schema.V2:
            self._frozen()
        self._moved()
        for number in range(2**self._shape.depth if self._shape.depth == 3 else SOME):
            self._did(self._mint(SOME + number))  # the smallest fills up, and refuses

    def _begin(self) -> None:
        if self._collection is not None:
            address = "https://tickets.example/c"
            self._did(
                building.create_collection(self._parties, self._collection, "Concert", address)
            )
        deposit = rent(layout(self._shape).size)
        self._did(
            *building.create_tree(self._parties, self._tree, self._shape, self._schema, deposit)
        )

    def _stale(self) -> None:
        """Use old proofs: of another leaf's time, of the same leaf's, and a wrong one."""
        asset, proof = self._known(0)
        other, old = self._known(1)
        self._did(self._change(asset, proof))
        self._did(self._change(other, old))
        self._did(self._change(asset, proof))
        forged = replace(self._known(2)[1], nodes=proof.nodes[::-1])
        self._did(self._change(self._known(2)[0], forged))

    def _frozen(self) -> None:
        """Freeze twice, be refused, thaw, go, bind, be refused: an owner's moves."""
        canopy, fan = self._shape.canopy, self._troupe.fan
        theirs = Parties(self._troupe.payer, fan)
        self._did(building.transfer(self._parties, *self._known(3), canopy, fan))
        for build in (building.freeze, building.freeze, building.thaw, building.bind):
            self._did(build(self._parties, *self._known(3), canopy))
            self._did(building.transfer(theirs, *self._known(3), canopy, fan))

    def _moved(self) -> None:
        """Move there and back, be refused as a stranger, burn, and burn again."""
        canopy, friend = self._shape.canopy, self._troupe.named("friend")
        stranger = Parties(self._troupe.payer, self._troupe.named("stranger"))
        self._did(building.transfer(self._parties, *self._known(4), canopy, friend))
        self._did(building.transfer(stranger, *self._known(4), canopy, self._troupe.ours))
        theirs = Parties(self._troupe.payer, friend)
        self._did(building.transfer(theirs, *self._known(4), canopy, self._troupe.ours))
        self._did(building.burn(stranger, *self._known(5), canopy))
        gone = self._known(5)
        self._did(building.burn(self._parties, *gone, canopy))
        self._did(building.burn(self._parties, *gone, canopy))

    def _change(self, asset: Asset, proof: Proof) -> Instruction:
        """Change a leaf: in V1 by a move to its owner, in V2 by a freeze."""
        canopy = self._shape.canopy
        if self._schema is Schema.V2:
            return building.freeze(self._parties, asset, proof, canopy)
        return building.transfer(self._parties, asset, proof, canopy, self._troupe.fan)

    def _mint(self, number: int, name: str = "") -> Instruction:
        # V1 has no delegate of ours: who is to move a leaf must own it.
        owner = self._troupe.ours
        address = f"https://tickets.example/{number}"
        wanted = Mint(owner, name or f"Ticket {number}", address, "TIX", self._collection)
        return building.mint(self._parties, self._tree, self._schema, wanted)

    def _did(self, *wanted: Instruction) -> None:
        for found in self._troupe.do(*wanted):
            asset = Asset(
                found.leaf,
                found.tree,
                found.index,
                found.sequence,
                "",
                "",
                "",
                self._collection,
                found.burnt,
            )
            self._assets[found.index :] = [asset, *self._assets[found.index + 1 :]]
            self._nodes.put(found.index, EMPTY_LEAF if found.burnt else leaf_hash(found.leaf))

    def _known(self, index: int) -> tuple[Asset, Proof]:
        asset = self._assets[index]
        leaf = EMPTY_LEAF if asset.burnt else leaf_hash(asset.leaf)
        nodes = self._nodes.proof(index)
        return asset, Proof(self._tree, self._nodes.root, leaf, index, nodes)


def rehearse(witness: Witness, shapes: Sequence[Shape] = SHAPES) -> int:
    """Lead tickets through their lives; return how many transactions that took.

    Raises what *witness* raises.
    """
    troupe = Troupe(witness)
    for owner in (troupe.ours, troupe.fan):
        paid = TransferParams(from_pubkey=troupe.payer, to_pubkey=owner, lamports=10**9)
        troupe.do(transfer(paid))
    for schema in Schema:
        for shape in shapes:
            Grove(troupe, schema, shape).live()
    return troupe.sent
