"""From a decision to the lines of the log that must be durable before it is shown.

Which blob goes with which record: the code that was scanned where an exit or a raised
generation has to be believed by others (spec/rules.md §2), a supervisor's countersignature
where the act is theirs (spec/devices.md §5). Other codes are not kept: a stolen card would
give them away.
"""

import json

from edge.gate.acts import OTHER, reason_number
from edge.gate.ledger import Line
from edge.gate.pending import Pending
from shared import hashing
from shared.log.record import EMPTY, ZERO32, Bits, Kind, Record, Shown, TimeQuality, pack_bits
from shared.rules.compiled import Post
from shared.rules.decision import Admit, Decision, Draft
from shared.rules.written import written

ANSWERS, REMARK = 1, 3  # reasons of an ATTACH


def lines_of(
    decision: Decision,
    pending: Pending,
    post: Post,
    bits: Bits,
    versions: tuple[int, int],
    session: bytes,
) -> list[Line]:
    """Return the records of a decision, and what is attached to the first of them."""
    raises = isinstance(decision, Admit) and decision.raises
    lines = []
    for draft in decision.drafts:
        of_it = bits if draft.kind is Kind.IN else Bits(shown=bits.shown, time=bits.time)
        record = written(
            draft, pending.scan, post, of_it, manifest=versions[0], roster=versions[1]
        )._replace(session=session)
        lines.append(_line(draft, record, pending, raises=raises))
    attached = [*_attachments(decision, bits, session)]
    entry = next((i for i, line in enumerate(lines) if line.record.kind != Kind.OUT), 0)
    return lines + [line._replace(of=entry) for line in attached]


def _line(draft: Draft, record: Record, pending: Pending, *, raises: bool) -> Line:
    by_hand = not pending.code
    if draft.kind is Kind.OVERRIDE:
        reason = (reason_number(pending.act.override) or 0) << 16 | draft.reason
        signed = record._replace(reason=reason, evidence=ZERO32)
        return Line(signed, badge=pending.badge, code=pending.code)
    if by_hand and draft.kind is not Kind.DENY:
        return Line(record._replace(evidence=ZERO32), badge=pending.badge)
    if by_hand:
        return Line(record._replace(evidence=ZERO32))
    keep = draft.kind is Kind.OUT or raises
    return Line(record, blob=pending.code if keep else b"")


def _attachments(decision: Decision, bits: Bits, session: bytes) -> list[Line]:
    """Return what travels with an admission: answers, and the words of an override."""
    if not isinstance(decision, Admit):
        return []
    blobs = []
    if decision.answers:
        blobs.append((ANSWERS, json.dumps(dict(decision.answers), ensure_ascii=False)))
    if decision.note.startswith(f"{OTHER}: "):
        blobs.append((REMARK, decision.note))
    return [_attach(reason, text.encode(), bits, session) for reason, text in blobs]


def _attach(reason: int, blob: bytes, bits: Bits, session: bytes) -> Line:
    record = EMPTY._replace(
        kind=Kind.ATTACH,
        bits=pack_bits(Bits(shown=Shown.MANUAL, time=bits.time)),
        reason=reason,
        session=session,
        evidence=hashing.evidence(blob),
    )
    return Line(record, blob=blob)


def undo_line(
    draft: Draft, pending: Pending, post: Post, time: TimeQuality, session: bytes, badge: bytes
) -> Line:
    """Return the record that takes an entry back: the device's own word, or a supervisor's."""
    bits = Bits(shown=pending.scan.shown, time=time)
    record = written(draft, pending.scan, post, bits, manifest=0, roster=0)
    return Line(record._replace(evidence=ZERO32, session=session), badge=badge)
