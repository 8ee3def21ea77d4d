"""Sentences in the language of whoever reads: one JSON file for each, looked up by code.

A file is an object of texts; objects inside it are flattened, so `{"verdict": {"admitted":
"Welcome"}}` answers to `verdict.admitted`. English is whole; what another language lacks is
shown in English.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

ENGLISH: Final = "en"
Words = Mapping[str, str]


def flat(texts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Return every text with its whole name."""
    for name, text in texts.items():
        if isinstance(text, Mapping):
            yield from flat(text, f"{before}{name}.")
        elif isinstance(text, str):
            yield before + name, text


class Languages:
    """All languages of the pages."""

    def __init__(self, texts: Mapping[str, Words]) -> None:
        self._texts = texts
        others = sorted(code for code in texts if code != ENGLISH)
        self.codes = (ENGLISH, *others)

    def chosen(self, asked: str, remembered: str, accepted: str) -> str:
        """Return the language for a reader who asked for one, did before, or has a browser."""
        for code in (asked, remembered, *_preferred(accepted)):
            if code in self.codes:
                return code
        return ENGLISH

    def translate(self, language: str) -> Callable[[str], str]:
        """Return what looks sentences up; a code without one stays as it is, to be seen."""
        own, english = self._texts.get(language, {}), self._texts.get(ENGLISH, {})
        return lambda code: own.get(code) or english.get(code) or code


def load(folder: Path) -> Languages:
    """Return the languages whose files are in a folder."""
    files = sorted(folder.glob("*.json"))
    return Languages(
        {file.stem: dict(flat(msgspec.json.decode(file.read_bytes()))) for file in files}
    )


def _preferred(accepted: str) -> list[str]:
    """Return the languages of an Accept-Language header, the best first, without regions."""
    weighed = []
    for part in accepted[:200].split(","):
        name, _, rest = part.strip().partition(";")
        weighed.append((_weight(rest), name.partition("-")[0].lower()))
    ordered = sorted(weighed, key=lambda pair: pair[0], reverse=True)
    return [name for weight, name in ordered if weight > 0]


def _weight(rest: str) -> float:
    name, _, value = rest.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
