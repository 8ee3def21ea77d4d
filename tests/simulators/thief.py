"""A stolen gate: it has a key of the roster's, and says with it whatever may do harm."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from shared import hashing
from shared.bundle import FileKind, Part, Section, encode
from shared.log import writer
from shared.log.record import (
    EMPTY,
    NO_DAY_CAP,
    Bits,
    Kind,
    Record,
    decode,
    pack_bits,
    record_id,
    seal,
)
from shared.log.writer import Tail
from tests.simulators.cast import CLOUD, GATES, THIEF
from tests.simulators.stage import CLAIM, FILE

if TYPE_CHECKING:
    from tests.simulators.evening import Evening

YEARS: Final = 10 * 365 * 86_400_000  # ms
FLOOD: Final = 100  # records in one go
EVERY: Final = 8_000  # ms between two tricks


class Thief:
    """Sends what it likes to whom it likes."""

    def __init__(self, evening: "Evening") -> None:
        self._evening = evening
        self._me = evening.cast.thief
        self._random = evening.random
        self._tail = Tail(self._me.device)
        self._log: list[bytes] = []
        self._other: list[bytes] = []  # a second history

    def begin(self) -> None:
        """Boot, and play a trick every now and then."""
        boot = EMPTY._replace(evidence=hashing.evidence(b"stolen"))
        self._keep(seal(writer.boot(self._tail, boot, self._ms(), 0), self._me.secret))
        self._evening.wires.join(THIEF, lambda _source, _message: None)
        self._next()

    def _next(self) -> None:
        if self._evening.over:
            return
        tricks: tuple[Callable[[], None], ...] = (
            self._newest_generation, self._undo, self._override, self._close,
            self._two_histories, self._future, self._replay, self._flood, self._rubbish,
        )  # fmt: skip
        trick = self._random.choice(tricks)
        self._evening.story.meet(f"thief: {trick.__name__.strip('_').replace('_', ' ')}")
        self._evening.tell(f"the thief tries {trick.__name__}")
        trick()
        self._send(self._log)
        self._evening.timeline.after(self._random.randint(EVERY // 2, EVERY * 2), self._next)

    def _newest_generation(self) -> None:
        """Claim a generation that would make every other code of the ticket an old one."""
        self._write(self._entry(gen=0xFFFF))

    def _undo(self) -> None:
        """Take somebody's entry back."""
        victim = self._victim()
        if victim is not None:
            self._write(
                EMPTY._replace(
                    kind=Kind.ANNUL, event=victim.event, gate=victim.gate, zone=victim.zone,
                    day=victim.day, ticket=victim.ticket, ref=self._id,
                )
            )  # fmt: skip

    def _override(self) -> None:
        """Let somebody in as only a supervisor may, and without one."""
        entry = self._entry()._replace(kind=Kind.OVERRIDE, ref=bytes(16), reason=1 << 16 | 1)
        self._write(entry)

    def _close(self) -> None:
        """Say that somebody has left."""
        victim = self._victim()
        if victim is not None:
            self._write(victim._replace(kind=Kind.OUT, ref=self._id, bits=0, evidence=bytes(32)))

    def _two_histories(self) -> None:
        """Show one half of the venue another log than the other."""
        tail = self._tail
        self._write(self._entry())
        record = writer.place(tail, self._entry(), self._ms(), 1)
        self._other = [*self._log[:-1], seal(record, self._me.secret)]
        self._send(self._other)

    def _future(self) -> None:
        """Date a record years ahead."""
        record = writer.place(self._tail, self._entry(), self._ms() + YEARS, 1)
        self._keep(seal(record, self._me.secret))

    def _replay(self) -> None:
        """Send another gate's records as one's own."""
        raws = [*self._evening.cloud.gate.stores.log.records()][-20:]
        self._post(file_of(self._me.pk, raws))

    def _flood(self) -> None:
        """Write as much as there is time for."""
        for _ in range(FLOOD):
            deny = EMPTY._replace(
                kind=Kind.DENY, event=self._event, ticket=self._random.randbytes(16), reason=1
            )
            self._write(deny)

    def _rubbish(self) -> None:
        """Send bytes that are no message, and one that is cut off."""
        self._post(self._random.randbytes(200))
        self._post(file_of(self._me.pk, self._log)[:-7])
        for gate in GATES:
            self._evening.wires.send(THIEF, gate, CLAIM + self._random.randbytes(120))

    @property
    def _event(self) -> bytes:
        return self._evening.cast.world.organizer.event

    def _ms(self) -> int:
        return self._evening.timeline.ms

    def _entry(self, gen: int = 0) -> Record:
        """Return an entry on a ticket of somebody's."""
        ticket = self._random.choice(sorted(self._evening.labels))
        self._evening.suspect.add(self._evening.labels[ticket])
        return EMPTY._replace(
            kind=Kind.IN, bits=pack_bits(Bits()), event=self._event, gate=1, zone=1, allowance=1,
            terms=NO_DAY_CAP, ticket=ticket, gen=gen, ticket_class=1,
            ref=self._random.randbytes(16), evidence=self._random.randbytes(32),
        )  # fmt: skip

    def _victim(self) -> Record | None:
        """Choose an entry that an honest gate wrote; `_id` is its id."""
        raws = [r for stage in self._evening.gates for r in stage.written if r[1] == Kind.IN]
        if not raws:
            return None
        raw = self._random.choice(raws)
        self._id = record_id(raw)
        return decode(raw)

    def _write(self, draft: Record) -> None:
        self._keep(seal(writer.place(self._tail, draft, self._ms(), 1), self._me.secret))

    def _keep(self, raw: bytes) -> None:
        self._tail = writer.advance(self._tail, raw)
        self._log.append(raw)

    def _send(self, raws: list[bytes]) -> None:
        self._post(file_of(self._me.pk, raws))

    def _post(self, file: bytes) -> None:
        """Send something to a few."""
        for target in self._random.sample((*GATES, CLOUD), 3):
            self._evening.wires.send(THIEF, target, FILE + file)


def file_of(pk: bytes, raws: Iterable[bytes]) -> bytes:
    """Return records as a log file, in the name of a device."""
    sections = [Section(Part.DEVICE, pk), Section(Part.RECORDS, b"".join(raws))]
    return b"".join(encode(FileKind.LOG, sections))
