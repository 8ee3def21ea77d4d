"""What was mailed to somebody, told to an operator after a mail server has taken it."""

import re

import pytest

from cloud.commands.mail import show
from tests.cloud.notify.conftest import eventually
from tests.cloud.notify.mailserver import MailServer
from tests.cloud.service import Service, good


def test_a_mail_is_told_of_whose_secret_is_not_kept(
    service: Service, mails: MailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A secret is dropped once its mail is taken; the rest of the mail is told still."""
    owner, email = service.person(), "told@example.org"
    tenant = service.tenant(owner)
    good(owner.post(f"{tenant.path}/invitations", json={"email": email, "role": "staff"}))
    mails.to(email, "invites you")
    eventually(lambda: good(owner.get(f"{tenant.path}/mail", params={"state": "sent"}))["items"])
    show(service.settings, email)
    out = capsys.readouterr().out
    assert re.search(r"^\d\d \w{3} \d\d:\d\d .+ invites you .+ \(sent\)$", out, re.MULTILINE)
    assert "ums_" not in out
