"""A tenant with its owner, as the tests of devices begin."""

from typing import Any

from tests.cloud.devices.machine import Machine
from tests.cloud.service import Person, Service, Tenant, good


class House:
    """A tenant, its owner, and its gates."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.owner: Person = service.person()
        self.tenant: Tenant = service.tenant(self.owner)

    @property
    def devices(self) -> str:
        """Where devices are."""
        return f"{self.tenant.path}/devices"

    def gate(self, **said: Any) -> Machine:
        """Let a gate in by its key."""
        gate = self.machine()
        body = {"public": gate.pk.hex(), "name": "North"} | said
        good(self.owner.post(self.devices, json=body), 201)
        return gate

    def machine(self) -> Machine:
        """An appliance that nobody knows yet."""
        return Machine(self.service, self.tenant)

    def offer(self, **said: Any) -> Any:
        """Offer an enrolment."""
        body = {"name": "North"} | said
        return good(self.owner.post(f"{self.devices}/enrolments", json=body), 201)

    def versions(self) -> list[int]:
        """The rosters that are kept."""
        sql = "SELECT version FROM roster WHERE tenant_id = $1 ORDER BY version"
        return [row["version"] for row in self.rows(sql)]

    def rows(self, sql: str) -> list[Any]:
        """What is really there of this tenant."""
        return self.service.database.rows(sql, self.tenant.tenant_id)
