"""A sender that is killed, by the kernel and in a process of its own, when the server has a mail.

Nobody can tell then whether it was handed over: it is sent again, once, under the same name.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.commands.serve import environment
from cloud.notify.repository import LEASE
from tests.cloud.broker.papers import Authority
from tests.cloud.database import Database
from tests.cloud.notify.conftest import eventually, mail_settings
from tests.cloud.notify.mailserver import MailServer
from tests.cloud.service import Service, running


@pytest.fixture(scope="module")
def service(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory,
    mails: MailServer, authority: Authority,
) -> Iterator[Service]:  # fmt: skip
    """A service without a worker."""
    folder = tmp_path_factory.mktemp("service")
    with running(database, redis_url, folder, **mail_settings(mails, authority)) as served:
        yield served


def begin(service: Service, log: Path) -> "subprocess.Popen[bytes]":
    """Start a worker as an operator does."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "cloud", "work"],
            env=os.environ | environment(service.settings), stdout=output, stderr=output,
        )  # fmt: skip


def test_a_mail_whose_sender_was_killed_is_sent_again_under_its_name(
    service: Service, mails: MailServer, tmp_path: Path
) -> None:
    """The worker dies between the server's having the mail and its own commit. Once its lease is
    over another sends the mail, and never a third one."""
    owner, buyer = service.person(), service.person()
    tenant = service.tenant(owner)
    first = begin(service, tmp_path / "log")
    mails.on_kill = first.kill
    try:
        event = service.event(owner, tenant)
        signed_up = "SELECT FROM platform_outbox WHERE done_at IS NULL"
        eventually(lambda: not service.database.rows(signed_up))
        mails.data = ["kill", "take"]
        service.buy(buyer, event)
        assert first.wait(30) < 0
    finally:
        first.kill()
        first.wait()
    sql = "SELECT mail_id, state, attempts FROM mail WHERE tenant_id = $1"
    (left,) = service.database.rows(sql, tenant.tenant_id)
    assert (left["state"], left["attempts"]) == ("waiting", 1)
    service.database.run(
        f"UPDATE mail SET due_at = due_at - interval '{LEASE.seconds} seconds'"
        f" WHERE tenant_id = '{tenant.tenant_id}'"
    )
    second = begin(service, tmp_path / "log")
    try:
        eventually(
            lambda: service.database.rows(sql, tenant.tenant_id),
            lambda rows: rows[0]["state"] == "sent",
        )
    finally:
        second.terminate()
        assert second.wait(30) == 0
    names = [each.message["message-id"] for each in mails.to(buyer.email, "Your tickets", 2)]
    assert names == 2 * [f"<{left['mail_id'].hex}@tickets.example.org>"]
