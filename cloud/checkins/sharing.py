"""Codes that prove several records: each time that a ticket is scanned, the same code is named.

A code that came beside one record proves a later one that names it, too (shared/spec/devices.md
§5): a gate that holds the blob needs it no second time.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, LiteralString

from cloud.checkins.judges import Judges, judges
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from shared.log.record import ZERO32, Kind

BY_CODE: Final = (Kind.IN, Kind.OUT)  # a countersignature fits one record alone
AT_ONCE: Final = 8192

# A proof's evidence is the hash of its body, so all that have one are the same.
HELD: Final[LiteralString] = """
    SELECT DISTINCT ON (evidence) evidence, body FROM proof
     WHERE tenant_id = current_tenant() AND evidence = ANY($1)
"""
PROVE: Final[LiteralString] = """
    INSERT INTO proof (record_id, body) SELECT * FROM unnest($1::bytea[], $2::bytea[])
        ON CONFLICT DO NOTHING
"""


async def share(tx: TenantTx, new: Mapping[bytes, bytes]) -> None:
    """Prove those of some new records, by id, that name a code which is here already."""
    named: dict[bytes, list[bytes]] = {}
    for name, raw in new.items():
        if raw[1] in BY_CODE and raw[156:188] != ZERO32:
            named.setdefault(raw[156:188], []).append(name)
    codes = list(named)
    for at in range(0, len(codes), AT_ONCE):
        if rows := await tx.conn.fetch(HELD, codes[at : at + AT_ONCE]):
            good = await asyncio.to_thread(_proved, rows, named, new, await judges(tx))
            await tx.conn.execute(PROVE, [name for name, _ in good], [body for _, body in good])


def _proved(
    rows: Sequence[Row],
    named: Mapping[bytes, Sequence[bytes]],
    new: Mapping[bytes, bytes],
    vouch: Judges,
) -> list[tuple[bytes, bytes]]:
    return [
        (name, row["body"])
        for row in rows
        for name in named[row["evidence"]]
        if vouch.prove(new[name], row["body"])
    ]
