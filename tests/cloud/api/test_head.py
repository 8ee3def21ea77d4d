"""HEAD wherever GET is: what is said of an answer is said without it."""

from typing import Final

import httpx

from tests.cloud.api.operations import Operation, send
from tests.cloud.api.scene import Side

EACH: Final = {"date", "x-request-id"}  # other ones with each request
BODY: Final = {"etag", "content-length"}  # where the answer has changed meanwhile


def heading(answer: httpx.Response, *, changed: bool) -> dict[str, str]:
    """Return the headers that two answers share; how a body is sent is none of HEAD's."""
    differ = EACH | BODY if changed else EACH
    found = {name: "" if name in differ else value for name, value in answer.headers.items()}
    found.pop("transfer-encoding", None)
    return found


def test_head_tells_what_get_would(operations: list[Operation], ours: Side) -> None:
    """On each address that is read, but those that devices sign for."""
    same = 0
    for operation in operations:
        if operation.method != "get" or "device" in operation.schemes:
            continue
        values = ours.path_values(operation.names)
        got = send(ours.owner, operation, values)
        told = send(ours.owner, operation._replace(method="head"), values)
        assert (told.status_code, told.content) == (got.status_code, b""), operation.name
        changed = got.headers.get("etag") != told.headers.get("etag")
        assert heading(told, changed=changed) == heading(got, changed=changed), operation.name
        same += not changed and got.status_code == 200
    assert same > 40
