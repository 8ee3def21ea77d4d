"""What a mail server's answers mean for a mail (RFC 5321 §4.2). Pure."""

import re
from enum import Enum
from typing import Final, NamedTuple

import aiosmtplib

ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
CLOSING: Final = 421  # says the server at any time: not now, and not here


class Answer(Enum):
    """What a try came to."""

    TAKEN = "taken"
    LATER = "later"  # this mail, not now
    NEVER = "never"  # this mail, as it is
    AWAY = "away"  # no mail at all, now


class Verdict(NamedTuple):
    """A server's answer, and its code."""

    answer: Answer
    fault: str = ""


def judge(error: Exception) -> Verdict:
    """Return what an answer to a mail means for it."""
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return Verdict(Answer.NEVER, "smtputf8_unsupported")
    if isinstance(error, ValueError):
        return Verdict(Answer.NEVER, "address_unusable")
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        return Verdict(Answer.LATER, code_of(error))
    ours = isinstance(error, aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPAuthenticationError)
    if error.code == CLOSING or (ours and error.code >= 500):
        return Verdict(Answer.AWAY, code_of(error))  # it takes none of ours
    return Verdict(Answer.NEVER if error.code >= 500 else Answer.LATER, code_of(error))


def code_of(error: Exception) -> str:
    """Return an answer's code and enhanced code; its words may have an address in them."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        found = ENHANCED.match(str(error.message).strip())
        return f"{error.code} {found[0]}" if found else str(error.code)
    return f"smtp_{type(error).__name__.removeprefix('SMTP').lower()}"
