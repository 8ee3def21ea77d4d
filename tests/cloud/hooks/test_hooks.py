"""Webhooks from the purchase to the receiver: signed, tried again, paused, replayed."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from cloud.db.connect import open_pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.hooks import jobs
from cloud.hooks.model import PATIENCE, WAITS
from cloud.topics import TOPICS
from tests.cloud.background import background
from tests.cloud.database import Database
from tests.cloud.hooks.receiver import Receiver, receiving
from tests.cloud.notify.conftest import working
from tests.cloud.service import Clock, Event, Person, Service, Tenant, good, problem, running


@pytest.fixture(scope="module")
def service(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service that may call this machine, with a worker beside it."""
    folder = tmp_path_factory.mktemp("service")
    with (
        running(database, redis_url, folder, hooks_loopback=True) as served,
        background(working(served, AHEAD)),
    ):
        yield served


AHEAD = Clock()
QUIET = "order.cancelled"  # which nobody does here


class Place(NamedTuple):
    """An organizer's event, and where its webhooks are."""

    owner: Person
    tenant: Tenant
    event: Event

    @property
    def hooks(self) -> str:
        return f"{self.tenant.path}/hooks"


@pytest.fixture
def ahead() -> Iterator[Clock]:
    """The worker's clock, which may run ahead of the API's and of the provider's."""
    yield AHEAD
    AHEAD.offset = timedelta()


@pytest.fixture
def place(service: Service) -> Place:
    owner = service.person()
    tenant = service.tenant(owner)
    return Place(owner, tenant, service.event(owner, tenant))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def hook(place: Place, receiver: Receiver, *topics: str) -> str:
    """Make a webhook; return its path."""
    said = {"url": receiver.url, "name": "CRM", "topics": topics}
    made = good(place.owner.post(place.hooks, json=said), 201)
    receiver.secret = made["secret"]
    return f"{place.hooks}/{made['endpoint_id']}"


def failed(service: Service, place: Place, path: str, times: int) -> None:
    """Wait until it is noted that so many calls in a row have failed."""
    service.until(lambda: good(place.owner.get(path))["failures"], lambda seen: seen == times)


def deliveries(place: Place, path: str, **query: Any) -> list[Any]:
    found: list[Any] = good(place.owner.get(f"{path}/deliveries", params=query))["items"]
    return found


def test_a_purchase_is_told_signed_and_once(
    service: Service, place: Place, receiver: Receiver
) -> None:
    path = hook(place, receiver, "order.paid")
    order = service.buy(place.owner, place.event)
    (call,) = receiver.until(1)
    assert call.good
    assert call.type == "order.paid"
    assert call.data["order_id"] == order["order_id"]
    (sent,) = service.until(
        lambda: deliveries(place, path), lambda seen: seen and seen[0]["state"] == "taken"
    )
    assert sent["webhook_id"] == call.id
    assert sent["last"]["status"] == 204
    detail = good(place.owner.get(f"{path}/deliveries/{sent['delivery_id']}"))
    assert detail["body"]["data"] == call.data
    assert len(detail["calls"]) == 1


def test_a_scan_is_told_with_its_ticket_and_gate(
    service: Service, place: Place, receiver: Receiver
) -> None:
    """Let in, and not let in again."""
    hook(place, receiver, "entries.recorded", "denials.recorded")
    service.buy(place.owner, place.event)
    (item,) = good(place.owner.get(f"{place.tenant.path}/tickets"))["items"]
    ticket = item["ticket"]["ticket_id"]
    code = place.owner.get(f"{place.event.path}/tickets/{ticket}/code.txt").text.strip()
    for _ in range(2):
        good(place.owner.post(f"{place.event.path}/redeem", json={"gate": 1, "code": code}))
    calls = receiver.until(2)
    assert all(call.good for call in calls)
    told = {call.type: call.data["records"] for call in calls}
    for topic, outcome in (
        ("entries.recorded", "admitted"),
        ("denials.recorded", "already_admitted"),
    ):
        (record,) = told[topic]
        assert (record["ticket_id"], record["gate"]) == (ticket, 1)
        assert record["outcome"] == outcome


