"""Bodies of requests."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from litestar import Request
from msgspec import Meta

from edge.gate.acts import Act
from edge.web.problems import Problem

T = TypeVar("T")
Text = Annotated[str, Meta(max_length=8192)]
Badge = Annotated[str, Meta(max_length=256)]
Scanned = Annotated[str, Meta(max_length=32)]
MOST_PEOPLE: Final = 1000
MOST_DAYS: Final = 10_000
People = Annotated[int, Meta(ge=1, le=MOST_PEOPLE)]


class SignIn(msgspec.Struct, frozen=True):
    """One of the two."""

    pin: Annotated[str, Meta(max_length=64)] = ""
    badge: Badge = ""


class Choose(msgspec.Struct, frozen=True):
    """A post."""

    event: Annotated[str, Meta(max_length=64)]
    gate: Annotated[int, Meta(ge=0, le=2**31)]
    exiting: bool = False


class Practise(msgspec.Struct, frozen=True):
    """Whether to practise."""

    on: bool


class Scan(msgspec.Struct, frozen=True):
    """What a browser read."""

    text: Text
    source: Literal["handheld", "keyboard"] = "handheld"


class Resolve(msgspec.Struct, frozen=True):
    """What staff say of a scan."""

    scan: Scanned
    act: Act = Act()
    badge: Badge = ""


class Undo(msgspec.Struct, frozen=True):
    """The scan to take back."""

    scan: Scanned
    badge: Badge = ""


class ByHand(msgspec.Struct, frozen=True):
    """A ticket that was found."""

    ticket: Annotated[str, Meta(max_length=64)]
    act: Act = Act()


class LaneScan(msgspec.Struct, frozen=True):
    """What a third-party lane read."""

    text: Text
    people: People = 1


_FORMS: Final[Mapping[type, msgspec.json.Decoder[Any]]] = {
    each: msgspec.json.Decoder(each)
    for each in (SignIn, Choose, Practise, Scan, Resolve, Undo, ByHand, LaneScan)
}


async def read(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """Return a request's body as what it should be. Nothing of it is repeated when it isn't."""
    raw = await request.body()
    try:
        said: T = _FORMS[kind].decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise Problem(400, "body_malformed") from None
    return said


def checked(act: Act) -> Act:
    """Return an act whose numbers are of this world."""
    if not (1 <= act.people <= MOST_PEOPLE and 0 <= act.day <= MOST_DAYS):
        raise Problem(400, "body_malformed")
    return act
