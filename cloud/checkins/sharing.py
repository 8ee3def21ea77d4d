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

# The codes first, each once; their records, by the index that has all three; of these the proved.
# Step by step, since a planner that thinks the tables small reads an event again for each code.
HELD: Final[LiteralString] = """
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[])
            AS n (record_id, event_ref, evidence)
    ), named AS MATERIALIZED (
        SELECT o.event_ref, o.evidence, o.record_id
          FROM (SELECT DISTINCT event_ref, evidence FROM asked) AS code
          JOIN record o ON o.tenant_id = current_tenant() AND o.event_ref = code.event_ref
                       AND o.evidence = code.evidence AND o.kind IN (1, 2)
    ), held AS MATERIALIZED (
        SELECT DISTINCT ON (o.event_ref, o.evidence) o.event_ref, o.evidence, p.body
          FROM named o
          JOIN proof p ON p.tenant_id = current_tenant() AND p.record_id = o.record_id
    )
    SELECT n.record_id, held.body FROM asked n JOIN held USING (event_ref, evidence)
"""
PROVE: Final[LiteralString] = """
    INSERT INTO proof (record_id, body) SELECT * FROM unnest($1::bytea[], $2::bytea[])
        ON CONFLICT DO NOTHING
"""


async def share(tx: TenantTx, new: Mapping[bytes, bytes]) -> None:
    """Prove those of some new records, by id, that name a code which is here already."""
    named = [
        (name, raw[80:88], raw[156:188])
        for name, raw in new.items()
        if raw[1] in BY_CODE and raw[156:188] != ZERO32
    ]
    for at in range(0, len(named), AT_ONCE):
        some = list(zip(*named[at : at + AT_ONCE], strict=True))
        if rows := await tx.conn.fetch(HELD, *map(list, some)):
            good = await asyncio.to_thread(_proved, rows, new, await judges(tx))
            await tx.conn.execute(PROVE, [name for name, _ in good], [body for _, body in good])


def _proved(
    rows: Sequence[Row], new: Mapping[bytes, bytes], vouch: Judges
) -> list[tuple[bytes, bytes]]:
    return [
        (row["record_id"], row["body"])
        for row in rows
        if vouch.prove(new[row["record_id"]], row["body"])
    ]
