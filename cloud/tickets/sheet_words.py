"""Sentences of a printed ticket, one JSON file a language; dates as that language writes them.

A file is an object of texts. Objects and lists in it are flattened, so the third weekday
answers to `date.weekday.2`. English is whole; what another language lacks is said in English.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

ENGLISH: Final = "en"
LOCALES: Final = Path(__file__).with_name("locales")
LANGUAGES: Final = tuple(sorted(file.stem for file in LOCALES.glob("*.json")))


class Words:
    """The sentences of one language."""

    def __init__(self, language: str, own: Mapping[str, str], english: Mapping[str, str]) -> None:
        self.language = language
        self.own = own
        self.sentences = {**english, **own}

    def __call__(self, name: str, **values: object) -> str:
        """Return a sentence with its values in their places."""
        return self.sentences[name].format_map(values)

    def day(self, when: datetime) -> str:
        """Return a date in words, with a capital as it stands on a line of its own."""
        words = self(
            "date.long",
            weekday=self(f"date.weekday.{when.weekday()}"),
            day=self("date.first") if when.day == 1 else when.day,
            month=self(f"date.month.{when.month - 1}"),
            year=when.year,
        )
        return words[0].upper() + words[1:]


@cache
def words(language: str) -> Words:
    """Return a language's sentences; of one that nobody has written, the English ones."""
    known = language if language in LANGUAGES else ENGLISH
    return Words(known, _texts(known), _texts(ENGLISH))


def _texts(language: str) -> dict[str, str]:
    return dict(_flat(msgspec.json.decode((LOCALES / f"{language}.json").read_bytes()), ""))


def _flat(texts: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(texts, str):
        yield name, texts
    elif isinstance(texts, Mapping):
        for key, text in texts.items():
            yield from _flat(text, f"{name}.{key}" if name else key)
    elif isinstance(texts, Sequence):
        for index, text in enumerate(texts):
            yield from _flat(text, f"{name}.{index}")
