"""The two interfaces of the ledger. Everything else in the package stands behind one of them.

`Ledger` is what tickets see: it builds and signs, sends, resolves, and reads with proof. `Chain`
is what it needs of a chain, and the only thing that differs between the ledger inside the
service (`embedded/`) and Solana: same bytes signed, same errors, same answers.

A change is made in three steps, so that none is made twice:

    signed = await ledger.mint(tree, mints)      # nothing is sent
    ...                                          # the caller stores `signed`, durably
    await ledger.submit(signed)                  # as often as one likes: the same bytes
    outcome = await ledger.resolve(signed)       # Done, Failed, Pending, or Expired

Only `Expired` allows the same change to be signed anew: that transaction can land no more.
Methods raise what `faults.py` names.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger.values import (
    Account,
    Asset,
    Blockhash,
    Commitment,
    Effect,
    Error,
    Landed,
    Mint,
    Paid,
    Proof,
    Schema,
    Shape,
    Simulated,
    Status,
    Tree,
)


class Chain(Protocol):
    """What both Solana and the embedded ledger do. Every read is of one moment."""

    async def blockhash(self, commitment: Commitment) -> Blockhash:
        """Return the newest blockhash at that commitment."""
        ...

    async def height(self, commitment: Commitment) -> int:
        """Return the block height: above `Blockhash.last_height`, a transaction is dead."""
        ...

    async def rent(self, size: int) -> int:
        """Return the deposit in lamports for an account of *size* bytes."""
        ...

    async def priority_fee(self, writable: Sequence[Pubkey]) -> int:
        """Return micro-lamports per compute unit that lately got into blocks."""
        ...

    async def simulate(self, transaction: bytes) -> Simulated:
        """Run a transaction without its effect. Signatures are checked."""
        ...

    async def estimate(self, draft: bytes) -> Simulated:
        """Run a transaction that nobody has signed yet, without effect, whatever its blockhash.
        No `units`: nobody knows, or nobody counts."""
        ...

    async def send(self, transaction: bytes) -> Error | None:
        """Hand a signed transaction over. None: taken, which is not landed.

        An error here (bad signature, old blockhash, AlreadyProcessed) was found before it ran.
        """
        ...

    async def statuses(
        self, signatures: Sequence[Signature], *, surely: bool = False
    ) -> list[Status | None]:
        """Return what became of each, searching all history. None: not seen; *surely*: as far as
        the newest final height, by as many as it takes to believe it."""
        ...

    async def landed(self, signature: Signature) -> Landed | None:
        """Return a transaction with its events."""
        ...

    async def history(
        self, address: Pubkey, until: Signature | None, before: Signature | None, limit: int
    ) -> list[Landed]:
        """Return at most *limit* transactions that touched *address*, newest first: older than
        *before* and newer than *until*."""
        ...

    async def account(self, address: Pubkey, commitment: Commitment) -> Account | None:
        """Return an account, or None where there is none: one node's word."""
        ...

    async def accounts(
        self, address: Pubkey, commitment: Commitment, *, surely: bool = False
    ) -> list[Account | None]:
        """Return what each that answers shows of an account; *surely*: as many at least as it takes
        to believe it."""
        ...

    async def asset(self, asset: Pubkey) -> Asset | None:
        """Return what the index says of an asset. Nobody has checked it."""
        ...

    async def proof(self, asset: Pubkey) -> Proof | None:
        """Return the index's proof of an asset. Nobody has checked it."""
        ...

    async def assets_by_owner(self, owner: Pubkey, after: Pubkey | None, limit: int) -> list[Asset]:
        """Return an owner's assets that aren't burnt, by id, those above *after*."""
        ...

    async def assets_by_collection(
        self, collection: Pubkey, after: Pubkey | None, limit: int
    ) -> list[Asset]:
        """Return a collection's assets, burnt ones too, by id, those above *after*."""
        ...


class Signer(Protocol):
    """Who holds keys. Keys never leave it."""

    def create(self) -> Pubkey:
        """Make a key, for a new tree or collection, and keep it."""
        ...

    def sign(self, key: Pubkey, message: bytes) -> Signature:
        """Return *key*'s signature. Raises `LedgerRefused` ("no_key") for a stranger's key."""
        ...


