"""Where a mail is sent back to, and what a mail server says then (RFC 3464). Pure.

Each mail has a return address of its own, `bounces+<42 characters>@…`: its number, and a tag that
nobody else can make. What comes to such an address can be about no other mail; all else that it
says was written by strangers.
"""

import base64
import hmac
import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import Message
from typing import Final, NamedTuple
from uuid import UUID

from cloud.accounts.model import canonical
from cloud.http.kernel import Sealer
from cloud.notify.addresses import Mailbox
from cloud.notify.answers import ENHANCED

CONTEXT: Final = "mail/bounce"
NUMBER_SIZE: Final = 16
TAG_SIZE: Final = 10
TOKEN: Final = re.compile(r"\+([a-z2-7]{42})@")
LONGEST_LOCAL: Final = 64 - 43  # characters that are left before the plus sign (RFC 5321 §4.5.3.1)
MOST: Final = 1 << 17  # bytes of a message that are looked at: the mail itself comes last in it
RECIPIENTS: Final = ("Final-Recipient", "Original-Recipient")
# RFC 3463: the address isn't there, its domain isn't, it is none, it has moved, it takes no mail
# (RFC 7505), its mailbox is shut. The other 5.1.x are about the sender.
DEAD: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})


class Report(NamedTuple):
    """That a mail was not delivered. `recipients`: to whom, in lower case."""

    status: str  # RFC 3463, as 5.1.1
    recipients: frozenset[str]

    @property
    def for_good(self) -> bool:
        """Whether it was refused; else it was tried for as long as made sense."""
        return self.status.startswith("5")

    def is_dead(self, address: str) -> bool:
        """Whether nothing reaches an address any more."""
        return self.status in DEAD and canonical(address) in self.recipients


def address(sealer: Sealer, to: Mailbox, lane: UUID | None, number: int) -> Mailbox:
    """Return a mail's return address. `to`: where all of them lead; `lane`: the mail's tenant."""
    told = number.to_bytes(NUMBER_SIZE, "big")
    token = base64.b32encode(told + _tags(sealer, lane, told)[0]).decode().rstrip("=").lower()
    return Mailbox(f"{to.local}+{token}", to.domain)


def named(
    sealer: Sealer, texts: Iterable[str], lanes: Iterable[UUID | None]
) -> tuple[UUID | None, int] | None:
    """Return the mail, by its tenant and its number, of the return address in a text; None: there
    is no address that we have made. `lanes`: of which it may be."""
    tokens = {each for text in texts for each in TOKEN.findall(text.lower())}
    told = [base64.b32decode(each.upper() + "=" * (-len(each) % 8)) for each in sorted(tokens)]
    for lane in lanes:
        for each in told:
            number, tag = each[:NUMBER_SIZE], each[NUMBER_SIZE:]
            if any(hmac.compare_digest(tag, good) for good in _tags(sealer, lane, number)):
                return lane, int.from_bytes(number, "big")
    return None


def _tags(sealer: Sealer, lane: UUID | None, number: bytes) -> list[bytes]:
    told = number + (lane.bytes if lane else b"")
    return [each[:TAG_SIZE] for each in sealer.tags(told, CONTEXT)]


def parsed(content: bytes) -> Message | None:
    """Return a message; None: it can't be read."""
    try:
        return message_from_bytes(content[:MOST])
    except (RecursionError, ValueError, LookupError):
        return None


def addressed(message: Message) -> list[str]:
    """Return what says to whom a message came."""
    told = ("To", "Delivered-To", "X-Original-To", "Envelope-To")
    return [str(each) for name in told for each in message.get_all(name, [])]


def report(message: Message) -> Report | None:
    """Return what a message reports; None: not that a mail was not delivered."""
    if message.get_content_type() != "multipart/report":
        return None
    for fields in _recipients(message):
        status = ENHANCED.match(_text(fields, "Status"))
        if _text(fields, "Action").lower() == "failed" and status and status[0][0] in "45":
            told = [_text(fields, name).rpartition(";")[2].strip() for name in RECIPIENTS]
            return Report(status[0], frozenset(canonical(each) for each in told if each))
    return None


def _recipients(message: Message) -> Iterator[Message]:
    """Yield the fields of each recipient: those of the message itself come before them."""
    for part in _parts(message):
        if part.get_content_type() == "message/delivery-status":
            yield from _parts(part)[1:]


def _parts(message: Message) -> list[Message]:
    found = message.get_payload()
    return [each for each in found if isinstance(each, Message)] if isinstance(found, list) else []


def _text(fields: Message, name: str) -> str:
    return str(fields.get(name, "")).strip()
