"""Sentences of a printed ticket; dates as its language writes them."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from cloud.locales import ENGLISH, languages, texts

LOCALES: Final = Path(__file__).with_name("locales")
LANGUAGES: Final = languages(LOCALES)


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
    return Words(known, texts(LOCALES, known), texts(LOCALES, ENGLISH))
