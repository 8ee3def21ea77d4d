"""Claims between the gates of a story: the pure rules, over the story's wires.

A connection is a number that changes whenever a wire is cut or one of its ends boots.
"""

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.gate.claiming import Claiming, Standing
from shared.claims import claimant as asking
from shared.claims import leases as owning
from shared.claims.claimant import Ask, Claimant, Granted, Step, Taken, Wait
from shared.claims.leases import Leases
from shared.claims.messages import (
    Answer,
    Claim,
    Held,
    decode_answer,
    decode_claim,
    encode_answer,
    encode_claim,
)
from shared.claims.owners import members, owners
from shared.claims.told import (
    Told,
    decode_release,
    decode_tell,
    decode_told,
    encode_tell,
    encode_told,
)
from shared.errors import Malformed
from shared.log.gossip import Key, Mark
from shared.log.record import Kind, record_id
from shared.wire import decode_vector, encode_vector, frames, unframed

if TYPE_CHECKING:
    from tests.simulators.stage import Stage

HEAD: Final = struct.Struct(">cQ")  # form, connection
CLAIM, ANSWER, TELL, TOLD, RELEASE = b"C", b"A", b"T", b"U", b"R"
SITE: Final = 0
HOME: Final = -1  # the connection to oneself


class _Hearing(NamedTuple):
    """What a member told, until all of its logs are here."""

    told: Told
    vector: dict[Key, Mark]
    connection: int


