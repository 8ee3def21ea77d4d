"""/_test: what Stripe does rarely, on demand. JSON, with the same secret key as /v1.

    POST   /_test/webhook     {"url", "secret"}            where webhooks go from now on
    POST   /_test/mail        {"mode", "copies"}           deliver, hold or drop those of new events
    POST   /_test/flush       {"order", "lost", "seed"}    send those held (and lost) one by one
    POST   /_test/redeliver   {"event", "copies"}          send one event again
    GET    /_test/deliveries                               every delivery with its state
    POST   /_test/faults      {"kind", "path", "requests", "seconds"}    see `faults.Fault`
    DELETE /_test/faults                                   nothing more goes wrong
    POST   /_test/clock       {"advance"}                  put the clock forward by seconds
    GET    /_test/sums                                     objects and money by kind and status
    DELETE /_test/data                                     forget everything, and begin anew

So webhooks come twice (`copies`), late (`hold`, later `flush`), in another order (`flush` with
`reversed` or `shuffled`), or never (`drop`); a flush that also wants lost ones finds them again.
"""

from typing import Any, Final, TypeVar

import msgspec
from litestar import Response, delete, get, post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, ValidationException
from litestar.handlers import BaseRouteHandler

from cloud.payments.fake.answers import Answer
from cloud.payments.fake.desk import Desk
from cloud.payments.fake.faults import Fault
from cloud.payments.fake.mail import Mode, Order
from cloud.payments.fake.serving import Asking, allowed, respond

T = TypeVar("T", bound=msgspec.Struct)


class Webhook(msgspec.Struct, forbid_unknown_fields=True):
    """Where webhooks go."""

    url: str
    secret: str


class Mailing(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of the webhooks of new events."""

    mode: Mode = Mode.DELIVER
    copies: int = 1


class Flush(msgspec.Struct, forbid_unknown_fields=True):
    """How held webhooks go out."""

    order: Order = Order.MADE
    lost: bool = False
    seed: int = 0


class Redeliver(msgspec.Struct, forbid_unknown_fields=True):
    """An event to send again."""

    event: str
    copies: int = 1


class Fail(msgspec.Struct, forbid_unknown_fields=True):
    """What goes wrong, and with how many requests."""

    kind: Fault
    path: str = "/v1/"
    requests: int = 1
    seconds: float = 30.0


class Forward(msgspec.Struct, forbid_unknown_fields=True):
    """How far to put the clock."""

    advance: float


def keyed(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse whoever lacks the secret key."""
    if not allowed(connection, connection.app.state.desk):
        raise NotAuthorizedException


@post("/_test/webhook")
async def webhook(request: Asking, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Say where webhooks go."""
    said = await _said(request, Webhook)
    desk.set_endpoint(said.url, said.secret)
    desk.courier.wake()
    return respond(Answer(200, {}))


@post("/_test/mail")
async def mail(request: Asking, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Say what becomes of the webhooks of new events."""
    said = await _said(request, Mailing)
    desk.mail.set_mode(said.mode, said.copies)
    return respond(Answer(200, {}))


@post("/_test/flush")
async def flush(request: Asking, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Send what was held, one after the other, and tell what came of each."""
    said = await _said(request, Flush)
    sent = []
    for each in desk.mail.held(said.order, said.lost, said.seed):
        status = await desk.courier.send(each)
        sent.append({"event": each.event, "type": each.type, "status": status})
    desk.courier.wake()
    return respond(Answer(200, {"sent": sent}))


@post("/_test/redeliver")
async def redeliver(request: Asking, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Send one event again."""
    said = await _said(request, Redeliver)
    event = desk.shelf.get("event", said.event)
    with desk.database.transaction():
        desk.mail.again(event, said.copies, desk.clock.now())
    desk.courier.wake()
    return respond(Answer(200, {}))


@get("/_test/deliveries")
async def deliveries(desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show every delivery."""
    return respond(Answer(200, {"deliveries": desk.mail.all()}))


@post("/_test/faults")
async def faults(request: Asking, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Let the next requests go wrong."""
    said = await _said(request, Fail)
    desk.faults.add(said.kind, said.path, said.requests, said.seconds)
    return respond(Answer(200, {}))


@delete("/_test/faults", status_code=200)
async def no_faults(desk: NamedDependency[Desk]) -> Response[bytes]:
    """Let nothing more go wrong."""
    desk.faults.clear()
    return respond(Answer(200, {}))


@post("/_test/clock")
async def clock(request: Asking, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Put the clock forward."""
    desk.clock.advance((await _said(request, Forward)).advance)
    desk.courier.wake()
    return respond(Answer(200, {"now": desk.clock.now()}))


@get("/_test/sums")
async def sums(desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show how many objects there are and of how much money."""
    return respond(Answer(200, {"sums": desk.shelf.sums()}))


@delete("/_test/data", status_code=200)
async def forget(desk: NamedDependency[Desk]) -> Response[bytes]:
    """Begin anew."""
    desk.forget()
    return respond(Answer(200, {}))


async def _said(request: Asking, form: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=form)
    except msgspec.DecodeError as error:
        raise ValidationException(str(error)) from None


ROUTES: Final = (
    webhook,
    mail,
    flush,
    redeliver,
    deliveries,
    faults,
    no_faults,
    clock,
    sums,
    forget,
)
