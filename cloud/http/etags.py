"""ETags for whatever is read by GET: who asks again with the tag is told that nothing changed."""

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from cloud.http.heading import Headers

if TYPE_CHECKING:
    from litestar.types import Message, Scope, Send

MAX_BODY: Final = 1 << 20  # bytes; larger answers go out as they come


def conditional(scope: "Scope", headers: Headers, send: "Send") -> "Send":
    """Return `send` that tags whole answers to GET, and answers 304 to who has it already."""
    if scope.get("method") != "GET":
        return send
    told = headers.get(b"if-none-match", b"").split(b",")
    known = {tag.strip().removeprefix(b"W/") for tag in told} - {b""}  # proxies weaken tags
    start: dict[str, Any] = {}

    async def tagging(message: "Message") -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message["body"]
        head, first = dict(start), bool(start)
        start.clear()
        if (
            first
            and head["status"] == 200
            and not message.get("more_body")
            and len(body) <= MAX_BODY
        ):
            tag = b'"' + blake2b(body, digest_size=16).hexdigest().encode() + b'"'
            head["headers"] = [*head["headers"], (b"etag", tag)]
            if tag in known or b"*" in known:
                head["status"], message = 304, {**message, "body": b""}
                head["headers"] = [h for h in head["headers"] if h[0].lower() != b"content-length"]
        if first:
            await send(head)  # type: ignore[arg-type]
        await send(message)

    return tagging
