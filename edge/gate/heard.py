"""What came of a batch of another device's records."""

from typing import NamedTuple

from shared.log.chain import Fault
from shared.log.gossip import Mark
from shared.log.record import SIZE, record_hash


class Heard(NamedTuple):
    """How many records were new, and why the rest was not taken."""

    new: int
    fault: Fault | None = None


def fresh(batch: bytes, held: Mark | None) -> bytes | None:
    """Return the records behind those that are held, None where the device showed another
    history: the batch has another record at the last place that is held."""
    if held is None or len(batch) < SIZE:
        return batch
    known = held.seq - int.from_bytes(batch[24:32], "big") + 1  # records of it at held places
    if known <= 0 or known * SIZE > len(batch):
        return b"" if known > 0 else batch
    last = batch[(known - 1) * SIZE : known * SIZE]
    return batch[known * SIZE :] if record_hash(last) == held.hash else None
