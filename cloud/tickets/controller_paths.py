"""Where tickets are over HTTP."""

from typing import Final

TENANT: Final = "/v1/tenants/{tenant_id:uuid}"
EVENT: Final = f"{TENANT}/events/{{event_id:uuid}}"
TICKETS: Final = f"{EVENT}/tickets"
TICKET: Final = f"{TICKETS}/{{ticket_id:uuid}}"
