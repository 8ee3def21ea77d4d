"""The description of /v1, by OpenAPI 3.1: made from the very structs that are sent."""

import functools
from typing import Any, Final

import msgspec

from edge.gate.state import Counts, LaneState, Status
from edge.gate.verdict import Verdict
from edge.web.asked import LaneScan

PROBLEMS: Final = {
    "400": "The body is not what this address takes.",
    "401": "The key opens no lane.",
    "413": "The body is larger than 16 KiB.",
    "500": "Something in this gate broke: don't admit.",
}
PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
    },
}
HEAD: Final = {
    "Usher-Data-Age": {
        "description": "Seconds since the oldest list in force was signed; absent without one.",
        "schema": {"type": "integer"},
    },
    "Usher-Waiting": {
        "description": "Records of this gate that the cloud has not confirmed.",
        "schema": {"type": "integer"},
    },
}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _answers(schema: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    wrong = {status: {"description": text, "content": content} for status, text in PROBLEMS.items()}
    return {"200": {"description": "What came of it.", "content": _json(schema)}, **wrong}


@functools.cache
def document() -> bytes:
    """Return the description as JSON."""
    _, components = msgspec.json.schema_components(
        (Verdict, LaneState, Counts, Status, LaneScan), ref_template="#/components/schemas/{name}"
    )
    named = {"lane": "LaneState", "counts": "Counts", "status": "Status"}
    parts = {name: {"$ref": f"#/components/schemas/{of}"} for name, of in named.items()}
    whole = {"type": "object", "required": list(parts), "properties": parts}
    body = {"required": True, "content": _json("LaneScan")}
    scanned = _answers("Verdict")
    scanned["200"]["headers"] = HEAD
    scan = {"operationId": "scan", "summary": "Decide a code", "requestBody": body}
    lane = {
        "operationId": "lane",
        "summary": "How the lane is set, its counts, and how the gate does",
    }
    made = {
        "openapi": "3.1.0",
        "info": {"title": "Usher gate: lanes of third parties", "version": "1"},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": {
            "/v1/scan": {"post": {**scan, "responses": scanned}},
            "/v1/lane": {"get": {**lane, "responses": _answers("LaneAndCounts")}},
        },
        "components": {
            "schemas": {**components, "LaneAndCounts": whole, "Problem": PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(made)
