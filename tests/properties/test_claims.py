"""Gates that claim rights over lines that lag, break and lie about being alive.

Held against what the specification promises (spec/claims.md §5): with no fault at most one
entry per right; as long as no line is cut and nobody is struck off the roster, at most one
that is not flagged degraded, whoever restarts and however rosters change; with nothing but
cuts likewise; and a claim ends.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, count

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from shared.claims import leases
from shared.claims.claimant import (
    PATIENCE_MS,
    Ask,
    Claimant,
    Granted,
    Step,
    Taken,
    answered,
    begin,
    late,
    lost,
)
from shared.claims.messages import (
    Answer,
    Claim,
    Grant,
    decode_answer,
    decode_claim,
    encode_answer,
    encode_claim,
)
from shared.claims.owners import members, owners
from shared.claims.told import Told, decode_told, encode_told
from shared.devices.roster import Member
from tests.scribe import EVENT, Scribe, hashed, root

NAMES = "ABCD"
ROSTERS = {1: "ABC", 2: "ABCD", 3: "BACD", 4: "ACD"}  # 4 strikes B off
TICKETS = ("s", "t")
LATE_MS = 300  # what a line that is not cut takes at most
STEPS = 4 * PATIENCE_MS // 50
seen: Counter[str] = Counter()


def happened(what: str) -> None:
    event(what)
    seen[what] += 1


class Line:
    """One connection; what is on its way to either end, in order."""

    numbers = count(1)

    def __init__(self, one: "Gate", other: "Gate") -> None:
        self.number = next(Line.numbers)
        self.ends = one, other
        self.mail: dict[str, deque[tuple[int, object]]] = {one.name: deque(), other.name: deque()}

    def to(self, gate: "Gate") -> "Gate":
        return self.ends[self.ends[0] is gate]


@dataclass
class Version:
    roster: int


@dataclass
class Tell:
    roster: int


@dataclass
class Saying:
    """What a member told, and the entries that it had."""

    told: bytes
    log: dict[bytes, bytes]


@dataclass
class Green:
    right: bytes
    degraded: bool
    roster: int


@dataclass(eq=False)
class Gate:
    """One gate: the functions of shared.claims, and as little else as possible."""

    name: str
    net: "Claims"
    roster: int = 1
    log: dict[bytes, bytes] = field(default_factory=dict)  # right: raw IN
    lines: dict[str, Line] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scribe = Scribe(self.name)
        self.scribe.boot()
        self.start()

    def start(self) -> None:
        self.lines, self.versions = {}, {}
        self.claimant: Claimant | None = None
        self.steps = 0
        self.since = 0  # when the first of those that are not written was granted
        self.granted: list[tuple[Claim, Granted]] = []
        self.leases = leases.started(self.roster, self.others(), self.net.now)

    def devices(self) -> dict[bytes, Member]:
        gates = (self.net.gates[name] for name in ROSTERS[self.roster] if name in self.net.gates)
        known = {gate.scribe.device: Member(gate.scribe.public, None) for gate in gates}
        return known | {self.scribe.device: Member(self.scribe.public, None)}

    def others(self) -> set[bytes]:
        return set(members(self.devices(), 0)) - {self.scribe.device}

    def connected(self) -> set[bytes]:
        return {self.net.gates[name].scribe.device for name in self.lines} & self.others()

    def peers(self) -> dict[bytes, int]:
        """Whom a claim can be asked of."""
        same = {n: line for n, line in self.lines.items() if self.versions.get(n) == self.roster}
        asked = {self.net.gates[name].scribe.device: line.number for name, line in same.items()}
        return asked | {self.scribe.device: 0}

    # -- lines --

    def opens(self, line: Line) -> None:
        """Use a line, and no older one to the same gate."""
        peer = line.to(self)
        self.closes(peer.name)
        self.lines[peer.name] = line
        self.send(peer.name, Version(self.roster))

    def closes(self, name: str) -> None:
        line = self.lines.pop(name, None)
        self.versions.pop(name, None)
        self.leases = leases.lost(self.leases, self.net.gates[name].scribe.device)
        if line and self.claimant:
            self.go(lost(self.claimant, line.number, self.net.now))

    def send(self, name: str, message: object) -> None:
        if name in self.lines:
            self.lines[name].mail[name].append((self.net.now, message))

    def receive(self, line: Line, message: object) -> None:
        peer = line.to(self)
        if peer.name not in ROSTERS[self.roster]:
            return
        if self.lines.get(peer.name) is not line:
            self.opens(line)
        match message:
            case Version(roster):
                self.versions[peer.name] = roster
                if roster == self.roster:
                    self.send(peer.name, Tell(roster))
            case Tell():
                claims = tuple(claim for claim, _ in self.granted)
                told = encode_told(Told(self.roster, claims))
                self.send(peer.name, Saying(told, dict(self.log)))
            case Saying(raw, log):
                for right, entry in log.items():
                    self.hears(right, entry)
                told_ = decode_told(raw, peer.scribe.device, peer.scribe.public)
                self.leases = leases.heard(self.leases, peer.scribe.device, told_, self.net.now)
            case _:
                self.receive_more(line, peer, message)

    def receive_more(self, line: Line, peer: "Gate", message: object) -> None:
        match message:
            case ("claim", bytes(raw)):
                self.send(peer.name, ("answer", encode_answer(self.answer(decode_claim(raw)))))
            case ("answer", bytes(raw)):
                self.answers(line.number, decode_answer(raw))
                self.refuses(peer.name, decode_answer(raw))
            case ("entry", bytes(right), bytes(entry)):
                self.hears(right, entry)
            case ("release", bytes(nonce)):
                self.leases = leases.released(self.leases, peer.scribe.device, nonce)

    def hears(self, right: bytes, entry: bytes) -> None:
        self.log.setdefault(right, entry)
        self.leases = leases.used(self.leases, right)

    # -- claims --

    def answer(self, claim: Claim) -> Answer:
        connected, now = self.connected(), self.net.now
        self.leases, said = leases.answer(self.leases, claim, connected, self.log, now)
        happened(type(said).__name__)
        if isinstance(said, Grant):
            self.net.granters.setdefault(claim.nonce, set()).add(self.scribe.device)
        return said

    def scan(self, ticket: str, people: int) -> None:
        mine = {right for claim, _ in self.granted for right in claim.rights}
        free = [root(ticket, n) for n in range(2)]
        free = [right for right in free if right not in self.log and right not in mine]
        if len(free) >= people and self.claimant is None:
            self.steps = 0
            self.begins(ticket, tuple(sorted(free[:people])), None)

    def begins(self, ticket: str, rights: tuple[bytes, ...], end: int | None) -> None:
        nonce = next(self.net.nonces).to_bytes(16, "big")
        claim = Claim(self.roster, nonce, self.scribe.device, EVENT, hashed(ticket), rights)
        ranking = owners(self.devices(), 0, hashed(ticket))
        signed = claim.signed(self.scribe.secret)
        self.ticket = ticket
        self.go(begin(signed, ranking, self.peers(), self.net.now, end))

    def answers(self, connection: int, said: Answer) -> None:
        if self.claimant:
            devices = self.devices()
            self.go(answered(self.claimant, connection, said, devices, self.net.now))

    def refuses(self, name: str, said: Answer) -> None:
        """Give up what an owner granted too late, to a claim that is over."""
        mine = {claim.nonce for claim, _ in self.granted}
        mine |= {self.claimant.claim.nonce} if self.claimant else set()
        if isinstance(said, Grant) and said.nonce not in mine:
            self.send(name, ("release", said.nonce))

    def goes_away(self) -> None:
        """The guest leaves before the entry is written."""
        if self.granted:
            claim, _ = self.granted.pop(0)
            happened("released")
            self.leases = leases.released(self.leases, self.scribe.device, claim.nonce)
            for name in self.lines:
                self.send(name, ("release", claim.nonce))

    def go(self, next_: tuple[Claimant, Step] | None) -> None:
        if next_ is None:
            return
        self.claimant, step = next_
        self.steps += 1
        assert self.steps < STEPS
        match step:
            case Ask(owner) if owner == self.scribe.device:
                self.answers(0, self.answer(self.claimant.claim))
            case Ask(owner):
                name = self.net.named(owner)
                self.send(name, ("claim", encode_claim(self.claimant.claim)))
            case Granted():
                self.judge(self.claimant.claim, step)
                self.since = self.net.now if not self.granted else self.since
                self.granted.append((self.claimant.claim, step))
                self.leases = leases.holding(self.leases, self.claimant.claim, self.net.now)
                self.claimant = None
            case Taken(record):
                self.hears(record[140:156], record)
                self.claimant = None

    def judge(self, claim: Claim, granted: Granted) -> None:
        """Green is flagged as it was granted."""
        happened("degraded" if granted.degraded else "granted")
        first = owners(self.devices(), 0, claim.ticket)[0]
        assert granted.degraded or first in self.net.granters[claim.nonce]

    def ticks(self) -> None:
        if self.granted and self.net.now > self.since + leases.LEASE_MS - LATE_MS:
            self.net.faults.add("slow")
        if self.claimant and self.net.now >= self.claimant.due:
            if not self.claimant.waits:
                self.net.faults.add("slow")
            else:
                happened("asked again")
            assert self.net.now < self.claimant.end + PATIENCE_MS
            self.go(late(self.claimant, self.net.now))

    def writes(self) -> None:
        if not self.granted:
            return
        claim, granted = self.granted.pop(0)
        self.since = self.net.now
        for right in claim.rights:
            entry = self.scribe.enter(self.ticket_of(claim), right)
            self.net.greens.append(Green(right, granted.degraded, claim.roster))
            self.hears(right, entry)
            for name in self.lines:
                self.send(name, ("entry", right, entry))

    def ticket_of(self, claim: Claim) -> str:
        return next(ticket for ticket in TICKETS if hashed(ticket) == claim.ticket)

    def adopts(self, roster: int) -> None:
        self.roster = roster
        self.leases = leases.moved(
            self.leases, self.scribe.device, roster, self.others(), self.net.now
        )
        for name in set(self.lines) - set(ROSTERS[roster]):
            self.closes(name)
        for name in list(self.lines):
            self.send(name, Version(roster))
            if self.versions.get(name) == roster:
                self.send(name, Tell(roster))
        if self.claimant:
            happened("anew")
            self.begins(self.ticket, self.claimant.claim.rights, self.claimant.end)


gates = st.sampled_from(NAMES)
tickets = st.sampled_from(TICKETS)
people = st.sampled_from([1, 1, 1, 2])


class Claims(RuleBasedStateMachine):
    """Gates on lines without a fault."""

    late_ms = 0
    rosters = (2, 2, 2, 2)

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.nonces = count(1)
        self.faults: set[str] = set()
        self.greens: list[Green] = []
        self.granters: dict[bytes, set[bytes]] = {}
        self.broken: set[frozenset[str]] = set()
        self.gates: dict[str, Gate] = {}
        for name, roster in zip(NAMES, self.rosters, strict=True):
            self.gates[name] = Gate(name, self, roster)
        for gate in self.gates.values():
            gate.start()  # now that all are known
        self.connects()
        self.deliver_all(0)

    def named(self, device: bytes) -> str:
        return next(n for n, gate in self.gates.items() if gate.scribe.device == device)

    def connects(self) -> None:
        """Open a line between all who are each other's members and have none."""
        for one, other in combinations(self.gates.values(), 2):
            known = other.name in ROSTERS[one.roster] and one.name in ROSTERS[other.roster]
            apart = frozenset((one.name, other.name)) in self.broken
            if known and not apart and one.name not in other.lines:
                line = Line(one, other)
                one.opens(line)
                other.opens(line)

    def mail(self) -> Iterator[tuple[Gate, Line]]:
        """Yield each end with something on its way to it.

        An older line still brings what was sent on it, until the gate hears of a newer one.
        """
        lines = {line.number: line for gate in self.gates.values() for line in gate.lines.values()}
        for line in lines.values():
            for gate in line.ends:
                current = gate.lines.get(line.to(gate).name)
                if line.mail[gate.name] and (current is None or current.number <= line.number):
                    yield gate, line

    def deliver_all(self, before: int) -> None:
        """Deliver everything that was sent until then, and what follows from it at that time."""
        again = True
        while again:
            again = False
            for gate, line in list(self.mail()):
                mail = line.mail[gate.name]
                if mail and mail[0][0] <= before:
                    gate.receive(line, mail.popleft()[1])
                    again = True

    def passes(self, ms: int) -> None:
        for _ in range(0, ms, 20):
            self.now += 20
            self.deliver_all(self.now - self.late_ms)
            for gate in self.gates.values():
                gate.ticks()

    @rule(gate=gates, ticket=tickets, people=people)
    def scan(self, gate: str, ticket: str, people: int) -> None:
        self.gates[gate].scan(ticket, people)

    @rule(one=gates, other=gates, ticket=tickets, people=people)
    def scan_copies(self, one: str, other: str, ticket: str, people: int) -> None:
        self.gates[one].scan(ticket, people)
        self.gates[other].scan(ticket, 1)

    @rule(gate=gates, ticket=tickets, people=people, writes=st.booleans())
    def scan_at_leisure(self, gate: str, ticket: str, people: int, writes: bool) -> None:
        self.gates[gate].scan(ticket, people)
        self.deliver_all(self.now)
        if writes:
            self.gates[gate].writes()

    @rule(which=st.integers(0, 11), many=st.integers(1, 3))
    def deliver(self, which: int, many: int) -> None:
        for _ in range(many):
            if ends := list(self.mail()):
                gate, line = ends[which % len(ends)]
                gate.receive(line, line.mail[gate.name].popleft()[1])

    @rule()
    def deliver_everything(self) -> None:
        self.deliver_all(self.now)

    @rule(gate=gates)
    def write(self, gate: str) -> None:
        self.gates[gate].writes()

    @rule(gate=gates)
    def leave(self, gate: str) -> None:
        self.gates[gate].goes_away()

    @rule(ms=st.sampled_from([20, 60, 160, 400, 2500]))
    def later(self, ms: int) -> None:
        self.passes(ms)

    @invariant()
    def unique(self) -> None:
        """What spec/claims.md §5 promises."""
        greens = self.greens
        sound = [green for green in greens if not green.degraded]
        if not self.faults:
            assert greens == sound
        if not self.faults & {"cut", "struck off"} or self.faults <= {"cut", "slow"}:
            assert once(green.right for green in sound)
        if "cut" not in self.faults:
            assert once((green.right, green.roster) for green in sound)

    def teardown(self) -> None:
        """Every claim ends."""
        self.passes(PATIENCE_MS + 40)
        assert all(gate.claimant is None for gate in self.gates.values())
        for fault in self.faults or {"no fault"}:
            happened(fault)


