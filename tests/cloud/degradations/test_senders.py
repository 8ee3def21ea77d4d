"""Broker, mail server or an endpoint away: orders go on, and what follows comes once."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.cloud.background import background
from tests.cloud.broker.papers import Authority
from tests.cloud.broker.post import USERS
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database
from tests.cloud.degradations.load import load
from tests.cloud.hooks.receiver import Receiver, receiving
from tests.cloud.notify.conftest import mail_settings, working
from tests.cloud.notify.mailserver import MailServer, serving_mail
from tests.cloud.service import Clock, Person, Service, Tenant, good, running

LONG = 120.0  # seconds; a loaded machine
PACE = 0.3  # seconds: each order leads to a mail, which costs more than the order
DUE = 600.0  # seconds after which all is due that was tried a few times
WAITING = "SELECT count(*) AS n FROM outbox WHERE done_at IS NULL"


class Post(NamedTuple):
    """A service with a worker, a broker, a mail server, and an organizer's endpoint."""

    service: Service
    rabbit: Rabbit
    mails: MailServer
    receiver: Receiver
    ahead: Clock
    owner: Person
    tenant: Tenant


@pytest.fixture(scope="module")
def post(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Post]:
    folder, ahead = tmp_path_factory.mktemp("post"), Clock()
    authority = Authority(tmp_path_factory.mktemp("papers"))
    with (
        serving_mail(authority) as mails,
        receiving() as receiver,
        Rabbit(tmp_path_factory.mktemp("rabbit"), USERS).running() as rabbit,
    ):
        more = mail_settings(mails, authority) | rabbit.papers
        more["broker_url"] = rabbit.url("root")
        with (
            running(database, redis_url, folder, hooks_loopback=True, **more) as service,
            background(working(service, ahead)),
        ):
            owner = service.person()
            tenant = service.tenant(owner)
            hook = {"url": receiver.url, "name": "CRM", "topics": ["order.paid"]}
            receiver.secret = good(owner.post(f"{tenant.path}/hooks", json=hook), 201)["secret"]
            yield Post(service, rabbit, mails, receiver, ahead, owner, tenant)


def confirmations(post: Post) -> list[str]:
    """Return the Message-IDs of the confirmations that were taken."""
    return [
        str(each.message["message-id"])
        for each in list(post.mails.taken)
        if each.to == post.owner.email and any(each.message.iter_attachments())
    ]


def until_all_have_mail(post: Post, orders: int) -> None:
    """Wait until there are as many confirmations."""
    post.service.until(lambda: len(confirmations(post)), lambda seen: seen >= orders, LONG)
    found = confirmations(post)
    assert len(found) == len(set(found)) == orders


def until_all_are_told(post: Post, orders: list[str]) -> None:
    """Wait until the endpoint has taken each order: as one delivery, however often called."""

    def look() -> dict[str, set[str]]:
        told = defaultdict(set)
        for call in list(post.receiver.calls):
            told[call.data["order_id"]].add(call.id)
        return told

    told = post.service.until(look, lambda seen: seen.keys() >= set(orders), LONG)
    assert {len(told[each]) for each in orders} == {1}


def test_rabbitmq_gone(post: Post) -> None:
    post.mails.taken.clear()
    with load(post.service, post.owner, post.tenant, PACE) as work:
        work.until(5)
        post.rabbit.kill()
        work.until(15)
        assert post.service.client().get("/readyz").json()["ready"]
        assert post.service.database.rows(WAITING)[0]["n"] >= 10
        post.rabbit.start()
        work.until(5)
    assert work.answers.keys() == {(201, "")}, work.answers
    work.within()
    until_all_have_mail(post, len(work.orders))
    until_all_are_told(post, work.orders)


def test_an_endpoint_gone(post: Post) -> None:
    """It hangs, and each call costs its sender fifteen seconds; mail goes on."""
    post.mails.taken.clear()
    post.receiver.answers = ["hang"]
    with load(post.service, post.owner, post.tenant, PACE) as work:
        work.until(10)
    until_all_have_mail(post, len(work.orders))
    post.receiver.answers = [204]
    post.receiver.over.set()
    post.receiver.calls.clear()  # of which none was taken
    post.ahead.move(DUE)
    assert work.answers.keys() == {(201, "")}, work.answers
    work.within()
    until_all_are_told(post, work.orders)


def test_smtp_slow(post: Post) -> None:
    post.mails.taken.clear()
    post.mails.data = ["slow"]
    with load(post.service, post.owner, post.tenant, PACE) as work:
        work.until(10)
        assert confirmations(post) == []
        post.mails.data = ["take"]
        post.mails.over.set()
        work.until(5)
    assert work.answers.keys() == {(201, "")}, work.answers
    work.within()
    post.ahead.move(DUE)
    until_all_have_mail(post, len(work.orders))
