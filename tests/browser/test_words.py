"""Every code that can reach a page has its words, in every language."""

import json
import re
from pathlib import Path

import pytest

from edge import errors, web
from edge.gate.acts import REASONS
from edge.scan.alarms import RULES
from edge.web.words import flat
from shared.merge.incidents import Incident
from shared.outcomes import Outcome, Signal

FOLDER = Path(web.__file__).parent / "locales"
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.json"))
NAMED = re.compile(r"""\b(t|many)\(\s*["']([\w.]+)["']""")
OWN = ("undone", "agent_lost", "no_answer", "starting", "checking")  # codes of pages alone


def words(language: str) -> dict[str, str]:
    """Return a language's words, those that sheets bring along among them."""
    files = (FOLDER / f"{language}.json", FOLDER / "incidents" / f"{language}.json")
    return {code: text for file in files for code, text in flat(json.loads(file.read_text()))}


def test_there_are_four_languages() -> None:
    """English, Spanish, French and German."""
    assert LANGUAGES == ["de", "en", "es", "fr"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    """No language lacks a sentence, has one too many, or leaves one empty."""
    assert words(language).keys() == words("en").keys()
    assert [code for code, text in words(language).items() if not text.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_has_the_same_places(language: str) -> None:
    """A translation has the same {places} as the English sentence."""

    def places(text: str) -> list[str]:
        return sorted(re.findall(r"\{\w+\}", text))

    english = words("en")
    plural = (".one", ".other")  # "one person" may do without its number
    wrong = {
        code: text
        for code, text in words(language).items()
        if places(text) != places(english[code]) and not code.endswith(plural)
    }
    assert wrong == {}


def test_every_outcome_has_its_words() -> None:
    """Each outcome has a word, a sentence and what to do; a refusal also what to tell the guest."""
    known = words("en")
    for code in [outcome.code for outcome in Outcome] + list(OWN):
        for part in ("word", "say", "do"):
            assert f"verdict.{code}.{part}" in known
    for outcome in Outcome:
        if outcome.signal is Signal.REFUSE:
            assert f"verdict.{outcome.code}.guest" in known


def test_every_refusal_has_its_words() -> None:
    """Each act that a gate refuses is said in a sentence; so are reasons and warnings."""
    known = words("en")
    assert {f"error.{code}" for code in errors.SENTENCES} <= known.keys()
    assert {f"override.{code}" for code in REASONS} <= known.keys()
    assert {f"camera.{code}" for code in RULES} <= known.keys()


def test_every_sentence_that_a_page_names_is_there() -> None:
    """Else the guest reads its name."""
    scripts = (FOLDER.parent / "static").glob("*.js")
    named = {found for file in scripts for found in NAMED.findall(file.read_text())}
    known = {code.removesuffix(".one") for code in words("en")}
    assert ("t", "camera.lost") in named
    assert {code for _, code in named} - known == set()


def test_every_kind_of_incident_has_its_words() -> None:
    """Those of the merge, `quarantined`, and one for kinds of tomorrow."""
    known = words("en")
    for kind in (*Incident, "quarantined", "other"):
        assert {f"incidents.kind.{kind}.word", f"incidents.kind.{kind}.do"} <= known.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_verdicts_are_short(language: str) -> None:
    """What is read at three metres has at most 16 letters."""
    long = {
        code: text
        for code, text in words(language).items()
        if code.startswith("verdict.") and code.endswith(".word") and len(text) > 16
    }
    assert long == {}
