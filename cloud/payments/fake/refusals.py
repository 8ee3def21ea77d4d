"""How the fake says no: Stripe's error object, with its types, codes and statuses."""

from typing import Any

Body = dict[str, Any]


class Refusal(Exception):
    """A request that changes nothing. `final` is false where a repeat may end differently."""

    def __init__(self, status: int, body: Body, *, final: bool = True) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.final = final


def error(kind: str, message: str, **more: object) -> Body:
    """Return Stripe's error object; what is None is left out."""
    said = {name: value for name, value in more.items() if value is not None}
    return {"error": {"type": kind, "message": message, **said}}


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """Return the refusal of a request that makes no sense, which no key remembers."""
    body = error("invalid_request_error", message, param=param, code=code)
    return Refusal(400, body, final=False)


def impossible(message: str, param: str | None = None, **more: object) -> Refusal:
    """Return the refusal of a request that comes at the wrong time, or asks for too much."""
    return Refusal(400, error("invalid_request_error", message, param=param, **more))


def missing(kind: str, named: str, param: str | None = None) -> Refusal:
    """Return the refusal of a name that is nobody's: in the address, or in *param*."""
    body = error(
        "invalid_request_error",
        f"No such {kind}: '{named}'",
        code="resource_missing",
        param=param or "id",
    )
    return Refusal(400 if param else 404, body, final=False)


def unauthorized() -> Refusal:
    """Return the refusal of a wrong key. Not even a part of the key is repeated."""
    return Refusal(401, error("invalid_request_error", "Invalid API Key provided."), final=False)


def key_reused() -> Refusal:
    """Return the refusal of an idempotency key that came with other parameters before."""
    message = "Keys for idempotent requests can only be used with the same parameters."
    return Refusal(400, error("idempotency_error", message), final=False)
