"""What others are told, as an AsyncAPI 3.0 document made from the schemas.

A message's payload here is a webhook's body (cloud/hooks): what happened, when, and its data.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cloud.topics import TOPICS, Topic, told

Json = dict[str, Any]
PATH: Final = "/v1/asyncapi.json"
REF: Final = "#/components/schemas/{name}"
DESCRIPTION: Final = """\
What happens in an organizer's part of Usher, told to the webhooks that it has made (Standard \
Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`). Each message comes at least \
once; the same `webhook-id` is the same message. In a version of a topic, fields are only added."""


def document(release: str) -> Json:
    """Return the document."""
    public = {topic: each for topic, each in TOPICS.items() if each.told}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Usher", "version": release or "0", "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, each) for topic, each in public.items()},
        "operations": {f"tell-{topic}": _operation(topic) for topic in public},
        "components": {
            "messages": {topic: _message(topic, each) for topic, each in public.items()},
            "schemas": _schemas(public),
        },
    }


def _channel(topic: str, each: Topic) -> Json:
    return {
        "address": topic,
        "title": topic,
        "description": each.told,
        "messages": {topic: {"$ref": f"#/components/messages/{topic}"}},
    }


def _operation(topic: str) -> Json:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{topic}"}],
    }


def _message(topic: str, each: Topic) -> Json:
    return {
        "name": topic,
        "title": topic,
        "summary": each.told,
        "contentType": "application/json",
        "payload": {
            "type": "object",
            "required": ["type", "version", "timestamp", "data"],
            "properties": {
                "type": {"const": topic},
                "version": {"const": each.version},
                "timestamp": {"type": "string", "format": "date-time"},
                "data": {"$ref": REF.format(name=_name(each))},
            },
        },
    }


def _schemas(topics: Mapping[str, Topic]) -> Json:
    structs = list(dict.fromkeys(each.schema for each in topics.values()))
    _, made = msgspec.json.schema_components(structs, ref_template=REF)
    return {name: each | {"properties": told(each["properties"])} for name, each in made.items()}


def _name(each: Topic) -> str:
    (ref,), _ = msgspec.json.schema_components([each.schema], ref_template="{name}")
    return str(ref["$ref"])
