"""A mail as the bytes that a mail server takes (RFC 5322). Pure.

Headers are made of validated addresses and of single lines, by the library's own types: no value
can end a header or begin another one.
"""

from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final, NamedTuple

from cloud.notify import forms
from cloud.notify.addresses import Mailbox, line, mailbox
from cloud.notify.letter import Mail, Picture

# Lines may be long: an address in List-Unsubscribe must not be broken or encoded.
PLAIN: Final = policy.SMTP.clone(max_line_length=900, cte_type="7bit")
WIDE: Final = policy.SMTPUTF8.clone(max_line_length=900, cte_type="7bit")


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
    made = message(mail, to, now)
    content = made.as_bytes(policy=PLAIN if to.is_ascii else WIDE)
    return Ready(mail.envelope.sender.address.spec, to, content)


def message(mail: Mail, to: Mailbox, now: datetime) -> EmailMessage:
    """Return the message, with its parts."""
    letter, around = mail
    made = EmailMessage(policy=PLAIN if to.is_ascii else WIDE)
    made["From"] = around.sender.named(letter.organizer)
    made["To"] = Address("", to.local, to.domain)
    made["Subject"] = line(letter.subject)
    made["Date"] = now
    made["Message-ID"] = f"<{around.name}@{around.sender.address.domain}>"
    made["Auto-Submitted"] = "auto-generated"
    if around.unsubscribe:
        made["List-Unsubscribe"] = f"<{around.unsubscribe}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(forms.text(letter, around.unsubscribe))
    _add_html(made, mail)
    for each in letter.attachments:
        made.add_attachment(each.content, maintype="application", subtype="pdf", filename=each.name)
    made["Content-Language"] = letter.language  # last: parts take such headers along
    return made


def _add_html(made: EmailMessage, mail: Mail) -> None:
    made.add_alternative(forms.html(mail.letter, mail.envelope.unsubscribe), subtype="html")
    related = made.get_payload(1)
    if not isinstance(related, EmailMessage):
        raise TypeError("an alternative is a part")
    for block in mail.letter.blocks:
        if isinstance(block, Picture) and block.png:
            related.add_related(
                block.png, "image", "png", cid=f"<{block.name}>", filename=f"{block.name}.png",
                disposition="inline",
            )  # fmt: skip
