"""The system program: it makes accounts and moves lamports. Nothing else of it is known here."""

from typing import Final

from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.borsh import Reader
from cloud.ledger.bubblegum.programs import SYSTEM
from cloud.ledger.bubblegum.transaction import Call
from cloud.ledger.embedded.accounts import Failed, Work, custom
from cloud.ledger.faults import LedgerMalformed

CREATE, TRANSFER = 0, 2
LARGEST: Final = 10 * 1024 * 1024


def run(work: Work, call: Call) -> None:
    """Execute one instruction."""
    reader = Reader(call.data)
    try:
        kind = reader.number(4)
        if kind == CREATE:
            _create(work, call, reader.number(8), reader.number(8), reader.key())
        elif kind == TRANSFER:
            _transfer(work, call, reader.number(8))
        else:
            raise Failed("InvalidInstructionData")
    except LedgerMalformed:
        raise Failed("InvalidInstructionData") from None


def _pair(call: Call, signers: int) -> tuple[Pubkey, Pubkey]:
    if len(call.metas) < 2:
        raise Failed("NotEnoughAccountKeys")
    if not all(meta.signer for meta in call.metas[:signers]):
        raise Failed("MissingRequiredSignature")
    if not all(meta.writable for meta in call.metas[:2]):
        raise Failed("ReadonlyLamportChange")
    return call.metas[0].key, call.metas[1].key


def _create(work: Work, call: Call, lamports: int, space: int, owner: Pubkey) -> None:
    payer, key = _pair(call, 2)
    made = work.write(key)
    if made.lamports or made.data or made.owner != SYSTEM:
        raise custom(0)
    if space > LARGEST:
        raise custom(3)
    work.pay(payer, key, lamports)
    made.owner = owner
    made.data = bytearray(space)


def _transfer(work: Work, call: Call, lamports: int) -> None:
    source, target = _pair(call, 1)
    work.pay(source, target, lamports)
