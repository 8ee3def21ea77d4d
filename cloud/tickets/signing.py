"""A ticket's code: signed by its event's issuer key, once for each generation."""

from collections.abc import Sequence
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.keys.issuers import Issuer
from shared.token import BOUND, LIVE_REQUIRED, STATIC, Token, issue_many

UNSIGNED: Final[LiteralString] = """
    SELECT t.ticket_id, t.gen, t.class_index, t.holder, c.live
      FROM ticket t JOIN ticket_class c USING (tenant_id, event_id, class_index)
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.ticket_id = ANY($2)
     ORDER BY t.ticket_id
       FOR UPDATE OF t
"""
SIGN: Final[LiteralString] = """
    UPDATE ticket t SET token = s.token, kid = $4
      FROM unnest($2::uuid[], $3::bytea[]) AS s (ticket_id, token)
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.ticket_id = s.ticket_id
"""


class Unsigned(NamedTuple):
    """What a code is made from."""

    ticket_id: UUID
    gen: int
    class_index: int
    holder: bytes | None  # the public key of the phone that it is bound to
    live: bool  # only a live code admits


def tokens(issuer: Issuer, tickets: Sequence[Unsigned]) -> list[bytes | None]:
    """Return the signed tickets, in order (shared/spec/token.md §1).

    None for a ticket that only a live code may admit and that no phone has been bound to yet:
    signed static, a copy of it would admit, which is what its class rules out.
    """
    ready = [each for each in tickets if each.holder is not None or not each.live]
    signed = dict(
        zip(ready, issue_many((_token(issuer, each) for each in ready), issuer.secret), strict=True)
    )
    return [signed.get(each) for each in tickets]


async def sign(tx: TenantTx, issuer: Issuer, event_id: UUID, tickets: Sequence[UUID]) -> None:
    """Sign the codes of `tickets` anew, as their rows now say."""
    rows = await tx.conn.fetch(UNSIGNED, event_id, list(tickets))
    unsigned = [
        Unsigned(r["ticket_id"], r["gen"], r["class_index"], r["holder"], r["live"]) for r in rows
    ]
    signed = tokens(issuer, unsigned)
    ids = [each.ticket_id for each in unsigned]
    await tx.conn.execute(SIGN, event_id, ids, signed, issuer.kid)


def _token(issuer: Issuer, ticket: Unsigned) -> Token:
    bound = ticket.holder is not None
    return Token(
        BOUND if bound else STATIC,
        LIVE_REQUIRED if bound and ticket.live else 0,
        issuer.kid,
        issuer.event_ref,
        ticket.ticket_id.bytes,
        ticket.gen,
        ticket.class_index,
        issuer.exp,
        ticket.holder or b"",
    )
