"""People who hand tickets over to one another, by the routes of the real API."""

from typing import Any
from uuid import UUID

from tests.cloud.service import Event, Person, Service, Tenant, good


class Fans:
    """A tenant, and people who hand tickets over to one another."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.owner = service.person()
        self.tenant: Tenant = service.tenant(self.owner)
        self.ada, self.ben, self.eve = (service.person() for _ in range(3))

    @property
    def path(self) -> str:
        """Where transfers are."""
        return f"{self.tenant.path}/transfers"

    def event(self, **first: Any) -> Event:
        """Make an event whose tickets cost nothing."""
        return self.service.event(self.owner, self.tenant, **({"price": 0, "capacity": 5} | first))

    def ticket(self, event: Event | None = None) -> str:
        """Give Ada a ticket; return where it is."""
        order = self.service.buy(self.ada, event or self.event())
        rows = self.rows("SELECT event_id, ticket_id FROM ticket WHERE order_id = $1",
                         UUID(order["order_id"]))  # fmt: skip
        place = f"events/{rows[0]['event_id']}/tickets/{rows[0]['ticket_id']}"
        return f"{self.tenant.path}/{place}"

    def offer(self, ticket: str, **terms: Any) -> Any:
        """Let Ada offer a ticket."""
        return good(self.ada.post(f"{ticket}/transfers", json=terms), 201)

    def accept(self, who: Person, made: Any, **more: Any) -> Any:
        """Let somebody accept an offer."""
        return who.post(f"{self.path}/accept", json={"secret": made["secret"], **more})

    def rows(self, sql: str, *args: object) -> list[Any]:
        """Return what is really there."""
        return self.service.database.rows(sql, *args)

    def told(self, ticket: str) -> list[Any]:
        """Return the messages about a ticket's transfers, in order."""
        return self.rows(
            "SELECT topic, payload FROM outbox WHERE key = $1 AND topic LIKE 'transfer.%'"
            " ORDER BY message_id",
            ticket[-36:],
        )