def test_only_what_is_asked_for_comes(service: Service, place: Place) -> None:
    """And a webhook without topics gets everything that is public, nothing of ours."""
    with receiving() as narrow, receiving() as wide:
        hook(place, narrow, "order.cancelled")
        hook(place, wide)
        service.buy(place.owner, place.event)
        wide.until(1)
        good(place.owner.post(f"{hook(place, narrow, 'ticket.issued')}/test"), 202)
        assert [call.type for call in narrow.until(1)] == ["hook.test"]
        assert all(TOPICS[call.type].told for call in wide.calls)


def test_what_fails_is_sent_again_under_the_same_id(
    service: Service, place: Place, ahead: Clock, receiver: Receiver
) -> None:
    path = hook(place, receiver, "order.paid")
    receiver.answers = [500, 503, 204]
    service.buy(place.owner, place.event)
    receiver.until(1)
    for count in (2, 3):
        failed(service, place, path, count - 1)
        ahead.move(WAITS[count - 2].total_seconds() * 1.3)
        receiver.until(count)
    assert len({call.id for call in receiver.calls}) == 1
    assert all(call.good for call in receiver.calls)
    service.until(lambda: deliveries(place, path)[0]["state"], lambda state: state == "taken")
    hooks = good(place.owner.get(path))
    assert hooks["failures"] == 0
    assert hooks["failing_since"] is None


def test_a_receiver_that_hangs_holds_up_no_other(service: Service, place: Place) -> None:
    with receiving() as slow, receiving() as quick:
        slow.answers = ["hang"]
        path = hook(place, slow, "order.paid")
        hook(place, quick, "order.paid")
        service.buy(place.owner, place.event)
        slow.until(1)
        quick.until(1)
        (waiting,) = deliveries(place, path)
        assert waiting["attempts"] == 0  # its call isn't over


def test_an_old_secret_signs_for_a_day_beside_the_new(
    service: Service, place: Place, receiver: Receiver
) -> None:
    """It is the day that is moved, not the clock: a receiver takes no call from tomorrow."""
    path = hook(place, receiver, QUIET)
    before = receiver.secret
    after = good(place.owner.post(f"{path}/secret"), 201)["secret"]
    assert after != before

    def signs(secret: str, count: int) -> bool:
        receiver.secret = secret
        good(place.owner.post(f"{path}/test"), 202)
        return receiver.until(count)[-1].good

    def later(hours: int) -> None:
        service.database.run(
            f"UPDATE hook_endpoint SET before_until = before_until - interval '{hours} hours'"
        )

    assert signs(before, 1)
    assert signs(after, 2)
    later(23)
    assert signs(before, 3)
    later(2)
    assert not signs(before, 4)
    assert signs(after, 5)


def test_gone_means_gone(service: Service, place: Place, ahead: Clock, receiver: Receiver) -> None:
    """410 pauses it at once; what waits is sent when it is resumed."""
    path = hook(place, receiver, "order.paid")
    receiver.answers = [410, 204]
    service.buy(place.owner, place.event)
    paused = service.until(
        lambda: good(place.owner.get(path)), lambda seen: seen["state"] == "paused"
    )
    assert paused["paused_for"] == "gone"
    assert problem(place.owner.post(f"{path}/test")) == (409, "hook_paused")
    service.buy(place.owner, place.event)
    ahead.move(60)
    good(place.owner.post(f"{path}/resume"))
    receiver.until(3)
    assert problem(place.owner.post(f"{path}/resume")) == (409, "hook_not_paused")


def test_who_takes_nothing_for_days_is_paused(
    service: Service, place: Place, ahead: Clock, receiver: Receiver
) -> None:
    path = hook(place, receiver, QUIET)
    receiver.answers = [500]
    good(place.owner.post(f"{path}/test"), 202)
    receiver.until(1)
    failed(service, place, path, 1)
    ahead.move(PATIENCE.total_seconds() + 60)
    seen = service.until(
        lambda: good(place.owner.get(path)), lambda seen: seen["state"] == "paused"
    )
    assert seen["paused_for"] == "failing"


def test_what_was_not_taken_is_replayed(
    service: Service, place: Place, ahead: Clock, receiver: Receiver
) -> None:
    path = hook(place, receiver, QUIET)
    since = service.clock().isoformat()
    receiver.answers = [500]
    good(place.owner.post(f"{path}/test"), 202)
    receiver.until(1)
    failed(service, place, path, 1)
    receiver.answers = [204]
    ahead.move(5)
    replayed = good(place.owner.post(f"{path}/replay", json={"since": since}), 202)
    assert replayed["deliveries"] == 1
    first, second = receiver.until(2)
    assert first.id == second.id
    service.until(lambda: deliveries(place, path, open=True), lambda seen: not seen)
    (sent,) = deliveries(place, path)
    good(place.owner.post(f"{path}/deliveries/{sent['delivery_id']}/replay"), 202)
    assert receiver.until(3)[-1].id == first.id


