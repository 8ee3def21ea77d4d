"""The API's description (OpenAPI 3.1): what litestar makes of the routes, completed once.

Every operation gets what the kernel does for all of them: who may call it, the refusals, the
idempotency key, and an example of its body made of its fields' own examples.
"""

import asyncio
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.serialization import encode_json

from cloud.errors import Refusal
from cloud.http.catalogue import CATALOGUE
from cloud.http.problems import MEDIA_TYPE, Problem

Json = dict[str, Any]
PATH: Final = "/v1/openapi.json"
REF: Final = "#/components/schemas/{name}"
REFUSALS: Final[Mapping[int, str]] = {
    400: "The request is not in the declared form, or says what can't be.",
    401: "No credentials, or none that are valid.",
    403: "The caller may not do this.",
    404: "There is nothing here, or nothing that the caller may see.",
    409: "It can't be done as things stand, or the idempotency key was used before.",
    413: "The body is too large.",
    415: "The body is of another type.",
    429: "Too many requests: `Retry-After` says how long to wait.",
    503: "A part that this needs is away: `Retry-After` says when to try again.",
}
RARE: Final[Mapping[int, str]] = {  # of routes whose opt says `refuses`
    422: "The body is of the right type, and can't be used.",
}
IDEMPOTENCY_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "With it, the request may be sent again: one effect, one answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
MODULE: Final = re.compile(r"cloud\.([a-z]+)\.(?:[a-z_]+\.)*")  # Page_cloud.orders.shapes.Order_
HEX: Final = re.compile(r"\^\[0-9a-f\]\{(\d+)\}\$")
SAMPLES: Final[Mapping[str, Any]] = {
    "uuid": "8f14e45f-ceea-467f-a2d8-4bd4ab3b1fd2",
    "date-time": "2027-05-01T18:00:00Z",
    "string": "text",
    "boolean": False,
    "null": None,
}


