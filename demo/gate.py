"""One gate of the demo: everything a real one decides, with its log in memory."""

from typing import NamedTuple

from demo.organizer import EVENT, TENANT
from shared import hashing, keys
from shared.decide import NOTHING_ASKED, decide
from shared.devices.proof import proves
from shared.devices.roster import TrustedRoster
from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.log.chain import verify_chain
from shared.log.record import EMPTY, SIZE, Bits, Kind, Record, decode, record_id, seal
from shared.log.writer import Tail, advance, boot, place
from shared.manifest.table import Table
from shared.manifest.trusted import TrustedManifest
from shared.merge.view import View
from shared.outcomes import Outcome
from shared.presentation import Freshness
from shared.rules.compiled import Post, compile_rules
from shared.rules.decision import Admit, Ask, Deny, Draft
from shared.rules.written import written
from shared.token import decode_text
from shared.verify import Verified, outcome_of, verify


class Log(NamedTuple):
    """What a gate sends to others: its chained records and the codes that prove some of them."""

    device_pk: bytes
    records: bytes
    proofs: dict[bytes, bytes]  # code by record id


class Gate:
    """A preloaded gate. The clock is an argument of each scan."""

    def __init__(self, name: str, gate_id: int, secret: bytes, root: bytes) -> None:
        self.name = name
        self.view = View()
        self._gate_id = gate_id
        self._secret = keys.secret_key(secret)
        self.pk = keys.public_key(self._secret)
        self._trusted = TrustedKeys(root)
        self._roster = TrustedRoster(TENANT)
        self._tail = Tail(hashing.device_id(self.pk))
        self._records: list[bytes] = []
        self._proofs: dict[bytes, bytes] = {}

    def preload(self, keyset: bytes, roster: bytes, head: bytes, table: Table, now: Instant) -> int:
        """Verify and take in what the organizer published; return the number of tickets."""
        self._trusted = self._trusted.update([keyset], now)
        self._roster = self._roster.update(roster, self._trusted, now)
        assembly = TrustedManifest(EVENT).preload(head, self._trusted, now)
        for index in assembly.missing:
            assembly = assembly.add(index, table.chunks[index])
        held = TrustedManifest(EVENT).take(assembly, self._trusted).held
        if held is None:
            raise SystemExit("the manifest did not load")
        self._manifest = held
        self._rules = compile_rules(EVENT, held.head.plan, held.head.issued, held.head.sales_end)
        self._write(boot(self._tail, EMPTY, now.ms, 0))
        return held.table.tickets

    def scan(
        self, text: str, now: Instant, ask: Ask = NOTHING_ASKED, *, exiting: bool = False
    ) -> tuple[Outcome, str]:
        """Return what staff see, having written down what they must be able to rely on."""
        try:
            scan = verify(text, self._trusted, now, Freshness())
        except UsherError as error:
            return outcome_of(error), ""
        post = self._rules.post(self._gate_id, exiting=exiting)
        known = self.view.history(EVENT, scan.ticket_hash)
        record = self._manifest.table.find(scan.ticket_hash)
        decision = decide(scan, post, self._rules, record, known, now, ask)
        for draft in decision.drafts if isinstance(decision, Admit | Deny) else ():
            self._log(scan, post, draft, decode_text(text), now)
        if isinstance(decision, Deny) and decision.left:
            return decision.outcome, f"{decision.left} more may enter."
        if isinstance(decision, Deny) and decision.prior:
            minutes = (now.ms - decision.prior.ms) // 60_000
            gate = self._rules.gates[decision.prior.gate].name
            return decision.outcome, f"{minutes} min ago at gate {gate}"
        people = decision.people if isinstance(decision, Admit) else 0
        return decision.outcome, f"{people} people" if people > 1 else ""

    def log(self) -> Log:
        """Return this gate's log, for whoever can be reached."""
        return Log(self.pk, b"".join(self._records), self._proofs)

    def hear(self, log: Log) -> str:
        """Take in another gate's log: hashes, one signature, then the merge."""
        return merge(self.view, log, self._trusted, self._roster)

    def merged(self, logs: list[Log]) -> View:
        """Return what somebody knows who has these logs and nothing else: the cloud."""
        view = View()
        for log in logs:
            merge(view, log, self._trusted, self._roster)
        return view

    def _log(self, scan: Verified, post: Post, draft: Draft, code: bytes, now: Instant) -> None:
        bits = Bits(shown=scan.shown)
        versions = {"manifest": self._manifest.head.version, "roster": self._roster.version}
        record = written(draft, scan, post, bits, **versions)
        raw = self._write(place(self._tail, record, now.ms, 0))
        if draft.kind in (Kind.IN, Kind.OUT):
            self._proofs[record_id(raw)] = code
            self.view.prove(raw)

    def _write(self, record: Record) -> bytes:
        raw = seal(record, self._secret)
        self._tail = advance(self._tail, raw)
        self._records.append(raw)
        self.view.add(raw)
        return raw


def merge(view: View, log: Log, trusted: TrustedKeys, roster: TrustedRoster) -> str:
    """Check a log and add it to `view`; return what was checked, in words."""
    checked = verify_chain(log.records, log.device_pk, None)
    if checked.broken:
        raise SystemExit(f"a log is broken: {checked.broken}")
    for at in range(0, len(log.records), SIZE):
        raw = log.records[at : at + SIZE]
        record = decode(raw)
        view.add(raw)
        if proves(record, log.proofs.get(record_id(raw), b""), trusted, roster):
            view.prove(raw)
    return f"{len(checked.hashes)} records, {len(checked.hashes)} hashes, 1 signature"
