"""The operations of the served description: whatever is added is covered by itself."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import httpx

from cloud.http.description import operations, sample


class Operation(NamedTuple):
    """One operation of the OpenAPI document."""

    name: str
    method: str
    path: str
    spec: Mapping[str, Any]

    @property
    def parameters(self) -> list[Mapping[str, Any]]:
        """What may be sent beside the body."""
        return list(self.spec.get("parameters", ()))

    @property
    def names(self) -> list[str]:
        """The parameters of its path, but the tenant."""
        named = [each["name"] for each in self.parameters if each["in"] == "path"]
        return [name for name in named if name != "tenant_id"]

    @property
    def of_tenant(self) -> bool:
        """Whether it belongs to a tenant."""
        return self.path.startswith("/v1/tenants/{tenant_id}")

    @property
    def schemes(self) -> set[str]:
        """What it takes to call it; empty: nothing."""
        return {name for each in self.spec["security"] for name in each}

    def body(self) -> tuple[str, Any]:
        """Return the media type and the example of its body; ("", None): it has none."""
        for media_type, content in self.spec.get("requestBody", {}).get("content", {}).items():
            return media_type, copy.deepcopy(content["example"])
        return "", None

    def query(self) -> dict[str, Any]:
        """Return the least that its address must be asked with."""
        asked = [each for each in self.parameters if each["in"] == "query" and each["required"]]
        return {each["name"]: sample(each["schema"], {}) for each in asked}

    def url(self, values: Mapping[str, Any]) -> str:
        """Return its address."""
        return self.path.format_map(values)


def every(document: Mapping[str, Any]) -> list[Operation]:
    """Return all operations."""
    return [
        Operation(spec["operationId"], method, path, spec)
        for path, method, spec in operations(dict(document))
    ]


def send(
    client: httpx.Client,
    operation: Operation,
    values: Mapping[str, Any],
    body: Any = None,
    **more: Any,
) -> httpx.Response:
    """Send an operation with its example for a body, or another one."""
    more["params"] = operation.query() | more.get("params", {})
    media_type, example = operation.body()
    said = example if body is None else body
    if media_type == "application/json":
        more["json"] = said
    elif media_type == "application/x-www-form-urlencoded":
        more["data"] = said
    elif media_type:
        more["content"] = said
        more["headers"] = {"content-type": media_type} | more.get("headers", {})
    return client.request(operation.method, operation.url(values), **more)


def with_ids(body: Any, values: Mapping[str, Any]) -> Any:
    """Return a body whose ids are ours."""
    if isinstance(body, list):
        return [with_ids(each, values) for each in body]
    if not isinstance(body, dict):
        return body
    return {
        key: values[key] if key in values and key.endswith("_id") else with_ids(value, values)
        for key, value in body.items()
    }


def strings(part: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every text in a body."""
    if isinstance(part, str):
        yield place
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from strings(value, (*place, key))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from strings(value, (*place, index))


def replaced(part: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return a body with another value at a place."""
    if not place:
        return value
    made = copy.copy(part)
    made[place[0]] = replaced(part[place[0]], place[1:], value)
    return made
