"""Where a person pays: /checkout, and /authenticate for the bank's question.

Whoever knows an intent's client secret may pay it, as with Stripe; no key is asked for.
"""

import hmac
from typing import Final
from urllib.parse import urlencode, urlsplit

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from cloud.payments.fake import drawing, form, intents, refusals
from cloud.payments.fake.desk import Desk
from cloud.payments.fake.refusals import Body, Refusal
from cloud.payments.fake.serving import Asking

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FINAL: Final = {
    "succeeded": ("Paid", "This payment is done."),
    "canceled": ("Too late", "This payment was given up."),
}


@get("/checkout/{secret:str}")
async def checkout(
    request: Asking, desk: NamedDependency[Desk], secret: FromPath[str]
) -> Response[str]:
    """Show the cards to pay with."""
    back = _address(form.text(form.parse(request.url.query.encode()), "return_url"))
    return _shown(_intent(desk, secret), back)


@post("/checkout/{secret:str}")
async def pay(request: Asking, desk: NamedDependency[Desk], secret: FromPath[str]) -> Response[str]:
    """Pay with the chosen card."""
    asked = form.parse(await request.body())
    back = _address(form.text(asked, "return_url"))
    chosen = {name: value for name, value in asked.items() if value}
    intent = _intent(desk, secret)
    if intent["status"] in FINAL:
        return _shown(intent, back)
    done = desk.apply(lambda making: intents.confirm(intent, chosen, making))
    if done.status == 402:
        return _html(drawing.checkout(_intent(desk, secret), back, done.answer["error"]["message"]))
    step = done.answer["next_action"]
    if step is not None:
        return _redirect(step["redirect_to_url"]["url"])
    return _finished(done.answer, back)


@get("/authenticate/{secret:str}")
async def question(desk: NamedDependency[Desk], secret: FromPath[str]) -> Response[str]:
    """Show the bank's question."""
    intent = _intent(desk, secret)
    if intent["status"] != "requires_action":
        return _html(drawing.told("Nothing to do", "Your bank has no question any more."))
    return _html(drawing.question(intent))


@post("/authenticate/{secret:str}")
async def answer(
    request: Asking, desk: NamedDependency[Desk], secret: FromPath[str]
) -> Response[str]:
    """Take the buyer's answer to the bank."""
    passed = form.required(form.parse(await request.body()), "outcome") == "complete"
    intent = _intent(desk, secret)
    if intent["status"] != "requires_action":
        return _html(drawing.told("Nothing to do", "Your bank has no question any more."))
    back = intent["next_action"]["redirect_to_url"]["return_url"] or ""
    desk.apply(lambda making: intents.authenticate(intent, passed, making))
    return _finished(_intent(desk, secret), _address(back))


def refused(_: Asking, refusal: Refusal) -> Response[str]:
    """Show what can't be shown."""
    message = refusal.body["error"]["message"]
    return _html(drawing.told("That does not work", message), refusal.status)


def _shown(intent: Body, back: str) -> Response[str]:
    if intent["status"] in FINAL:
        return _html(drawing.told(*FINAL[intent["status"]]))
    return _html(drawing.checkout(intent, back))


def _finished(intent: Body, back: str) -> Response[str]:
    if back:
        return _redirect(_with_result(back, intent))
    if intent["status"] == "succeeded":
        return _html(drawing.told(*FINAL["succeeded"]))
    error = intent["last_payment_error"]
    return _html(drawing.checkout(intent, back, error["message"]))


def _with_result(back: str, intent: Body) -> str:
    said = urlencode(
        {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if intent["status"] == "succeeded" else "failed",
        }
    )
    return f"{back}{'&' if urlsplit(back).query else '?'}{said}"


def _intent(desk: Desk, secret: str) -> Body:
    named = secret.partition("_secret_")[0]
    intent = desk.shelf.get("payment_intent", named)
    if not hmac.compare_digest(intent["client_secret"].encode(), secret.encode()):
        raise refusals.missing("payment_intent", named)
    return intent


def _address(back: str | None) -> str:
    """Return where the buyer goes afterwards; anything but a web address is nowhere."""
    return back if back and urlsplit(back).scheme in ("http", "https") else ""


def _html(page: str, status: int = 200) -> Response[str]:
    return Response(page, status_code=status, media_type="text/html", headers=HEADERS)


def _redirect(address: str) -> Response[str]:
    return Response("", status_code=303, headers={**HEADERS, "Location": address})


ROUTES: Final = (checkout, pay, question, answer)
