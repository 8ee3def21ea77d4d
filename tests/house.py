"""A house whose gates decide, write down what was decided, and hear of one another.

house = House()
house.scan("anna", gate=NORTH)            # what decide() says; its drafts are in the log
house.cut_off(SOUTH)                      # from now on South knows only of itself
house.sync()                              # everybody hears everything
"""

from typing import Any, Final

from shared.decide import decide
from shared.history import History, Visit
from shared.log.record import Kind
from shared.manifest.ticket import Status
from shared.merge.view import View
from shared.rules.decision import Admit, Ask, Decision, Draft, Hold
from shared.rules.undo import undo
from tests import festival
from tests.festival import HOUR, NOON
from tests.scribe import EVENT, START, Scribe, hashed

PLAIN: Final = Ask()


class House:
    """Gates on one LAN, each with a log of its own."""

    def __init__(self, **policy: Any) -> None:
        self.policy = policy
        self.lan = View()
        self.alone: dict[int, View] = {}
        self.scribes: dict[int, Scribe] = {}

    def scan(
        self,
        ticket: str = "anna",
        ticket_class: int = festival.SEAT,
        *,
        gate: int = festival.NORTH,
        posted: int = 0,
        exiting: bool = False,
        at: int = NOON,
        ask: Ask = PLAIN,
        status: Status | None = Status.ACTIVE,
        **token: Any,
    ) -> Decision:
        """Decide at a gate, and store what was decided. `status` None: not in the manifest.

        `posted`: the gate at which device `gate` stands, if not at the one of its number.
        """
        scanned = festival.scan(ticket, ticket_class, **token)
        rules = festival.rules(issued=at - HOUR, sales_end=at + HOUR, **self.policy)
        decision = decide(
            scanned,
            rules.post(posted or gate, exiting=exiting),
            rules,
            None if status is None else festival.listed(scanned, status),
            self.history(ticket, gate),
            festival.at(at),
            ask,
        )
        self._store(decision, ticket, gate, at, scanned.token.gen)
        return decision

    def leave(self, ticket: str = "anna", ticket_class: int = festival.SEAT, **more: Any) -> Admit:
        """Scan at an exit; it lets out."""
        more = {"gate": festival.WAY_OUT} | more
        decision = self.scan(ticket, ticket_class, exiting=True, **more)
        assert isinstance(decision, Admit)
        return decision

    def undo(
        self, visit: Visit, gate: int, at: int, *, supervisor: bool = False
    ) -> Draft | Hold | None:
        """Take anna's entry back at a gate."""
        same = self.scribe(gate).device == visit.device
        known, now = self.history(gate=gate), festival.at(at)
        answer = undo(visit, known, now, same_device=same, supervisor=supervisor)
        if isinstance(answer, Draft):
            raw = self.scribe(gate).undo("anna", answer.ref, zone=answer.zone, day=answer.day)
            self._hear(gate, raw)
        return answer

    def history(self, ticket: str = "anna", gate: int = festival.NORTH) -> History:
        return self.view(gate).history(EVENT, hashed(ticket))

    def view(self, gate: int) -> View:
        return self.alone.get(gate, self.lan)

    def inside(self, zone: int = festival.ARENA, day: int = 0) -> int:
        return self.lan.present(EVENT, zone, day)

    def incidents(self) -> list[str]:
        return [finding.kind.value for finding in self.lan.findings()]

    def cut_off(self, *gates: int) -> None:
        """From now on each of `gates` hears only itself, and nobody hears it."""
        for gate in gates:
            self.alone[gate] = View()
            for scribe in self.scribes.values():
                for raw in scribe.log:
                    self.alone[gate].add(raw)
                    self.alone[gate].prove(raw)

    def sync(self) -> None:
        """All logs reach everybody."""
        self.alone.clear()
        for scribe in self.scribes.values():
            for raw in scribe.log:
                self.lan.add(raw)
                self.lan.prove(raw)

    def scribe(self, gate: int) -> Scribe:
        if gate not in self.scribes:
            self.scribes[gate] = Scribe(f"gate {gate}", START - 1_000_000)
            self._hear(gate, self.scribes[gate].boot())
        return self.scribes[gate]

    def denials(self, gate: int = festival.NORTH) -> int:
        return sum(raw[1] == Kind.DENY for raw in self.scribe(gate).log)

    def _store(self, decision: Decision, ticket: str, gate: int, at: int, gen: int) -> None:
        scribe = self.scribe(gate)
        for draft in decision.drafts:
            scribe.clock = max(scribe.clock, at * 1000 - 1000)
            raw = scribe.write(
                draft.kind,
                ticket,
                draft.ref,
                zone=draft.zone,
                day=draft.day,
                gate=gate,
                allowance=draft.allowance,
                terms=draft.terms,
                gen=gen,
            )
            self._hear(gate, raw)

    def _hear(self, gate: int, raw: bytes) -> None:
        self.view(gate).add(raw)
        self.view(gate).prove(raw)
