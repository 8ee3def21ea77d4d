"""Enrolment at the device (shared/spec/sync.md §5). Nobody signs here: the code gives access."""

import secrets
from typing import Any, Final, Literal, cast

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency

from cloud.db.tenancy import TenantTx
from cloud.devices import enrolments
from cloud.devices.enrolments import NONCE
from cloud.devices.shapes import OCTETS, TENANT
from cloud.errors import Refusal
from cloud.http.access import anyone
from shared.devices.enrolment import HELLO

ENROL: Final = f"{TENANT}/enrol"
STEPS: Final = 240  # a minute and address: a venue's gates come from one, and enrol at once
LOOKS: Final = 1200  # the same of those who ask whether they are confirmed yet
CODE: Final = 16
State = Literal["offered", "claimed", "revealed", "confirmed", "void", "revoked", "expired"]


class StateOut(msgspec.Struct, frozen=True):
    """How far an enrolment has come (shared/spec/devices.md §2), or that it has expired."""

    state: State


def _opt(size: int, per_minute: int) -> dict[str, Any]:
    return {
        **anyone(),
        "per_minute": per_minute,
        "body_limit": 2 * size,
        "takes": (OCTETS, "0" * size),
    }


@post(f"{ENROL}/hello", opt=_opt(HELLO.size, STEPS), status_code=200, media_type=OCTETS,
      tags=["enrolment"], operation_id="sayHello", summary="Claim an enrolment")  # fmt: skip
async def hello(request: Request[Any, Any, Any], tx: NamedDependency[TenantTx]) -> Response[bytes]:
    """Take a device's hello, 144 octets; return the challenge, 16 octets. The same hello again is
    answered the same."""
    challenge = await enrolments.claim(tx, await request.body(), secrets.token_bytes)
    return Response(challenge, media_type=OCTETS)


@post(f"{ENROL}/reveal", opt=_opt(CODE + NONCE, STEPS), status_code=200, tags=["enrolment"],
      operation_id="revealNonce", summary="Reveal the nonce")  # fmt: skip
async def reveal(request: Request[Any, Any, Any], tx: NamedDependency[TenantTx]) -> StateOut:
    """Take code and nonce, 16 octets each. Another nonce than was committed to voids the offer."""
    body = await request.body()
    if len(body) != CODE + NONCE:
        raise Refusal("enrol_body", accepted="32 octets")
    state = await enrolments.reveal(tx, body[:CODE], body[CODE:])
    return StateOut(state.value)


@post(f"{ENROL}/state", opt=_opt(CODE, LOOKS), status_code=200, tags=["enrolment"],
      operation_id="readOwnEnrolment", summary="Ask how far it has come")  # fmt: skip
async def state(request: Request[Any, Any, Any], tx: NamedDependency[TenantTx]) -> StateOut:
    """Take the code, 16 octets. Once it is `confirmed`, ask for keyset and roster."""
    code = await request.body()
    if len(code) != CODE:
        raise Refusal("enrol_body", accepted="16 octets")
    return StateOut(cast("State", await enrolments.state(tx, code)))


ROUTES: Final = (hello, reveal, state)
