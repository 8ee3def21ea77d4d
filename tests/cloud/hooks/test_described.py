"""Whatever /v1/asyncapi.json describes happens here, and what webhooks are told of it fits."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
from jsonschema_rs import Draft202012Validator

from cloud.db.connect import open_pool
from cloud.keys.sealing import MasterKey, parse_master_key
from cloud.ledger.work import house as houses
from cloud.ledger.work.writer import Writer
from tests.cloud.database import Database
from tests.cloud.service import MASTER_KEY, Event, Person, Service, Tenant, good, running
from tests.cloud.sync.appliance import Venue, file_of
from tests.cloud.transfers.people import Fans

BODIES: Final = "SELECT topic, body FROM hook_delivery"
CSV: Final = {"content-type": "text/csv"}
GUESTS: Final = b"class;name;email\nStanding;Ada Lovelace;ada@example.org\n"
# The hold of a late payer ends, and somebody else has what it held.
LAPSED: Final = """
    SELECT set_config('app.tenant', '{tenant}', false), set_config('app.actor', 'test', false),
           set_config('app.move', 'release', false);
    UPDATE ticket SET state = 'created', order_id = NULL WHERE order_id = '{order}';
    UPDATE purchase SET state = 'lapsed' WHERE order_id = '{order}';
"""


@pytest.fixture(scope="module")
def service(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service whose people stay signed in while its clock is moved."""
    folder = tmp_path_factory.mktemp("service")
    with running(database, redis_url, folder, access_seconds=3600) as served:
        yield served


def listen(owner: Person, path: str) -> None:
    """Have a webhook that takes everything, and try it."""
    said = {"url": "https://example.com/hooks", "name": "CRM"}
    made = good(owner.post(f"{path}/hooks", json=said), 201)
    good(owner.post(f"{path}/hooks/{made['endpoint_id']}/test"), 202)


def held(buyer: Person, event: Event, quantity: int = 1) -> str:
    """Hold tickets; return the order's path."""
    items = [{"class_index": 0, "quantity": quantity}]
    wanted = {"event_id": str(event.event_id), "items": items}
    path = f"{event.tenant.path}/orders"
    return f"{path}/{good(buyer.post(path, json=wanted), 201)['order_id']}"


def events_change(service: Service, owner: Person, tenant: Tenant) -> None:
    """Published, moved, cancelled; and one that is over in a few hours."""
    event = service.event(owner, tenant)
    good(owner.post(f"{event.path}/cancel", json=version(owner, event)))
    soon = service.clock() + timedelta(minutes=50)
    times = {"doors_at": soon.isoformat(), "starts_at": (soon + timedelta(hours=1)).isoformat(),
             "ends_at": (soon + timedelta(hours=2)).isoformat()}  # fmt: skip
    moved = service.event(owner, tenant)
    good(owner.patch(moved.path, json=version(owner, moved) | times))


def version(owner: Person, event: Event) -> dict[str, Any]:
    return {"version": good(owner.get(event.path))["organizer"]["version"]}


def orders_end(service: Service, owner: Person, tenant: Tenant) -> None:
    """Paid and refunded, refused by the provider, given up, held too long, paid too late."""
    buyer = service.person()
    event = service.event(owner, tenant, price=900)
    path = f"{tenant.path}/orders"
    for by_hand in (False, True):
        order = service.buy(buyer, event)["order_id"]
        if by_hand:  # somebody has paid it back at the provider's page
            query = "SELECT intent FROM purchase WHERE order_id = $1"
            (row,) = service.database.rows(query, order)
            service.payments.post("/v1/refunds", {"payment_intent": row["intent"]})
        good(owner.post(f"{path}/{order}/refunds", json={"reason": "asked"}))
    good(buyer.delete(held(buyer, event)))
    scarce = service.event(owner, tenant, price=900, capacity=1)
    late = held(buyer, scarce)
    payment = good(buyer.post(f"{late}/payment"))
    service.database.run(LAPSED.format(tenant=tenant.tenant_id, order=late[-36:]))
    held(service.person(), scarce)
    service.pay(payment)
    held(buyer, event)  # until its time is over


def tickets_change(service: Service, owner: Person, tenant: Tenant) -> None:
    """Issued to guests; signed anew, each, and all when a key is withdrawn."""
    event = service.event(owner, tenant, price=0)
    good(owner.post(f"{event.path}/guests", content=GUESTS, headers=CSV))
    order = service.buy(owner, event)
    ticket = order["items"][0]["ticket_id"]
    good(owner.post(f"{event.path}/tickets/{ticket}/reissue"))
    (key,) = good(owner.get(f"{tenant.path}/keys", params={"event_id": str(event.event_id)}))
    good(owner.post(f"{tenant.path}/keys/{key['kid']}/revoke"))


