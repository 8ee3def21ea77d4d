"""What landed transactions took, in the books: once each, in the transaction that settles them."""

from collections.abc import Sequence
from uuid import UUID

from cloud.books import model, repository
from cloud.books.model import LAMPORT, Fact
from cloud.db.tenancy import TenantTx
from cloud.ledger.work import job_rows
from cloud.ledger.work.found import Found


async def book(tx: TenantTx, event_id: UUID, found: Sequence[Found]) -> None:
    """Book what jobs took. The subject is the signature, by which anybody finds the transaction;
    the job has the entry's number, by which an event's are found."""
    took = {
        f"transaction:{each.job.signed.signature}": (each.job, each.paid)
        for each in found
        if each.paid is not None
    }
    entries = {
        subject: model.chain_cost(paid.fee, paid.spent, deposit=job.signed.creates is not None)
        for subject, (job, paid) in took.items()
    }
    booked = await repository.append_all(tx, Fact.CHAIN_COST, LAMPORT, entries)
    jobs = [(took[subject][0].job_id, entry) for subject, entry in booked.items()]
    await job_rows.booked(tx, event_id, jobs)
