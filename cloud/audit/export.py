"""A tenant's audit as a file, piece by piece: no transaction waits for a slow reader."""

from collections.abc import AsyncIterator
from typing import Final, Literal
from uuid import UUID

from cloud.audit import repository
from cloud.audit.model import Asked, csv_head, csv_line, ndjson
from cloud.db.tenancy import Origin, tenant_tx
from cloud.http.kernel import Kernel

Form = Literal["ndjson", "csv"]
MEDIA_TYPES: Final = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
PIECE: Final = 1000  # rows


async def lines(
    kernel: Kernel, tenant: UUID, origin: Origin, asked: Asked, last: int, form: Form
) -> AsyncIterator[bytes]:
    """Yield the file of all rows up to `last`, the oldest first."""
    line = ndjson if form == "ndjson" else csv_line
    if form == "csv":
        yield csv_head()
    after = 0
    while True:
        async with tenant_tx(kernel.pool, tenant, origin, kernel.clock()) as tx:
            acts = await repository.piece(tx, asked, after, last, PIECE)
        if acts:
            yield b"".join(map(line, acts))
        if len(acts) < PIECE:
            return
        after = acts[-1].number
