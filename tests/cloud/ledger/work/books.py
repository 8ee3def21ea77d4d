"""What the books say that a chain took, beside what the chain says that it has."""

from collections import Counter
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from solders.pubkey import Pubkey
from solders.signature import Signature

from tests.cloud.orders.shop import Shop

SIGNATURE: Final = 5_000  # lamports
MINT: Final = 90_000  # to the protocol, in V2
TRANSFER: Final = 6_000
LINES: Final = """
    SELECT subject, account, currency, amount
      FROM journal JOIN posting USING (tenant_id, journal_id)
     WHERE fact = 'chain_cost' AND subject = ANY($1)
"""


@dataclass(frozen=True)
class Standing:
    """How a chain stands: its last transaction, what our payer has, and what all others have."""

    position: int
    payer: int
    others: int


def standing(shop: Shop, payer: Pubkey) -> Standing:
    """Ask the chain's own tables."""
    (row,) = shop.rows(
        "SELECT (SELECT coalesce(max(position), 0) FROM ledger_transaction) AS position,"
        " sum(lamports) FILTER (WHERE address = $1)::bigint AS payer,"
        " coalesce(sum(lamports) FILTER (WHERE address <> $1), 0)::bigint AS others"
        " FROM ledger_account",
        bytes(payer),
    )
    return Standing(row["position"], row["payer"], row["others"])


def booked(shop: Shop, event: UUID) -> dict[str, Counter[str]]:
    """Return what was booked of an event's transactions, by signature and account."""
    jobs = shop.rows("SELECT signature FROM ledger_job WHERE event_id = $1", event)
    subjects = [f"transaction:{Signature.from_bytes(row['signature'])}" for row in jobs]
    found: dict[str, Counter[str]] = {}
    for row in shop.rows(LINES, subjects):
        assert row["currency"] == "lamport"
        found.setdefault(row["subject"], Counter())[row["account"]] += row["amount"]
    return found


def check_books(
    shop: Shop, event: UUID, payer: Pubkey, before: Standing, *, mints: int, transfers: int = 0
) -> None:
    """Each transaction that landed since is booked once, and all sums are the chain's."""
    after, entries = standing(shop, payer), booked(shop, event)
    landed = shop.rows(
        "SELECT signature, raw FROM ledger_transaction WHERE position > $1", before.position
    )
    names = {f"transaction:{Signature.from_bytes(row['signature'])}" for row in landed}
    assert set(entries) == names
    sums: Counter[str] = Counter()
    for each in entries.values():
        sums.update(each)
    assert sums["chain:fees"] == SIGNATURE * sum(row["raw"][0] for row in landed)
    assert sums["chain:protocol"] == MINT * mints + TRANSFER * transfers
    assert sums["chain:protocol"] + sums["chain:deposits"] == after.others - before.others
    assert sums["chain:payer"] == after.payer - before.payer < 0
    assert sum(sums.values()) == 0
