"""The box office's desk: an API key, and what is asked and done with it."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from demo.api import Api, until
from demo.reckoning import Seen, seen_in

SCOPES: Final = (
    "badges:write", "checkins:read", "devices:read", "devices:write", "events:read",
    "reports:read", "tickets:issue", "tickets:read", "tickets:write",
)  # fmt: skip
ISSUED_WITHIN: Final = 60.0  # seconds


@dataclass
class Office:
    """What a key of these scopes may do in one tenant."""

    api: Api
    tenant: str
    event: str = ""  # tonight's
    badges: dict[str, str] = field(default_factory=dict)  # codes, by whose they are

    @property
    def path(self) -> str:
        """What the tenant's addresses begin with."""
        return f"/v1/tenants/{self.tenant}"

    @property
    def event_path(self) -> str:
        """What tonight's addresses begin with."""
        return f"{self.path}/events/{self.event}"

    async def issue(self, event: str, guests: Sequence[tuple[str, str, str]]) -> None:
        """Issue tickets to a list of (class, name, address), and wait for them."""
        said = io.StringIO()
        csv.writer(said, delimiter=";").writerows((("class", "name", "email"), *guests))
        # Nothing but the last tickets is for sale tonight.
        address = f"{self.path}/events/{event}/guests?over_capacity=true"
        headers = {"content-type": "text/csv"}
        content = said.getvalue().encode()
        job = (await self.api.ask("POST", address, content=content, headers=headers)).json()

        async def done() -> Any:
            nonlocal job
            job = await self.api.get(f"{self.path}/jobs/{job['job_id']}")
            return job["state"] in ("done", "failed")

        await until(done, ISSUED_WITHIN, "the tickets are issued")
        if job["state"] == "failed":
            raise RuntimeError(f"the guest list was not taken: {job['report']}")

    async def figures(self) -> dict[str, Any]:
        """Return what is shown of the cloud while it goes on."""
        answer = await self.api.ask("GET", f"{self.event_path}/checkins/counts")
        counts, age = answer.json(), answer.headers.get("usher-data-age")
        return {
            "entered": counts["entered"],
            "inside": counts["inside"],
            "incidents": Counter(each["kind"] for each in await self.incidents()),
            "waiting": int(answer.headers["usher-waiting"]),
            "age": None if age is None else int(age),
        }

    async def incidents(self) -> list[Any]:
        """Return what a person has to settle."""
        return await self.api.all(f"{self.path}/incidents", state="open")

    async def view(self) -> Seen:
        """Return what the cloud says of the event, all records merged."""
        return seen_in(await self.api.get(f"{self.event_path}/checkins/summary"))

    async def newest(self) -> int:
        """Return the newest version of tonight's list."""
        listed = await self.api.all(f"{self.path}/devices/status")
        events = (event for each in listed for event in each["events"])
        return max(int(each["newest"]) for each in events if each["event_id"] == self.event)

    async def words(self) -> dict[str, str]:
        """Return for each gate the one word that its owner reads: ready, or why not."""
        listed = await self.api.all(f"{self.path}/devices/status")
        return {each["name"]: each["word"] for each in listed}

    async def make_badge(self, name: str, role: str) -> None:
        """Make a badge, and keep its code to be printed."""
        made = await self.api.post(f"{self.path}/badges", {"name": name, "role": role})
        self.badges[name] = made["code"]

    async def offer(self, name: str) -> tuple[str, str]:
        """Offer an enrolment: its address, and the text of its code."""
        made = await self.api.post(f"{self.path}/devices/enrolments", {"name": name})
        return f"{self.path}/devices/enrolments/{made['enrolment_id']}", made["offer"]

    async def picture(self, enrolment: str) -> bytes:
        """Return an offer as the console shows it, a PNG."""
        return (await self.api.ask("GET", f"{enrolment}/code.png")).content

    async def type_digits(self, enrolment: str, digits: str) -> None:
        """Type in what the device shows."""
        done = await self.api.post(f"{enrolment}/digits", {"digits": digits})
        if done["state"] != "confirmed":
            raise RuntimeError(f"the enrolment is {done['state']}")
