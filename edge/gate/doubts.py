"""Records that mean more once the blob that they name is here, and proves them."""

from collections.abc import Iterator

from edge.gate.heard import Said, names_proof
from shared.log.record import Kind


class Doubts:
    """By the blobs' names. Not safe to share between threads."""

    def __init__(self) -> None:
        self._records: dict[bytes, dict[bytes, None]] = {}

    def note(self, said: Said) -> None:
        """Keep a record in mind, if anything is left to hope for."""
        settled = said.proved or (said.here and said.raw[1] == Kind.ATTACH)
        if names_proof(said.raw) and not settled:
            self._records.setdefault(said.raw[156:188], {})[said.raw] = None

    def of(self, blob: bytes) -> list[bytes]:
        """Return the records that name a blob, by its evidence hash."""
        return [*self._records.get(blob, ())]

    def __iter__(self) -> Iterator[bytes]:
        """Yield all of them."""
        return (raw for raws in self._records.values() for raw in raws)

    def settle(self, raw: bytes) -> None:
        """Let go of a record: its blob has come."""
        if (left := self._records.get(raw[156:188])) is not None:
            left.pop(raw, None)
            if not left:
                del self._records[raw[156:188]]
