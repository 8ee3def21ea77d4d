"""The manifest: what a gate preloads and trusts (spec/manifest.md).

Read `ticket` (a record), `chunk` (a 256th of them), `head` (what is signed), `delta` (what
changed) and `trusted` (what a device holds), in this order.
"""

from shared.manifest.ticket import Status as Status
from shared.manifest.ticket import TicketRecord as TicketRecord
