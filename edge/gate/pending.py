"""A scan that staff may still act upon."""

from typing import NamedTuple

from edge.gate.acts import Act
from shared.manifest.sealed import Name
from shared.verify import Verified

NOBODY = Name("", "")


class Pending(NamedTuple):
    """What was scanned, what staff have said so far, and what came of it."""

    scan: Verified
    code: bytes  # the decoded code, for proofs; empty for a ticket picked by hand
    source: str
    name: Name
    act: Act
    badge: bytes = b""  # a supervisor's secret that was shown for this scan
    admitted: tuple[bytes, ...] = ()  # records of the entries that this verdict told of
