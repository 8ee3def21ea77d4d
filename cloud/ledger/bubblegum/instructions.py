"""The instructions: which accounts and arguments each has, written and read by one table.

An account that may be absent is then Bubblegum's own address, read-only. After the named ones
come the proof's nodes, as accounts that nobody reads.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Final

from msgspec import Struct
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.programs import BUBBLEGUM


class Place(Struct, frozen=True):
    """One account of an instruction."""

    name: str
    writable: bool
    signer: bool
    optional: bool


class Spec:
    """An instruction's name on the chain, and its accounts in order."""

    def __init__(self, name: str, accounts: str) -> None:
        self.name = name
        self.discriminator = sha256(f"global:{name}".encode()).digest()[:8]
        self.places = tuple(map(_place, accounts.split()))

    def build(
        self,
        accounts: Mapping[str, Pubkey | None],
        data: bytes,
        proof: Sequence[bytes] = (),
        signed_by: Pubkey | None = None,
    ) -> Instruction:
        """Return the instruction. Absent accounts are those that *accounts* lacks; *signed_by*
        signs wherever it stands."""
        metas = [_meta(place, accounts.get(place.name), signed_by) for place in self.places]
        metas += [
            AccountMeta(Pubkey.from_bytes(node), is_signer=False, is_writable=False)
            for node in proof
        ]
        return Instruction(BUBBLEGUM, self.discriminator + data, metas)

    @cached_property
    def required(self) -> int:
        """How many accounts it names."""
        return len(self.places)


def _place(written: str) -> Place:
    name, _, marks = written.partition(":")
    return Place(name, "w" in marks, "s" in marks, "?" in marks)


def _meta(place: Place, key: Pubkey | None, signed_by: Pubkey | None) -> AccountMeta:
    if key is None:
        if not place.optional:
            raise KeyError(place.name)
        return AccountMeta(BUBBLEGUM, is_signer=False, is_writable=False)
    signer = place.signer or key == signed_by
    return AccountMeta(key, is_signer=signer, is_writable=place.writable)


PROGRAMS: Final = "log_wrapper compression_program system_program"

SPECS: Final = (
    CREATE_TREE := Spec("create_tree", f"config:w tree:w payer:ws creator:s {PROGRAMS}"),
    CREATE_TREE_V2 := Spec("create_tree_v2", f"config:w tree:w payer:ws creator:s? {PROGRAMS}"),
    SET_TREE_DELEGATE := Spec(
        "set_tree_delegate", "config:w creator:s new_delegate tree system_program"
    ),
    MINT_V1 := Spec(
        "mint_v1", f"config:w leaf_owner leaf_delegate tree:w payer:s tree_delegate:s {PROGRAMS}"
    ),
    MINT_V2 := Spec(
        "mint_v2",
        "config:w payer:ws tree_delegate:s? collection_authority:s? leaf_owner leaf_delegate:? "
        "tree:w collection:w? core_signer:? log_wrapper compression_program core_program "
        "system_program",
    ),
    TRANSFER := Spec(
        "transfer", f"config leaf_owner leaf_delegate new_leaf_owner tree:w {PROGRAMS}"
    ),
    TRANSFER_V2 := Spec(
        "transfer_v2",
        "config:w payer:ws authority:s? leaf_owner leaf_delegate:? new_leaf_owner tree:w "
        f"collection:? {PROGRAMS}",
    ),
    DELEGATE := Spec(
        "delegate", f"config leaf_owner:s previous_delegate new_delegate tree:w {PROGRAMS}"
    ),
    BURN := Spec("burn", f"config leaf_owner leaf_delegate tree:w {PROGRAMS}"),
    BURN_V2 := Spec(
        "burn_v2",
        "config:w payer:ws authority:s? leaf_owner leaf_delegate:? tree:w collection:w? "
        "core_signer:? log_wrapper compression_program core_program system_program",
    ),
    FREEZE_V2 := Spec(
        "freeze_v2",
        f"config:w payer:ws authority:s? leaf_owner leaf_delegate tree:w collection:? {PROGRAMS}",
    ),
    THAW_V2 := Spec(
        "thaw_v2",
        f"config:w payer:ws authority:s? leaf_owner leaf_delegate tree:w collection:? {PROGRAMS}",
    ),
    SET_NON_TRANSFERABLE_V2 := Spec(
        "set_non_transferable_v2",
        f"config:w payer:ws authority:s? leaf_owner leaf_delegate:? tree:w collection {PROGRAMS}",
    ),
)
"""All that the embedded ledger executes. `transfer` and `burn` take their owner or delegate as
a signer, whichever acts: see `signed_by`."""

BY_DISCRIMINATOR: Final = {spec.discriminator: spec for spec in SPECS}


def accounts_of(spec: Spec, keys: Sequence[Pubkey]) -> dict[str, Pubkey]:
    """Return an instruction's accounts by name, without those that are absent."""
    pairs = zip(spec.places, keys, strict=False)
    return {place.name: key for place, key in pairs if not (place.optional and key == BUBBLEGUM)}
