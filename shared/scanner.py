"""What readers add to a code, and nothing else, taken off again (spec/token.md §2).

A hardware reader may put an AIM identifier in front (`]Q1` for a QR code, `]Q2` with ECI),
an ECI escape (a backslash and six digits), and end the line. Anything more is left for the
strict parser to refuse.
"""

import re
from typing import Final

from shared.token import MAX_TEXT

ADDED: Final = re.compile(r"\A(?:\]Q[12])?(?:\\[0-9]{6})?(.*?)(?:\r\n|\r|\n)?\Z", re.DOTALL)
STARTS: Final = ("]", "\\")  # most codes come as they are, and need no search
ENDS: Final = ("\r", "\n")
MOST_ADDED: Final = len("]Q1" + "\\000026" + "\r\n")


def normalise(text: str) -> str:
    """Return `text` without a reader's prefixes and one line ending.

    What is too long even without them is returned as it is, for `verify` to refuse.
    """
    if not text.startswith(STARTS) and not text.endswith(ENDS):
        return text
    if len(text) > MAX_TEXT + MOST_ADDED:
        return text
    return ADDED.sub(r"\1", text)
