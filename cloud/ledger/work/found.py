"""What is known of a job once it was looked for. Pure: it is written down by `pursuing.py`."""

from collections.abc import Sequence

from msgspec import Struct

from cloud.ledger.history import effects_of
from cloud.ledger.values import Effect, Error, Landed, Paid
from cloud.ledger.work.job_rows import Job
from cloud.ledger.work.lifecycle import News, State, advance
from cloud.ledger.work.reading import change_of, leaves_of
from cloud.ledger.work.steps import Kind


class Found(Struct, frozen=True):
    """What was found out about a job. `told`: what it did, of one that landed. `paid`: what it
    took, whether or not it did anything; None: nothing, or nobody keeps books of it."""

    job: Job
    news: News
    told: tuple[Effect, ...] = ()
    slot: int | None = None
    fault: str = ""
    stale: bool = False
    paid: Paid | None = None

    @property
    def state(self) -> State:
        """The job's state from now on."""
        return advance(State.SIGNED, self.news)


def told(job: Job, effects: Sequence[Effect]) -> tuple[Effect, ...]:
    """Return what a job did, of all that its transaction tells. Raises `LedgerUntrusted`."""
    if job.kind == Kind.MINT:
        return tuple(leaves_of(job.signed.data_hashes, effects))
    return () if job.kind in ("tree", "collection") else (change_of(effects),)


def refused(job: Job, error: Error, paid: Paid, *, stale: bool = False) -> Found:
    """Say that it landed and failed, and why."""
    name = error.name if error.code is None else f"{error.name} {error.code}"
    return Found(job, News.REFUSED, fault=name, stale=stale, paid=paid)


def in_history(job: Job, landed: Landed) -> Found:
    """Say what became of a job whose transaction is in a history after all."""
    if landed.error is not None:
        return refused(job, landed.error, landed.paid)
    did = told(job, effects_of(landed))
    return Found(job, News.FOUND, did, landed.slot, News.FOUND.value, paid=landed.paid)