def test_a_removed_webhook_is_sent_nothing(
    service: Service, place: Place, receiver: Receiver
) -> None:
    path = hook(place, receiver, "order.paid")
    good(place.owner.delete(path))
    with receiving() as other:
        hook(place, other, "order.paid")
        service.buy(place.owner, place.event)
        other.until(1)
    assert receiver.calls == []
    assert problem(place.owner.get(path)) == (404, "not_found")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"url": "http://10.0.0.1/"}, "hook_url_private"),
        ({"url": "https://169.254.169.254/latest"}, "hook_url_private"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "hook_url_private"),
        ({"url": "gopher://example.com/"}, "hook_url_scheme"),
        ({"url": "https://a@example.com/"}, "hook_url_malformed"),
        ({"topics": ["no.such"]}, "hook_topic_unknown"),
        ({"topics": ["guests.batch"]}, "hook_topic_unknown"),
    ],
)
def test_what_does_not_fit_is_refused(place: Place, said: dict[str, Any], code: str) -> None:
    whole = {"url": "https://example.com/", "name": "CRM", "topics": []} | said
    assert problem(place.owner.post(place.hooks, json=whole)) == (400, code)
    made = {"url": "https://example.com/", "name": "CRM"}
    path = good(place.owner.post(place.hooks, json=made), 201)["endpoint_id"]
    assert problem(place.owner.patch(f"{place.hooks}/{path}", json=said)) == (400, code)


def test_there_are_ten_at_the_most(place: Place) -> None:
    said = {"url": "https://example.com/", "name": "CRM"}
    for _ in range(10):
        good(place.owner.post(place.hooks, json=said), 201)
    assert problem(place.owner.post(place.hooks, json=said)) == (409, "hooks_too_many")


def test_pages_of_deliveries(service: Service, place: Place, receiver: Receiver) -> None:
    path = hook(place, receiver, QUIET)
    for _ in range(5):
        good(place.owner.post(f"{path}/test"), 202)
    receiver.until(5)
    seen, cursor = [], ""
    while True:
        page = good(place.owner.get(f"{path}/deliveries", params={"limit": 2, "cursor": cursor}))
        seen += [each["delivery_id"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 5


def test_the_secret_is_shown_once(place: Place, receiver: Receiver) -> None:
    path = hook(place, receiver, QUIET)
    for answer in (place.owner.get(path), place.owner.get(place.hooks)):
        assert isinstance(answer, httpx.Response)
        assert "whsec_" not in answer.text


def test_a_sender_that_died_leaves_its_delivery_to_another(
    service: Service, place: Place, receiver: Receiver
) -> None:
    """It was taken for a minute, and nobody noted how it went: it comes again, by the same id."""
    path = hook(place, receiver, QUIET)
    receiver.answers = ["hang", 204]
    good(place.owner.post(f"{path}/test"), 202)
    receiver.until(1)
    a_minute_later = Clock()
    a_minute_later.move(61)  # the first sender still waits: as good as dead
    with background(working(service, a_minute_later)):
        first, second = receiver.until(2)
        assert first.id == second.id
        (sent,) = service.until(
            lambda: deliveries(place, path), lambda seen: seen[0]["state"] == "taken"
        )
    calls = good(place.owner.get(f"{path}/deliveries/{sent['delivery_id']}"))["calls"]
    assert [call["status"] for call in calls] == [204]


def test_old_deliveries_are_forgotten(
    service: Service, place: Place, ahead: Clock, receiver: Receiver
) -> None:
    path = hook(place, receiver, QUIET)
    good(place.owner.post(f"{path}/test"), 202)
    receiver.until(1)

    async def later() -> None:
        pool = await open_pool(service.settings.database_url)
        ahead.move(31 * 86_400)
        async with tenant_tx(pool, place.tenant.tenant_id, WORKER, ahead()) as tx:
            assert await jobs.sweep(tx) == 0
        await pool.close()

    asyncio.run(later())
    assert deliveries(place, path) == []
