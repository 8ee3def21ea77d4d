"""A mail as the bytes that a mail server takes (RFC 5322). Pure.

Headers are made of validated addresses and of single lines: no value can end a header or begin
another one. They are put together by the library's older types, which take values as they are;
the newer ones parse each value anew, and took longer than all the rest of a mail's writing.
"""

from collections.abc import Iterator
from datetime import datetime
from email import charset, policy
from email.header import Header
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
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
        made[name] = value  # type: ignore[assignment]
    return Ready(mail.envelope.sender.address.spec, to, made.as_bytes())


def _headers(mail: Mail, to: Mailbox, now: datetime) -> Iterator[tuple[str, str | Header]]:
    letter, around = mail
    yield "From", _from(around.sender, letter.organizer)
    yield "To", to.spec.encode().decode("ascii", "surrogateescape")
    subject = line(letter.subject)
    yield "Subject", subject if subject.isascii() else Header(subject, QUOTED)
    yield "Date", format_datetime(now)
    yield "Message-ID", f"<{around.name}@{around.sender.address.domain}>"
    yield "Auto-Submitted", "auto-generated"
    if around.unsubscribe:
        yield "List-Unsubscribe", f"<{around.unsubscribe}>"
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "Content-Language", letter.language


def _from(sender: Sender, organizer: str) -> str | Header:
    name = sender.named(organizer)
    if name.isascii():
        return formataddr((name, sender.address.spec))
    written = Header(name, QUOTED)
    written.append(f"<{sender.address.spec}>", "us-ascii")
    return written


def _body(mail: Mail) -> MIMEMultipart:
    letter, link = mail.letter, mail.envelope.unsubscribe
    pictures = [each for each in letter.blocks if isinstance(each, Picture) and each.png]
    shown = _text(forms.html(letter, link), "html")
    if pictures:
        shown = _parts(mail, "related", shown, *map(_inline, pictures))
    said = _parts(mail, "alternative", _text(forms.text(letter, link), "plain"), shown)
    return (
        _parts(mail, "mixed", said, *map(_attached, letter.attachments))
        if (letter.attachments)
        else said
    )


def _parts(mail: Mail, kind: str, *parts: Message) -> MIMEMultipart:
    """Put parts together. No line of an encoded body begins with "=_" (RFC 2045, 6.7)."""
    return MIMEMultipart(kind, f"=_{kind}_{mail.envelope.name}", parts, policy=POLICY)


def _text(text: str, kind: str) -> Message:
    return MIMEText(text, kind, QUOTED, policy=POLICY)  # type: ignore[arg-type]


def _inline(picture: Picture) -> Message:
    part = MIMEImage(picture.png, "png", policy=POLICY)
    part["Content-ID"] = f"<{picture.name}>"
    part.add_header("Content-Disposition", "inline", filename=f"{picture.name}.png")
    return part


def _attached(each: Attachment) -> Message:
    part = MIMEApplication(each.content, "pdf", policy=POLICY)
    part.add_header("Content-Disposition", "attachment", filename=each.name)
    return part
