"""A service with all that its messages lead to, and what becomes of them while a part is away."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.cloud.background import background
from tests.cloud.broker.papers import Authority
from tests.cloud.broker.post import USERS
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database
from tests.cloud.degradations.load import Load
from tests.cloud.hooks.receiver import Receiver, receiving
from tests.cloud.notify.conftest import mail_settings, working
from tests.cloud.notify.mailserver import MailServer, serving_mail
from tests.cloud.service import Clock, Person, Service, Tenant, good, running

LONG: Final = 120.0  # seconds; a loaded machine
PACE: Final = 0.3  # seconds: each order leads to a mail, which costs more than the order
DUE: Final = 600.0  # seconds after which all is due that was tried a few times
WAITING: Final = "SELECT count(*) AS n FROM outbox WHERE done_at IS NULL"


class Post(NamedTuple):
    """A service with a worker, a broker, a mail server, and an organizer's endpoint."""

    service: Service
    rabbit: Rabbit
    mails: MailServer
    receiver: Receiver
    ahead: Clock
    owner: Person
    tenant: Tenant

    def confirmations(self) -> list[str]:
        """Return the Message-IDs of the confirmations that were taken."""
        return [
            str(each.message["message-id"])
            for each in list(self.mails.taken)
            if each.to == self.owner.email and any(each.message.iter_attachments())
        ]

    def until_all_have_mail(self, orders: int) -> None:
        """Wait until there are as many confirmations."""
        long = LONG + orders
        self.service.until(lambda: len(self.confirmations()), lambda seen: seen >= orders, long)
        found = self.confirmations()
        assert len(found) == len(set(found)) == orders

    def until_all_are_told(self, orders: Sequence[str]) -> None:
        """Wait until the endpoint has taken each order: as one delivery, however often called."""

        def look() -> dict[str, set[str]]:
            told = defaultdict(set)
            for call in list(self.receiver.calls):
                if call.answer == 204:
                    told[call.data["order_id"]].add(call.id)
            return told

        long = LONG + len(orders)
        told = self.service.until(look, lambda seen: seen.keys() >= set(orders), long)
        assert {len(told[each]) for each in orders} == {1}


@contextmanager
def open_post(database: Database, redis_url: str, folder: Path, **more: Any) -> Iterator[Post]:
    """Run all of it. `more`: settings."""
    papers, ahead = folder / "papers", Clock()
    papers.mkdir()
    authority = Authority(papers)
    with (
        serving_mail(authority) as mails,
        receiving() as receiver,
        Rabbit(folder / "rabbit", USERS).running() as rabbit,
    ):
        more |= mail_settings(mails, authority) | rabbit.papers
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


def rabbitmq_gone(post: Post, work: Load) -> None:
    """Killed, and started again: what waits in the outbox meanwhile goes out then."""
    work.until(5)
    with work.without():
        post.rabbit.kill()
        work.until(15)
        assert post.service.client().get("/readyz").json()["ready"]
        assert post.service.database.rows(WAITING)[0]["n"] >= 10
        post.rabbit.start()
    work.until(5)


def an_endpoint_gone(post: Post, work: Load) -> None:
    """It hangs, and each call costs its sender fifteen seconds; mail goes on."""
    work.until(5)
    with work.without():
        post.receiver.answers = ["hang"]
        work.until(10)
        ordered = len(work.orders)
        post.service.until(post.confirmations, lambda seen: len(seen) >= ordered, LONG)
        post.receiver.answers = [204]
        post.receiver.over.set()
        post.ahead.move(DUE)
    work.until(5)


def smtp_slow(post: Post, work: Load) -> None:
    """It answers no mail; those wait."""
    work.until(5)
    with work.without():
        post.mails.data = ["slow"]
        ordered = len(work.orders)
        work.until(10)
        assert len(post.confirmations()) <= ordered
        post.mails.data = ["take"]
        post.mails.over.set()
    work.until(5)