class Unsteady(Claims):
    """Lines lag, gates restart, and rosters grow, with a gate that is only just enrolled."""

    late_ms = LATE_MS
    rosters = (1, 1, 1, 2)

    def __init__(self) -> None:
        super().__init__()
        self.faults.add("roster")

    @rule(gate=gates)
    def restart(self, gate: str) -> None:
        """What it had sent arrives; the others find out when the new line speaks."""
        self.faults.add("restart")
        restarted = self.gates[gate]
        names = list(restarted.lines)
        restarted.start()
        for name in names:
            restarted.opens(Line(restarted, self.gates[name]))

    @rule(gate=gates, roster=st.sampled_from([2, 3]))
    def adopt(self, gate: str, roster: int) -> None:
        if roster > self.gates[gate].roster:
            self.gates[gate].adopts(roster)
            self.connects()

    @rule(one=gates, other=gates, ticket=tickets, new=st.booleans(), hurry=st.booleans())
    def owner_forgets(self, one: str, other: str, ticket: str, new: bool, hurry: bool) -> None:
        """A right is granted; its owner restarts, or all go by a new roster; a copy comes."""
        self.gates[one].scan(ticket, 1)
        self.deliver_all(self.now)
        if new:
            for name in NAMES:
                self.adopt(name, 3)
        else:
            devices = self.gates[one].devices()
            self.restart(self.named(owners(devices, 0, hashed(ticket))[0]))
        if not hurry:
            self.deliver_all(self.now)
        self.scan_at_leisure(other, ticket, 1, writes=True)


