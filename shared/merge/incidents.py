"""What a person must settle (spec/merge.md §5)."""

from enum import StrEnum
from typing import NamedTuple


class Incident(StrEnum):
    """Kinds. Values are API: consoles and webhooks carry them."""

    DOUBLE_ADMISSION = "double_admission"  # more people than the ticket has rights
    UNSEEN_EXIT = "unseen_exit"  # the same, unless a guest left where nobody passed it on
    TOO_MANY_DAYS = "too_many_days"
    REVOKED_ADMISSION = "revoked_admission"  # the ticket is revoked or refunded
    SUPERSEDED_ADMISSION = "superseded_admission"  # a newer generation is known
    UNPROVED_OVERRIDE = "unproved_override"  # no supervisor's signature came with it
    EQUIVOCATION = "equivocation"  # one place in a log, two records
    LOG_TRUNCATED = "log_truncated"  # a boot that forgets records written before it


class Finding(NamedTuple):
    """One incident and the record that it is about. Sorts the same everywhere.

    `event`, `ticket` and `record` are zero where a device's log itself is at fault.
    """

    kind: Incident
    event: bytes  # 8
    ticket: bytes  # 16: id hash
    record: bytes  # 16
    device: bytes  # 16
    incarnation: int
    seq: int
