"""The organizer: signs up, describes the evening, sells, sends the codes, and takes some back.

All of it as an organizer's own programs do it: over the API, with a key that may do no more
than a box office does.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from demo import venue
from demo.api import Api, each
from demo.crowd import Fate, Guest, Held, Plan
from demo.office import SCOPES, Office
from demo.queues import Carried
from demo.service import Service
from demo.wallet import Phone, Ticket
from shared.token import parse

EMAIL: Final = "olivia@harbour-hall.example"
PASSWORD: Final = "lantern orbit velvet plum"  # noqa: S105  of nobody, for one evening
SUPERVISOR: Final = "Sue Supervisor"
TONIGHT: Final = "Night at the Harbour"
OTHER: Final = "Another night"
HOURS: Final = timedelta(hours=1)


@dataclass
class Organizer:
    """One tenant and its evening."""

    owner: Api  # Olivia, signed in
    office: Office
    tickets: dict[int, Ticket] = field(default_factory=dict)  # by guest
    old_codes: dict[int, str] = field(default_factory=dict)  # before they were replaced
    other_night: dict[int, str] = field(default_factory=dict)  # codes, by visit

    @property
    def path(self) -> str:
        """What the tenant's addresses begin with."""
        return self.office.path

    def carried(self, guests: Sequence[Guest]) -> Carried:
        """Return what everybody has by now."""
        return Carried(guests, self.tickets, self.old_codes, self.other_night)

    async def announce(self) -> None:
        """Describe the venue and tonight's event, and put it on sale."""
        hall = (await self.owner.post(f"{self.path}/venues", venue.LAYOUT))["venue_id"]
        self.office.event = await self._event(hall, TONIGHT, venue.CLASSES)

    async def issue(self, guests: Sequence[Guest]) -> None:
        """Issue a ticket to everybody on the list, and send each its code."""
        wanted = [(guest.ticket_class, guest.name, guest.email) for guest in guests]
        await self.office.issue(self.office.event, wanted)
        listed = await self.office.api.all(f"{self.office.event_path}/tickets")
        by_email = {each["email"]: each["ticket_id"] for each in listed}
        self.tickets = {each.number: Ticket(by_email[each.email]) for each in guests}

    async def send_codes(self, guests: Sequence[Guest]) -> None:
        """Send everybody their code; who has a live ticket binds a phone to it first."""

        async def send(guest: Guest) -> None:
            ticket = self.tickets[guest.number]
            if guest.ticket_class == venue.LIVE:
                await self._bind(ticket)
            ticket.code = await self.office.api.text(f"{self._of(guest)}/code.txt")

        await each(guests, send)

    async def take_back(self, plan: Plan, *fates: Fate) -> None:
        """Block, revoke and replace what these guests have."""
        await each([guest for guest in plan.guests if guest.fate in fates], self.act)

    async def act(self, guest: Guest) -> None:
        """Do with a guest's ticket what their fate is."""
        match guest.fate:
            case Fate.SOLD_NOW:
                await self._sell(guest)
            case Fate.BLOCKED:
                await self.office.api.post(f"{self._of(guest)}/block", {"reason": "lost"})
            case Fate.REVOKED | Fate.REVOKED_NOW | Fate.REVOKED_UNHEARD:
                await self.office.api.post(f"{self._of(guest)}/revoke", {"reason": "Charged back"})
            case Fate.REPLACED | Fate.REPLACED_NOW | Fate.REPLACED_UNHEARD:
                ticket = self.tickets[guest.number]
                self.old_codes[guest.number] = ticket.code
                await self.office.api.post(f"{self._of(guest)}/reissue")
                ticket.code = await self.office.api.text(f"{self._of(guest)}/code.txt")

    async def _sell(self, guest: Guest) -> None:
        """Buy a late pass: it bears no name."""
        item = {"class_index": list(venue.CLASSES).index(venue.LATE), "quantity": 1}
        wanted = {"event_id": self.office.event, "items": [item]}
        order = await self.owner.post(f"{self.path}/orders", wanted)
        (bought,) = order["items"]
        ticket = self.tickets[guest.number] = Ticket(bought["ticket_id"])
        ticket.code = await self.owner.text(f"{self._of(guest)}/code.txt")

    async def sell_another_night(self, visits: Sequence[int]) -> None:
        """Issue tickets of another event, whose guests come on the wrong evening: one a visit,
        since a lane that has just seen a code does not look again."""
        mill = (await self.owner.post(f"{self.path}/venues", venue.ELSEWHERE))["venue_id"]
        plain = {venue.STANDING: venue.CLASSES[venue.STANDING]}
        event = await self._event(mill, OTHER, plain)
        guests = [(venue.STANDING, f"Early Bird {n}", f"early{n}@example.org") for n in visits]
        await self.office.issue(event, guests)
        tickets = f"{self.path}/events/{event}/tickets"

        async def fetch(sold: tuple[int, Any]) -> None:
            address = f"{tickets}/{sold[1]['ticket_id']}/code.txt"
            self.other_night[sold[0]] = await self.office.api.text(address)

        listed = await self.office.api.all(tickets)
        await each(zip(visits, listed, strict=True), fetch)

    @property
    def ref(self) -> str:
        """The event as tokens and records name it."""
        return next(parse(ticket.code).token.event.hex() for ticket in self.tickets.values())

    async def close(self) -> None:
        """Hang up."""
        await self.owner.__aexit__()
        await self.office.api.__aexit__()

    async def _event(self, hall: str, name: str, classes: dict[str, dict[str, Any]]) -> str:
        doors = datetime.now(UTC) + HOURS
        said = {
            "venue_id": hall, "name": name, "currency": "eur",
            "doors_at": doors.isoformat(), "starts_at": (doors + HOURS).isoformat(),
            "ends_at": (doors + 5 * HOURS).isoformat(),
            "policy": {"unknown_ticket": "hold"},
        }  # fmt: skip
        event: str = (await self.owner.post(f"{self.path}/events", said))["event_id"]
        path = f"{self.path}/events/{event}"
        for called, rule in classes.items():
            await self.owner.post(f"{path}/classes", {"name": called, "price": 2500, **rule})
        version = (await self.owner.get(path))["organizer"]["version"]
        await self.owner.post(f"{path}/publish", {"version": version})
        return event

    async def _bind(self, ticket: Ticket) -> None:
        ticket.phone = phone = Phone.new()
        at = int(datetime.now(UTC).timestamp())
        binding = phone.bind(self.office.tenant, ticket.ticket_id, 0, at)
        await self.office.api.put(
            f"{self.office.event_path}/tickets/{ticket.ticket_id}/holder", binding
        )

    def _of(self, guest: Guest) -> str:
        return f"{self.office.event_path}/tickets/{self.tickets[guest.number].ticket_id}"


