"""What comes while the gate runs, one document at a time: judged, on the disk, then in force.

    taking = Taking(gate)
    taking.roster(raw)                          # raises `UsherError`: nothing has changed

Tickets come by `edge.gate.tickets`. Every call blocks for the disk. A file that another process
loads meanwhile is taken into account: of two deliveries, the older must not win.
"""

from collections.abc import Collection, Sequence
from typing import Final

from edge.gate.gate import Gate
from edge.gate.incidents import unsettled
from edge.gate.setup import obey
from edge.gate.trust import ANY_TIME, AWAITED, COMING, NONE, Book
from shared.devices.command import Command, Recipient, accept_command, open_stamp
from shared.instant import Instant
from shared.keyset import Role, TrustedKeys

DAY: Final = 86_400
WEEK: Final = 7 * DAY


class Taking:
    """Safe to share between threads."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._documents = gate.stores.documents

    def keyset(self, raws: Sequence[bytes]) -> bool:
        """Take keysets in, oldest first; return whether they were news."""
        with self._gate.delivering() as trust:
            keys = trust.keys.update(raws, self._now())
            if keys is trust.keys or keys.raw is None or keys.keyset is None:
                return False
            self._gate.clock.learn(keys.keyset.issued * 1000)
            self._documents.put({("keyset", NONE): keys.raw}, {"root": keys.root})
            if trust.faults or not _go_on(trust.keys, keys):
                self._gate.take_up()  # everything that is held is judged by the new keys
            else:
                self._gate.held.replace(trust._replace(keys=keys))
                self._gate.roster_changed()  # proofs hang on keys as well
            return True

    def roster(self, raw: bytes) -> bool:
        """Take a roster in; return whether it was news."""
        with self._gate.delivering() as trust:
            members = trust.roster.update(raw, trust.keys, self._now())
            if members is trust.roster or members.roster is None:
                return False
            self._gate.clock.learn(members.roster.issued * 1000)
            self._documents.put({("roster", NONE): raw}, {})
            self._gate.held.replace(trust._replace(roster=members))
            self._gate.roster_changed()
            return True

    def stamp(self, raw: bytes, nonce: bytes, asked: int) -> int:
        """Take the answer to a question asked at monotonic `asked`; return its unix ms."""
        ms = open_stamp(raw, self._gate.held.trust.keys, self._now(), nonce)
        self._gate.clock.answered(ms, asked)
        return ms

    def command(self, raw: bytes, device: bytes = b"") -> Command:
        """Obey a command, once. `device`: whose it is; by default this one's."""
        gate = self._gate
        with gate.delivering() as trust:
            obeyed = gate.stores.settings.number("obeyed")
            me = Recipient(trust.roster.tenant, device or gate.me.device, obeyed)
            command = accept_command(raw, trust.keys, self._now(), me)
            obey(command, gate.stores, gate.clock)
            gate.take_up()
            return command

    def sweep(self) -> int:
        """Drop the chunks that nothing names; return how many those were."""
        with self._gate.delivering() as trust:
            return self._documents.sweep(trust.chunks())

    def let_go_of_others(self, named: Collection[bytes]) -> None:
        """Forget events that are over for a day and that the cloud names no more: a thief of the
        device would only learn more from it."""
        with self._gate.delivering() as trust:
            now = self._now()
            gone = {e for e, book in trust.books.items() if e not in named and over(book, now)}
            if gone:
                kinds = "head", COMING, "search", AWAITED
                self._documents.put({}, {}, drop=[(kind, e) for kind in kinds for e in gone])
                self._gate.stores.incidents.let_go(gone)
                self._gate.around["incidents"] = unsettled(self._gate.stores.incidents)
                self._gate.take_up()

    def _now(self) -> Instant:
        return self._gate.clock.now()


def _go_on(before: TrustedKeys, after: TrustedKeys) -> bool:
    """Whether all that was signed by a key of `before` still is: as a rule, an issuer's came."""
    signers: tuple[Role, ...] = ("manifest", "roster")
    return all(
        before.of(role, ANY_TIME).items() <= after.of(role, ANY_TIME).items() for role in signers
    )


def over(book: Book, now: Instant) -> bool:
    """Whether an event's last day ended a day ago, or, without days, its list long expired."""
    ends = max((day.end for day in book.rules.days), default=book.manifest.head.expires + WEEK)
    return now.trusted and now.seconds > ends + DAY
