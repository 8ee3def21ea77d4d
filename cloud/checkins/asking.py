"""Who asks for a redemption, and what they were answered before.

A redemption has no transaction of its own: its caller is judged, and its idempotency key taken,
in the transaction of its batch. The rules are those of every other route (cloud/http/unit.py).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from cloud.checkins.model import Redeem, Redeemed, Undo, Undone
from cloud.db.tenancy import ACT, Origin, TenantTx, enter
from cloud.errors import Refusal
from cloud.http.access import Caller, Principal
from cloud.http.idempotency import FORM, Claim, Kept, Replay
from cloud.http.kernel import Gatekeeper, Sealer

CLAIM: Final[LiteralString] = """
    INSERT INTO idempotency (caller, key, fingerprint)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[]) AS n (caller, key, fingerprint)
     ORDER BY n.caller, n.key
        ON CONFLICT DO NOTHING
 RETURNING caller, key
"""
READ: Final[LiteralString] = """
    SELECT i.caller, i.key, i.fingerprint, i.answer
      FROM idempotency i
      JOIN unnest($1::text[], $2::text[]) AS n (caller, key) USING (caller, key)
     WHERE i.tenant_id = current_tenant()
"""
KEEP: Final[LiteralString] = """
    UPDATE idempotency i SET answer = n.answer
      FROM unnest($1::text[], $2::text[], $3::bytea[]) AS n (caller, key, answer)
     WHERE i.tenant_id = current_tenant() AND i.caller = n.caller AND i.key = n.key
"""
FREE: Final[LiteralString] = """
    DELETE FROM idempotency i
     USING unnest($1::text[], $2::text[]) AS n (caller, key)
     WHERE i.tenant_id = current_tenant() AND i.caller = n.caller AND i.key = n.key
"""
JSON: Final = [(b"content-type", b"application/json")]

Answer = Redeemed | Undone


class Key(NamedTuple):
    """An idempotency key, and the SHA-256 of the request that it came with."""

    name: str
    fingerprint: bytes


@dataclass(eq=False)
class Job:
    """One redemption or undo that somebody waits for."""

    event_id: UUID
    principal: Principal
    origin: Origin
    asked: Redeem | Undo
    key: Key | None
    done: "asyncio.Future[Answer]"
    caller: Caller | None = None
    claimed: bool = False  # whether its key was taken by this very batch
    outcome: Answer | Exception | None = None

    def settle(self) -> None:
        """Tell whoever waits."""
        if self.done.done():  # hung up meanwhile
            return
        if isinstance(self.outcome, Answer):
            self.done.set_result(self.outcome)
        else:
            self.done.set_exception(self.outcome or Refusal("internal"))

    def need(self, scope: str) -> Caller:
        """Return the caller, or refuse one without `scope`."""
        if self.caller is None:
            raise RuntimeError("nobody has judged the caller")
        self.caller.need(scope)
        return self.caller


def check_key(name: str | None) -> None:
    """Refuse an idempotency key that is none."""
    if name is not None and not FORM.fullmatch(name):
        raise Refusal("idempotency_key_malformed", field="Idempotency-Key")


async def judge_callers(tx: TenantTx, gatekeeper: Gatekeeper, jobs: Sequence[Job]) -> None:
    """Enter the tenant, and say who each caller is there; a stranger's job ends here."""
    judged: dict[Principal, Caller | Refusal] = {}
    for job in jobs:
        if job.principal not in judged:
            judged[job.principal] = await _judge(tx, gatekeeper, job.principal)
        found = judged[job.principal]
        if isinstance(found, Refusal):
            job.outcome = found
            continue
        job.caller = found
        job.origin = job.origin._replace(actor=found.actor)


async def _judge(tx: TenantTx, gatekeeper: Gatekeeper, who: Principal) -> Caller | Refusal:
    entered = await enter(tx.conn, tx.tenant, who.actor, who.account, who.epoch)
    tx.origin = tx.origin._replace(actor=who.actor)
    try:
        if not entered.known or who.tenant not in (None, tx.tenant):
            return Refusal("not_found")
        if who.kind == "device" or (who.account is not None and not entered.current):
            return Refusal("credentials_invalid")
        if who.kind == "key":
            actor, scopes = await gatekeeper.key_scopes(tx, who.secret)
            caller = Caller("key", actor, scopes=scopes)
        elif who.kind == "client":
            caller = Caller("client", who.actor, scopes=who.scopes)
        else:
            scopes = gatekeeper.role_scopes(entered.role)
            caller = Caller(who.kind, who.actor, who.account, entered.role, scopes)
        caller.need("checkins:write")
    except Refusal as refusal:
        return refusal
    return caller


async def act_as(tx: TenantTx, job: Job) -> None:
    """Do what follows in the name of a job's caller."""
    if tx.origin.actor != job.origin.actor:
        await tx.conn.execute(ACT, job.origin.actor)
    tx.origin = job.origin


async def claim(tx: TenantTx, sealer: Sealer, jobs: Sequence[Job]) -> None:
    """Take the keys of jobs; one that was answered before, or was another request's, ends here."""
    keyed = {(job.origin.actor, job.key.name): job for job in jobs if job.key}
    if not keyed:
        return
    callers, names = [caller for caller, _ in keyed], [name for _, name in keyed]
    prints = [job.key.fingerprint for job in keyed.values() if job.key]
    taken = await tx.conn.fetch(CLAIM, callers, names, prints)
    for row in taken:
        keyed.pop((row["caller"], row["key"])).claimed = True
    if not keyed:
        return
    for job in keyed.values():
        job.outcome = Refusal("conflict")  # unless it is found: swept between the statements
    callers, names = [caller for caller, _ in keyed], [name for _, name in keyed]
    for row in await tx.conn.fetch(READ, callers, names):
        job = keyed[row["caller"], row["key"]]
        if job.key and row["fingerprint"] != job.key.fingerprint:
            job.outcome = Refusal("idempotency_key_reused", field="Idempotency-Key")
        elif row["answer"] is not None:
            kept = Claim(tx, sealer, row["caller"], row["key"]).open(row["answer"])
            job.outcome = Replay(kept)


async def keep(tx: TenantTx, sealer: Sealer, jobs: Sequence[Job]) -> None:
    """Keep the answers beside their keys; a refused job leaves its key free."""
    callers, names, answers = [], [], []
    for job in jobs:
        if job.claimed and job.key:
            caller, name = job.origin.actor, job.key.name
            context = Claim(tx, sealer, caller, name).context
            callers.append(caller)
            names.append(name)
            answers.append(_sealed(sealer, job, context))
    if None in answers:
        gone = [place for place, answer in enumerate(answers) if answer is None]
        await tx.conn.execute(FREE, [callers[i] for i in gone], [names[i] for i in gone])
    if any(answers):
        await tx.conn.execute(KEEP, callers, names, answers)


def _sealed(sealer: Sealer, job: Job, context: str) -> bytes | None:
    if not isinstance(job.outcome, Answer):
        return None
    kept = Kept(200, JSON, msgspec.json.encode(job.outcome))
    return sealer.seal(msgspec.json.encode(kept), context)
