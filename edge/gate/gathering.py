"""Search lists as they come while the gate runs: a head, then its parts, then in force.

    gathering = Gathering(gate)
    head = gathering.begin(event, raw)          # None: what is held is no older
    gathering.lacking(head)                     # places to ask for
    gathering.keep({digest: part})              # each checked (`search.check_part`)
    gathering.finish(event)                     # all are here: in force

Until all parts are here, the list that was in force stays: half of a new one is worse. A head
that is replaced on its way leaves the parts that the next one names too.
"""

from collections.abc import Mapping

from edge.gate.gate import Gate
from edge.gate.trust import AWAITED, Search, Trust
from shared.manifest.search import SearchHead, open_search_head


class Gathering:
    """Safe to share between threads. Every call blocks for the disk."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._documents = gate.stores.documents

    def is_behind(self, event: bytes, version: int) -> bool:
        """Whether the list in force is older than a version, or not whole."""
        held = self._gate.held.trust.searches.get(event)
        if held is None or held.head.version < version:
            return version > 0
        return bool(self.lacking(held.head))

    def begin(self, event: bytes, raw: bytes) -> SearchHead | None:
        """Take a head in whose parts are to come, or go on with one; None: it is of no use."""
        with self._gate.delivering() as trust:
            head = open_search_head(raw, trust.keys, self._gate.clock.now())
            held, awaited = trust.searches.get(event), trust.awaited.get(event)
            known = held is not None and held.raw == raw
            older = held is not None and held.head.version >= head.version
            if head.event != event.hex() or (older and not known):
                return None
            if not known and (awaited is None or awaited.raw != raw):
                self._documents.put({(AWAITED, event): raw}, {})
                coming = {**trust.awaited, event: Search(raw, head)}
                self._gate.held.replace(trust._replace(awaited=coming))
            return head

    def lacking(self, head: SearchHead) -> list[int]:
        """Return the places of the parts that are not on the disk."""
        digests = [bytes.fromhex(digest) for digest in head.parts]
        held = self._documents.held(digests)
        return [place for place, digest in enumerate(digests) if digest not in held]

    def keep(self, parts: Mapping[bytes, bytes]) -> None:
        """Write checked parts, by digest."""
        self._documents.add_chunks(parts)

    def finish(self, event: bytes) -> bool:
        """Put the list that has come in force; return whether it was whole."""
        with self._gate.delivering() as trust:
            coming, held = trust.awaited.get(event), trust.searches.get(event)
            if coming is None:
                return held is not None and not self.lacking(held.head)
            if held is not None and held.head.version >= coming.head.version:
                self._documents.put({}, {}, drop=[(AWAITED, event)])  # a file was faster
                self._gate.held.replace(_in_force(trust, event, held))
                return not self.lacking(held.head)
            if self.lacking(coming.head):
                return False
            gone = set(held.head.parts if held else ()) - set(coming.head.parts)
            self._documents.put(
                {("search", event): coming.raw},
                {},
                drop=[(AWAITED, event)],
                drop_chunks=map(bytes.fromhex, gone),
            )
            self._gate.held.replace(_in_force(trust, event, coming))
            return True


def _in_force(trust: Trust, event: bytes, search: Search) -> Trust:
    awaited = {name: each for name, each in trust.awaited.items() if name != event}
    return trust._replace(searches={**trust.searches, event: search}, awaited=awaited)
