"""Guest lists over HTTP: a CSV file becomes a job, which the worker does."""

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import needs
from cloud.tickets import guests_rows, issuing_rows
from cloud.tickets.controller_paths import EVENT, TENANT
from cloud.tickets.guests_file import read
from cloud.tickets.guests_model import (
    TOPIC,
    GuestList,
    Job,
    JobInput,
    JobState,
    capacity_faults,
    report,
    seat_faults,
)
from cloud.tickets.guests_rows import NewJob

LARGEST: Final = 16 << 20  # bytes
DryRun = Annotated[bool, QueryParameter(description="Only report; issue nothing.")]
OverCapacity = Annotated[
    bool, QueryParameter(description="Guests come on top of the class's capacity.")
]


@post(
    f"{EVENT}/guests",
    opt={
        **needs("tickets:issue"),
        "body_limit": LARGEST,
        "takes": ("text/csv", "class;name;email\nStanding;Ada Lovelace;ada@example.org\n"),
    },
    status_code=202,
    tags=["tickets"],
    operation_id="issueGuests",
    summary="Issue tickets to a guest list",
)
async def issue_guests(
    request: Request[Any, Any, Any],
    event_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    dry_run: DryRun = False,
    over_capacity: OverCapacity = False,
) -> Job:
    """Take a guest list: `text/csv` in UTF-8, separated by `;`, `,` or tab, at most 16 MiB.

    The first line names the columns: `class` (a class's name or index), `name`, `email`, and if
    wanted `seat` and `count`. A list with a bad line issues nothing: the job has `failed`, and
    its report tells each bad line. Otherwise the tickets are issued while you watch the job.

    A guest takes a free ticket off sale, so that nobody comes on top of a class's `capacity`;
    lines for which none is left are bad (`sold_out`). With `over_capacity=true` guests do come
    on top of it, and as much stays on sale as before.
    """
    if request.content_type[0] != "text/csv":
        raise Refusal("media_type", accepted="text/csv")
    if not dry_run:
        await issuing_rows.check_open(tx, event_id)
    asked = JobInput(event_id, dry_run, over_capacity)
    said = await _read(tx, asked, await request.body())
    if said.faults or dry_run:
        state: JobState = "failed" if said.faults else "done"
        return await guests_rows.make(tx, NewJob(state, asked, len(said.rows), report(said.faults)))
    job = await guests_rows.make(
        tx, NewJob("waiting", asked, len(said.rows), report([])), said.rows
    )
    await tx.audit("guests.listed", f"job:{job.job_id}", event_id=event_id, tickets=job.total,
                   over_capacity=over_capacity)  # fmt: skip
    await tx.publish(TOPIC, f"job:{job.job_id}", job_id=job.job_id)
    return job


@get(
    f"{TENANT}/jobs/{{job_id:uuid}}",
    opt=needs("tickets:issue"),
    tags=["tickets"],
    operation_id="readJob",
    summary="Watch a job",
)
async def read_job(job_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> Job:
    """Return how far a job is, and how it went."""
    job = await guests_rows.read(tx, job_id)
    if job is None:
        raise Refusal("not_found")
    return job


async def _read(tx: TenantTx, asked: JobInput, body: bytes) -> GuestList:
    event_id = asked.event_id
    if not await issuing_rows.exists(tx, event_id):
        raise Refusal("not_found")
    classes = await issuing_rows.classes(tx, event_id)
    said = await asyncio.to_thread(read, body, list(classes.values()))
    wanted = [row.seat for row in said.rows if row.seat is not None]
    if wanted:
        seats = await issuing_rows.seats(tx, event_id, wanted)
        taken = await issuing_rows.taken(tx, event_id, wanted)
        said.faults.extend(seat_faults(said.rows, seats, taken))
    if not asked.over_capacity:
        said.faults.extend(capacity_faults(said.rows, await issuing_rows.free(tx, event_id)))
    said.faults.sort(key=lambda fault: fault.line)
    return said


GUEST_ROUTES: Final = (issue_guests, read_job)