async def sign_up(service: Service) -> Organizer:
    """Make an account, prove its address by what was mailed, and found a tenant."""
    async with Api(service.address) as stranger:
        said = {"email": EMAIL, "password": PASSWORD, "name": "Olivia Organizer", "locale": "en"}
        await stranger.post("/v1/accounts", said)
        await stranger.post("/v1/accounts/verify", {"secret": await service.mailed(EMAIL)})
        signed_in = await stranger.post("/v1/sessions", {"email": EMAIL, "password": PASSWORD})
    owner = Api(service.address, signed_in["access_token"])
    named = {"slug": f"harbour-{secrets.token_hex(3)}", "name": "Harbour Hall"}
    tenant: str = (await owner.post("/v1/tenants", named))["tenant_id"]
    asked = {"name": "Box office", "scopes": SCOPES}
    key = await owner.post(f"/v1/tenants/{tenant}/api-keys", asked)
    return Organizer(owner, Office(Api(service.address, key["key"]), tenant))


async def prepare(organizer: Organizer, plan: Plan) -> None:
    """Do all that an organizer does before the doors open."""
    await organizer.announce()
    await organizer.office.make_badge(SUPERVISOR, "supervisor")
    others = [visit.number for visit in plan.visits if visit.held is Held.OTHER_NIGHT]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(organizer.sell_another_night(others))
        known = [guest for guest in plan.guests if guest.fate is not Fate.SOLD_NOW]
        await organizer.issue(known)
        await organizer.send_codes(known)
        await organizer.take_back(plan, Fate.BLOCKED, Fate.REVOKED, Fate.REPLACED)
