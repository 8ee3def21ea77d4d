"""Broker, mail server or an endpoint away: orders go on, and what follows comes once."""

from collections.abc import Iterator

import pytest

from tests.cloud.database import Database
from tests.cloud.degradations.load import load
from tests.cloud.degradations.post import (
    DUE,
    PACE,
    Post,
    an_endpoint_gone,
    open_post,
    rabbitmq_gone,
    smtp_slow,
)


@pytest.fixture(scope="module")
def post(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Post]:
    with open_post(database, redis_url, tmp_path_factory.mktemp("post")) as made:
        yield made


def test_rabbitmq_gone(post: Post) -> None:
    post.mails.taken.clear()
    with load(post.service, post.owner, post.tenant, PACE) as work:
        rabbitmq_gone(post, work)
    assert work.answers.keys() == {(201, "")}, work.answers
    work.within()
    post.until_all_have_mail(len(work.orders))
    post.until_all_are_told(work.orders)


def test_an_endpoint_gone(post: Post) -> None:
    post.mails.taken.clear()
    with load(post.service, post.owner, post.tenant, PACE) as work:
        an_endpoint_gone(post, work)
    assert work.answers.keys() == {(201, "")}, work.answers
    work.within()
    post.until_all_have_mail(len(work.orders))
    post.until_all_are_told(work.orders)


def test_smtp_slow(post: Post) -> None:
    post.mails.taken.clear()
    with load(post.service, post.owner, post.tenant, PACE) as work:
        smtp_slow(post, work)
    assert work.answers.keys() == {(201, "")}, work.answers
    work.within()
    post.ahead.move(DUE)
    post.until_all_have_mail(len(work.orders))
