"""A mail server that dawdles: orders don't notice, and each has its one mail in the end."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.cloud.background import background
from tests.cloud.broker.papers import Authority
from tests.cloud.broker.post import USERS
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database
from tests.cloud.degradations.load import load
from tests.cloud.notify.conftest import mail_settings, working
from tests.cloud.notify.mailserver import MailServer, serving_mail
from tests.cloud.service import Clock, Person, Service, Tenant, running

LONG = 120.0  # seconds; a loaded machine


class Post(NamedTuple):
    """A service with a worker, a broker and a mail server."""

    service: Service
    rabbit: Rabbit
    mails: MailServer
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
        Rabbit(tmp_path_factory.mktemp("rabbit"), USERS).running() as rabbit,
    ):
        more = mail_settings(mails, authority) | rabbit.papers
        more["broker_url"] = rabbit.url("root")
        with (
            running(database, redis_url, folder, **more) as service,
            background(working(service, ahead)),
        ):
            owner = service.person()
            yield Post(service, rabbit, mails, ahead, owner, service.tenant(owner))


def confirmations(post: Post) -> list[str]:
    """Return the Message-IDs of the confirmations that were taken."""
    return [
        str(each.message["message-id"])
        for each in list(post.mails.taken)
        if each.to == post.owner.email and any(each.message.iter_attachments())
    ]


def until_all_have_mail(post: Post, orders: int) -> None:
    """Wait until there are as many confirmations; what waits for another try is due at once."""

    def look() -> int:
        post.ahead.move(30)
        return len(confirmations(post))

    post.service.until(look, lambda seen: seen >= orders, LONG)
    found = confirmations(post)
    assert len(found) == len(set(found)) == orders


def test_smtp_slow(post: Post) -> None:
    post.mails.taken.clear()
    post.mails.data = ["slow"]
    with load(post.service, post.owner, post.tenant) as work:
        work.until(20)
        assert confirmations(post) == []
        post.mails.data = ["take"]
        post.mails.over.set()
        work.until(5)
    assert work.answers.keys() == {(201, "")}, work.answers
    until_all_have_mail(post, len(work.orders))
