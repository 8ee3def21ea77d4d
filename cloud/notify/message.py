"""A mail as the bytes that a mail server takes (RFC 5322). Pure.

Headers are made of validated addresses and of single lines: no value can end a header or begin
another one. They are put together by the library's older types, which take values as they are;
the newer ones parse each value anew.
"""

from collections.abc import Iterator
from datetime import datetime
from email import charset, policy
from email.header import Header
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.utils import format_datetime, formataddr
from typing import Final, NamedTuple

from cloud.notify import forms
from cloud.notify.addresses import Mailbox, Sender, line, mailbox
from cloud.notify.letter import Attachment, Mail, Picture

# Lines may be long: an address in List-Unsubscribe must not be broken or encoded. Bodies are of
# seven bits; only an address that is not ASCII stands in its header as it is (RFC 6532).
POLICY: Final = policy.compat32.clone(linesep="\r\n", max_line_length=900)
QUOTED: Final = charset.Charset("utf-8")
QUOTED.body_encoding = charset.QP


class Ready(NamedTuple):
    """What is handed to a mail server."""

    sender: str
    to: Mailbox
    content: bytes


def ready(mail: Mail, now: datetime) -> Ready | None:
    """Return a mail's bytes, or None: its address is none that can be sent to."""
    to = mailbox(mail.envelope.to)
    if to is None:
        return None
    made = _body(mail)
    for name, value in _headers(mail, to, now):
        made[name] = value
    back = mail.envelope.back or mail.envelope.sender.address.spec
    return Ready(back, to, made.as_bytes())


def _headers(mail: Mail, to: Mailbox, now: datetime) -> Iterator[tuple[str, str]]:
    letter, around = mail
    yield "From", _from(around.sender, letter.organizer)
    yield "To", to.spec.encode().decode("ascii", "surrogateescape")
    subject = line(letter.subject)
    yield "Subject", subject if subject.isascii() else _written(subject)
    yield "Date", format_datetime(now)
    yield "Message-ID", f"<{around.name}@{around.sender.address.domain}>"
    yield "Auto-Submitted", "auto-generated"
    if around.unsubscribe:
        yield "List-Unsubscribe", f"<{around.unsubscribe}>"
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "Content-Language", letter.language


def _from(sender: Sender, organizer: str) -> str:
    name = sender.named(organizer)
    if name.isascii():
        return formataddr((name, sender.address.spec))
    return f"{_written(name)} <{sender.address.spec}>"


def _written(words: str) -> str:
    """Return words as a header has them that are not ASCII (RFC 2047)."""
    return Header(words, QUOTED).encode()


def _body(mail: Mail) -> MIMEMultipart:
    letter, link = mail.letter, mail.envelope.unsubscribe
    pictures = [each for each in letter.blocks if isinstance(each, Picture) and each.png]
    shown = _text(forms.html(letter, link), "html")
    if pictures:
        shown = _parts(mail, "related", shown, *map(_inline, pictures))
    said = _parts(mail, "alternative", _text(forms.text(letter, link), "plain"), shown)
    if not letter.attachments:
        return said
    return _parts(mail, "mixed", said, *map(_attached, letter.attachments))


def _parts(mail: Mail, kind: str, *parts: Message) -> MIMEMultipart:
    """Put parts together. No line of an encoded body begins with "=_" (RFC 2045, 6.7)."""
    return MIMEMultipart(kind, f"=_{kind}_{mail.envelope.name}", parts, policy=POLICY)


def _text(text: str, kind: str) -> Message:
    part = MIMENonMultipart("text", kind, policy=POLICY)
    part.set_payload(text, QUOTED)
    return part


def _inline(picture: Picture) -> Message:
    part = MIMEImage(picture.png, "png", policy=POLICY)
    part["Content-ID"] = f"<{picture.name}>"
    part.add_header("Content-Disposition", "inline", filename=f"{picture.name}.png")
    return part


def _attached(each: Attachment) -> Message:
    part = MIMEApplication(each.content, "pdf", policy=POLICY)
    part.add_header("Content-Disposition", "attachment", filename=each.name)
    return part
