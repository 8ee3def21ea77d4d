"""A gate was stolen while it was on: its key claims, grants, refuses, writes and repeats what is
false, before real gates. Then it is struck off."""

import random
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from edge.health.look import looking
from edge.store.identity import load_identity
from edge.store.stores import KEY
from shared.claims.messages import Answer, Claim, Grant, Held, InDoubt, Wrong
from shared.hashing import root_right
from shared.log.record import EMPTY, Kind, Record, decode, record_id, seal
from tests.network.brief import given
from tests.network.claiming import Tickets, ticket
from tests.network.gate import ENTRY, EXIT, Gate
from tests.network.mallory import Mallory, mallory
from tests.network.organizer import GATES
from tests.network.scenes.same_instant import rush
from tests.network.venue import Venue, tell, venue
from tests.network.waiting import until

STOLEN: Final = "East"
MET: Final = 180  # tickets that come while she is about; the others after that
GRANTED_TWICE: Final = 4  # tickets that two gates ask her for in one instant
HOARD: Final = 64  # claims that a device may hold
OF_HERS: Final = frozenset({"double_admission", "unproved_override", "equivocation"})
NEWEST: Final = 0xFFFF  # the highest generation that there is


class Theft:
    """The evening, with the stolen gate in it."""

    def __init__(self, hall: Venue, thief: Mallory, tickets: Tickets, stolen: Gate) -> None:
        self.hall = hall
        self.thief = thief
        self.tickets = tickets
        self.stolen = stolen
        self.north, self.south, self.west = (hall.gates[name] for name in GATES)
        self.random = random.Random(hall.brief.seed)
        self.sample = self.admitted(self.north, tickets.of(self.north))  # what a record looks like

    def admitted(self, gate: Gate, code: str) -> bytes:
        """Let a guest in, and return the record."""
        said = gate.scan(code)["code"]
        assert said == "admitted", said
        with looking(gate.settings.data_folder) as stores:
            raws = [*stores.log.records()]
        return next(raw for raw in raws if raw[1] == Kind.IN and raw[96:112] == ticket(code))

    def claim(self, wanted: bytes, device: bytes = b"") -> Claim:
        """Return a claim on a ticket's only right, signed by the stolen key."""
        like = decode(self.sample)
        right = root_right(like.event, wanted, like.zone, like.day, 0)
        place = self.random.randbytes(16), device or self.thief.me.device, like.event, wanted
        return Claim(self.thief.roster, *place, (right,)).signed(self.thief.me.secret)

    def forged(self, claim: Claim) -> bytes:
        """Return an entry on a claim's right in North's name, signed by the stolen key."""
        entry = decode(self.sample)._replace(ticket=claim.ticket, ref=claim.rights[0])
        return seal(entry, self.thief.me.secret)


Lie = Callable[[Theft, Claim], Answer | bytes | None]
LIES: Final[Mapping[str, Lie]] = {
    "nothing": lambda _theft, _claim: None,
    "doubt": lambda _theft, claim: InDoubt(claim.nonce),
    "another roster": lambda _theft, claim: Wrong(claim.nonce, 1 << 31),
    "a grant of another claim": lambda theft, _claim: Grant(theft.random.randbytes(16)),
    "an entry of another ticket": lambda theft, claim: Held(claim.nonce, theft.sample),
    "an entry that its device did not sign": (
        lambda theft, claim: Held(claim.nonce, theft.forged(claim))
    ),
    "a claim that its device did not sign": (
        lambda theft, claim: Held(claim.nonce, theft.claim(claim.ticket, theft.west.device))
    ),
    "a claim of her own": lambda theft, claim: Held(claim.nonce, theft.claim(claim.ticket)),
}


def refusals(theft: Theft) -> Iterator[dict[str, Any]]:
    """Have her answer claims by every lie; then the same code comes to another gate."""
    for name, lie in LIES.items():
        code = theft.tickets.of(theft.stolen)
        theft.thief.says = partial(_said, lie, theft)
        said = [theft.north.scan(code)["code"]]
        # Copies in one instant are for `grants`: this one comes once the entry was heard of.
        until(lambda: theft.south.knows(ticket(code)), "South has heard")  # noqa: B023
        theft.thief.says = lambda _gate, claim: InDoubt(claim.nonce)
        said.append(theft.south.scan(code)["code"])
        asked = any(claim.ticket == ticket(code) for _, claim in theft.thief.asked)
        yield {"lie": name, "code": code, "said": said, "asked": asked}


def _said(lie: Lie, theft: Theft, _gate: str, claim: Claim) -> Answer | bytes | None:
    return lie(theft, claim)


def grants(theft: Theft) -> list[dict[str, Any]]:
    """Have her grant each right to whoever asks."""
    theft.thief.says = lambda _gate, claim: Grant(claim.nonce)
    came = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(GRANTED_TWICE):
            code = theft.tickets.of(theft.stolen)
            came.append({"code": code, "said": rush(theft.hall, code, GATES[:2], pool)})
    theft.thief.says = lambda _gate, claim: InDoubt(claim.nonce)
    return came


