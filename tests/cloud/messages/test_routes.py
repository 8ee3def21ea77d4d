"""Messages that were given up, and the document of what is told, over HTTP."""

import msgspec
import pytest
from jsonschema_rs import Draft202012Validator

from cloud.http.description import sample
from cloud.messages.consumer import Consumer
from cloud.topics import TOPICS
from cloud.topics.document import document
from tests.cloud.database import Database, awaited
from tests.cloud.messages.post import dispatch, effects, give_up, later, note
from tests.cloud.service import Person, Service, Tenant, good, problem


@pytest.fixture
def owner(service: Service) -> Person:
    return service.person()


@pytest.fixture
def tenant(service: Service, owner: Person) -> Tenant:
    return service.tenant(owner)


def test_what_was_given_up_is_listed_with_its_cause_page_by_page(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    for number in (3, 1, 2):
        give_up(service.database, tenant.tenant_id, number)
    path, seen, cursor = f"{tenant.path}/messages/dead", [], ""
    while True:
        page = good(owner.get(path, params={"limit": 2, "cursor": cursor}))
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert [each["message_id"] for each in seen] == [1, 2, 3]
    assert {(each["fault"], each["attempts"], each["consumer"]) for each in seen} == {
        ("KeyError", 12, "orders")
    }


def test_replayed_it_is_handled_and_dropped_it_is_not(
    service: Service, owner: Person, tenant: Tenant, database: Database
) -> None:
    for number in (1, 2):
        give_up(service.database, tenant.tenant_id, number)
    path = f"{tenant.path}/messages/dead"
    good(owner.post(f"{path}/1/orders/replay"), 204)
    good(owner.post(f"{path}/2/orders/drop"), 204)
    assert good(owner.get(path))["items"] == []

    async def handle() -> int:
        pool = await database.pool(2)
        told = Consumer("orders", {"order.paid": note})
        handled = await dispatch(pool, tenant.tenant_id, told, later())
        await pool.close()
        return handled

    assert awaited(handle()) == 1
    assert effects(database, tenant.tenant_id).count(("order.paid", "k")) == 1
    for act in ("replay", "drop"):
        assert problem(owner.post(f"{path}/1/orders/{act}")) == (404, "not_found")
        assert problem(owner.post(f"{path}/{2**70}/orders/{act}")) == (404, "not_found")


def test_what_was_given_up_can_be_looked_at(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    """But for secrets, and all of what this build can't read; the audit tells who looked."""
    said = {"order_id": "o", "sealed": "s3cret", "sender": None}
    cases = ((1, "transfer.offered", 1), (2, "transfer.offered", 99), (3, "x.y", 1))
    for number, topic, version in cases:
        give_up(service.database, tenant.tenant_id, number, topic, version, said)
    path = f"{tenant.path}/messages/dead"
    first, *others = [good(owner.get(f"{path}/{number}/orders")) for number, *_ in cases]
    assert (first["message_id"], first["fault"], first["version"]) == (1, "KeyError", 1)
    assert first["payload"] == {
        "order_id": "(not shown)", "sealed": "(not shown)", "sender": None,
    }  # fmt: skip
    for other in others:
        assert set(other["payload"].values()) == {"(not shown)"}
        assert other["payload"].keys() == said.keys()
    acts = good(owner.get(f"{tenant.path}/audit", params={"action": "message.shown"}))["items"]
    assert [each["subject"] for each in acts] == ["message:3", "message:2", "message:1"]
    assert {each["actor"] for each in acts} == {f"account:{owner.account_id}"}
    for number in (4, 2**70):
        assert problem(owner.get(f"{path}/{number}/orders")) == (404, "not_found")


def test_strangers_neither_see_nor_settle_them(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    name = give_up(service.database, tenant.tenant_id, 1)
    stranger = service.person()
    assert problem(stranger.get(f"{tenant.path}/messages/dead"))[0] == 404
    assert problem(stranger.get(f"{tenant.path}/messages/dead/{name}"))[0] == 404
    assert problem(stranger.post(f"{tenant.path}/messages/dead/{name}/drop"))[0] == 404


def test_what_is_told_is_described(service: Service) -> None:
    """Every public topic has a channel, and each schema is one that its own example fits."""
    told = good(service.client().get("/v1/asyncapi.json"))
    assert told["asyncapi"] == "3.0.0"
    public = {topic for topic, each in TOPICS.items() if each.told}
    assert set(told["channels"]) == set(told["components"]["messages"]) == public
    for topic in public:
        ref = told["components"]["messages"][topic]["payload"]["properties"]["data"]["$ref"]
        schema = {"$ref": ref, "components": told["components"]}
        schemas = told["components"]["schemas"]
        example = sample(schemas[ref.rpartition("/")[2]], schemas)
        Draft202012Validator(schema).validate(example)
        msgspec.convert(example, TOPICS[topic].schema)
    assert told == document(told["info"]["version"])


def test_nothing_of_ours_alone_is_described() -> None:
    text = msgspec.json.encode(document("1")).decode()
    for topic, each in TOPICS.items():
        assert (f'"{topic}"' in text) is bool(each.told)
