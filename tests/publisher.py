"""A publisher of one event's manifests, as tests need one: it keeps every version."""

from collections.abc import Iterable
from hashlib import sha256

from shared import keys
from shared.event import Plan
from shared.instant import Instant
from shared.keyset import Key, Keyset, TrustedKeys
from shared.manifest import build, delta
from shared.manifest.assembly import Assembly
from shared.manifest.delta import Change, Entry
from shared.manifest.head import Head, seal_head
from shared.manifest.table import Table
from shared.manifest.ticket import Status, TicketRecord
from shared.manifest.trusted import Manifest, TrustedManifest
from shared.signed import Kind, seal

EVENT = b"arena-01"
ISSUED = 1_800_000_000
EXPIRES = ISSUED + 3600
NOW = Instant((ISSUED + 60) * 1000)
UNTIMED = Instant(0, trusted=False)
ROOT = keys.secret_key(b"r" * 32)
SIGNER = keys.secret_key(b"m" * 32)
NEXT_SIGNER = keys.secret_key(b"n" * 32)
PLAN = Plan(zones=(), gates=(), classes=())


def keyset(version: int = 1, *, revoked: bool = False) -> bytes:
    """Return a keyset with two manifest keys, the first of them revoked or not."""
    listed = tuple(
        Key("manifest", None, keys.public_key(secret).hex(), 0, EXPIRES * 2, withdrawn)
        for secret, withdrawn in ((SIGNER, revoked), (NEXT_SIGNER, False))
    )
    root = keys.public_key(ROOT).hex()
    return seal(Kind.KEYSET, Keyset(version, ISSUED, EXPIRES, root, None, listed), ROOT)


TRUSTED = TrustedKeys(keys.public_key(ROOT)).accept(keyset())
REVOKED = TRUSTED.accept(keyset(2, revoked=True))


def hash_of(number: int) -> bytes:
    """Return the id hash of a ticket that tests call by a number."""
    return sha256(number.to_bytes(4, "big")).digest()[:16]


def ticket(number: int, gen: int = 1, status: Status = Status.ACTIVE) -> TicketRecord:
    """Return the record of that ticket."""
    return TicketRecord(hash_of(number), number, gen, 7, status)


class Publisher:
    """Publishes version after version. `editions[v - 1]` is version v."""

    def __init__(
        self,
        records: Iterable[TicketRecord] = (),
        names: dict[bytes, bytes] | None = None,
        version: int = 1,
    ) -> None:
        table = build.table(EVENT, records, names)
        head = build.head(
            table, PLAN, version=version, issued=ISSUED, expires=EXPIRES, sales_end=EXPIRES
        )
        self.editions = [Manifest(seal_head(head, SIGNER), head, table)]
        self.entries: list[Entry] = []

    @property
    def newest(self) -> Manifest:
        return self.editions[-1]

    def publish(self, *changes: Change, secret: bytes = SIGNER) -> Manifest:
        """Publish one more version."""
        step = delta.entry(self.newest.head.version + 1, changes)
        table = delta.advance(self.newest.table, step)
        head = build.next_head(self.newest.head, table, step, issued=ISSUED, expires=EXPIRES)
        self.entries.append(step)
        self.editions.append(Manifest(seal_head(head, secret), head, table))
        return self.newest

    def log(self, version: int) -> bytes:
        """Return the entries after a version."""
        return delta.encode(step for step in self.entries if step.version > version)


def sealed(head: Head, secret: bytes = SIGNER) -> bytes:
    """Return a head signed as it is."""
    return seal(Kind.MANIFEST, head, secret)


def fill(assembly: Assembly, table: Table) -> Assembly:
    """Add what is missing from a table that has it."""
    for index in assembly.missing:
        assembly = assembly.add(index, table.chunks[index])
    for index in assembly.missing_names:
        assembly = assembly.add_names(index, table.names[index])
    return assembly


def load(
    edition: Manifest,
    device: TrustedManifest | None = None,
    trusted: TrustedKeys = TRUSTED,
    *,
    with_names: bool = False,
) -> TrustedManifest:
    """Return a device that took an edition in as a snapshot."""
    device = device or TrustedManifest(EVENT)
    assembly = device.preload(edition.raw, trusted, NOW, with_names=with_names)
    return device.take(fill(assembly, edition.table), trusted)


def held(device: TrustedManifest) -> Manifest:
    """Return what a device holds, which is something."""
    assert device.held
    return device.held
