"""/v1: the part of Stripe's API that we use."""

from typing import Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from cloud.payments.fake import cards, form, intents, refunds, refusals, serving
from cloud.payments.fake.desk import Desk
from cloud.payments.fake.form import Form
from cloud.payments.fake.refusals import Body
from cloud.payments.fake.serving import Asking
from cloud.payments.fake.shelf import PAGING, Asked

KINDS: Final = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "events": "event",
}


@post("/v1/payment_intents")
async def create_intent(request: Asking, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Make a payment intent."""
    return await serving.change(request, desk, intents.create)


@post("/v1/payment_intents/{named:str}/confirm")
async def confirm_intent(
    request: Asking, desk: NamedDependency[Desk], named: FromPath[str]
) -> Response[bytes]:
    """Pay with a card."""
    return await serving.change(
        request, desk, lambda asked, making: intents.confirm(_intent(desk, named), asked, making)
    )


@post("/v1/payment_intents/{named:str}/cancel")
async def cancel_intent(
    request: Asking, desk: NamedDependency[Desk], named: FromPath[str]
) -> Response[bytes]:
    """Give a payment up."""
    return await serving.change(
        request, desk, lambda asked, making: intents.cancel(_intent(desk, named), asked, making)
    )


@post("/v1/refunds")
async def create_refund(request: Asking, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Give money back."""
    return await serving.change(
        request, desk, lambda asked, making: refunds.create(_charge(desk, asked), asked, making)
    )


@get("/v1/payment_methods/{named:str}")
async def payment_method(
    request: Asking, desk: NamedDependency[Desk], named: FromPath[str]
) -> Response[bytes]:
    """Show a test card."""
    return await serving.look(request, desk, lambda _: cards.method(named, desk.making().now))


@get([f"/v1/{kind}/{{named:str}}" for kind in KINDS])
async def retrieve(
    request: Asking, desk: NamedDependency[Desk], named: FromPath[str]
) -> Response[bytes]:
    """Show one object."""
    kind = KINDS[request.url.path.split("/")[2]]
    return await serving.look(request, desk, lambda _: desk.shelf.get(kind, named))


@get([f"/v1/{kind}" for kind in KINDS])
async def page(request: Asking, desk: NamedDependency[Desk]) -> Response[bytes]:
    """List objects, the newest first."""
    address = request.url.path
    kind = KINDS[address.split("/")[2]]
    return await serving.look(
        request, desk, lambda query: desk.shelf.page(_asked(kind, address, query), query)
    )


def _asked(kind: str, address: str, query: Form) -> Asked:
    filters = {"event": {"type", "types"}, "payment_intent": set[str]()}
    form.only(query, PAGING | filters.get(kind, {"payment_intent"}))
    one = form.text(query, "type")
    labels = [one] if one else form.listed(query, "types")
    return Asked(kind, address, form.text(query, "payment_intent") or "", labels)


def _intent(desk: Desk, named: str) -> Body:
    return desk.shelf.get("payment_intent", named)


def _charge(desk: Desk, asked: Form) -> Body:
    named = form.text(asked, "charge")
    if named is None:
        intent_id = form.required(asked, "payment_intent")
        intent = desk.shelf.get("payment_intent", intent_id, "payment_intent")
        named = intent["latest_charge"] if intent["status"] == "succeeded" else None
        if named is None:
            message = (
                f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
            )
            raise refusals.impossible(message, "payment_intent")
    charge = desk.shelf.get("charge", named, "charge")
    if not charge["paid"]:
        raise refusals.impossible(
            f"The charge {named} has failed and cannot be refunded.", "charge"
        )
    return charge


ROUTES: Final = (
    create_intent,
    confirm_intent,
    cancel_intent,
    create_refund,
    payment_method,
    retrieve,
    page,
)
