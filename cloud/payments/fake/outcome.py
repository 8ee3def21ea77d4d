"""What one request does, as a value: the answer, the objects to keep, the events to tell. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from cloud.payments.fake.refusals import Body


class Making(NamedTuple):
    """What a request is made with: the time, new ids, and the fake's own address."""

    now: int
    id: Callable[[str], str]
    address: str


class Outcome(NamedTuple):
    """`answer` may be older than what is kept: a refund fails after it was confirmed."""

    answer: Body
    kept: tuple[Body, ...] = ()
    events: tuple[tuple[str, Body], ...] = ()
    status: int = 200
