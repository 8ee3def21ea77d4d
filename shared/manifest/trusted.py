"""What a device holds of one event's manifest, and what may replace it (spec/manifest.md §6).

Rules, after TUF's client workflow:
- A new head is signed by a manifest key that the keyset names, is for this event, in its
  time, and of a higher version. The same version with other bytes is a fork.
- A head counts only together with its whole table: by a snapshot (`preload`, then `take`) or
  by deltas (`follow`).
- Tickets go on from where they were, whichever way the new table came: none is removed, no
  number changes, no generation falls.
- Where the key that signed what is held was revoked, what is held binds nothing: a thief of
  the key could else have signed the highest version of all, and locked every later one out.

A device stores `raw` and the chunks before it uses them. After a restart, `preload` of the
stored head without trusted time, `add` of the stored chunks and `take` give back what it had.
"""

from typing import NamedTuple

from shared import hashing
from shared.errors import Refused, Untrusted
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.manifest import delta
from shared.manifest.assembly import Assembly, begin
from shared.manifest.head import Head, open_head
from shared.manifest.table import Table, check_successor
from shared.signed import signer_kid


class Manifest(NamedTuple):
    """A manifest in force: its head as signed and as read, and its tickets."""

    raw: bytes
    head: Head
    table: Table


class TrustedManifest(NamedTuple):
    """The manifest of `event`, as far as there is one. Updates return a new state."""

    event: bytes
    held: Manifest | None = None

    def accept(self, raw: bytes, trusted: TrustedKeys, now: Instant) -> Head:
        """Return the head in `raw`, if it may follow the one that is held."""
        head = open_head(raw, trusted, now)
        if bytes.fromhex(head.event) != self.event:
            raise Refused("manifest_event")
        _check_version(self.base(trusted), raw, head)
        return head

    def preload(
        self, raw: bytes, trusted: TrustedKeys, now: Instant, *, with_names: bool = False
    ) -> Assembly:
        """Begin a snapshot with the chunks that are here already."""
        head = self.accept(raw, trusted, now)
        old = self.held.table if self.held else Table(self.event)
        return begin(raw, head, old, with_names=with_names)

    def take(self, assembly: Assembly, trusted: TrustedKeys) -> "TrustedManifest":
        """Put a whole snapshot in force."""
        table = assembly.table()
        base = self.base(trusted)
        # Again, because a keyset or another update may have come in since the snapshot was begun.
        if signer_kid(assembly.raw) not in _kids(trusted, revoked=False):
            raise Untrusted("document_unknown_key")
        _check_version(base, assembly.raw, assembly.head)
        if base:
            check_successor(base.table, table)
        return self._replace(held=Manifest(assembly.raw, assembly.head, table))

    def follow(
        self, raw: bytes, log: bytes, trusted: TrustedKeys, now: Instant
    ) -> "TrustedManifest":
        """Go from what is held to a newer head by the delta log between them."""
        head = self.accept(raw, trusted, now)
        base = self.base(trusted)
        if base is None:
            raise Refused("manifest_missing")
        table = delta.follow(base.table, base.head, delta.decode(log), head)
        return self._replace(held=Manifest(raw, head, table))

    def base(self, trusted: TrustedKeys) -> Manifest | None:
        """Return what is held, unless the key that signed it was revoked since."""
        if self.held is None or signer_kid(self.held.raw) in _kids(trusted, revoked=True):
            return None
        return self.held


def _check_version(base: Manifest | None, raw: bytes, head: Head) -> None:
    """Raise `Refused` unless a head's version may follow that of `base`."""
    if base and head.version < base.head.version:
        raise Refused("manifest_rollback")
    if base and head.version == base.head.version and raw != base.raw:
        raise Refused("manifest_forked")


def _kids(trusted: TrustedKeys, *, revoked: bool) -> set[bytes]:
    """The kids of the manifest keys that were revoked, or of those that were not."""
    every = trusted.keyset.keys if trusted.keyset else ()
    return {
        hashing.kid(bytes.fromhex(key.pk))
        for key in every
        if key.role == "manifest" and key.revoked == revoked
    }
