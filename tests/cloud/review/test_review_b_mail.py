"""What would have been mailed is shown whole, however narrow the terminal."""

import re

import pytest

from cloud.commands.mail import show
from tests.cloud.service import Service, good


def test_a_secret_is_not_cut_off(
    service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 60 columns the secret that proves an address still proves it."""
    monkeypatch.setenv("COLUMNS", "60")
    person = service.person()
    show(service.settings, person.email)
    (secret,) = re.findall(r"^  (ums_[\w-]+)$", capsys.readouterr().out, re.MULTILINE)
    good(service.client().post("/v1/accounts/verify", json={"secret": secret}))
