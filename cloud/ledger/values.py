"""What the ledger speaks of: trees, assets, proofs, transactions and what became of them.

Hashes are 32 bytes. A `Pubkey` is any account's address, whether or not it has a key.
"""

from enum import IntFlag, StrEnum

from msgspec import Struct
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature


class Schema(StrEnum):
    """Bubblegum's two generations. V2 knows collections, freezing and soulbound leaves."""

    V1 = "v1"
    V2 = "v2"


class Flag(IntFlag):
    """A V2 leaf's flags, as they are hashed."""

    FROZEN_BY_OWNER = 1  # by the leaf's delegate
    FROZEN = 2  # by the collection's permanent freeze delegate: ours
    SOULBOUND = 4


class Commitment(StrEnum):
    """How settled a block is, weakest first."""

    PROCESSED = "processed"
    CONFIRMED = "confirmed"
    FINALIZED = "finalized"


class Shape(Struct, frozen=True):
    """A tree's size, fixed for good: 2**depth leaves, `buffer` changes remembered, and the top
    `canopy` levels kept in the account, which shortens proofs. `tree/shape.py` knows the pairs
    that the program takes."""

    depth: int
    buffer: int
    canopy: int


class Tree(Struct, frozen=True):
    """A tree as its accounts have it. `minted` leaves were appended, burned ones included."""

    address: Pubkey
    schema: Schema
    shape: Shape
    creator: Pubkey
    delegate: Pubkey
    minted: int
    root: bytes
    sequence: int


class Mint(Struct, frozen=True):
    """A leaf to be. `uri` holds the ticket's id, which makes its data hash unique."""

    owner: Pubkey
    name: str  # at most 32 bytes
    uri: str  # at most 200 bytes
    symbol: str = ""  # at most 10 bytes
    collection: Pubkey | None = None  # V2 alone


class Leaf(Struct, frozen=True):
    """Everything that is hashed into a leaf. `delegate` is the owner where there is none.

    The last three are zero for V1."""

    schema: Schema
    id: Pubkey
    owner: Pubkey
    delegate: Pubkey
    nonce: int
    data_hash: bytes
    creator_hash: bytes
    collection_hash: bytes = b""
    asset_data_hash: bytes = b""
    flags: Flag = Flag(0)


class Asset(Struct, frozen=True):
    """A leaf with what it was minted as. `index` is its place in the tree."""

    leaf: Leaf
    tree: Pubkey
    index: int
    sequence: int  # the tree's, at the leaf's last change
    name: str
    symbol: str
    uri: str
    collection: Pubkey | None
    burnt: bool


class Effect(Struct, frozen=True):
    """What one instruction did to one leaf. `leaf` is as it is now, or was when it was burnt.

    `name`, `symbol` and `uri` are told by minting alone; by other changes they are None."""

    leaf: Leaf
    tree: Pubkey
    index: int
    sequence: int
    collection: Pubkey | None
    burnt: bool = False
    name: str | None = None
    symbol: str | None = None
    uri: str | None = None


class Proof(Struct, frozen=True):
    """`nodes` are the siblings from the leaf upwards, all `depth` of them: the canopy is cut off
    by whoever sends them."""

    tree: Pubkey
    root: bytes
    leaf: bytes
    index: int
    nodes: tuple[bytes, ...]


class Blockhash(Struct, frozen=True):
    """What a transaction is tied to: it can land in no block above `last_height`."""

    value: Hash
    last_height: int


class Error(Struct, frozen=True):
    """Why a transaction failed. `instruction` is the failing one's place, None if none ran.

    `code` is the program's number (6045: AssetIsFrozen) or None; `name` is what Solana calls the
    failure: `Custom`, `BlockhashNotFound`, `AlreadyProcessed`, `ProgramFailedToComplete`."""

    name: str
    code: int | None = None
    instruction: int | None = None


class Status(Struct, frozen=True):
    """What became of a signature. A transaction that landed and failed has its `error`."""

    slot: int
    commitment: Commitment
    error: Error | None = None


class Paid(Struct, frozen=True):
    """What a transaction took from its payer, in lamports: `fee` whether it succeeded or failed;
    `spent` is all that the payer has less, the fee in it."""

    fee: int
    spent: int


class Landed(Struct, frozen=True):
    """A transaction in a block. `events` is the data of the calls to the noop programs, in
    order, empty if it failed: `bubblegum/effects.py` reads both. `time` is in Unix seconds."""

    signature: Signature
    raw: bytes
    slot: int
    time: int
    error: Error | None
    events: tuple[bytes, ...]
    paid: Paid


class Simulated(Struct, frozen=True):
    """What a transaction would do. `units` are compute units."""

    error: Error | None
    units: int


class Account(Struct, frozen=True):
    """An account's bytes, as of `slot`. `owner` is the program."""

    owner: Pubkey
    lamports: int
    data: bytes
    slot: int