class Cut(Claims):
    """Lines are cut and healed, and nothing else goes wrong."""

    late_ms = LATE_MS

    @rule(one=gates, other=gates)
    def cut(self, one: str, other: str) -> None:
        if one != other:
            self.faults.add("cut")
            self.broken.add(frozenset((one, other)))
            self.gates[one].closes(other)
            self.gates[other].closes(one)

    @rule()
    def heal(self) -> None:
        self.broken.clear()
        self.connects()


class Troubled(Unsteady, Cut):
    """All of this, and a gate that is struck off."""

    @rule(gate=st.sampled_from("ACD"))
    def adopt_without_b(self, gate: str) -> None:
        if self.gates[gate].roster == 3:
            self.faults.add("struck off")
            self.gates[gate].adopts(4)


def once(things: Iterable[object]) -> bool:
    return max(Counter(things).values(), default=0) <= 1


def run(machine: type[Claims], *told: str) -> None:
    """Run a machine; these things must have happened in it."""
    seen.clear()
    run_state_machine_as_test(machine)
    assert all(seen[what] for what in told), seen


def test_without_a_fault_each_right_is_used_once_and_nothing_is_flagged() -> None:
    """Copies at several gates in the same instant; slow gates are a fault."""
    run(Claims, "granted", "Held", "asked again", "no fault", "released")


def test_restarts_and_new_rosters_leave_one_that_is_not_flagged() -> None:
    """At any moment, with lines that lag, as long as none is cut."""
    run(Unsteady, "granted", "degraded", "InDoubt", "Wrong", "anew", "restart", "slow")


def test_cuts_leave_one_that_is_not_flagged() -> None:
    """Also where a cut takes an answer, an entry or a release with it."""
    run(Cut, "granted", "degraded", "cut", "slow", "asked again")


def test_with_any_fault_what_is_not_sure_is_flagged_and_every_claim_ends() -> None:
    """Restarts, new rosters, cuts and gates struck off, at any moment."""
    run(Troubled, "granted", "degraded", "restart", "struck off", "cut", "slow")
