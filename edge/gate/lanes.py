"""Lanes: the places of scanning that this device serves, and what staff set at each.

A gate is one place with one name at every event of a venue, so a choice holds for the events
that have a gate of that name: a ticket of any of them is judged by its own event's rules.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from edge.errors import Refused
from edge.gate.acts import Act, stored
from edge.gate.bus import Bus, LaneChanged
from edge.gate.ledger import Ledger
from edge.gate.pending import Pending
from edge.gate.repeats import Repeats
from edge.gate.sessions import OnDuty
from edge.gate.state import EventPosts, GatePost, LaneState
from edge.gate.trust import Book, Trust
from edge.gate.verdict import Verdict
from edge.store.settings import SettingStore
from shared.errors import Refused as PlanRefused
from shared.rules.compiled import Post

MOST_HANDHELDS: Final = 64
MOST_RECENT: Final = 50
CHALLENGE_SECONDS: Final = 60.0
POST: Final = "lane:"  # settings that hold a lane's choice
KEY: Final = "key:"  # settings that name the lane of a kiosk or of a third party


class Choice(msgspec.Struct, frozen=True):
    """What staff chose; kept across restarts."""

    event: str
    gate: int
    exiting: bool


CHOICE: Final = msgspec.json.Decoder(Choice)


@dataclass
class Lane:
    """One lane, as the threads of this process share it. Guarded by `lock`."""

    id: str
    kind: str
    unattended: bool = False
    camera: str = ""
    choice: Choice | None = None
    practice: Ledger | None = None
    duty: OnDuty | None = None
    challenge: tuple[bytes, float] | None = None  # and until when, monotonic seconds
    shown: Verdict | None = None
    posts: tuple[Trust, Choice | None, dict[bytes, Post]] | None = None  # what they are made of
    repeats: Repeats = field(default_factory=Repeats)
    recent: deque[Verdict] = field(default_factory=lambda: deque(maxlen=MOST_RECENT))
    pending: "OrderedDict[str, Pending]" = field(default_factory=OrderedDict)
    done: dict[str, tuple[Act, Verdict]] = field(default_factory=dict)  # acts that admitted
    lock: threading.RLock = field(default_factory=threading.RLock)

    def close(self, scan: str, act: Act, verdict: Verdict) -> None:
        """Note that an act on a scan has admitted: the same act again is no other admission."""
        self.pending.pop(scan, None)
        self.done[scan] = act, verdict
        while len(self.done) > MOST_RECENT:
            del self.done[next(iter(self.done))]

    def challenged(self, now: float) -> bytes | None:
        """Return the four bytes on show, while they are."""
        if self.challenge is not None and now < self.challenge[1]:
            return self.challenge[0]
        return None


class Lanes:
    """All lanes of this device."""

    def __init__(
        self,
        fixed: Iterable[Lane],
        trust: Callable[[], Trust],
        settings: SettingStore,
        bus: Bus,
        new_ledger: Callable[[], Ledger],
        mark: Callable[[int], None],
    ) -> None:
        self._trust = trust
        self._settings = settings
        self._bus = bus
        self._new_ledger = new_ledger
        self._mark = mark
        self._lock = threading.Lock()
        self._lanes: dict[str, Lane] = {}
        for lane in fixed:
            self._add(lane)

    def lane(self, lane: str) -> Lane:
        """Return a lane to act on."""
        found = self._lanes.get(lane)
        if found is None:
            raise Refused("lane_unknown")
        return found

    def all(self) -> list[Lane]:
        """Return every lane."""
        return list(self._lanes.values())

    def get(self, lane: str) -> LaneState:
        """Return what is set at a lane."""
        return self._state(self.lane(lane))

    def open_handheld(self, token_hash: str) -> LaneState:
        """Return the lane of a handheld, new if it has none."""
        name = f"handheld-{token_hash[:16]}"
        with self._lock:
            if name not in self._lanes:
                self._make_room()
                self._add(Lane(name, "handheld"))
        return self.get(name)

    def by_token(self, token_hash: str) -> LaneState | None:
        """Return the lane of a handheld that has one."""
        name = f"handheld-{token_hash[:16]}"
        return self.get(name) if name in self._lanes else None

    def keys(self) -> dict[str, str]:
        """Return the lane that each key opens, by the key's SHA-256 in hex."""
        named = self._settings.starting(KEY)
        return {name: lane.decode() for name, lane in named.items() if lane.decode() in self._lanes}

    def choose(self, lane: str, event: str, gate: int, *, exiting: bool) -> LaneState:
        """Post a lane at a gate, in a direction. A lane that nobody watches is posted freely."""
        target = self.lane(lane)
        if target.duty is None and not target.unattended:
            raise Refused("not_signed_in")
        book = self._trust().books.get(_bytes(event))
        if book is None:
            raise Refused("post_event")
        try:
            book.rules.post(gate, exiting=exiting)
        except PlanRefused as error:
            raise Refused(error.code) from None
        choice = Choice(event, gate, exiting)
        with stored(), target.lock:
            if choice != target.choice:
                self._settings.put({f"lane:{lane}": msgspec.json.encode(choice)})
                target.choice = choice
        return self._changed(target)

    def practise(self, lane: str, *, on: bool) -> LaneState:
        """Begin or end practice: decisions as always, and nothing in the log but two marks."""
        target = self.lane(lane)
        if target.duty is None and not target.unattended:
            raise Refused("not_signed_in")
        with stored(), target.lock:
            if on is not (target.practice is not None):
                self._mark(4 if on else 5)
                target.practice = self._new_ledger() if on else None
                target.pending.clear()
        return self._changed(target)

    def changed(self, lane: Lane) -> None:
        """Tell a lane's screens that something else than a verdict is new."""
        with lane.lock:
            lane.repeats.clear()
        self._bus.publish(LaneChanged(lane.id))

    def posts(self, lane: Lane) -> dict[bytes, Post]:
        """Return where a lane stands, by event; the chosen event comes first."""
        trust, choice = self._trust(), lane.choice
        if lane.posts is None or lane.posts[0] is not trust or lane.posts[1] is not choice:
            lane.posts = trust, choice, _places(trust, choice)
        return lane.posts[2]

    def offered(self) -> list[EventPosts]:
        """Return what staff may choose from."""
        return [_offered(event, book) for event, book in sorted(self._trust().books.items())]

    def _changed(self, lane: Lane) -> LaneState:
        self.changed(lane)
        return self._state(lane)

    def _state(self, lane: Lane) -> LaneState:
        choice = lane.choice
        book = self._trust().books.get(_bytes(choice.event)) if choice else None
        state = LaneState(
            id=lane.id,
            kind=lane.kind,  # type: ignore[arg-type]  # settings allow the three kinds alone
            exiting=bool(choice and choice.exiting),
            practice=lane.practice is not None,
            camera=lane.camera,
            unattended=lane.unattended,
            session=lane.duty.session if lane.duty else None,
        )
        if book is None or choice is None or choice.gate not in book.rules.gates:
            return state
        gate = book.rules.gates[choice.gate]
        return msgspec.structs.replace(
            state,
            event=choice.event,
            event_name=book.name,
            timezone=book.manifest.head.plan.timezone,
            gate=gate.id,
            gate_name=gate.name,
            zone_name=zone_name(book, gate.zone),
        )

    def read_choices(self) -> None:
        """Take in posts that a technician has chosen by command."""
        for lane in self.all():
            self._read_choice(lane)

    def _add(self, lane: Lane) -> None:
        self._read_choice(lane)
        self._lanes[lane.id] = lane

    def _read_choice(self, lane: Lane) -> None:
        stored = self._settings.get(f"{POST}{lane.id}")
        if stored is not None:
            with lane.lock:
                lane.choice = CHOICE.decode(stored)

    def _make_room(self) -> None:
        """Let go of a handheld that nobody is signed in at, or refuse one more."""
        handhelds = [lane for lane in self._lanes.values() if lane.kind == "handheld"]
        if len(handhelds) < MOST_HANDHELDS:
            return
        idle = next((lane for lane in handhelds if lane.duty is None), None)
        if idle is None:
            raise Refused("too_many_lanes")
        del self._lanes[idle.id]


