"""What can be proved of a ticket's asset, and whether our own records say the same."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.db.connect import Row
from cloud.ledger.bubblegum.building import metadata_of
from cloud.ledger.faults import LedgerUntrusted
from cloud.ledger.ports import Ledger
from cloud.ledger.values import Asset, Flag, Mint, Proof, Schema
from cloud.ledger.web.asking import Evidence, evidence
from cloud.ledger.work.naming import SYMBOL, name_of, uri_of
from cloud.ledger.work.steps import VOID

LATE: Final = frozenset({"proof_old", "asset_old"})  # of an index that isn't there yet


class Verdict(StrEnum):
    """What a person is told first."""

    PROVED = "proved"
    BURNT = "burnt"  # and that is proved
    NOT_MINTED = "not_minted"
    DIFFERS = "differs"  # proved, and our records say something else
    CONTRADICTED = "contradicted"  # the index says what the tree's account denies
    UNKNOWN = "unknown"  # nobody could be asked, or who was is behind, or doesn't list it


class Check(Struct, frozen=True):
    """One thing that was looked at, and whether it held."""

    what: str
    good: bool


class Report(Struct, frozen=True):
    """All of it. `root` and `path` are of the proof: its root, and how many nodes it has."""

    verdict: Verdict
    checks: Sequence[Check] = ()
    asset: Asset | None = None
    proof: Proof | None = None
    fault: str = ""


async def verify(ledger: Ledger, row: Row) -> Report:
    """Prove an asset from the tree's account, and compare it with our row (reading.py: ASSET)."""
    if (asset := _key(row["asset_id"])) is None:
        return judged(row, Evidence())
    return judged(row, await evidence(ledger, asset))


def judged(row: Row, found: Evidence) -> Report:
    """Return what is to be said of an asset of which so much was proved."""
    if row["asset_id"] is None:
        return Report(Verdict.NOT_MINTED)
    if (fault := found.fault) is not None:
        lies = isinstance(fault, LedgerUntrusted) and fault.code not in LATE
        return Report(Verdict.CONTRADICTED if lies else Verdict.UNKNOWN, fault=fault.code)
    if found.asset is None or found.proof is None:
        return Report(Verdict.UNKNOWN, fault="asset_unlisted")  # which proves nothing
    checks = compared(row, found.asset)
    burnt = Verdict.BURNT if found.asset.burnt else Verdict.PROVED
    agrees = all(check.good for check in checks)
    verdict = burnt if agrees else Verdict.DIFFERS
    return Report(verdict, checks, found.asset, found.proof)


def compared(row: Row, found: Asset) -> list[Check]:
    """Return what was compared. That *found* is in the tree was proved before; of what is burnt, no
    more than its place: what was there, an empty leaf doesn't tell."""
    same = Check("It is burnt, or not, as in our records.", row["burnt"] is found.burnt)
    if found.burnt:
        return [
            Check("The leaf's place in the tree is empty: it was burnt.", good=True),
            Check("It was in this event's tree.", _key(row["tree"]) == found.tree),
            same,
        ]
    return [
        Check("The leaf, recomputed, is in the tree that the account holds.", good=True),
        Check("Its metadata is what we published for this ticket.", _is_ours(row, found)),
        _placed(row, found),
        Check("Its owner is the one in our records.", _key(row["owner"]) == found.leaf.owner),
        same,
        Check(
            "It is frozen, or not, as in our records.",
            row["frozen"] is bool(found.leaf.flags & Flag.FROZEN),
        ),
        Check("Its ticket was not taken back.", row["ticket_state"] not in VOID),
    ]


def _placed(row: Row, found: Asset) -> Check:
    """V1 has no collections that a leaf proves: there the event's tree stands for one."""
    if found.leaf.schema is Schema.V1:
        return Check("It is in this event's tree.", _key(row["tree"]) == found.tree)
    collected = _key(row["collection"]) == found.collection
    return Check("It is in this event's collection.", collected)


def _is_ours(row: Row, found: Asset) -> bool:
    body = row["body"]
    if body is None:
        return False
    mint = Mint(
        found.leaf.owner,
        name_of(body["event"], row["number"]),
        uri_of(body["base"], row["ref"], row["gen"]),
        SYMBOL,
        found.collection,
    )
    return metadata_of(mint).data_hash(found.leaf.schema) == found.leaf.data_hash


def _key(raw: bytes | None) -> Pubkey | None:
    return None if raw is None else Pubkey.from_bytes(raw)