def hoard(theft: Theft) -> dict[str, Any]:
    """Have her claim as much as she may, and write nothing; two of the guests come."""
    codes = [theft.tickets.of(theft.north) for _ in range(2)]
    wanted = [ticket(code) for code in codes]
    wanted += [theft.random.randbytes(16) for _ in range(HOARD - len(wanted))]
    theft.thief.claim(theft.north.name, [theft.claim(each) for each in wanted])
    until(lambda: theft.thief.granted >= HOARD, "all is hers")
    said = [gate.scan(code)["code"] for gate, code in zip(
        (theft.south, theft.north), codes, strict=True)]  # fmt: skip
    return {"codes": codes, "said": said}


def records(theft: Theft) -> dict[str, Any]:
    """Have her write what is not hers to write, of guests inside; then their copies come."""
    hall, thief = theft.hall, theft.thief
    newer, undone = (theft.tickets.of(theft.north) for _ in range(2))
    closed, forced = hall.brief.often[0], theft.tickets.of(theft.north)
    raws = {code: theft.admitted(theft.north, code) for code in (newer, undone, closed)}
    held = {code: decode(raw) for code, raw in raws.items()}
    blank = EMPTY._replace(event=held[newer].event, gate=1, zone=held[newer].zone,
                           day=held[newer].day)  # fmt: skip
    ids = {code: record_id(raw) for code, raw in raws.items()}
    thief.write(held[newer]._replace(gen=NEWEST))
    thief.write(blank._replace(kind=Kind.ANNUL, ticket=ticket(undone), ref=ids[undone]))
    thief.write(held[closed]._replace(kind=Kind.OUT, gen=NEWEST, ref=ids[closed], bits=0,
                                      evidence=bytes(32)))  # fmt: skip
    entry = held[newer]._replace(ticket=ticket(forced), ref=bytes(16), bits=0)
    thief.write(entry._replace(kind=Kind.OVERRIDE, reason=1 << 16 | 1))
    thief.fork(_denial(blank, theft), _denial(blank, theft), theft.north.name, theft.south.name)
    until(lambda: _kinds(hall.gates_agree()) >= OF_HERS, "all gates know of it", 60)
    said = {code: [gate.scan(code)["code"] for gate in (theft.south, theft.west)]
            for code in (newer, undone, closed)}  # fmt: skip
    # At North, where nobody has held the code up of late: it would be in view still.
    out = [theft.north.scan(closed, lane)["code"] for lane in (EXIT, ENTRY)]
    return {"newer": newer, "forced": forced, "said": said, "out": out}


def _denial(blank: Record, theft: Theft) -> Record:
    return blank._replace(kind=Kind.DENY, ticket=theft.random.randbytes(16), reason=1)


def _kinds(view: Any) -> set[str]:
    """Return the kinds of findings in a view, if there is one."""
    return {each["kind"] for each in view["findings"]} if view else set()


def crimes(theft: Theft) -> dict[str, Any]:
    """Have her repeat what another has signed, as if it were hers, and forge what another did
    not; then guests come to those gates."""
    thief = theft.thief
    overheard = next(claim for name, claim in thief.asked if name == theft.north.name)
    thief.push([theft.sample], theft.south.name, pk=theft.north.public)  # a copy harms nobody
    thief.claim(theft.south.name, [overheard])
    thief.push([theft.forged(overheard)], theft.west.name, pk=theft.north.public)
    until(lambda: {"South", "West"} <= thief.parted.keys(), "she is hung up on")
    codes = [theft.tickets.of(theft.stolen) for _ in range(2)]
    said = [gate.scan(code)["code"] for gate, code in zip(
        (theft.south, theft.west), codes, strict=True)]  # fmt: skip
    for gate in (theft.south, theft.west):
        until(lambda: "peers_distrusted" in gate.warnings(), f"{gate.name} says so")  # noqa: B023
    return {"codes": codes, "said": said, "parted": thief.parted}


def main() -> None:
    """Play it."""
    brief = given()
    with venue(brief, (*GATES, STOLEN)) as hall:
        stolen = hall.gates.pop(STOLEN)
        stolen.enrol(hall.organizer)
        hall.open()
        me = load_identity(stolen.settings.data_folder / KEY)
        assert me is not None
        with mallory(me) as thief:
            thief.says = lambda _gate, claim: InDoubt(claim.nonce)
            thief.call(*hall.gates.values())
            gates = (*hall.gates.values(), stolen)
            tickets = Tickets(gates, brief.single[:MET])
            tickets.steady(hall.gates["North"], hall.gates["South"])
            theft = Theft(hall, thief, tickets, stolen)
            told = {
                "refusals": [*refusals(theft)], "granted": grants(theft),
                "hoard": hoard(theft), "records": records(theft), "crimes": crimes(theft),
            }  # fmt: skip
            # Its neighbours pass its log on once they have seen that it does not by itself.
            until(lambda: _kinds(hall.organizer.summary()) >= OF_HERS, "the cloud knows", 150)
            hall.organizer.post(f"{hall.organizer.path}/devices/{me.device.hex()}/revoke")
            hall.noticed(lambda status: status["peers"] == len(GATES) - 1, "she is struck off")
            after = Tickets(hall.gates.values(), brief.single[MET:])
            honest = [after.steady(hall.gates[one], hall.gates[other])
                      for one, other in (("North", "South"), ("West", "North"))]  # fmt: skip
            tell(told | {"honest": honest, "thief": me.device.hex(), "agreed": hall.agreed()})


if __name__ == "__main__":
    main()
