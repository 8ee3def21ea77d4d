"""Mail addresses as SMTP takes them, and texts as headers take them. Pure.

An account's address was written by a stranger. What is no plain address goes nowhere, so nothing
that stands in one is ever a second address, a header or a command.
"""

import re
from email.utils import parseaddr
from typing import Final, NamedTuple

from cloud.tickets.sheet_text import plain

ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+"
LOCAL: Final = re.compile(rf"{ATOM}(\.{ATOM})*")
LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_NAME: Final = 60
LONGEST_SUBJECT: Final = 160


class Mailbox(NamedTuple):
    """Where a mail goes. `domain` is ASCII."""

    local: str
    domain: str

    @property
    def spec(self) -> str:
        """The address."""
        return f"{self.local}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """Whether every mail server knows such an address."""
        return self.local.isascii()


def mailbox(text: str) -> Mailbox | None:
    """Return an address, if it is one that may be sent to."""
    local, at, domain = text.rpartition("@")
    if not at or not LOCAL.fullmatch(local) or len(local.encode()) > 64 or not local.isprintable():
        return None
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        return None
    labels = ascii_domain.split(".")
    if len(ascii_domain) > 253 or not all(map(LABEL.fullmatch, labels)):
        return None
    return Mailbox(local, ascii_domain)


class Sender(NamedTuple):
    """Who mails are from."""

    name: str
    address: Mailbox

    def named(self, organizer: str = "") -> str:
        """Return the name in From. An organizer's never stands alone: the mail isn't theirs."""
        name = line(organizer, LONGEST_NAME)
        return f"{name} via {self.name}" if name else self.name


def sender(text: str) -> Sender | None:
    """Return who is named by `Usher <tickets@example.org>`, or by an address alone."""
    name, spec = parseaddr(text)
    address = mailbox(spec)
    if address is None or not address.is_ascii:
        return None
    return Sender(line(name, LONGEST_NAME) or "Usher", address)


def line(text: str, longest: int = LONGEST_SUBJECT) -> str:
    """Return one line of visible text, cut where it is long.

    Nothing in it passes for an encoded word (RFC 2047), which a reader's program would decode.
    """
    seen = plain(text).replace("=?", "= ?")
    return seen if len(seen) <= longest else seen[: longest - 1].rstrip() + "…"
