"""A letter as text and as HTML. Pure; whatever varies is escaped here and nowhere else.

The HTML asks for nothing outside its mail: styles stand at their elements, since that is what
mail programs keep, and pictures are parts of the mail.
"""

from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template
from typing import Final, assert_never

from cloud.notify.letter import Block, Facts, Letter, Picture, Secret, Text
from cloud.notify.words import words

MAIL: Final = Template(Path(__file__).with_name("templates").joinpath("mail.html").read_text())
MONO: Final = "ui-monospace,'SF Mono','Roboto Mono','Liberation Mono',monospace"
Source = Callable[[Picture], str]


def by_part(picture: Picture) -> str:
    """Return where a mail's HTML finds a picture: among the mail's own parts."""
    return f"cid:{picture.name}"


def text(letter: Letter, unsubscribe: str = "") -> str:
    """Return the plain text."""
    parts = [letter.title, *filter(None, map(_plain, letter.blocks)), f"-- \n{letter.foot}"]
    if unsubscribe:
        parts[-1] += f"\n{_refusing(letter)} {unsubscribe}"
    return "\n\n".join(parts) + "\n"


def html(letter: Letter, unsubscribe: str = "", source: Source = by_part) -> str:
    """Return the HTML. `source`: where pictures are found."""
    foot = f'<p style="margin:0;">{escape(letter.foot)}</p>'
    if unsubscribe:
        said, address = escape(_refusing(letter).rstrip(":")), escape(unsubscribe)
        foot += (
            f'<p style="margin:8px 0 0;"><a class="link" style="color:#0b4fc4;"'
            f' href="{address}">{said}</a></p>'
        )
    return MAIL.substitute(
        language=letter.language,
        subject=escape(letter.subject),
        kicker=escape(letter.organizer or "Usher"),
        title=escape(letter.title),
        blocks="\n".join(_marked(block, source) for block in letter.blocks),
        foot=foot,
    )


def _refusing(letter: Letter) -> str:
    return words(letter.language)("foot.unsubscribe", organizer=letter.organizer)


def _plain(block: Block) -> str:
    match block:
        case Text():
            return block.text
        case Facts():
            return "\n".join(f"{name}: {value}" for name, value in block.rows)
        case Secret():
            return f"    {block.text}"
        case Picture():
            return f"{block.title}: {block.caption}"
        case _:
            assert_never(block)


def _marked(block: Block, source: Source) -> str:
    match block:
        case Text():
            return f'<p style="margin:0 0 16px;">{escape(block.text)}</p>'
        case Facts():
            return _table(block)
        case Secret():
            return (
                f'<p class="secret" style="margin:0 0 16px;padding:14px 16px;background:#f4f5f7;'
                f"border:1px solid #7b8594;border-radius:8px;font-family:{MONO};font-size:18px;"
                f'line-height:1.4;word-break:break-all;">{escape(block.text)}</p>'
            )
        case Picture():
            return _figure(block, source)
        case _:
            assert_never(block)


def _table(facts: Facts) -> str:
    rows = "".join(
        f'<tr><td class="quiet line" width="92" style="padding:8px 12px 8px 0;border-bottom:1px '
        f'solid #e6e9ee;color:#485260;font-size:14px;line-height:1.5;vertical-align:top;">'
        f'{escape(name)}</td><td class="ink line" style="padding:8px 0;border-bottom:1px solid '
        f'#e6e9ee;color:#12161c;font-weight:600;vertical-align:top;">{escape(value)}</td></tr>'
        for name, value in facts.rows
    )
    return (
        f'<table width="100%" cellpadding="0" cellspacing="0" border="0" class="line" '
        f'style="margin:0 0 20px;border-top:1px solid #e6e9ee;font-size:16px;line-height:1.5;">'
        f"{rows}</table>"
    )


def _figure(picture: Picture, source: Source) -> str:
    drawn = ""
    if picture.png:  # on white whatever the scheme: a reader needs its light frame
        drawn = (
            f'<img src="{escape(source(picture))}" alt="{escape(picture.alt)}" width="240" '
            f'style="display:block;width:240px;max-width:100%;height:auto;background:#ffffff;'
            f'border-radius:6px;">'
        )
    return (
        f'<div class="line" style="margin:0 0 16px;padding:16px;border:1px solid #d5dae1;'
        f'border-radius:12px;">{drawn}<p class="ink" style="margin:8px 0 0;font-weight:600;'
        f'color:#12161c;">{escape(picture.caption)}</p><p class="quiet" style="margin:0;'
        f'font-size:14px;color:#485260;">{escape(picture.title)}</p></div>'
    )
