"""A mail's words before they have a form: what text and HTML are both made of. Plain values."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud.notify.addresses import Sender


class Text(NamedTuple):
    """A paragraph."""

    text: str


class Facts(NamedTuple):
    """What and how much, line by line."""

    rows: Sequence[tuple[str, str]]


class Secret(NamedTuple):
    """What is to be typed or copied."""

    text: str


class Picture(NamedTuple):
    """A ticket's code, with what stands below it. `png` is empty where no picture admits."""

    name: str  # within its mail
    png: bytes
    alt: str
    title: str
    caption: str


Block = Text | Facts | Secret | Picture


class Attachment(NamedTuple):
    """A PDF."""

    name: str
    content: bytes


class Letter(NamedTuple):
    """What is said, in one language."""

    language: str
    subject: str
    title: str
    blocks: Sequence[Block]
    foot: str
    organizer: str = ""  # whose name stands in From
    attachments: Sequence[Attachment] = ()


class Envelope(NamedTuple):
    """What is around a letter."""

    sender: Sender
    to: str  # an address, whatever it may be
    name: str  # its Message-ID's left half
    unsubscribe: str = ""  # an address that takes one click; "": it can't be refused
    back: str = ""  # where it is sent back to; "": the sender


class Mail(NamedTuple):
    """A letter in its envelope."""

    letter: Letter
    envelope: Envelope
