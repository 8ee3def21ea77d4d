"""The ledger as the API shows it. Addresses and signatures are in base58, as everywhere there."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger.work.planning import Cost

Standing = Literal["none", "waiting", "minted", "frozen", "changing", "burnt", "held"]
Base58 = Annotated[str, Meta(pattern=r"^[1-9A-HJ-NP-Za-km-z]{32,88}$")]


class TreeOut(msgspec.Struct, frozen=True):
    """A tree of an event. `cost` was told before anything was spent; sums are in lamports."""

    number: int
    state: str
    schema: Literal["v1", "v2"]
    address: str | None
    leaves: int
    minted: int
    cost: Cost
    total: int


class EventOut(msgspec.Struct, frozen=True):
    """How an event stands on the ledger. `fault`: why nothing goes on, "" if it does."""

    collection: str | None = None
    image: Annotated[
        str | None, Meta(description="The path of the picture that wallets show of it.")
    ] = None
    paused: bool = False
    freezes: Annotated[bool, Meta(description="Whether a ticket that was used is frozen.")] = False
    fault: str = ""
    minted: int = 0
    burnt: int = 0
    frozen: int = 0
    waiting: Annotated[int, Meta(description="Tickets whose asset is not yet as it shall be.")] = 0
    waiting_seconds: int = 0
    failed: Annotated[int, Meta(description="Given up, until somebody asks for another try.")] = 0
    lost: Annotated[int, Meta(description="Transactions of which nobody knows what they did.")] = 0
    reviews: Annotated[int, Meta(description="What others did to assets, not settled yet.")] = 0
    trees: list[TreeOut] = []


class SpentOn(msgspec.Struct, frozen=True):
    """What transactions of a kind took: in all, and to the chain, to programs, into deposits."""

    kind: Literal["collection", "tree", "mint", "transfer", "freeze", "thaw", "burn"]
    transactions: int
    failed: Annotated[int, Meta(description="Of them: a failure costs its fee too.")]
    fees: int
    protocol: int
    deposits: int
    total: int


class SpentOut(msgspec.Struct, frozen=True):
    """What an event has spent on Solana, beside what was told before, in lamports. The embedded
    ledger costs nothing: there nothing is ever spent."""

    estimate: Annotated[int, Meta(description="Of all trees, and of minting until they are full.")]
    foreseen: Annotated[int, Meta(description="Of that, for the trees and assets that are there.")]
    minting: Annotated[int, Meta(description="Spent on what `foreseen` is of.")]
    total: Annotated[int, Meta(description="Spent in all: also moves, freezing and burning.")]
    spent: list[SpentOn]


class StepOut(msgspec.Struct, frozen=True):
    """A transaction that changed a ticket's asset."""

    kind: str
    signature: str | None
    slot: int | None
    at: datetime


class AssetOut(msgspec.Struct, frozen=True):
    """How a ticket stands on the ledger. Who may enter is never read from it."""

    standing: Standing
    asset: str | None
    tree: str | None
    leaf: int | None
    owner: Annotated[str | None, Meta(description="An address of the owner's, or kept for them.")]
    frozen: bool
    fault: str
    attempts: int
    history: list[StepOut]


class ReviewOut(msgspec.Struct, frozen=True):
    """What somebody else did to an asset. The ticket is unchanged by it."""

    signature: str | None
    asset_id: str | None
    ticket_id: UUID | None
    kind: str
    owner: str | None
    found_at: datetime


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the ledger does at an event."""

    freezes: bool


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of what others did to an asset: it is undone, or left as it is."""

    decision: Literal["restore", "leave"]


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wallet's address, and its signature of the challenge that is good until then."""

    address: Annotated[
        str,
        Meta(
            pattern=r"^[1-9A-HJ-NP-Za-km-z]{32,44}$",
            examples=["7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"],
        ),
    ]
    signature: Annotated[
        str,
        Meta(
            pattern=r"^[1-9A-HJ-NP-Za-km-z]{64,88}$",
            examples=["5" * 88],
            description="Ed25519, of the challenge's `message`, in base58.",
        ),
    ]
    expires_at: Annotated[datetime, Meta(tz=True)]


class Challenge(msgspec.Struct, frozen=True):
    """What a wallet signs to prove that it is the caller's."""

    message: str
    expires_at: datetime


class WalletOut(msgspec.Struct, frozen=True):
    """Where the caller's tickets are on the ledger. `linked` false: an address that we keep."""

    address: str
    linked: bool
    linked_at: datetime | None


def shown(raw: bytes | None) -> str | None:
    """Return an address or a signature as people write it."""
    if raw is None:
        return None
    return str(Pubkey.from_bytes(raw) if len(raw) == 32 else Signature.from_bytes(raw))
