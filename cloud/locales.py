"""Sentences of a folder, one JSON file a language: what a language lacks is said in English.

A file is an object of texts. Objects and lists in it are flattened, so the third weekday answers
to `date.weekday.2`. English is whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

ENGLISH: Final = "en"


def languages(folder: Path) -> tuple[str, ...]:
    """Return the languages that somebody has written."""
    return tuple(sorted(file.stem for file in folder.glob("*.json")))


def texts(folder: Path, language: str) -> dict[str, str]:
    """Return a language's own sentences by their names."""
    return dict(_flat(msgspec.json.decode((folder / f"{language}.json").read_bytes()), ""))


def _flat(found: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(found, str):
        yield name, found
    elif isinstance(found, Mapping):
        for key, each in found.items():
            yield from _flat(each, f"{name}.{key}" if name else key)
    elif isinstance(found, Sequence):
        for index, each in enumerate(found):
            yield from _flat(each, f"{name}.{index}")
