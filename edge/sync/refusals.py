"""A refusal of the cloud's, read from its problem document (RFC 9457)."""

from typing import Annotated, Final

import httpx
import msgspec
from msgspec import Meta

from edge.sync.failures import Away, Denied


class Problem(msgspec.Struct, frozen=True):
    """The members that a device goes by."""

    code: Annotated[str, Meta(pattern=r"\A[a-z0-9_]{1,64}\Z")]
    server_time: Annotated[int, Meta(ge=0, le=2**47)] = 0  # unix ms


PROBLEM: Final = msgspec.json.Decoder(Problem)


def denied(response: httpx.Response, body: bytes) -> Denied:
    """Return a refusal; raise `Away` for what the cloud never says: a portal's page, a proxy's."""
    if response.headers.get("content-type", "").partition(";")[0] != "application/problem+json":
        raise Away(f"http_{response.status_code}")
    try:
        said = PROBLEM.decode(body)
    except (msgspec.DecodeError, ValueError):
        raise Away(f"http_{response.status_code}") from None
    return Denied(response.status_code, said.code, _wait(response), said.server_time)


def _wait(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() and len(text) < 6 else 0.0
