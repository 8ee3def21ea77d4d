"""Becoming a member: the device's side of an enrolment (spec/devices.md §2, sync.md §5).

    enrolling = Enrolling(folder, console, machine)
    await enrolling.run(text)       # raises `NotEnrolled`, `Away`, `StorageFailed`

The nonce is written before the hello goes out, and the organizer only with a welcome that was
checked: whatever interrupts it, the same command with the same code goes on from there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol

import msgspec
from msgspec import Meta

from edge.gate.clock import DeviceClock
from edge.gate.gate import Machine
from edge.gate.setup import ENROLLING, new_folder, own_key
from edge.gate.trust import NONE, pinned, restored
from edge.store.identity import Identity
from edge.store.stores import Stores
from edge.sync.client import Cloud
from edge.sync.failures import Away, Denied, Failure, Garbled
from edge.sync.opened import ORIGIN, context_of
from shared.devices.enrolment import (
    NONCE_SIZE,
    Offer,
    State,
    digits,
    hello,
    parse_offer,
    welcome,
)
from shared.errors import UsherError
from shared.signed import CAPS, Kind

TOO_MANY: Final = 429
BROKEN: Final = 500  # and above: the cloud's own trouble
LOOK: Final = 1.0  # seconds between two looks whether a person has typed the digits
MOST: Final = 1 << 12


class NotEnrolled(Exception):
    """It came to nothing, and nothing has changed. `code`: why; `words` has a sentence for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Told(msgspec.Struct, frozen=True):
    """How an enrolment stands, by the cloud."""

    state: Literal["offered", "claimed", "revealed", "confirmed", "void", "revoked", "expired"]


TOLD: Final = msgspec.json.Decoder(Told)


class Begun(msgspec.Struct, frozen=True):
    """An enrolment that is not over, as this device remembers it."""

    offer: str
    nonce: Annotated[bytes, Meta(min_length=NONCE_SIZE, max_length=NONCE_SIZE)]


BEGUN: Final = msgspec.json.Decoder(Begun)


class Console(Protocol):
    """The person in front of the device."""

    def step(self, code: str, detail: str = "") -> None:
        """Say how far it is."""

    def digits(self, six: str) -> None:
        """Show six digits, large, until the next step."""


