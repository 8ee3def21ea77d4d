"""What landed transactions took, in the books: once each, in the transaction that settles them."""

from collections.abc import Sequence

from cloud.books import model, repository
from cloud.books.model import LAMPORT, Fact
from cloud.db.tenancy import TenantTx
from cloud.ledger.work.found import Found


async def book(tx: TenantTx, found: Sequence[Found]) -> None:
    """Book what jobs took. The subject is the signature, by which anybody finds the transaction."""
    entries = {
        f"transaction:{each.job.signed.signature}": model.chain_cost(
            each.paid.fee, each.paid.spent, deposit=each.job.signed.creates is not None
        )
        for each in found
        if each.paid is not None
    }
    await repository.append_all(tx, Fact.CHAIN_COST, LAMPORT, entries)
