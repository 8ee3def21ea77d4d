"""What each dependency's loss means, in words that /readyz and the README share.

A dependency that is away takes along what is `refused`, and no more; what `waits` is done later,
by itself, each thing once. tests/cloud/degradations takes each of them away while there is work.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

State = Literal["well", "away", "unasked"]


class Loss(msgspec.Struct, frozen=True):
    """What becomes of the service without a dependency."""

    works: str
    waits: str
    refused: str


class Dependency(msgspec.Struct, frozen=True):
    """One of them as it is now; `unasked`: it is the workers' affair."""

    state: State
    without: Loss


LOSSES: Final[Mapping[str, Loss]] = {
    "database": Loss(
        "Gates admit by their own lists; what they write is kept there.",
        "Uploads, messages, mail and webhooks.",
        "Every request that reads or writes: `unavailable`, until it or a standby is there.",
    ),
    "cache": Loss(
        "Everything. Each process counts requests and failures by itself.",
        "Nothing.",
        "Nothing; limits are looser by the number of processes.",
    ),
    "broker": Loss(
        "Holds, payments, scans, uploads.",
        "What follows from messages: mail, webhooks, refunds. The outbox keeps them.",
        "Nothing.",
    ),
    "payments": Loss(
        "Free orders, scans, uploads, transfers; holds are taken.",
        "News of payments that were made, and refunds.",
        "Beginning to pay: `payments_away`, at once while its breaker is open.",
    ),
    "smtp": Loss(
        "Everything else; tickets are in the account at once.",
        "Mail, for as long as it is worth sending.",
        "Nothing.",
    ),
    "hooks": Loss(
        "Everything else, other organizers' webhooks as well.",
        "Calls to that endpoint, for three days.",
        "Nothing.",
    ),
    "ledger": Loss(
        "Everything else; who may enter is unchanged. "
        "Of several nodes the others are asked, while two are left.",
        "Minting, moving and burning tickets on Solana.",
        "Nothing; whether an asset is in its tree is told as unknown.",
    ),
}


def dependencies(
    *, database: bool, cache: bool, breakers: Mapping[str, int]
) -> dict[str, Dependency]:
    """Return how all are. `breakers`: how many of a kind are open."""
    known = {"database": database, "cache": cache} | {
        kind: breakers.get(kind, 0) == 0 for kind in ("payments", "smtp", "hooks", "ledger")
    }
    return {
        name: Dependency(
            "unasked" if name not in known else "well" if known[name] else "away", loss
        )
        for name, loss in LOSSES.items()
    }
