"""A decision's draft as a record of the scan log (spec/rules.md §2, spec/log.md §2)."""

from shared.log.record import EMPTY, Bits, Record, pack_bits
from shared.rules.compiled import Post
from shared.rules.decision import Draft
from shared.verify import Verified


def written(
    draft: Draft, scan: Verified, post: Post, bits: Bits, *, manifest: int, roster: int
) -> Record:
    """Return what `draft` says of a scan at a gate, by those versions of manifest and roster.

    Place, time, session and signature are still to come (`shared.log.writer`); so is the
    evidence of an act that a supervisor signs.
    """
    return EMPTY._replace(
        kind=draft.kind,
        bits=pack_bits(bits),
        event=post.event,
        gate=post.gate,
        zone=draft.zone,
        day=draft.day,
        allowance=draft.allowance,
        terms=draft.terms,
        ticket=scan.ticket_hash,
        gen=scan.token.gen,
        ticket_class=scan.token.ticket_class,
        manifest=manifest,
        roster=roster,
        ref=draft.ref,
        evidence=scan.evidence,
        reason=draft.reason,
    )