class Agreeing:
    """One gate's part in all claims, as owner and as claimant; new at every boot."""

    def __init__(self, stage: "Stage", names: dict[bytes, str]) -> None:
        self._stage = stage
        self._names = names  # of members, by device
        self._leases = self._started()
        self._lines: dict[bytes, int] = {}
        self._hearing: dict[bytes, _Hearing] = {}
        self._mine: list[Claim] = []  # granted, and not yet written
        self._asked: list[bytes] = []  # owners, by the claim that goes on
        self._answers: list[tuple[int, Answer]] = []
        self._written: dict[bytes, bytes] = {}  # raw IN by right

    def __call__(self, claiming: Claiming) -> Standing:
        """Claim; called on the strand of a scan."""
        while True:
            self._look()
            version = self._leases.roster
            step = self._once(claiming)
            if self._leases.roster != version:
                continue  # the roster changed: it starts anew
            if isinstance(step, Taken):
                self._catch_up(claiming, step.record)
                return Standing(held=True)
            return Standing(step.confirm, step.degraded, roster=version)

    def _catch_up(self, claiming: Claiming, record: bytes) -> None:
        """Wait until an entry counts here, for as long as an owner may take to answer."""
        owner, end = self._names.get(record[4:20], ""), self._now() + asking.ANSWER_MS
        while self._now() < end and not self._counts(claiming, record):
            self._stage.ask_for_logs(owner)
            self._stage.strand.wait(asking.ANSWER_MS // 5)
            self._stage.gate  # noqa: B018  raises where the power went meanwhile

    def _counts(self, claiming: Claiming, record: bytes) -> bool:
        history = self._stage.gate.ledger.history(claiming.event, claiming.ticket)
        return record_id(record) in {v.id for pool in history.pools.values() for v in pool.inside}

    def tick(self) -> None:
        """Notice who is there, and ask those who were not heard."""
        self._look()
        for device in sorted(self._lines.keys() - self._leases.heard):
            self._say(device, TELL, encode_tell(self._leases.roster))

    def wrote(self, raws: "list[bytes]") -> None:
        """Note records that are durable here, anybody's."""
        for raw in raws:
            if raw[1] == Kind.IN:
                right = raw[140:156]
                self._written.setdefault(right, raw)
                self._leases = owning.used(self._leases, right)
                self._mine = [each for each in self._mine if right not in each.rights]
        self._settle()

    def hear(self, source: bytes, message: bytes) -> None:
        """Take in what a member said."""
        if len(message) < HEAD.size:
            raise Malformed("claim_length", 0)
        form, connection = HEAD.unpack_from(message)
        body = message[HEAD.size :]
        self._look()
        if self._lines.get(source) != connection:
            return
        if form == CLAIM:
            self._claimed(source, decode_claim(body))
        elif form == ANSWER:
            self._answers.append((connection, decode_answer(body)))
            if self._stage.strand.busy:
                self._stage.strand.wake()
        elif form == TELL:
            self._tell(source, decode_tell(body))
        elif form == TOLD:
            member = self._stage.gate.held().roster.devices[source]
            said, vector = unframed(body, 2)
            told = decode_told(said, source, member.pk)
            self._hearing[source] = _Hearing(told, decode_vector(vector), connection)
            self._settle()
        elif form == RELEASE:
            self._leases = owning.released(self._leases, source, decode_release(body))

    def _look(self) -> None:
        """Take in who is connected now, and by which roster we go."""
        roster = self._stage.gate.held().roster
        if roster.version != self._leases.roster:
            others = members(roster.devices, SITE) - {self._stage.me.device}
            self._leases = owning.moved(
                self._leases, self._stage.me.device, roster.version, others, self._now()
            )
        in_force = members(roster.devices, SITE) - {self._stage.me.device}
        lines = {}
        for device in sorted(in_force):
            line = self._stage.line(self._names.get(device, ""))
            if line is not None:
                lines[device] = line
        for device, line in self._lines.items():
            if lines.get(device) != line:
                self._leases = owning.lost(self._leases, device)
                self._hearing.pop(device, None)
        self._lines = lines

    def _started(self) -> Leases:
        roster = self._stage.gate.held().roster
        others = members(roster.devices, SITE) - {self._stage.me.device}
        return owning.started(roster.version, others, self._now())

    def _once(self, claiming: Claiming) -> Granted | Taken:
        roster, me = self._stage.gate.held().roster, self._stage.me
        claim = Claim(
            roster.version, self._stage.random.randbytes(16), me.device, claiming.event,
            claiming.ticket, tuple(sorted(set(claiming.rights))),
        ).signed(me.secret)  # fmt: skip
        ranking = owners(roster.devices, SITE, claiming.ticket)
        if me.device not in ranking:
            return asking.ALONE
        self._answers.clear()
        self._asked.clear()
        state, step = asking.begin(claim, ranking, {**self._lines, me.device: HOME}, self._now())
        while isinstance(step, Ask | Wait):
            state, step = self._next(state, step)
        if isinstance(step, Granted):
            self._mine.append(claim)
            self._leases = owning.holding(self._leases, claim, self._now())
        else:
            self._release(claim)
        return step

    def over(self, ticket: bytes) -> None:
        """Let go of what was granted and not used; `station.over`."""
        left = [claim for claim in self._mine if claim.ticket == ticket]
        self._mine = [claim for claim in self._mine if claim.ticket != ticket]
        for claim in left:
            self._release(claim)

    def _release(self, claim: Claim) -> None:
        self._leases = owning.released(self._leases, claim.device, claim.nonce)
        for owner in self._asked:
            self._say(owner, RELEASE, claim.nonce)

    def _next(self, state: Claimant, step: Ask | Wait) -> tuple[Claimant, Step]:
        if isinstance(step, Ask):
            if step.owner == self._stage.me.device:
                self._answers.append((HOME, self._answer(state.claim)))
            else:
                self._asked.append(step.owner)
                self._say(step.owner, CLAIM, encode_claim(state.claim))
        while True:
            while self._answers and isinstance(step, Ask):
                devices = self._stage.gate.held().roster.devices
                came = asking.answered(state, *self._answers.pop(0), devices, self._now())
                if came is not None:
                    return came
            if not self._stage.strand.wait(max(0, step.until - self._now())):
                self._stage.gate  # noqa: B018  raises where the power went meanwhile
                return asking.late(state, self._now())
            self._stage.gate  # noqa: B018

    def _claimed(self, source: bytes, claim: Claim) -> None:
        member = self._stage.gate.held().roster.devices[source]
        if claim.device != source or not claim.signed_by(member.pk):
            raise Malformed("claim_bad_signature")
        answer = self._answer(claim)
        if isinstance(answer, Held) and isinstance(answer.by, bytes):
            self._stage.send_file(self._names[source], [answer.by])
        self._say(source, ANSWER, encode_answer(answer))

    def _answer(self, claim: Claim) -> Answer:
        self._leases, answer = owning.answer(
            self._leases, claim, self._lines, self._standing(claim), self._now()
        )
        return answer

    def _standing(self, claim: Claim) -> dict[bytes, bytes]:
        """Return the entries on these rights; nobody undoes any in these stories."""
        return {r: self._written[r] for r in claim.rights if r in self._written}

    def _tell(self, source: bytes, roster: int) -> None:
        if roster == self._leases.roster:
            told = Told(roster, tuple(self._mine))
            vector = encode_vector(self._stage.replica.vector())
            self._say(source, TOLD, frames([encode_told(told), vector]))

    def _settle(self) -> None:
        """Count those as heard of whose logs all is here by now."""
        mine = self._stage.replica.vector()
        for device, hearing in [*self._hearing.items()]:
            if all(key in mine and mine[key].seq >= m.seq for key, m in hearing.vector.items()):
                del self._hearing[device]
                self._leases = owning.heard(self._leases, device, hearing.told, self._now())
            else:
                self._stage.ask_for_logs(self._names[device])

    def _say(self, device: bytes, form: bytes, body: bytes) -> None:
        line = self._lines.get(device)
        if line is not None:
            self._stage.say(self._names[device], HEAD.pack(form, line) + body)

    def _now(self) -> int:
        return self._stage.time.monotonic()
