"""A body is of JSON's own types: a number or a truth written as a text is refused everywhere."""

import json
from collections.abc import Iterator
from typing import Any

from tests.cloud.api.operations import Operation, replaced, send, with_ids
from tests.cloud.api.scene import Ids, Side


def numbers(part: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield the place of every number and truth in a body, and what it would be as a text."""
    if isinstance(part, bool | int | float):
        yield place, json.dumps(part)
    elif isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from numbers(value, (*place, key))


def test_texts_are_no_numbers(operations: list[Operation], ours: Side) -> None:
    """In every body of the description; the field is named."""
    ids, before, wrong, tried = Ids(ours), ours.state, {}, 0
    for each in operations:
        media_type, example = each.body()
        if media_type != "application/json" or "device" in each.schemes:
            continue  # who is no device is told so first
        values = ours.path_values(each.names) if each.of_tenant else ids
        body = with_ids(example, ids)
        for place, text in numbers(body):
            answer = send(ours.owner, each, values, replaced(body, place, text))
            said, pointer = answer.json(), "".join(f"/{step}" for step in place)
            found = (said.get("code"), [error["field"] for error in said.get("errors", ())])
            if found != ("invalid_request", [pointer]):
                wrong[f"{each.name}{pointer}"] = f"{answer.status_code} {answer.text[:150]}"
            tried += 1
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert tried > 20
    assert ours.state == before
