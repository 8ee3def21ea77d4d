"""Taking in what the organizer delivers, whole or not at all (spec/files.md §2).

    intake = Intake(trust, documents.chunk, now, me)
    intake.take(sections)              # judged, nothing is written; raises `UsherError`
    intake.keep(documents)             # chunks first, then every document at once

Judging holds a whole event in memory, so it is done by the process that loads, and the one
that scans only reads what was kept.
"""

from collections.abc import Callable, Iterable, Sequence

from edge.gate.trust import NONE, Book, Search, Trust, book_of
from edge.store.documents import Document, DocumentStore
from shared.bundle import Part, Section
from shared.devices.command import Command, Recipient, accept_command, open_stamp
from shared.errors import Malformed
from shared.instant import Instant
from shared.manifest import frames
from shared.manifest.assembly import Assembly
from shared.manifest.head import open_head
from shared.manifest.search import digest_of, lacking, open_search_head
from shared.manifest.trusted import TrustedManifest

ORDER = (Part.KEYSET, Part.ROSTER, Part.STAMP, Part.HEAD, Part.SEARCH_HEAD, Part.COMMAND)
BELONG = {
    Part.CHUNKS: Part.HEAD,
    Part.NAMES: Part.HEAD,
    Part.SEARCH_ENTRIES: Part.SEARCH_HEAD,
}  # parts that follow another
Held = Callable[[bytes], bytes | None]
Group = list[Section]  # a part and those that belong to it


