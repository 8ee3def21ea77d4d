"""The page of what an event has spent on the ledger, in the reader's language.

It knows nothing: its script asks the API, as whoever signs in on it.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from cloud.locales import ENGLISH, languages, texts
from cloud.web.pages import TEMPLATES, framed

BODY: Final = Template((TEMPLATES / "ledger.html").read_text())
FOLDER: Final = Path(__file__).with_name("locales")
WORDS: Final = {name: texts(FOLDER, name) for name in languages(FOLDER)}
NAMES: Final[Mapping[str, str]] = {"de": "Deutsch", "en": "English", "fr": "Français"}
LONGEST: Final = 200  # characters of a header that are read


def language(asked: str | None, accepted: str) -> str:
    """Return the language that was *asked* for, or else the first that is *accepted* in a header,
    and that we have; English."""
    wanted = [asked or "", *_accepted(accepted)]
    return next((name for name in wanted if name in WORDS), ENGLISH)


def page(base: str, lang: str) -> str:
    """Return the page."""
    own = {**WORDS[ENGLISH], **WORDS[lang]}
    told = {
        name.removeprefix("page."): escape(text)
        for name, text in own.items()
        if name.startswith("page.")
    }
    said = "".join(
        f'<li data-word="{escape(name.removeprefix("say."))}">{escape(text)}</li>'
        for name, text in own.items()
        if name.startswith("say.")
    )
    body = BODY.substitute(told, choices=_choices(lang), words=said)
    head = (
        f'<link rel="stylesheet" href="{base}/ledger.css">'
        f'<script defer src="{base}/ledger.js"></script>'
    )
    return framed(base, own["page.title"], body, head, lang)


def _choices(lang: str) -> str:
    return "".join(_choice(name, ' aria-current="true"' if name == lang else "") for name in WORDS)


def _choice(name: str, current: str) -> str:
    return f'<a href="/ledger?lang={name}" lang="{name}"{current}>{NAMES[name]}</a>'


def _accepted(header: str) -> list[str]:
    """Return the languages of an Accept-Language header, the best first, without regions."""
    weighed = []
    for part in header[:LONGEST].split(","):
        name, _, rest = part.strip().partition(";")
        weight = rest.strip().removeprefix("q=") or "1"
        weighed.append((weight, name.partition("-")[0].lower()))
    ordered = sorted(weighed, key=lambda each: each[0], reverse=True)
    return [name for weight, name in ordered if weight.strip("0.")]
