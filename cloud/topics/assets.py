"""What the ledger has made. Key: `ledger:<event>`."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from cloud.topics.form import OfEvent, Told

MOST: Final = 500  # tickets in a message
ADDRESS: Final = r"^[1-9A-HJ-NP-Za-km-z]{32,44}$"


class Asset(Told, frozen=True):
    """A ticket, and what it is on the ledger."""

    ticket_id: UUID
    asset_id: Annotated[
        str,
        Meta(
            pattern=ADDRESS,
            description="Its address, in base 58.",
            examples=["7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"],
        ),
    ]


class Minted(OfEvent, frozen=True):
    """Tickets that were minted, each once."""

    tickets: Annotated[tuple[Asset, ...], Meta(min_length=1, max_length=MOST)]