class Enrolling:
    """One device's enrolment. `rest`: waits that many seconds."""

    def __init__(
        self,
        folder: Path,
        console: Console,
        machine: Machine,
        *,
        ca: str = "",
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._folder = folder
        self._console = console
        self._machine = machine
        self._ca = ca
        self._rest = rest

    async def run(self, text: str) -> str:
        """Enrol by an offer's text; without one, go on where it broke off. Return the origin."""
        stores = new_folder(self._folder)
        try:
            return await self._run(stores, text)
        except UsherError as error:
            raise NotEnrolled(error.code) from error
        except Denied as error:
            raise NotEnrolled(error.code) from error
        finally:
            stores.close()

    async def _run(self, stores: Stores, text: str) -> str:
        text = text.strip() or _remembered(stores)
        offer = parse_offer(text)
        self._console.step("offer", offer.origin)
        if stores.settings.get("tenant") not in (None, offer.tenant):
            raise NotEnrolled("other_organizer")
        me = own_key(self._folder, stores, offer.tenant)
        begun = self._begun(stores, text)
        self._console.step("key", me.pk.hex())
        verify = context_of(offer.origin, self._ca)
        async with Cloud(
            offer.origin, offer.tenant, me, self._machine.wall, verify=verify
        ) as cloud:
            await self._confirmed(cloud, offer, me, begun.nonce)
            roster = await _roster(cloud)
            self._console.step("confirmed")
            await self._welcomed(cloud, offer, me, stores, roster)
        stores.settings.drop(ENROLLING)
        self._console.step("enrolled", offer.origin)
        return offer.origin

    def _begun(self, stores: Stores, text: str) -> Begun:
        """Return what this device remembers of the offer, written before anything is said."""
        known = stores.settings.get(ENROLLING)
        if known is not None and (begun := _read(known)).offer == text:
            return begun
        made = Begun(text, self._machine.random(NONCE_SIZE))
        stores.settings.put({ENROLLING: msgspec.json.encode(made)})
        return made

    async def _confirmed(self, cloud: Cloud, offer: Offer, me: Identity, nonce: bytes) -> None:
        """Take every step up to a person's word. Steps that were taken are repeated the same."""
        state = await self._state(cloud, offer)
        if state == State.CONFIRMED:
            return
        challenge = (
            await cloud.post("/enrol/hello", hello(offer, me.secret, nonce), MOST, signed=False)
        ).body
        if len(challenge) != NONCE_SIZE:
            raise Garbled("challenge")
        self._console.step("claimed")
        answer = await cloud.post("/enrol/reveal", offer.code + nonce, MOST, signed=False)
        self._judge(_told(answer.body))
        self._console.digits(digits(offer, me.pk, challenge, nonce))
        await self._waited(cloud, offer)

    async def _waited(self, cloud: Cloud, offer: Offer) -> None:
        """Wait for the person at the console; a line that is gone for a while ends nothing."""
        away, wait = False, 0.0
        while True:
            await self._rest(max(LOOK, wait))
            try:
                state, wait = await self._state(cloud, offer), 0.0
            except (Away, Garbled, Denied) as error:
                wait = _patient(error)
                if not away:
                    self._console.step("away", error.code)
                away = True
                continue
            if away:
                self._console.step("back")
            away = False
            if state == State.CONFIRMED:
                return

    async def _state(self, cloud: Cloud, offer: Offer) -> str:
        answer = await cloud.post("/enrol/state", offer.code, MOST, signed=False)
        return self._judge(_told(answer.body))

    def _judge(self, state: str) -> str:
        """Return a state that is not the end of it."""
        if state in (State.VOID, State.REVOKED, "expired"):
            raise NotEnrolled(f"enrol_{state}")
        return state

    async def _welcomed(
        self, cloud: Cloud, offer: Offer, me: Identity, stores: Stores, roster: bytes
    ) -> None:
        """Check keyset and roster, and store them with the organizer, all at once."""
        path = f"/keyset?root={offer.root.hex()}"
        keyset = (await cloud.get(path, CAPS[Kind.KEYSET], signed=False)).body
        machine = self._machine
        clock = DeviceClock(stores.settings, machine.monotonic, machine.wall, vouched=False)
        trusted, members = welcome(offer, me.pk, keyset, roster, clock.now())
        if (start := pinned(stores)) is not None:  # it was set up by hand before
            held = restored(start, stores.documents)
            keys = held.keys.update([keyset], clock.now())
            held.roster.update(roster, keys, clock.now())
        if trusted.keyset is None or members.roster is None:
            raise AssertionError("`welcome` holds what it took")
        clock.learn(1000 * max(trusted.keyset.issued, members.roster.issued))
        pins = {"tenant": offer.tenant, "root": trusted.root, ORIGIN: offer.origin.encode()}
        stores.documents.put({("keyset", NONE): keyset, ("roster", NONE): roster}, pins)


async def _roster(cloud: Cloud) -> bytes:
    """Return the roster, which the cloud gives to its own: a code that is confirmed may have been
    so for another device."""
    try:
        return (await cloud.get("/roster", CAPS[Kind.ROSTER])).body
    except Denied as error:
        if error.code == "request_unknown_device":
            raise NotEnrolled("enrol_used") from error
        raise


def _patient(error: Failure) -> float:
    """Return how many seconds the cloud asks to be left alone; raise what it refuses for good."""
    if not isinstance(error, Denied):
        return 0.0
    if error.status != TOO_MANY and error.status < BROKEN:
        raise error
    return error.wait


def _remembered(stores: Stores) -> str:
    known = stores.settings.get(ENROLLING)
    if known is None:
        raise NotEnrolled("enrol_offer")
    return _read(known).offer


def _read(stored: bytes) -> Begun:
    return BEGUN.decode(stored)


def _told(body: bytes) -> str:
    try:
        return TOLD.decode(body).state
    except (msgspec.DecodeError, ValueError):
        raise Garbled("enrolment") from None
