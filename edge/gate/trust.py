"""Whom and what this device believes: keys, roster, and one book of tickets for each event.

A `Trust` never changes; a delivery makes a new one (`edge.gate.intake`). After a restart the
stored documents are judged by the same code as when they came, without trusted time, so that
a gate opens its own manifest after a power cut (spec/manifest.md §6, "Storage").
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from edge.store.documents import Document, DocumentStore
from edge.store.identity import load_identity
from edge.store.stores import KEY, Stores, old_key
from shared.devices.roster import Heir, TrustedRoster
from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.manifest import TicketRecord, chunk, names
from shared.manifest.head import Head, open_head
from shared.manifest.search import SearchHead, open_search_head
from shared.manifest.ticket import SIZE
from shared.manifest.trusted import Manifest, TrustedManifest
from shared.presentation import Freshness
from shared.rules.compiled import Rules, compile_rules

ANY_TIME = Instant(0, trusted=False)
NONE = b""  # the event of documents that are of no event
COMING = "coming"  # the kind of a head that is not in force before its chunks are here
AWAITED = "awaited"  # the same of a search list's head


class Book(NamedTuple):
    """One event's manifest, ready to be asked. Names stay on disk: `sealed_name`."""

    manifest: Manifest
    rules: Rules
    freshness: Freshness

    @property
    def name(self) -> str:
        """What people call the event."""
        return self.manifest.head.plan.name or self.manifest.head.event

    def find(self, ticket_hash: bytes) -> TicketRecord | None:
        """Return the manifest's word on a ticket."""
        return self.manifest.table.find(ticket_hash)


class Search(NamedTuple):
    """One event's search list, sealed: whose badge opens it, and what its parts are."""

    raw: bytes
    head: SearchHead


class Coming(NamedTuple):
    """A head whose chunks are on their way: those that came stay, whatever interrupts them."""

    raw: bytes
    head: Head


class Fault(NamedTuple):
    """A stored document that this device can't use any more."""

    kind: str
    event: bytes
    code: str


class Trust(NamedTuple):
    """All of it, of one tenant."""

    keys: TrustedKeys
    roster: TrustedRoster
    books: Mapping[bytes, Book] = MappingProxyType({})
    searches: Mapping[bytes, Search] = MappingProxyType({})
    coming: Mapping[bytes, Coming] = MappingProxyType({})
    faults: tuple[Fault, ...] = ()
    awaited: Mapping[bytes, Search] = MappingProxyType({})  # lists whose parts are on their way

    def chunks(self) -> Iterator[bytes]:
        """Yield the digest of every chunk that something in force or on its way names."""
        heads = [book.manifest.head for book in self.books.values()]
        for head in (*heads, *(each.head for each in self.coming.values())):
            yield from digests(head)
        for search in (*self.searches.values(), *self.awaited.values()):
            yield from map(bytes.fromhex, search.head.parts)


def digests(head: Head) -> Iterator[bytes]:
    """Yield the digest of every chunk of records or names that a head names."""
    return (bytes.fromhex(digest) for digest in (*head.chunks, *head.names) if digest)


def book_of(manifest: Manifest) -> Book:
    """Return a manifest as rules to ask; its names, if it has them here, are let go."""
    head = manifest.head
    event, policy = bytes.fromhex(head.event), head.plan.policy
    rules = compile_rules(event, head.plan, head.issued, head.sales_end)
    lean = manifest._replace(table=manifest.table._replace(names=()))
    return Book(lean, rules, Freshness(policy.live_past, policy.live_future))


def without_word(book: Book) -> Book:
    """Return a book whose signer was revoked: as old as can be (spec/manifest.md §6)."""
    return book._replace(rules=book.rules._replace(issued=0))


def pinned(stores: Stores) -> Trust | None:
    """Return what a device trusts before its first delivery, None before it was set up."""
    root, tenant = stores.settings.get("root"), stores.settings.get("tenant")
    if root is None or tenant is None:
        return None
    return Trust(TrustedKeys(root), TrustedRoster(tenant, heir=_heir(stores.folder)))


