"""Sentences of mails.

Whoever wrote a value that stands in a sentence, it is one line of visible text there.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from cloud.locales import ENGLISH, languages, texts
from cloud.notify.addresses import line
from cloud.tickets import sheet_words
from cloud.tickets.sheet_printed import local

LOCALES: Final = Path(__file__).with_name("locales")
LANGUAGES: Final = languages(LOCALES)


class Words:
    """The sentences of one language, by names as `order.subject`."""

    def __init__(self, language: str, own: Mapping[str, str], english: Mapping[str, str]) -> None:
        self.language = language
        self.own = own
        self._sentences = {**english, **own}
        self._dates = sheet_words.words(language)

    def __call__(self, name: str, **values: object) -> str:
        """Return a sentence with its values in their places."""
        shown = {key: line(each) if isinstance(each, str) else each for key, each in values.items()}
        return self._sentences[name].format_map(shown)

    def day(self, when: datetime, timezone: str) -> str:
        """Return the day of a moment, where the event is."""
        return self._dates.day(local(int(when.timestamp()), timezone))

    def clock(self, when: datetime, timezone: str) -> str:
        """Return the time of a moment, where the event is."""
        return f"{local(int(when.timestamp()), timezone):%H:%M}"


def spoken(locale: str) -> str:
    """Return which of our languages a language tag gets."""
    language = locale.partition("-")[0].lower()
    return language if language in LANGUAGES else ENGLISH


@cache
def words(language: str) -> Words:
    """Return the sentences of one of our languages; English for any other."""
    known = spoken(language)
    return Words(known, texts(LOCALES, known), texts(LOCALES, ENGLISH))
