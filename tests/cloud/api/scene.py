"""Two organizers, one of them with a row of everything, and what their rows come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import nacl.signing

from tests.cloud.database import Database
from tests.cloud.messages.post import give_up
from tests.cloud.service import Person, Service, Tenant, good

TABLES: Final = """
    SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     ORDER BY c.relname
"""
ROWS: Final = """
    SELECT '{0}' AS name, md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) AS hash
      FROM "{0}" AS t WHERE t.tenant_id = $1
"""
HOLDERS: Final = """
    SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
      JOIN pg_attribute b ON b.attrelid = c.oid AND b.attname = $1
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     ORDER BY c.relname
"""


def tables(database: Database) -> list[str]:
    """Return the tables with tenant data."""
    return [row["name"] for row in database.rows(TABLES)]


def state(database: Database, tenant: UUID) -> Mapping[str, str]:
    """Return what all rows of a tenant come to, table by table."""
    each = " UNION ALL ".join(ROWS.format(name) for name in tables(database))
    return {row["name"]: row["hash"] for row in database.rows(each, tenant)}


@dataclass(frozen=True)
class Side:
    """An organizer and its owner."""

    service: Service
    owner: Person
    tenant: Tenant
    values: dict[str, Any]

    @property
    def state(self) -> Mapping[str, str]:
        """What its rows come to."""
        return state(self.service.database, self.tenant.tenant_id)

    def value(self, name: str) -> Any:
        """Return one of this tenant's ids, by the name of the column that holds it."""
        if name not in self.values:
            self.values[name] = self._look_up(name)
        return self.values[name]

    def _look_up(self, name: str) -> Any:
        database, tenant = self.service.database, self.tenant.tenant_id
        for row in database.rows(HOLDERS, name):
            sql = f'SELECT "{name}" AS it FROM "{row["name"]}" WHERE tenant_id = $1'
            for found in database.rows(f'{sql} AND "{name}" IS NOT NULL LIMIT 1', tenant):
                return found["it"].hex() if isinstance(found["it"], bytes) else str(found["it"])
        raise LookupError(f"no row of the scene has a {name}: make one in tests/cloud/api/scene.py")

    def path_values(self, names: list[str]) -> dict[str, Any]:
        """Return the values of a path's parameters, all of them this tenant's."""
        return {"tenant_id": self.tenant.tenant_id} | {name: self.value(name) for name in names}


class Ids(dict[str, object]):
    """A scene's ids, and for what no tenant has, one that nobody has."""

    def __init__(self, side: Side) -> None:
        super().__init__(side.values)

    def __missing__(self, name: str) -> str:
        return "8f14e45f-ceea-467f-a2d8-4bd4ab3b1fd2"


def side(service: Service) -> Side:
    """Make an organizer with a row of everything that a path can name."""
    owner, buyer = service.person(), service.person()
    tenant = service.tenant(owner)
    event = service.event(owner, tenant)
    order = service.buy(buyer, event)
    good(owner.post(f"{tenant.path}/invitations", json={"email": "a@x.test", "role": "staff"}))
    scopes = {"name": "Till", "scopes": ["events:read"]}
    good(owner.post(f"{tenant.path}/api-keys", json=scopes))
    good(owner.post(f"{tenant.path}/clients", json=scopes))
    public = bytes(nacl.signing.SigningKey.generate().verify_key).hex()
    good(owner.post(f"{tenant.path}/devices", json={"public": public, "name": "North"}))
    good(owner.post(f"{tenant.path}/devices/enrolments", json={"name": "South"}))
    good(owner.post(f"{tenant.path}/badges", json={"name": "Ada", "role": "supervisor"}))
    hook = {"url": "https://example.org/hooks", "name": "CRM"}
    endpoint = good(owner.post(f"{tenant.path}/hooks", json=hook))["endpoint_id"]
    good(owner.post(f"{tenant.path}/hooks/{endpoint}/test"))
    (delivery,) = good(owner.get(f"{tenant.path}/hooks/{endpoint}/deliveries"))["items"]
    message = tenant.tenant_id.int % 10**9  # another one than the other side's
    give_up(service.database, tenant.tenant_id, message)
    said, kind = b"class;name\nStanding;Ada\n", {"content-type": "text/csv"}
    good(owner.post(f"{event.path}/guests?dry_run=true", content=said, headers=kind))
    ids = (tenant.tenant_id, event.event_id, order["items"][0]["ticket_id"], owner.account_id)
    service.database.run(
        f"""
        SELECT set_config('app.tenant', '{ids[0]}', false), set_config('app.actor', 'test', false);
        INSERT INTO transfer (event_id, ticket_id, gen, sender, hash, expires_at)
        VALUES ('{ids[1]}', '{ids[2]}', 0, '{ids[3]}', sha256(gen_random_uuid()::text::bytea),
                now() + interval '1 day');
        INSERT INTO incident (
            incident_id, number, event_ref, kind, ticket, device_id, incarnation, seq,
            record_events, record_ids, records, devices, gates, found_at)
        SELECT substring(sha256(event_id::text::bytea) FROM 1 FOR 16), 1, ref, 'double_admission',
               substring(sha256('ticket') FROM 1 FOR 16), decode(repeat('00', 16), 'hex'), 1, 2,
               '{{}}', '{{}}', 0, '{{}}', '{{1}}', now()
          FROM event WHERE event_id = '{ids[1]}';
        INSERT INTO asset_event (event_id) VALUES ('{ids[1]}');
        INSERT INTO asset_review (event_id, signature, asset_id, kind, owner, slot)
        VALUES ('{ids[1]}', decode(repeat('01', 64), 'hex'), sha256('{ids[1]}'), 'moved',
                decode(repeat('02', 32), 'hex'), 1);
        INSERT INTO incident_count (number) VALUES (1);
        INSERT INTO mail (kind, account_id, language, about, created_at, due_at)
        VALUES ('order', '{ids[3]}', 'en', '{{"order_id": "{order["order_id"]}"}}', now(), now());
        """
    )
    values = {
        "tenant_id": str(tenant.tenant_id),
        "event_id": str(event.event_id),
        "venue_id": str(event.venue_id),
        "order_id": order["order_id"],
        "ticket_id": order["items"][0]["ticket_id"],
        "account_id": str(owner.account_id),
        "class_index": 0,
        "endpoint_id": endpoint,
        "message_id": message,
        "consumer": "orders",
        "delivery_id": delivery["delivery_id"],
    }
    return Side(service, owner, tenant, values)