def _heir(folder: Path) -> Heir | None:
    """Return this device's key as the heir of the one before, None where none is being changed."""
    old, me = old_key(folder), load_identity(folder / KEY)
    return None if old is None or me is None else Heir(old.device, me.pk)


def restored(trust: Trust, documents: DocumentStore) -> Trust:
    """Return what the stored documents say. One that is no good any more is named, not used."""
    stored = documents.all()
    faults: list[Fault] = []
    keys, roster = trust.keys, trust.roster
    if (raw := stored.get(("keyset", NONE))) is not None:
        try:
            keys = keys.accept(raw)
        except UsherError as error:
            faults.append(Fault("keyset", NONE, error.code))
    if (raw := stored.get(("roster", NONE))) is not None:
        try:
            roster = roster.accept(raw, keys, ANY_TIME)
        except UsherError as error:
            faults.append(Fault("roster", NONE, error.code))
    books: dict[bytes, Book] = {}
    searches: dict[bytes, Search] = {}
    for (kind, event), raw in stored.items():
        try:
            if kind == "head":
                books[event] = _book(event, raw, keys, documents)
            elif kind == "search":
                searches[event] = Search(raw, open_search_head(raw, keys, ANY_TIME))
        except UsherError as error:
            faults.append(Fault(kind, event, error.code))
    coming, awaited = _coming(stored, keys), _awaited(stored, keys)
    return Trust(keys, roster, books, searches, coming, tuple(faults), awaited)


def renewed(before: Trust, after: Trust) -> Trust:
    """Return `after`, with those books of `before` that can't be read any more and that nothing
    has replaced yet. One whose signer was revoked since goes on as old as can be."""
    kept = {
        fault.event: without_word(book) if fault.code == "document_unknown_key" else book
        for fault in after.faults
        if fault.kind == "head" and (book := before.books.get(fault.event)) is not None
    }
    return after._replace(books={**kept, **after.books})


def sealed_name(book: Book, ticket_hash: bytes, documents: DocumentStore) -> bytes:
    """Return the sealed name of a ticket that the book lists, empty if there is none."""
    head, place = book.manifest.head, ticket_hash[0]
    if not head.names or not head.names[place]:
        return b""
    held = documents.chunk(bytes.fromhex(head.names[place]))
    if held is None or book.find(ticket_hash) is None:
        return b""
    row = chunk.position(book.manifest.table.chunks[place], ticket_hash) // SIZE
    return names.read(held, names.skip(held, row))[0]


def _coming(stored: Mapping[Document, bytes], keys: TrustedKeys) -> dict[bytes, Coming]:
    """Return the heads on their way. One that opens no more is asked for again: nothing is lost."""
    coming = {}
    for (kind, event), raw in stored.items():
        if kind == COMING:
            with suppress(UsherError):
                coming[event] = Coming(raw, open_head(raw, keys, ANY_TIME))
    return coming


def _awaited(stored: Mapping[Document, bytes], keys: TrustedKeys) -> dict[bytes, Search]:
    """Return the heads of search lists on their way."""
    awaited = {}
    for (kind, event), raw in stored.items():
        if kind == AWAITED:
            with suppress(UsherError):
                awaited[event] = Search(raw, open_search_head(raw, keys, ANY_TIME))
    return awaited


def _book(event: bytes, raw: bytes, keys: TrustedKeys, documents: DocumentStore) -> Book:
    """Return a stored manifest, its chunks judged again: bytes that rotted fit no hash."""
    state = TrustedManifest(event)
    assembly = state.preload(raw, keys, ANY_TIME)
    for index in assembly.missing:
        content = documents.chunk(bytes.fromhex(assembly.head.chunks[index])) or b""
        assembly = assembly.add(index, content)
    held = state.take(assembly, keys).held
    if held is None:
        raise AssertionError("`take` holds what it took")
    return book_of(held)
