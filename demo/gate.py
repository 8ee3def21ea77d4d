"""A gate of the venue: its folder as a technician sets it up, its agent, and its cameras."""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx

from demo.certificates import HOST, Authority
from demo.office import Office
from demo.programs import Failed, Program, Programs, console, dialogue
from demo.reckoning import Seen, seen_in
from demo.service import free_port
from demo.venue import GATES, LANES, Lane
from demo.watch import COOKIE

FPS: Final = 15
DIGITS: Final = re.compile(r"(?<!\S)\d(?: *\d){5}(?!\S)")


class Gate:
    """One appliance. `peers`: where it reaches the others, by cables."""

    def __init__(self, name: str, folder: Path, authority: Authority) -> None:
        self.name = name
        self.folder = folder
        self.port = free_port()
        self.lan_port = free_port()
        self.keys: dict[str, str] = {}  # of lanes
        self.programs: list[Program] = []
        (folder / "data").mkdir(parents=True, mode=0o700)
        authority.issue(folder / "data")

    @property
    def lanes(self) -> list[Lane]:
        """Its lanes."""
        return [lane for lane in LANES if lane.gate == self.name]

    @property
    def host(self) -> str:
        """Where its pages are, without the scheme."""
        return f"{HOST}:{self.port}"

    @property
    def settings(self) -> Path:
        """Its settings file."""
        return self.folder / "gate.toml"

    async def command(self, *words: str, typed: str = "") -> str:
        """Run a command at the gate, as a technician does; return what it said."""
        return await console("edge", "-c", str(self.settings), *words, typed=typed)

    def describe(self, cameras: Mapping[str, str], peers: Sequence[str]) -> None:
        """Write the settings: lanes, the cameras over them, and the peers on the LAN."""
        lines = [
            f'data = "{self.folder / "data"}"',
            f'run = "{self.folder / "run"}"',
            f'name = "{self.name}"',
            'clock = "network"',
            "power = false",
            "[web]",
            f'host = "{HOST}"',
            f"port = {self.port}",
        ]
        for lane in self.lanes:
            lines += [
                "[[lanes]]",
                f'id = "{lane.id}"',
                "unattended = true",
                f'camera = "{lane.id}"',
            ]
        for lane in self.lanes:
            lines += ["[[cameras]]", f'name = "{lane.id}"', f'lane = "{lane.id}"']
            lines += [f'source = "{cameras[lane.id]}"', f"fps = {FPS}"]
        lines += ["[lan]", "enabled = true", f'host = "{HOST}"', f"port = {self.lan_port}"]
        lines += ["discovery = false", f"peers = {json.dumps(list(peers))}"]
        self.settings.write_text("\n".join(lines) + "\n")

    async def enrol(self, office: Office, *, by_camera: bool) -> str:
        """Become one of the organizer's devices, by a code that is typed or shown to a camera;
        return the six digits that were compared."""
        enrolment, offer = await office.offer(self.name)
        if by_camera:
            shown = self.folder / "offer.png"
            shown.write_bytes(await office.picture(enrolment))
        words = ("--camera", str(self.folder / "offer.png")) if by_camera else (offer,)
        async with dialogue("edge", "-c", str(self.settings), "enrol", *words) as lines:
            digits = await shown_digits(lines)
            await office.type_digits(enrolment, digits)
            async for _ in lines:
                pass  # until it is done
        return digits

    async def view(self, event: str) -> Seen:
        """Return what this gate says of an event."""
        said = json.loads(await self.command("view"))
        return seen_in(said["events"][event], said["waiting"])

    async def make_keys(self) -> None:
        """Make the keys of the lanes' screens."""
        for lane in self.lanes:
            told = await self.command("key", lane.id)
            address = next(line for line in told.splitlines() if "?key=" in line)
            self.keys[lane.id] = parse_qs(urlsplit(address).query)["key"][0]

    async def post(self, venue: httpx.AsyncClient, event: str) -> None:
        """Post each lane at this gate, as staff do at its screen; that needs the event's list."""
        for lane in self.lanes:
            headers = {"cookie": f"{COOKIE}={self.keys[lane.id]}", "x-usher": "1"}
            place = {"event": event, "gate": GATES.index(self.name) + 1, "exiting": lane.exiting}
            address = f"https://{self.host}/api/lane/post"
            answer = await venue.post(address, headers=headers, json=place)
            if not answer.is_success:
                raise Failed(f"{lane.id} was not posted: {answer.text}")

    async def open(self, programs: Programs, cameras: Mapping[str, str]) -> None:
        """Start the agent, and a process for each camera."""
        words = ("edge", "-c", str(self.settings), "run")
        self.programs = [await programs.start(self.name.lower(), *words)]
        for lane in self.lanes:
            camera = (
                "edge", "camera", "--name", lane.id, "--lane", lane.id,
                "--source", cameras[lane.id], "--fps", str(FPS),
                "--socket", str(self.folder / "run" / "agent.sock"),
            )  # fmt: skip
            self.programs.append(await programs.start(f"camera-{lane.id}", *camera))


async def shown_digits(lines: AsyncIterator[str]) -> str:
    """Return the six digits that a device shows."""
    said: list[str] = []
    async for line in lines:
        said.append(line)
        if found := DIGITS.search(line):
            return found[0].replace(" ", "")
    raise Failed(f"no digits were shown: {' '.join(said)}")
