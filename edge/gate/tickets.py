"""Tickets as they come while the gate runs: judged, on the disk, then in force.

    tickets = Tickets(gate)
    lacking = tickets.begin(event, head)        # a snapshot: chunks that are not here yet
    lacking.check(place, records)               # for each, as it comes; then `keep` it
    tickets.finish(event)                       # all are here: in force
    tickets.follow(event, head, log)            # or a delta: no chunk is read that it leaves alone

Every call blocks for the disk. Until the last one the list that was in force stays.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from edge.gate.gate import Gate
from edge.gate.snapshot import Lacking, lacking_of
from edge.gate.trust import COMING, Coming, Trust, book_of
from shared.errors import Refused, UsherError
from shared.instant import Instant
from shared.manifest import delta
from shared.manifest.chunk import CHUNKS
from shared.manifest.head import Head, names_digest
from shared.manifest.trusted import Manifest, TrustedManifest

NO_NAMES: Final[tuple[bytes, ...]] = ()


class Difference(NamedTuple):
    """Chunks by digest that come with a manifest, and digests of those that go."""

    new: Mapping[bytes, bytes]
    old: Sequence[bytes]


NOTHING: Final = Difference({}, ())


class Tickets:
    """Safe to share between threads."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._documents = gate.stores.documents

    def begin(self, event: bytes, raw: bytes) -> Lacking | None:
        """Take a head in whose chunks are to come, or go on with one; None: it is in force."""
        with self._gate.delivering() as trust:
            head = self._state(trust, event).accept(raw, trust.keys, self._now())
            if (book := trust.books.get(event)) is not None and book.manifest.raw == raw:
                self._let_go(trust, event)
                return None
            known = trust.coming.get(event)
            if known is None or known.raw != raw:
                self._gate.clock.learn(head.issued * 1000)
                self._documents.put({(COMING, event): raw}, {})
                coming = {**trust.coming, event: Coming(raw, head)}
                self._gate.held.replace(trust._replace(coming=coming))
            return self.lacking(raw, head)

    def lacking(self, raw: bytes, head: Head) -> Lacking:
        """Return what of a head's chunks is not here."""
        return lacking_of(raw, head, self._documents)

    def names(self, event: bytes) -> Lacking | None:
        """Return what is not here of the chunks of the head in force: names, where a file
        brought none. None: nothing is."""
        book = self._gate.held.trust.books.get(event)
        if book is None:
            return None
        lacking = self.lacking(book.manifest.raw, book.manifest.head)
        return lacking if lacking.places else None

    def keep(self, chunks: Mapping[bytes, bytes]) -> None:
        """Write checked chunks, by digest."""
        self._documents.add_chunks(chunks)

    def finish(self, event: bytes) -> bool:
        """Put the snapshot that has come in force; return whether it was whole."""
        with self._gate.delivering() as trust:
            coming = trust.coming.get(event)
            if coming is None:
                return False
            state = self._state(trust, event)
            assembly = state.preload(coming.raw, trust.keys, self._now())
            for place in assembly.missing:
                digest = bytes.fromhex(coming.head.chunks[place])
                content = self._documents.chunk(digest)
                if content is None:
                    return False
                try:
                    assembly = assembly.add(place, content)
                except UsherError:  # it rotted: asked for again
                    self._documents.drop_chunk(digest)
                    return False
            self._in_force(trust, event, state.take(assembly, trust.keys).held)
            self._gate.ledger.learn_words()
            self._documents.sweep(self._gate.held.trust.chunks())
            return True

    def follow(self, event: bytes, raw: bytes, log: bytes) -> None:
        """Go on to a newer head by the changes that lead there."""
        with self._gate.delivering() as trust:
            state = self._state(trust, event)
            head = state.accept(raw, trust.keys, self._now())
            held = state.base(trust.keys)
            if held is None:
                raise Refused("manifest_missing")
            if raw == held.raw:
                return
            tickets = delta.touched(held.head, delta.decode(log), head)
            places = sorted({ticket[0] for ticket in tickets})
            table = held.table._replace(names=self._names(held.head, places))
            state = state._replace(held=held._replace(table=table))
            after = state.follow(raw, log, trust.keys, self._now()).held
            self._in_force(trust, event, after, _difference(held, after))
            self._gate.ledger.learn_words(event + ticket for ticket in tickets)

    def _now(self) -> Instant:
        return self._gate.clock.now()

    def _state(self, trust: Trust, event: bytes) -> TrustedManifest:
        book = trust.books.get(event)
        return TrustedManifest(event, book.manifest if book else None)

    def _names(self, head: Head, places: Sequence[int]) -> tuple[bytes, ...]:
        """Return the names of the chunks that change, and nothing at the other places; no names
        at all where one of them is not here, or has rotted."""
        if not head.names:
            return NO_NAMES
        names = [b""] * CHUNKS
        for place in places:
            if head.names[place]:
                digest = bytes.fromhex(head.names[place])
                content = self._documents.chunk(digest) or b""
                if names_digest(bytes.fromhex(head.event), place, content) != head.names[place]:
                    self._documents.drop_chunk(digest)
                    return NO_NAMES
                names[place] = content
        return tuple(names)

    def _in_force(
        self,
        trust: Trust,
        event: bytes,
        manifest: Manifest | None,
        difference: Difference = NOTHING,
    ) -> None:
        """Write what differs from the disk, all at once, and then go by it."""
        if manifest is None:
            raise AssertionError("`take` and `follow` hold what they took")
        before = trust.books.get(event)
        coming = {name: each for name, each in trust.coming.items() if name != event}
        books = {**trust.books, event: book_of(manifest)}
        faults = tuple(each for each in trust.faults if (each.kind, each.event) != ("head", event))
        after = trust._replace(books=books, coming=coming, faults=faults)
        self._learn(after, manifest.head)
        documents, dropped = {("head", event): manifest.raw}, [(COMING, event)]
        self._documents.put(
            documents, {}, chunks=difference.new, drop=dropped, drop_chunks=difference.old
        )
        self._gate.held.replace(after)
        if before is None or before.manifest.head.plan != manifest.head.plan:
            self._gate.tell_lanes()

    def _learn(self, trust: Trust, head: Head) -> None:
        latest = max(book.manifest.head.expires for book in trust.books.values())
        self._gate.clock.learn(head.issued * 1000, latest * 1000)

    def _let_go(self, trust: Trust, event: bytes) -> None:
        """Forget a head on its way: what it would bring is in force."""
        if event in trust.coming:
            coming = {name: each for name, each in trust.coming.items() if name != event}
            self._documents.put({}, {}, drop=[(COMING, event)])
            self._gate.held.replace(trust._replace(coming=coming))


def _difference(held: Manifest, after: Manifest | None) -> Difference:
    """Return what the manifest `after` some changes has that `held` has not, and the reverse."""
    new: dict[bytes, bytes] = {}
    old: list[bytes] = []
    if after is None:
        return NOTHING
    for was, now, contents in (
        (held.head.chunks, after.head.chunks, after.table.chunks),
        (held.head.names, after.head.names, after.table.names),
    ):
        for place in [place for place, digest in enumerate(now) if digest != was[place]]:
            if contents:
                new[bytes.fromhex(now[place])] = contents[place]
            if was[place]:
                old.append(bytes.fromhex(was[place]))
    return Difference(new, old)
