"""What an instruction of Bubblegum works on: its accounts by name, checked as the program does."""

from typing import Final

from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.borsh import Reader
from cloud.ledger.bubblegum.codes import Anchor, Code, Compression
from cloud.ledger.bubblegum.config import Config, read_config
from cloud.ledger.bubblegum.events import change_event, leaf_event
from cloud.ledger.bubblegum.instructions import Spec
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import (
    BUBBLEGUM,
    CORE,
    CORE_SIGNER,
    PAIRS,
    SYSTEM,
    config_of,
)
from cloud.ledger.bubblegum.transaction import Call, Meta
from cloud.ledger.embedded.accounts import Failed, Work, custom
from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.tree.concurrent import Change, ConcurrentTree, TreeRefused, load
from cloud.ledger.values import Leaf, Schema

FIXED: Final = {
    schema: {
        "system_program": SYSTEM,
        "core_program": CORE,
        "log_wrapper": pair.noop,
        "compression_program": pair.compression,
    }
    for schema, pair in PAIRS.items()
}


class Context:
    """One call. `emit` writes events down; `returned` is the return data."""

    def __init__(self, work: Work, spec: Spec, call: Call, schema: Schema, slot: int) -> None:
        self.work = work
        self.schema = schema
        self.slot = slot
        self.events: list[bytes] = []
        self.returned = b""
        self._call = call
        self._spec = spec
        self._named = _named(spec, call, schema)

    def __getitem__(self, name: str) -> Pubkey:
        """Return a required account's address."""
        return self._named[name].key

    def get(self, name: str, default: Pubkey | None = None) -> Pubkey | None:
        """Return an optional account's address, or *default*."""
        meta = self._named.get(name)
        return default if meta is None else meta.key

    def keys(self) -> dict[str, Pubkey]:
        """Return all accounts that are there."""
        return {name: meta.key for name, meta in self._named.items()}

    def signed(self, name: str) -> bool:
        """Whether an account has signed."""
        return self._named[name].signer

    def rest(self) -> tuple[Meta, ...]:
        """Return the accounts after the named ones: a proof's nodes, or more signers."""
        return self._call.metas[self._spec.required :]

    def arguments(self) -> Reader:
        """Return a reader of what follows the discriminator."""
        return Reader(self._call.data, 8)

    def config(self) -> Config:
        """Return the tree's config, checked to be that tree's and of this generation."""
        key = self["config"]
        held = self.work.read(key)
        if held is None or (held.owner == SYSTEM and not held.lamports):
            raise custom(Anchor.NOT_INITIALIZED)
        if held.owner != BUBBLEGUM:
            raise custom(Anchor.WRONG_OWNER)
        try:
            config = read_config(bytes(held.data))
        except LedgerMalformed:
            raise custom(Anchor.DISCRIMINATOR) from None
        if key != config_of(self["tree"]):
            raise custom(Anchor.SEEDS)
        return config

    def tree(self) -> ConcurrentTree:
        """Return the tree, to be changed."""
        held = self.work.read(self["tree"])
        if held is None or held.owner != PAIRS[self.schema].compression:
            raise custom(Compression.OWNER)
        try:
            return load(self.work.write(self["tree"]).data)
        except LedgerMalformed:
            raise custom(Compression.CONSTANTS) from None

    def emit_change(self, change: Change) -> None:
        """Write a changed path down."""
        self.events.append(change_event(self["tree"], change))

    def append(self, leaf: Leaf) -> None:
        """Add a leaf to the tree."""
        hashed = leaf_hash(leaf)
        self.events.append(leaf_event(leaf, hashed))
        try:
            self.emit_change(self.tree().append(hashed))
        except TreeRefused:
            raise custom(Compression.TREE) from None

    def replace(self, root: bytes, old: Leaf, new: Leaf | None, index: int) -> None:
        """Put *new* where *old* is, or nothing, with the proof among the accounts."""
        hashed = bytes(32)
        if new is not None:
            hashed = leaf_hash(new)
            self.events.append(leaf_event(new, hashed))
        proof = [bytes(meta.key) for meta in self.rest()]
        try:
            self.emit_change(self.tree().replace(root, leaf_hash(old), hashed, index, proof))
        except TreeRefused:
            raise custom(Compression.TREE) from None

    def require_owner(self, name: str, program: Pubkey) -> None:
        """Check that an account is *program*'s."""
        held = self.work.read(self[name])
        if held is None or held.owner != program:
            raise custom(Anchor.OWNER)

    def require_schema(self, config: Config) -> None:
        """Check that the tree is of this instruction's generation."""
        if config.schema is not self.schema:
            raise custom(Code.UNSUPPORTED_SCHEMA)


def _named(spec: Spec, call: Call, schema: Schema) -> dict[str, Meta]:
    if len(call.metas) < len(spec.places):
        raise custom(Anchor.TOO_FEW_ACCOUNTS)
    programs = FIXED[schema]
    named = {}
    for place, meta in zip(spec.places, call.metas, strict=False):
        if place.optional and meta.key == BUBBLEGUM:
            continue
        if place.signer and not meta.signer:
            raise custom(Anchor.NOT_SIGNER)
        if programs.get(place.name, meta.key) != meta.key:
            raise custom(Anchor.WRONG_PROGRAM)
        if place.name == "core_signer" and meta.key != CORE_SIGNER:
            raise custom(Anchor.SEEDS)
        if place.writable and not meta.writable:
            raise custom(Anchor.NOT_WRITABLE)
        named[place.name] = meta
    return named


def missing() -> Failed:
    """Return the failure of data that is not an instruction's."""
    return custom(Anchor.NOT_DESERIALIZED)
