"""What tests have published, held against the schemas that others are told (cloud/topics)."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final, LiteralString

import msgspec
from jsonschema_rs import Draft202012Validator

from cloud.topics import TOPICS, Topic

# A payload with `n` is a test's own, on its way to a handler of its own (messages/post.py).
PUBLISHED: Final[LiteralString] = """
    SELECT DISTINCT ON (topic, version, payload) topic, version, payload::text AS payload
      FROM outbox WHERE NOT payload ? 'n' ORDER BY topic, version, payload
"""


def misfits(rows: Iterable[Any]) -> Iterator[str]:
    """Yield what is wrong with messages (topic, version, payload as JSON)."""
    for row in rows:
        topic, version, payload = row["topic"], row["version"], row["payload"]
        if topic not in TOPICS:
            yield f"{topic} has no schema: {payload}"
        elif version != TOPICS[topic].version:
            yield f"{topic} is published as version {version}"
        else:
            yield from (f"{topic}: {fault} in {payload}" for fault in _faults(topic, payload))


def _faults(topic: str, payload: str) -> Iterator[str]:
    """Say what the schema says, and then our own reading of the same."""
    yield from (
        each.message for each in _validator(topic).iter_errors(msgspec.json.decode(payload))
    )
    try:
        msgspec.json.decode(payload, type=TOPICS[topic].schema)
    except msgspec.ValidationError as error:
        yield str(error)


@cache
def _validator(topic: str) -> Draft202012Validator:
    each: Topic = TOPICS[topic]
    return Draft202012Validator(msgspec.json.schema(each.schema), validate_formats=True)