class Description(JsonRenderPlugin):
    """Serves the completed description, which a thread makes when it is first asked for.

    Making it takes a second of computing, and no other request is to wait for it. `answer` is to
    run before the handlers that litestar makes, which would make it in the event loop.
    """

    def __init__(self) -> None:
        super().__init__(path=["/", "/openapi.json"])  # below PATH
        self._made = b""
        self._making = asyncio.Lock()

    async def answer(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Answer with the description."""
        if request.path_params:  # for whatever else is below PATH litestar has a page of its own
            raise Refusal("not_found")
        async with self._making:
            if not self._made:
                self._made = await asyncio.to_thread(_make, request.app)
        return Response(self._made, media_type=self.media_type)


def _make(app: Litestar) -> bytes:
    plain = msgspec.json.decode(encode_json(app.openapi_schema.to_schema()))
    return msgspec.json.encode(complete(plain, opts(app)))


def opts(app: Litestar) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return each route's `opt`, by path and method."""
    return {
        (route.path_format, method.lower()): handler.opt
        for route in app.routes
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items()
    }


def complete(document: Json, routes: Mapping[tuple[str, str], Mapping[str, Any]]) -> Json:
    """Return the document with what the kernel adds to every operation."""
    document = _tidy(document)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(msgspec.json.schema_components([Problem], ref_template=REF)[1])
    document["components"]["responses"] = {
        f"Refused{status}": _refusal(status, text) for status, text in {**REFUSALS, **RARE}.items()
    }
    for path, method, operation in operations(document):
        opt = routes[path, method]
        _add_refusals(operation, opt.get("own_refusals", ()), opt.get("refuses", ()))
        for response in operation["responses"].values():
            if "headers" in response:  # litestar keeps them in a set: each process has its order
                response["headers"] = dict(sorted(response["headers"].items()))
        operation["security"] = _security(opt)
        for media_type in opt.get("gives", ()):
            operation["responses"]["200"]["content"][media_type] = {"schema": {"type": "string"}}
        if "takes" in opt:
            operation["requestBody"] = _raw_body(*opt["takes"])
        if method == "post":
            operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "example" not in content and "examples" not in content:
                content["example"] = sample(content["schema"], schemas)
    return document


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield each operation, with its path and its method in lower case."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "put", "post", "delete", "patch"):
                yield path, method, operation


def sample(schema: Json, schemas: Mapping[str, Json]) -> Any:
    """Return an example of what a schema describes: its own, or one made of its parts."""
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for told in ("example", "const", "default"):
        if told in schema:
            return schema[told]
    for listed in ("examples", "enum"):
        if schema.get(listed):
            return schema[listed][0]
    for choice in ("oneOf", "anyOf", "allOf"):
        if schema.get(choice):
            return sample(schema[choice][0], schemas)
    return _of_type(schema, schemas)


def _of_type(schema: Json, schemas: Mapping[str, Json]) -> Any:
    kind = schema.get("format", "")
    types = schema.get("type", "object")
    first = types if isinstance(types, str) else next(t for t in types if t != "null")
    if kind in SAMPLES:
        return SAMPLES[kind]
    if first in ("integer", "number"):
        return int(schema.get("minimum", 1))
    if first == "array":
        return [sample(schema["items"], schemas)] if schema.get("items") else []
    if first in ("boolean", "null"):
        return SAMPLES[first]
    if first == "object":
        required = schema.get("required", ())
        return {
            name: sample(each, schemas)
            for name, each in schema.get("properties", {}).items()
            if name in required
            or any("examples" in part for part in (each, *each.get("oneOf", ())))
        }
    if digits := HEX.fullmatch(schema.get("pattern", "")):
        return ("0123456789abcdef" * int(digits[1]))[: int(digits[1])]
    return str(SAMPLES["string"]).ljust(schema.get("minLength", 0), ".")


def _add_refusals(operation: Json, own: Collection[int], rare: Collection[int]) -> None:
    """Add the refusals that any route may answer, but those that the route has in its own form."""
    for status in sorted({*REFUSALS, *rare} - set(own)):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/Refused{status}"}


def _refusal(status: int, text: str) -> Json:
    codes = [code for code, entry in CATALOGUE.items() if entry.status == status]
    schema = {"$ref": "#/components/schemas/Problem"}
    example = {
        "type": f"/problems/{codes[0]}",
        "title": CATALOGUE[codes[0]].sentence,
        "status": status,
        "code": codes[0],
        "request_id": "0b9a2c361f4f4f06bd1c2a40c0f5ad0e",
    }
    return {"description": text, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


def _raw_body(media_types: str, example: str) -> Json:
    """Describe a body that the route reads by itself: its opt says `takes`."""
    content = {"schema": {"type": "string"}, "example": example}
    return {"required": True, "content": dict.fromkeys(media_types.split(", "), content)}


def _security(opt: Mapping[str, Any]) -> list[Json]:
    match opt.get("access"):
        case "scope":
            return [{"bearer": [opt["scope"]]}]
        case "fan" | "admin":
            return [{"bearer": []}]
        case "device":
            return [{"device": []}]
    return []


def _tidy(part: Any) -> Any:
    """Return a part of the document without noise, its names and patterns as others read them."""
    if isinstance(part, list):
        return [_tidy(each) for each in part]
    if not isinstance(part, dict):
        return part
    tidy = {
        MODULE.sub(r"\1_", key): _tidy(value)
        for key, value in part.items()
        if not (key in ("deprecated", "allowEmptyValue", "allowReserved") and value is False)
    }
    if {} in tidy.get("oneOf", ()):  # litestar's reading of the dots in tuple[X, ...]
        (tidy,) = (each for each in tidy["oneOf"] if each)
    if isinstance(ref := tidy.get("$ref"), str):
        tidy["$ref"] = MODULE.sub(r"\1_", ref)
    if isinstance(pattern := tidy.get("pattern"), str):  # ECMA's words for a text's two ends
        tidy["pattern"] = pattern.replace(r"\A", "^").replace(r"\Z", "$")
    return tidy
