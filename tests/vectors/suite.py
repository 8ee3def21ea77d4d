"""Reading and writing a suite of vectors: one JSON file beside its generator.

A generator defines `build()`, which returns the suite, and ends with

    if __name__ == "__main__":
        save(build())
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
Json = dict[str, Any]


def text_of(suite: Json) -> str:
    """Return the file's text: ASCII, so that look-alike characters show."""
    return json.dumps(suite, indent=1) + "\n"


def save(suite: Json) -> None:
    """Write a suite to its file."""
    path = FOLDER / f"{suite['suite']}.json"
    path.write_text(text_of(suite), encoding="ascii")
    print(path.name, len(suite["vectors"]))


def load(name: str) -> Json:
    """Read a suite."""
    suite: Json = json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))
    return suite


def named(vectors: list[Json]) -> list[Json]:
    """Return the vectors, of which no two may have one name and each must have a comment."""
    names = [vector["name"] for vector in vectors]
    assert len(set(names)) == len(names), "two vectors of one name"
    assert all(vector["comment"] for vector in vectors)
    return vectors


def vector(op: str, name: str, comment: str, given: Json, expect: Json) -> Json:
    """Return one vector of a suite that asks for several operations."""
    return {
        "name": f"{op}/{name}",
        "comment": comment,
        "input": {"op": op} | given,
        "expect": expect,
    }