class Intake:
    """One delivery on its way in. `held` gives chunks that are here already, by digest."""

    def __init__(self, trust: Trust, held: Held, now: Instant, me: Recipient) -> None:
        self.trust = trust
        self.documents: dict[Document, bytes] = {}
        self.chunks: dict[bytes, bytes] = {}
        self.commands: list[Command] = []  # to obey, in this order
        self.signed_ms = 0  # the newest time that the cloud signed in it
        self.news: list[str] = []  # for whoever brought it
        self._held = held
        self._now = now
        self._me = me

    def take(self, sections: Iterable[Section], advance: Callable[[], None] = lambda: None) -> None:
        """Judge all parts in the order of the specification; raise the first fault."""
        groups = _grouped(sections)
        self._keysets([group[0].content for group in groups if group[0].part is Part.KEYSET])
        for part in ORDER[1:]:
            for group in (group for group in groups if group[0].part is part):
                self._one(group)
                advance()
        self.commands.sort(key=lambda command: command.number)

    def keep(self, documents: DocumentStore) -> None:
        """Write what was taken: until the last step, what was in force stays in force."""
        documents.add_chunks(self.chunks)
        root = {"root": self.trust.keys.root}
        documents.put(self.documents, root if ("keyset", NONE) in self.documents else {})
        documents.sweep(self.trust.chunks())

    def bound_ms(self) -> int:
        """Return the latest expiry of a head in force, in milliseconds."""
        expiries = [book.manifest.head.expires for book in self.trust.books.values()]
        return 1000 * max(expiries, default=0)

    def _one(self, group: Group) -> None:
        (part, content), rest = group[0], group[1:]
        if part is Part.ROSTER:
            self._roster(content)
        elif part is Part.STAMP:
            self._heard(open_stamp(content, self.trust.keys, self._now))
        elif part is Part.HEAD:
            self._manifest(content, rest)
        elif part is Part.SEARCH_HEAD:
            self._search(content, rest)
        elif part is Part.COMMAND:
            self._command(content)

    def _heard(self, ms: int) -> None:
        self.signed_ms = max(self.signed_ms, ms)

    def _keysets(self, raws: Sequence[bytes]) -> None:
        before, keys = self.trust.keys, self.trust.keys.update(raws, self._now)
        if keys is not before and keys.raw is not None and keys.keyset is not None:
            self.documents["keyset", NONE] = keys.raw
            self._heard(keys.keyset.issued * 1000)
            self.news.append(f"keyset {keys.keyset.version}: {len(keys.keyset.keys)} keys")
        self.trust = self.trust._replace(keys=keys)

    def _roster(self, raw: bytes) -> None:
        before = self.trust.roster
        members = before.update(raw, self.trust.keys, self._now)
        if members is not before and members.roster is not None:
            self.documents["roster", NONE] = raw
            self._heard(members.roster.issued * 1000)
            self.news.append(
                f"roster {members.version}: {len(members.devices)} devices, "
                f"{len(members.badges)} badges"
            )
        self.trust = self.trust._replace(roster=members)

    def _manifest(self, raw: bytes, parts: Group) -> None:
        event = bytes.fromhex(open_head(raw, self.trust.keys, self._now).event)
        book = self.trust.books.get(event)
        if book is not None and book.manifest.raw == raw:
            return
        state = TrustedManifest(event, book.manifest if book else None)
        assembly = state.preload(raw, self.trust.keys, self._now, with_names=True)
        for part in parts:
            assembly = _filled(assembly, part)
        assembly = _completed(assembly, self._held)
        held = state.take(assembly, self.trust.keys).held
        if held is None:
            raise AssertionError("`take` holds what it took")
        self._put_in_force(event, book_of(held), assembly)

    def _put_in_force(self, event: bytes, book: Book, assembly: Assembly) -> None:
        head = assembly.head
        for digests, contents in ((head.chunks, assembly.chunks), (head.names, assembly.names)):
            pairs = zip(digests, contents, strict=False)
            self.chunks.update((bytes.fromhex(name), each) for name, each in pairs if each)
        self.documents["head", event] = assembly.raw
        self.trust = self.trust._replace(books={**self.trust.books, event: book})
        self._heard(head.issued * 1000)
        self.news.append(f"{book.name}: version {head.version}, {head.tickets:,} tickets")

    def _search(self, raw: bytes, parts: Group) -> None:
        head = open_search_head(raw, self.trust.keys, self._now)
        event = bytes.fromhex(head.event)
        came = {digest_of(head, part.content): part.content for part in parts}
        known = self.trust.searches.get(event)
        if known is not None and known.raw != raw and known.head.version >= head.version:
            return  # a list is a convenience: an older one is passed over
        if known is not None and known.raw == raw and all(map(self._held, came)):
            return
        self.chunks |= came
        self.documents["search", event] = raw
        self.trust = self.trust._replace(searches={**self.trust.searches, event: Search(raw, head)})
        missing = len(lacking(head, lambda digest: came.get(digest) or self._held(digest)))
        short = f", {missing} of {len(head.parts)} parts missing" if missing else ""
        self.news.append(f"search list {head.version} for {len(head.keys)} badges{short}")

    def _command(self, raw: bytes) -> None:
        command = accept_command(raw, self.trust.keys, self._now, self._me)
        self.commands.append(command)
        self.news.append(f"command {command.number}: {command.action}")


def _grouped(sections: Iterable[Section]) -> list[Group]:
    groups: list[Group] = []
    for section in sections:
        if (first := BELONG.get(section.part)) is None:
            groups.append([section])
        elif groups and groups[-1][0].part is first:
            groups[-1].append(section)
        else:
            raise Malformed("file_section")
    return groups


def _filled(assembly: Assembly, part: Section) -> Assembly:
    """Add the frames of one part."""
    whole, rest = frames.take(part.content)
    if rest:
        raise Malformed("file_truncated")
    add = Assembly.add if part.part is Part.CHUNKS else Assembly.add_names
    for index, content in whole:
        assembly = add(assembly, index, content)
    return assembly


def _completed(assembly: Assembly, held: Held) -> Assembly:
    """Add what is here already; let go of names that are not all there: tickets come first."""
    for index in assembly.missing:
        if content := held(bytes.fromhex(assembly.head.chunks[index])):
            assembly = assembly.add(index, content)
    for index in assembly.missing_names:
        if content := held(bytes.fromhex(assembly.head.names[index])):
            assembly = assembly.add_names(index, content)
    return assembly._replace(names=()) if assembly.missing_names else assembly
