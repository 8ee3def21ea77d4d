"""What a keyboard-wedge reader meant, whatever keyboard the host took it for.

A reader types a code by pressing keys where its own layout has the characters; the host reads
the keys by another layout, perhaps with Caps Lock on. So `U1:` arrives as `U&M` on a French
host. Each pair of layouts is undone by its inverse map; only whole codes are kept, and which of
them was meant is for the station, which can check signatures.

The tables are those of xkeyboard-config (us, fr, de, es), key by key in the same order. Where
the host has a dead key, the letter after it comes back composed, and is taken apart again.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, permutations, product
from typing import Final, NamedTuple

from shared.devices.badge import PREFIX as BADGE
from shared.devices.badge import decode_badge
from shared.errors import Malformed
from shared.scanner import normalise
from shared.token import MAX_TEXT, PREFIX, TERMINATOR, parse

PREFIXES: Final = (PREFIX, BADGE)
START: Final = 16  # characters in which a code begins, behind what a reader puts in front
LONGEST: Final = MAX_TEXT + 90  # composed letters count as two


class Layout(NamedTuple):
    """The characters of 47 keys: the row of digits, the three of letters; without and with
    Shift."""

    plain: str
    shifted: str


LAYOUTS: Final[Mapping[str, Layout]] = {
    "us": Layout(
        "`1234567890-=qwertyuiop[]asdfghjkl;'\\zxcvbnm,./",
        '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"|ZXCVBNM<>?',
    ),
    "fr": Layout(
        "²&é\"'(-è_çà)=azertyuiop^$qsdfghjklmù*wxcvbn,;:!",
        "~1234567890°+AZERTYUIOP¨£QSDFGHJKLM%µWXCVBN?./§",
    ),
    "de": Layout(
        "^1234567890ß´qwertzuiopü+asdfghjklöä#yxcvbnm,.-",
        "°!\"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄ'YXCVBNM;:_",
    ),
    "es": Layout(
        "º1234567890'¡qwertyuiop`+asdfghjklñ´çzxcvbnm,.-",
        'ª!"·$%&/()=?¿QWERTYUIOP^*ASDFGHJKLÑ¨ÇZXCVBNM;:_',
    ),
}
KEYS: Final = frozenset("".join(each.plain + each.shifted for each in LAYOUTS.values()))
COMBINING: Final = {"\u0300": "`", "\u0301": "´", "\u0302": "^", "\u0308": "¨"}


def meant(text: str) -> Iterator[str]:
    """Yield what a reader may have meant, the likeliest first: the text less its additions.

    Two pairs of layouts can each make a well-formed code of one text (Y and Z change places
    between `us` and `de`): the signature says which.
    """
    plain = normalise(text)
    yield plain
    if len(plain) > LONGEST:
        return
    typed = text.rstrip("\r\n")
    seen = {plain}
    for code in chain(_undone(typed), _undone(_apart(typed))):
        if code not in seen and _is_code(code):
            seen.add(code)
            yield code


def _undone(text: str) -> Iterator[str]:
    """Yield what each pair of layouts makes of a text, where its ends become a code's."""
    for table in tables():
        start = normalise(text[:START].translate(table))
        if start.startswith(PREFIXES) and text[-1:].translate(table) == TERMINATOR:
            yield normalise(text.translate(table))


@cache
def tables() -> tuple[Mapping[int, str], ...]:
    """Return the inverse maps of every pair of layouts and state of Caps Lock."""
    same = [(name, name) for name in LAYOUTS]
    pairs = [*same, *permutations(LAYOUTS, 2)]
    found = [inverse(*pair, caps) for pair, caps in product(pairs, ("off", "letters", "all"))]
    return tuple(found[1:])  # the first changes nothing


def inverse(reader: str, host: str, caps: str) -> Mapping[int, str]:
    """Return what each character on the host means. `caps`: off, on for letters, or, as on
    Windows with French keyboards, on for all keys."""
    wished, seen = LAYOUTS[reader], LAYOUTS[host]
    table: dict[int, str] = {}
    for shown, other, wanted in (
        (seen.plain, seen.shifted, wished.plain),
        (seen.shifted, seen.plain, wished.shifted),
    ):
        for here, there, character in zip(shown, other, wanted, strict=True):
            table[ord(_locked(here, there, caps))] = character
    return table


def _locked(here: str, there: str, caps: str) -> str:
    """Return what a key gives under Caps Lock."""
    if caps == "all":
        return there
    return here.swapcase() if caps == "letters" and len(here.swapcase()) == 1 else here


def _apart(text: str) -> str:
    """Return a text with letters that no key has as the dead key and the letter."""
    parts: list[str] = []
    for character in text:
        decomposed = unicodedata.normalize("NFD", character)
        letter, dead = decomposed[0], "".join(COMBINING.get(mark, "") for mark in decomposed[1:])
        parts.append(character if not dead or character in KEYS else dead + letter)
    return "".join(parts)


def _is_code(text: str) -> bool:
    """Whether a text is a ticket's or a badge's, by its form."""
    try:
        decode_badge(text) if text.startswith(BADGE) else parse(text)
    except Malformed:
        return False
    return True
