"""Mail as the settings have it; and its words, in each language."""

import string
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from cloud.notify import forms
from cloud.notify.house import courier, house
from cloud.notify.letter import Facts, Letter, Picture, Secret, Text
from cloud.notify.model import CATEGORIES, Kind
from cloud.notify.samples import found, sample
from cloud.notify.words import LANGUAGES, spoken, words
from cloud.settings import Settings, Unfit, read

SMTP = {
    "USHER_SMTP_URL": "smtps://user:secret@mail.example.org",
    "USHER_MAIL_FROM": "Usher <tickets@example.org>",
    "USHER_PUBLIC_URL": "https://tickets.example.org",
}


def test_ok__a_mail_server() -> None:
    settings = read(None, SMTP)
    assert house(settings).sender.address.spec == "tickets@example.org"
    assert courier(settings) is not None
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({**SMTP, "USHER_SMTP_URL": "http://mail.example.org"}, "smtp_url begins with smtps://"),
        ({**SMTP, "USHER_MAIL_FROM": ""}, "needs mail_from"),
        ({**SMTP, "USHER_PUBLIC_URL": ""}, "public_url"),
        ({**SMTP, "USHER_MAILBOX": "0123456789abcdef"}, "not both"),
        ({"USHER_MAILBOX": "short"}, "16 letters and digits"),
        ({"USHER_MAILBOX": "0123456789/../abcdef"}, "16 letters and digits"),
        ({"USHER_SMTP_CA": "ca.pem"}, "smtp_ca says nothing"),
    ],
)
def test_fail__what_contradicts_itself(told: dict[str, str], says: str) -> None:
    with pytest.raises(Unfit) as refused:
        read(None, told)
    assert says in str(refused.value)


def test_fail__what_is_no_sender_and_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="mail_from is an address"):
        house(Settings(mail_from="nobody"))
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    told = read(None, {**SMTP, "USHER_SMTP_CA": str(wrong)})
    with pytest.raises(Unfit, match="smtp_ca"):
        courier(told)


def test_every_language_says_everything_with_the_same_values() -> None:
    english = words("en").own
    for language in LANGUAGES:
        own = words(language).own
        assert own.keys() == english.keys()
        for name, sentence in own.items():
            assert _values(sentence) == _values(english[name]), (language, name)


def _values(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize(
    ("locale", "language"), [("de-AT", "de"), ("DE", "de"), ("fr", "en"), ("en-GB", "en")]
)
def test_a_locale_gets_one_of_our_languages(locale: str, language: str) -> None:
    assert spoken(locale) == language


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_say_the_same(kind: Kind, language: str) -> None:
    """Whatever is said stands in both; only what may be refused has a link."""
    mail = sample(kind, language)
    link = mail.envelope.unsubscribe
    text, html = forms.text(mail.letter, link), unescape(forms.html(mail.letter, link))
    for each in (mail.letter.title, mail.letter.foot, *_said(mail.letter)):
        assert each in text
        assert each in html
    assert bool(link) is (kind in CATEGORIES)
    assert link in text
    assert link in html
    assert found(kind, language).kind is kind


def _said(letter: Letter) -> Iterator[str]:
    for block in letter.blocks:
        match block:
            case Text() | Secret():
                yield block.text
            case Facts():
                yield from (each for row in block.rows for each in row)
            case Picture():
                yield from (block.title, block.caption)
