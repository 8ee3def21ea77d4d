"""One appliance of a venue: its folder, its machine on the LAN, and its agent as a process."""

import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from edge.certs import Issued, make_server, store
from edge.commands.access import make_key
from edge.commands.files import told
from edge.commands.posting import post_lane
from edge.commands.view import view
from edge.health.look import looking
from edge.settings import LaneSettings, LanSettings, Settings, WebSettings
from edge.store.identity import load_identity
from edge.store.stores import KEY
from shared.hashing import device_id
from shared.log.record import Kind
from tests.edge.appliance import never, toml_of
from tests.network.namespaces import Machine
from tests.network.organizer import Organizer
from tests.network.waiting import until

WEB, LAN = 8443, 8444
ENTRY, EXIT = "in", "out"  # lanes
KEYS: Final = {ENTRY: "i" * 43, EXIT: "o" * 43}
STARTING: Final = 60.0  # seconds, on a busy machine
DIGITS: Final = re.compile(r"(?<!\S)\d(?: *\d){5}(?!\S)")


def settings_of(
    folder: Path, name: str, address: str, lan: LanSettings, clock: Any = "network"
) -> Settings:
    """Return the settings of a gate with a lane in and a lane out, both without staff."""
    return Settings(
        data=str(folder / "data"),
        run=str(folder / "run"),
        name=name,
        clock=clock,
        power=False,
        web=WebSettings("0.0.0.0", WEB, (address,)),
        lan=lan,
        lanes=tuple(LaneSettings(lane, "api", unattended=True) for lane in KEYS),
    )


class Gate:
    """`env`: what its programs find in their environment beside ours."""

    def __init__(self, machine: Machine, settings: Settings, env: Mapping[str, str]) -> None:
        self.machine = machine
        self.settings = settings
        self.env = env
        self.folder = settings.data_folder.parent
        self.file = self.folder / "gate.toml"
        self.boots = 0
        self._agent: subprocess.Popen[bytes] | None = None
        self._http: httpx.Client | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.settings.name

    def prepare(self, authority: Issued, now: Any) -> None:
        """Make the folder with settings and certificate, as a technician does."""
        data = self.settings.data_folder
        data.mkdir(parents=True, mode=0o700)
        self.file.write_text(toml_of(self.settings), encoding="utf-8")
        store(
            make_server(authority, self.settings.web.names, now), data / "tls.crt", data / "tls.key"
        )
        context = ssl.create_default_context(cadata=authority.certificate.decode())
        self._http = httpx.Client(
            base_url=f"https://{self.machine.address}:{WEB}", verify=context, timeout=20.0,
            trust_env=False,
        )  # fmt: skip

    def enrol(self, organizer: Organizer) -> None:
        """Become one of the organizer's devices, by a person who compares six digits."""
        enrolment, offer = organizer.offer(self.name)
        with self.machine.talk(self._words("enrol", offer), self.env) as device:
            said = []
            for line in device:
                said.append(line)
                if found := DIGITS.search(line):
                    assert (
                        organizer.type_digits(enrolment, found[0].replace(" ", "")) == "confirmed"
                    )
        assert any("enrolled" in line for line in said), said
        for lane, key in KEYS.items():
            make_key(self.settings, lane, key, never)

    def start(self) -> None:
        """Run the agent, and wait until it answers."""
        with (self.folder / "agent.log").open("ab") as log:
            self._agent = self.machine.start(self._words("run"), self.env, log)
        self.boots += 1
        until(self.answers, f"{self.name} answers", STARTING)

    def answers(self) -> bool:
        """Whether the agent answers; `RuntimeError` if it has ended."""
        if self._agent is None or self._agent.poll() is not None:
            raise RuntimeError(f"the agent of {self.name} has ended")
        try:
            return self.http.get("/metrics").is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """End the agent as a power cut does."""
        assert self._agent is not None
        self._agent.send_signal(signal.SIGKILL)
        self._agent.wait()

    def freeze(self) -> None:
        """Have the agent do nothing, while its connections stand."""
        assert self._agent is not None
        self._agent.send_signal(signal.SIGSTOP)

    def unread(self, other: "Gate") -> int:
        """Return how many bytes have come from another gate that this one has not read."""
        return self.machine.queued(other.machine, LAN)[1]

    def unheard(self, other: "Gate") -> int:
        """Return how many bytes it has sent to another gate whose machine has not got them."""
        return self.machine.queued(other.machine, LAN)[0]

    @property
    def device(self) -> bytes:
        """What logs and rosters call it."""
        return device_id(self.public)

    @property
    def public(self) -> bytes:
        """Its public key."""
        me = load_identity(self.settings.data_folder / KEY)
        assert me is not None
        return me.pk

    def warnings(self) -> list[str]:
        """Return the codes of what its health finds wrong."""
        checks = self.http.get("/health.json").json()["checks"]
        return [each["code"] for each in checks if each["state"] != "ok"]

    def post(self) -> None:
        """Post both lanes at the gate of this name."""
        for lane in KEYS:
            post_lane(self.settings, lane, self.name, exiting=lane == EXIT, fail=never)
        said = told(self.settings)
        assert "taken it up" in said, said

    def knows(self, ticket: bytes) -> bool:
        """Whether an entry of a ticket is on its disk, whoever wrote it."""
        with looking(self.settings.data_folder) as stores:
            raws = stores.log.records()
            return any(raw[1] == Kind.IN and raw[96:112] == ticket for raw in raws)

    def scan(self, code: str, lane: str = ENTRY) -> dict[str, Any]:
        """Hold a code up; return the verdict. `httpx.HTTPError`: nobody knows what became of it."""
        answer = self.http.post(
            "/v1/scan", json={"text": code}, headers={"authorization": f"Bearer {KEYS[lane]}"}
        )
        verdict: dict[str, Any] = answer.raise_for_status().json()
        return verdict

    def status(self) -> dict[str, Any]:
        """Return what its status strip shows."""
        found: dict[str, Any] = self.http.get("/health.json").json()["status"]
        return found

    def version(self, ref: str) -> int:
        """Return which version of an event's list is in force, 0 for none."""
        figure = rf'^usher_edge_manifest_version{{event="{ref}"}} (\S+)$'
        found = re.search(figure, self.http.get("/metrics").text, re.MULTILINE)
        return int(float(found[1])) if found else 0

    def view(self) -> dict[str, Any]:
        """Return what all records on its disk mean together."""
        return view(self.settings, never)

    @property
    def http(self) -> httpx.Client:
        """Whoever scans at it; any thread may use this."""
        assert self._http is not None
        return self._http

    def _words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "edge", "-c", str(self.file), *words]
