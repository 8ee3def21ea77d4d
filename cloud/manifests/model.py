"""When manifests are published, and how much of them is kept."""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

# These three stand in manifests_due() as well (migrations/0012_manifests.sql).
AHEAD: Final = timedelta(days=15)  # before the doors: a day more than devices are told of it
BEHIND: Final = timedelta(hours=24)  # after the end: gates still bring what they recorded
RENEWAL: Final = timedelta(hours=1)  # when an unchanged head is signed anew

HEAD_LIFE: Final = timedelta(hours=24)
KEPT_HEADS: Final = 32  # against which changes are compressed, and whose chunks are handed out
MAX_STEP: Final = 8000  # changed tickets: beyond it, the whole table is built anew
PAGE: Final = 10_000  # tickets read at once
PRUNE_EVERY: Final = 64  # versions


class Due(NamedTuple):
    """An event whose manifest is to be published."""

    tenant: UUID
    event_id: UUID