def zone_name(book: Book, zone: int) -> str:
    """Return what people call a zone."""
    names = {each.id: each.name for each in book.manifest.head.plan.zones}
    return names.get(zone, "")


def _bytes(event: str) -> bytes:
    try:
        return bytes.fromhex(event)
    except ValueError:
        return b""


def _places(trust: Trust, choice: Choice | None) -> dict[bytes, Post]:
    """Return the posts of the gate of one name, at every event that has it."""
    book = trust.books.get(_bytes(choice.event)) if choice else None
    if book is None or choice is None:
        return {}
    found = dict(_posts(book, choice.gate, exiting=choice.exiting))
    name = book.rules.gates[choice.gate].name if found else ""
    for other in trust.books.values():
        for gate in other.rules.gates.values():
            if gate.name == name and other is not book:
                found.update(_posts(other, gate.id, exiting=choice.exiting))
    return found


def _posts(book: Book, gate: int, *, exiting: bool) -> Iterator[tuple[bytes, Post]]:
    try:
        post = book.rules.post(gate, exiting=exiting)
    except PlanRefused:
        return
    yield post.event, post


def _offered(event: bytes, book: Book) -> EventPosts:
    gates = sorted(book.rules.gates.values(), key=lambda gate: gate.id)
    posts = (GatePost(g.id, g.name, zone_name(book, g.zone), g.direction) for g in gates)
    return EventPosts(event.hex(), book.name, tuple(posts))
