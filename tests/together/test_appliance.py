"""A whole appliance, by its commands alone: enrolled by a picture of the code, run, scanned at."""

import datetime
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from edge.certs import make_authority, make_server, store
from edge.commands.access import make_key
from edge.settings import LaneSettings, LanSettings, Settings, WebSettings
from edge.store.identity import load_identity
from edge.store.stores import KEY
from shared.token import encode_text
from tests.cloud.service import good
from tests.edge.appliance import API_KEY, free_port, never, toml_of
from tests.together.organizer import House

HOSTS: Final = ("localhost", "127.0.0.1")
DIGITS: Final = re.compile(r"(\d) (\d) (\d)   (\d) (\d) (\d)")


class Appliance:
    """Its settings, and its processes while they run."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            data=str(folder / "data"),
            run=str(folder / "run"),
            name="north",
            power=False,
            lan=LanSettings(enabled=False),
            web=WebSettings("127.0.0.1", free_port(), HOSTS),
            lanes=(LaneSettings("turnstile", "api", unattended=True),),
        )
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "gate.toml"
        self.file.write_text(toml_of(self.settings), encoding="utf-8")
        self.log = folder / "agent.log"
        self._agent: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> "subprocess.Popen[str]":
        """Begin a command; its words come one line at a time."""
        line = [sys.executable, "-m", "edge", "-c", str(self.file), *words]
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def said(self, *words: str) -> tuple[int, str]:
        """Run a command to its end; return its code and what it said."""
        with self.command(*words) as process:
            said, _ = process.communicate(timeout=60)
            return process.returncode, said

    def certify(self) -> None:
        """Give it a certificate of a venue's authority."""
        now = datetime.datetime.now(datetime.UTC)
        authority = make_authority("Test venue", HOSTS, now)
        folder = self.settings.data_folder
        store(make_server(authority, HOSTS, now), folder / "tls.crt", folder / "tls.key")
        make_key(self.settings, "turnstile", API_KEY, never)

    def start(self) -> None:
        """Run the agent."""
        line = [sys.executable, "-m", "edge", "-c", str(self.file), "run"]
        with self.log.open("ab") as log:
            self._agent = subprocess.Popen(line, stdout=log, stderr=log)

    def kill(self) -> None:
        """End the agent as a power cut does."""
        if self._agent is not None:
            self._agent.kill()
            self._agent.wait(20)

    def answers(self) -> bool:
        """Whether the agent serves its pages."""
        url = f"https://localhost:{self.settings.web.port}/health.json"
        with suppress(httpx.TransportError):
            return httpx.get(url, verify=False, timeout=20).status_code > 0  # noqa: S501
        return False

    def data_state(self) -> str:
        """How the lists are that it goes by."""
        url = f"https://localhost:{self.settings.web.port}/health.json"
        told = httpx.get(url, verify=False, timeout=20).json()  # noqa: S501
        state: str = told["status"]["data_state"]
        return state

    def scan(self, text: str) -> str:
        """Scan at the turnstile; return what came of it."""
        url = f"https://localhost:{self.settings.web.port}/v1/scan"
        bearer = {"authorization": f"Bearer {API_KEY}"}
        answer = httpx.post(url, json={"text": text}, headers=bearer, verify=False, timeout=20)  # noqa: S501
        code: str = good(answer)["code"]
        return code


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    """One that nobody has set up."""
    made = Appliance(tmp_path / "gate")
    yield made
    made.kill()


def until(told: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def enrolled(house: House, appliance: Appliance, folder: Path) -> str:
    """Enrol by a picture of the code; return what the command said."""
    path = f"{house.tenant.path}/devices/enrolments"
    made = good(house.owner.post(path, json={"name": "North", "kind": "kiosk"}))
    picture = folder / "offer.png"
    picture.write_bytes(house.owner.get(made["png"]).content)
    said = ""
    with appliance.command("enrol", "--camera", str(picture)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if found := DIGITS.search(line):
                digits = {"digits": "".join(found.groups())}
                good(house.owner.post(f"{path}/{made['enrolment_id']}/digits", json=digits))
    assert process.returncode == 0, said
    return said


def test_an_appliance_is_enrolled_run_and_admits(
    house: House, appliance: Appliance, tmp_path: Path
) -> None:
    """From a picture of the code to a guest's record in the cloud, with nothing carried by hand."""
    event = house.event(3)
    query = "SELECT token FROM ticket WHERE event_id = $1 ORDER BY number"
    tokens = [row["token"] for row in house.service.database.rows(query, event.event_id)]
    said = enrolled(house, appliance, tmp_path)
    assert "Confirmed at the console." in said
    appliance.certify()
    appliance.start()
    status = f"{house.tenant.path}/devices/status"

    def row() -> Any:
        return next(iter(good(house.owner.get(status))["items"]), None)

    until(lambda: (seen := row()) is not None and seen["word"] == "ready")
    code, told = appliance.said("post", "turnstile", "North")
    assert code == 0, told
    assert appliance.scan(encode_text(tokens[0])) == "admitted"
    assert appliance.scan(encode_text(tokens[1])) == "admitted"
    listed = f"{house.tenant.path}/devices"

    def uploaded() -> bool:
        found = [each for each in good(house.owner.get(listed))["items"] if each["kind"] == "gate"]
        return bool(found[0]["log"]) and found[0]["log"]["seq"] >= 3

    until(uploaded)
    until(lambda: row()["word"] == "ready")


def test_an_enrolment_beside_the_running_agent_takes_effect(
    house: House, appliance: Appliance, tmp_path: Path
) -> None:
    """The agent of a gate that was set up by hand finds the cloud, and reports, as it runs."""
    house.event(3)
    tenant, root = house.tenant.tenant_id.hex, house.root.hex()
    assert appliance.said("init", "--tenant", tenant, "--root", root)[0] == 0
    appliance.certify()
    appliance.start()
    until(appliance.answers)
    assert "has taken it up" in enrolled(house, appliance, tmp_path)
    status = f"{house.tenant.path}/devices/status"
    until(lambda: [each["word"] for each in good(house.owner.get(status))["items"]] == ["ready"])


def test_a_device_that_was_wiped_is_enrolled_anew_and_its_agent_started_again(
    house: House, appliance: Appliance, tmp_path: Path
) -> None:
    """The agent that was wiped is no other device: it stays closed, and the command says so."""
    house.event(3)
    enrolled(house, appliance, tmp_path)
    appliance.certify()
    appliance.start()
    status = f"{house.tenant.path}/devices/status"

    def words() -> list[str]:
        return [each["word"] for each in good(house.owner.get(status))["items"]]

    until(lambda: words() == ["ready"])
    wiped = load_identity(appliance.settings.data_folder / KEY)
    assert wiped is not None
    path = f"{house.tenant.path}/devices/{wiped.device.hex()}/commands"
    good(house.owner.post(path, json={"action": "wipe"}))
    until(lambda: not (appliance.settings.data_folder / KEY).exists())
    said = enrolled(house, appliance, tmp_path)
    assert "was wiped. Restart it" in said
    assert "has taken it up" not in said
    assert appliance.data_state() == "none"
    appliance.kill()
    appliance.start()
    until(lambda: "ready" in words())


def test_a_code_that_is_none_is_refused_with_what_to_do(appliance: Appliance) -> None:
    """In words, and with nothing made that would be in the way."""
    code, said = appliance.said("enrol", "https://example.org/no-code")
    assert code == 1
    assert "This is not an enrolment code." in said
    assert "Paste its whole text" in said
    code, said = appliance.said("enrol", "--camera", str(appliance.file))
    assert code == 1
    assert "No enrolment code was seen" in said