def doors_open(service: Service, owner: Person, tenant: Tenant) -> None:
    """In, refused, out, in again, and that taken back."""
    event = service.event(owner, tenant, price=0, entry={"zones": [1], "re_entry": True})
    ticket = service.buy(owner, event)["items"][0]["ticket_id"]
    code = owner.get(f"{event.path}/tickets/{ticket}/code.txt").text.strip()

    def scan(direction: str) -> Any:
        said = {"gate": 2, "code": code, "direction": direction}
        return good(owner.post(f"{event.path}/redeem", json=said))

    scan("entry")
    scan("entry")
    scan("exit")
    entry = scan("entry")["entries"][0]
    good(owner.post(f"{event.path}/undo", json={"entry": entry}))


def tickets_go_over(fans: Fans) -> None:
    """Offered to somebody, and to whoever has the link: all that can become of it."""
    offers = [
        fans.offer(fans.ticket(), **said)
        for said in ({"email": fans.ben.email}, {}, {}, {"expires_in": 300})
    ]
    good(fans.accept(fans.ben, offers[0]))
    good(fans.ben.post(f"{fans.path}/decline", json={"secret": offers[1]["secret"]}))
    good(fans.ada.delete(f"{fans.path}/{offers[2]['transfer']['transfer_id']}"))


def a_copy_is_found(service: Service) -> None:
    """Two gates let the same ticket in."""
    venue = Venue(service)
    listen(venue.owner, venue.path)
    ticket = venue.scene.ticket()
    for name in ("North", "South"):
        gate = venue.gate(name)
        gate.boot()
        gate.scan(ticket)
        gate.send(file_of(gate))


def tickets_are_minted(service: Service, database: Database) -> None:
    """Those that were sold until now."""

    async def write() -> None:
        pool = await open_pool(database.app_url)
        sealer, clock = MasterKey(parse_master_key(MASTER_KEY)), service.clock
        try:
            async with houses.embedded(pool, clock, sealer, "https://tickets.example") as house:
                writer = Writer(pool, database.app_url, house, clock)
                while places := await writer.due():
                    await asyncio.gather(*map(writer.work, places))
        finally:
            await pool.close()

    asyncio.run(write())


def faults(document: Mapping[str, Any], topic: str, body: bytes) -> Iterator[str]:
    """Say where a webhook's body is not what the document has it to be."""
    schema = {
        "$ref": f"#/components/messages/{topic.replace('/', '~1')}/payload",
        "components": document["components"],
    }
    checked = Draft202012Validator(schema, validate_formats=True)
    yield from (f"{topic}: {each.message}" for each in checked.iter_errors(json.loads(body)))


def test_each_topic_is_told_as_it_is_described(service: Service, database: Database) -> None:
    fans = Fans(service)
    owner, tenant = fans.owner, fans.tenant
    listen(owner, tenant.path)
    events_change(service, owner, tenant)
    orders_end(service, owner, tenant)
    tickets_change(service, owner, tenant)
    doors_open(service, owner, tenant)
    tickets_go_over(fans)
    a_copy_is_found(service)
    service.work()
    tickets_are_minted(service, database)
    service.clock.move(4 * 3600)
    service.work()
    document = good(service.client().get("/v1/asyncapi.json"))
    told = [(row["topic"], bytes(row["body"])) for row in service.database.rows(BODIES)]
    assert set(document["channels"]) == {topic for topic, _ in told}
    assert [fault for topic, body in told for fault in faults(document, topic, body)] == []
    for text in (json.dumps(document).encode(), *(body for _, body in told)):
        assert b"sealed" not in text  # what is for the service's own eyes


def test_what_does_not_fit_is_found(service: Service) -> None:
    """Else the test above would pass whatever was told."""
    document = good(service.client().get("/v1/asyncapi.json"))
    ids = dict.fromkeys(("order_id", "event_id"), "8f14e45f-ceea-467f-a2d8-4bd4ab3b1fd2")
    whole = {"type": "order.paid", "version": 1, "timestamp": "2027-05-01T18:00:00Z"}
    for data in (ids, ids | {"account_id": "7"}, ids | {"account_id": None}):
        assert list(faults(document, "order.paid", json.dumps(whole | {"data": data}).encode()))
