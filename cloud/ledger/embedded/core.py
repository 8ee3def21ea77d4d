"""The Core program: collections are created; Bubblegum counts their leaves."""

from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.collection import (
    Collection,
    created,
    read_collection,
    read_create,
)
from cloud.ledger.bubblegum.programs import CORE, SYSTEM
from cloud.ledger.bubblegum.transaction import Call
from cloud.ledger.embedded.accounts import Failed, Work, custom, rent
from cloud.ledger.faults import LedgerMalformed


def run(work: Work, call: Call) -> None:
    """Execute one instruction: accounts are collection, update authority, payer, system."""
    try:
        name, uri, plugins = read_create(call.data)
    except LedgerMalformed:
        raise Failed("InvalidInstructionData") from None
    if len(call.metas) < 4:
        raise Failed("NotEnoughAccountKeys")
    collection, authority, payer = call.metas[:3]
    if not (collection.signer and payer.signer):
        raise Failed("MissingRequiredSignature")
    held = work.write(collection.key)
    if held.lamports or held.data or held.owner != SYSTEM:
        raise custom(0)
    who = payer.key if authority.key == CORE else authority.key
    data = created(who, name, uri, plugins).encode()
    work.pay(payer.key, collection.key, rent(len(data)))
    held.owner, held.data = CORE, bytearray(data)


def load(work: Work, key: Pubkey) -> Collection:
    """Return a collection. It fails for an account that is none."""
    held = work.read(key)
    try:
        return read_collection(bytes(held.data) if held else b"")
    except LedgerMalformed:
        raise Failed("InvalidAccountData") from None


def count(work: Work, key: Pubkey, collection: Collection, minted: int, size: int) -> None:
    """Count leaves that came or went, where the account has its two numbers."""
    if collection.size + size < 0:
        raise Failed("ArithmeticOverflow")
    counted = collection.counted(minted, size)
    work.write(key).data[counted.counts] = counted.numbers()
