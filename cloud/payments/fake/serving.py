"""The way of every /v1 request: key, faults, idempotency, one transaction, Stripe's answer."""

import asyncio
import hmac
import json
import secrets
from collections.abc import Callable
from typing import Any, Final

from litestar import Request, Response
from litestar.connection import ASGIConnection

from cloud.payments.fake import form, refusals
from cloud.payments.fake.answers import Answer, fingerprint
from cloud.payments.fake.desk import Desk
from cloud.payments.fake.faults import Fault, Trouble
from cloud.payments.fake.form import Form
from cloud.payments.fake.outcome import Making, Outcome
from cloud.payments.fake.refusals import Body, Refusal

Asking = Request[Any, Any, Any]

BEFORE: Final = {
    Fault.OUTAGE_BEFORE: (503, refusals.error("api_error", "Stripe is unavailable.")),
    Fault.RATE_LIMIT: (
        429,
        refusals.error("invalid_request_error", "Too many requests.", code="rate_limit"),
    ),
    Fault.BUSY: (
        409,
        refusals.error(
            "idempotency_error", "Another request has this key.", code="idempotency_key_in_use"
        ),
    ),
}
LATE: Final = (504, refusals.error("api_error", "The request took too long."))
BROKEN: Final = (500, refusals.error("api_error", "Something went wrong at Stripe."))


async def change(
    request: Asking, desk: Desk, work: Callable[[Form, Making], Outcome]
) -> Response[bytes]:
    """Answer a request that changes something."""
    key = request.headers.get("idempotency-key", "")
    body = await request.body()
    path = request.url.path
    return await _through(request, desk, lambda: _change(desk, path, key, body, work))


async def look(request: Asking, desk: Desk, work: Callable[[Form], Body]) -> Response[bytes]:
    """Answer a request that changes nothing."""
    query = request.url.query.encode()
    return await _through(request, desk, lambda: Answer(200, work(form.parse(query))))


def allowed(connection: ASGIConnection[Any, Any, Any, Any], desk: Desk) -> bool:
    """Tell whether the request has the secret key."""
    given = connection.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {desk.key}".encode())


async def _through(request: Asking, desk: Desk, work: Callable[[], Answer]) -> Response[bytes]:
    try:
        if not allowed(request, desk):
            raise refusals.unauthorized()
        trouble = desk.faults.take(request.url.path)
        await _before(trouble)
        answer = work()
        await _after(trouble)
    except Refusal as refusal:
        answer = Answer(refusal.status, refusal.body)
    return respond(answer, request.headers.get("idempotency-key"))


def _change(
    desk: Desk, path: str, key: str, body: bytes, work: Callable[[Form, Making], Outcome]
) -> Answer:
    request, now = fingerprint("POST", path, body), desk.clock.now()
    with desk.database.transaction():
        answer = desk.answers.find(key, request, now) if key else None
        if answer is None:
            answer = _worked(desk, key, body, work)
            if key:
                desk.answers.keep(key, request, answer, now)
    desk.courier.wake()
    return answer


def _worked(desk: Desk, key: str, body: bytes, work: Callable[[Form, Making], Outcome]) -> Answer:
    try:
        outcome = work(form.parse(body), desk.making())
    except Refusal as refusal:
        if not refusal.final:
            raise
        return Answer(refusal.status, refusal.body)
    desk.keep(outcome, key)
    return Answer(outcome.status, outcome.answer)


async def _before(trouble: Trouble | None) -> None:
    if trouble is None:
        return
    if trouble.kind in BEFORE:
        raise Refusal(*BEFORE[trouble.kind])
    if trouble.kind is Fault.HANG_BEFORE:
        await asyncio.sleep(trouble.seconds)
        raise Refusal(*LATE)


async def _after(trouble: Trouble | None) -> None:
    if trouble is None:
        return
    if trouble.kind is Fault.SLOW_AFTER:
        await asyncio.sleep(trouble.seconds)
    if trouble.kind is Fault.HANG_AFTER:
        await asyncio.sleep(trouble.seconds)
        raise Refusal(*LATE)
    if trouble.kind is Fault.OUTAGE_AFTER:
        raise Refusal(*BROKEN)


def respond(answer: Answer, key: str | None = None) -> Response[bytes]:
    """Return *answer* with Stripe's headers."""
    headers = {"Request-Id": f"req_{secrets.token_hex(8)}"}
    if key:
        headers["Idempotency-Key"] = key
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(
        json.dumps(answer.body, indent=2).encode(),
        status_code=answer.status,
        media_type="application/json",
        headers=headers,
    )