class Signed(Struct, frozen=True):
    """A signed transaction: all that must be stored before it is first sent.

    `data_hashes` are those of the leaves it mints, in order; empty for other changes. They find
    the leaves again when the signature's history is gone. `creates` is the address of the tree
    or collection that it creates.
    """

    raw: bytes
    signature: Signature
    last_height: int
    data_hashes: tuple[bytes, ...] = ()
    creates: Pubkey | None = None


class Done(Struct, frozen=True):
    """It landed. `effects` are those that its events tell of, in order: ids are taken from
    here and never predicted."""

    slot: int
    effects: tuple[Effect, ...]
    paid: Paid


class Failed(Struct, frozen=True):
    """It landed and failed: nothing changed but the fee. `stale`: with a new proof it may do."""

    error: Error
    stale: bool
    paid: Paid


class Pending(Struct, frozen=True):
    """Not seen, and may still land. Send the same bytes again."""


class Expired(Struct, frozen=True):
    """Not seen, and can never land: its last block is finalized. It may be signed anew."""


Outcome = Done | Failed | Pending | Expired


class Changes(Struct, frozen=True):
    """What was done to a tree, oldest first. `cursor` is where the next call goes on.

    `unaccounted`: changes that the tree counts and that no transaction in the list, nor any before
    its start, is known to have made: above zero, history is lost, late, or can't be read. Of them
    `unread` are by transactions in the list. `whole`: so many in the list, from its start, lack
    nothing between them."""

    landed: tuple[Landed, ...]
    effects: tuple[Effect, ...]
    cursor: Signature | None
    unaccounted: int
    unread: int
    whole: int


class Ledger(Protocol):
    """Tickets on a chain. Building methods sign and send nothing."""

    async def create_collection(self, name: str, uri: str) -> Signed:
        """Build a Core collection whose permanent delegates (freeze, transfer, burn) we are."""
        ...

    async def create_tree(self, shape: Shape, schema: Schema | None = None) -> Signed:
        """Build a tree into which only we mint, of the ledger's generation or another."""
        ...

    async def mint(
        self, tree: Pubkey, mints: Sequence[Mint], schema: Schema | None = None
    ) -> list[Signed]:
        """Build as few transactions as *mints* fit in, in order; *schema* is the tree's."""
        ...

    async def transfer(self, asset: Pubkey, to: Pubkey) -> Signed:
        """Build a move to another owner; a frozen or soulbound asset is refused. The owner's key
        signs in V1: the signer must hold it. So for `burn`."""
        ...

    async def freeze(self, asset: Pubkey) -> Signed:
        """Build a freeze by the collection's delegate. V2 alone."""
        ...

    async def thaw(self, asset: Pubkey) -> Signed:
        """Build the end of a freeze. V2 alone."""
        ...

    async def burn(self, asset: Pubkey) -> Signed:
        """Build the end of an asset."""
        ...

    async def submit(self, signed: Signed) -> Error | None:
        """Send the same bytes, once. Repeat until `resolve` says more than `Pending`."""
        ...

    async def resolve(self, signed: Signed, commitment: Commitment) -> Outcome:
        """Return what became of it, at that commitment."""
        ...

    async def resolve_all(self, signed: Sequence[Signed], commitment: Commitment) -> list[Outcome]:
        """Do so for several at once, with fewer questions. One fault is the fault of all."""
        ...

    async def tree(self, tree: Pubkey) -> Tree | None:
        """Return a tree as its accounts have it."""
        ...

    async def proved(self, asset: Pubkey) -> tuple[Asset, Proof] | None:
        """Return both of the next two, of one moment."""
        ...

    async def asset(self, asset: Pubkey) -> Asset | None:
        """Return an asset whose leaf was recomputed and proved against the tree's account."""
        ...

    async def proof(self, asset: Pubkey) -> Proof | None:
        """Return a proof that was checked against a root in the tree's account."""
        ...

    async def assets_by_owner(self, owner: Pubkey, after: Pubkey | None, limit: int) -> list[Asset]:
        """Return an owner's assets, each recomputed and proved as in `asset`."""
        ...

    async def reconcile(self, tree: Pubkey, since: Signature | None) -> Changes:
        """Return all that was done to *tree* since a transaction, whoever did it."""
        ...
