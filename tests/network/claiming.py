"""Claims as they look from outside: who owns which ticket, and what came of an entry."""

from collections.abc import Iterable
from typing import Final

from edge.health.look import looking
from shared.claims.messages import HEAD, REPLY, RIGHT
from shared.claims.owners import owners
from shared.devices.roster import Member
from shared.hashing import id_hash
from shared.keys import SIGNATURE_SIZE
from shared.lan import CORRELATION, HEADER
from shared.log.record import Kind, Record, decode, unpack_bits
from shared.token import parse
from tests.network.gate import Gate
from tests.network.waiting import until

TLS: Final = 22  # bytes that a record of TLS 1.3 adds
AROUND: Final = TLS + HEADER.size + CORRELATION.size
CLAIM: Final = AROUND + HEAD.size + RIGHT + SIGNATURE_SIZE  # bytes on the wire, for one right
GRANT: Final = AROUND + REPLY.size
STEADY: Final = 40.0  # seconds until a member that started was heard by all, on a busy machine
NO_KEY: Final = Member(b"", None)


class Tickets:
    """Codes of tickets that were not shown yet, by the gate that is their first owner: one of
    these gates, which are all that the roster has."""

    def __init__(self, gates: Iterable[Gate], codes: Iterable[str]) -> None:
        names = {gate.device: gate.name for gate in gates}
        members = dict.fromkeys(names, NO_KEY)
        self._left: dict[str, list[str]] = {name: [] for name in names.values()}
        for code in codes:
            self._left[names[owners(members, 0, ticket(code))[0]]].append(code)

    def of(self, owner: Gate) -> str:
        """Return a ticket that a gate is the first owner of, for the first time."""
        return self._left[owner.name].pop()

    def steady(self, owner: Gate, asker: Gate) -> str:
        """Let guests in at one gate until another grants it as the first owner; return the code
        of the one that it was."""

        def look() -> str:
            code = self.of(owner)
            said = asker.scan(code)["code"]
            assert said == "admitted", said
            return code if firm(asker, code) else ""

        return until(look, f"{owner.name} grants to {asker.name}", STEADY, every=0.5)


def ticket(code: str) -> bytes:
    """Return a ticket as claims and records name it."""
    return id_hash(parse(code).token.ticket)


def entries(gate: Gate, code: str) -> list[Record]:
    """Return a gate's own entries of a ticket, as they are on its disk."""
    wanted, device = ticket(code), gate.device
    with looking(gate.settings.data_folder) as stores:
        records = [decode(raw) for raw in stores.log.records() if raw[4:20] == device]
    return [each for each in records if each.kind == Kind.IN and each.ticket == wanted]


def firm(gate: Gate, code: str) -> bool:
    """Whether a gate's only entry of a ticket was granted by the ticket's first owner."""
    (entry,) = entries(gate, code)
    return not unpack_bits(entry.bits).degraded
