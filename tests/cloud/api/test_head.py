"""HEAD wherever GET is: what is said of an answer is said without it."""

from tests.cloud.api.operations import Operation, send
from tests.cloud.api.scene import Side

DIFFERENT = {"date", "etag", "x-request-id"}  # some answers have the time in them


def test_head_tells_what_get_would(operations: list[Operation], ours: Side) -> None:
    """On each address that is read, but those that devices sign for."""
    seen = 0
    for operation in operations:
        if operation.method != "get" or "device" in operation.schemes:
            continue
        values = ours.path_values(operation.names)
        got = send(ours.owner, operation, values)
        told = send(ours.owner, operation._replace(method="head"), values)
        assert told.content == b"", operation.name
        assert told.status_code == got.status_code, operation.name
        heads = [
            {name: name in DIFFERENT or value for name, value in each.headers.items()}
            for each in (got, told)
        ]
        assert heads[0] == heads[1], operation.name
        seen += got.status_code == 200
    assert seen > 40
