"""What the worker does for transfers: offers lapse."""

from typing import Final, LiteralString

from cloud.sweeps import Sweep
from cloud.transfers.acts import lapse

EVERY: Final = 30  # seconds
OVERDUE: Final[LiteralString] = "SELECT tenants_with_lapsed_transfers($1) AS tenant_id"
SWEEPS: Final = (Sweep("transfers.lapse", EVERY, OVERDUE, lapse),)
