"""Pages about mail: the mailbox, and whether a reader wants no more. Words that vary are escaped;
nothing in a page is a script."""

import base64
from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from litestar import Response

from cloud.locales import ENGLISH
from cloud.notify import forms
from cloud.notify.addresses import Sender
from cloud.notify.letter import Mail, Picture
from cloud.notify.mailbox import Kept
from cloud.notify.model import CATEGORIES, Kind
from cloud.notify.refusals import Link
from cloud.notify.samples import found
from cloud.notify.words import LANGUAGES, words
from cloud.notify.writing import headed

PLAIN: Final = Template(Path(__file__).with_name("templates").joinpath("plain.html").read_text())
CSP: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
# A mail's HTML is shown as a stranger's: no script, no origin, nothing loaded.
FRAMED: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none';"
    " frame-ancestors 'self'; base-uri 'none'"
)
CURRENT: Final = ' aria-current="page"'
WHY: Final = {
    "gone": "What it was about is not there any more.",
    "over": "What it was about is settled.",
    "no_address": "Its reader has no address any more.",
    "address_bounced": "A mail came back from its address: it is not there.",
    "refused_by_reader": "Its reader wants no more mails like it.",
}


def response(page: str, policy: str = CSP) -> Response[str]:
    """Return a page that is nobody else's to keep or to know of."""
    headers = {
        "content-security-policy": policy, "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }  # fmt: skip
    return Response(page, media_type="text/html", headers=headers)


def refusing(base: str, link: Link, organizer: str) -> str:
    """Return the page that asks."""
    say = words(link.language)
    lead = say(f"refuse.lead.{link.category}", organizer=organizer, address=link.email)
    body = (
        f'<main class="letter"><h1>{escape(say("refuse.title"))}</h1>'
        f'<p class="lead">{escape(lead)}</p>'
        f'<form method="post"><button class="deed" name="List-Unsubscribe" value="One-Click">'
        f"{escape(say('refuse.button'))}</button></form>"
        f'<p class="quiet">{escape(say("refuse.back"))}</p></main>'
    )
    return _page(base, say("refuse.title"), body, say.language)


def refused(base: str, link: Link) -> str:
    """Return the page that says that it is done."""
    say = words(link.language)
    body = (
        f'<main class="letter"><h1>{escape(say("refuse.done"))}</h1>'
        f'<p class="quiet">{escape(say("refuse.back"))}</p></main>'
    )
    return _page(base, say("refuse.done"), body, say.language)


def newest(base: str, box: str, kept: Iterable[Kept]) -> str:
    """Return the list of mails."""
    rows = "".join(_row(box, each) for each in kept)
    shown = f'<ul class="mails">{rows}</ul>' if rows else (
        '<p class="empty">No mail yet. Sign somebody up, or buy a ticket: what would have been'
        " mailed shows up here.</p>"
    )  # fmt: skip
    body = (
        f'{_bar(box)}<main class="box"><h1>Mailbox</h1>'
        '<p class="quiet">Nothing is sent: without <code>smtp_url</code> mail is kept here, for'
        f" whoever runs this service.</p>{shown}</main>"
    )
    return _page(base, "Mailbox", body)


def _row(box: str, kept: Kept) -> str:
    subject = kept.mail.letter.subject if kept.mail else WHY.get(kept.why, kept.kind)
    to = kept.mail.envelope.to if kept.mail else kept.kind
    state = "" if kept.state == "kept" else f" {_state(kept)}"
    return (
        f'<li><a href="{escape(box)}/{escape(kept.path)}"><span class="to">{escape(to)}</span>'
        f'<span class="subject">{escape(subject)}</span><span class="when">'
        f"{kept.created_at:%d %b %H:%M}{state}</span></a></li>"
    )


def _state(kept: Kept) -> str:
    said = escape(" ".join(dict.fromkeys(filter(None, (kept.state, kept.fault)))))
    return f'<span class="state {escape(kept.state)}">{said}</span>'


def one(base: str, box: str, kept: Kept) -> str:
    """Return a mail's page."""
    if kept.mail is None:
        said = escape(WHY.get(kept.why, kept.why))
        body = f'<main class="box"><h1>Nothing to send</h1><p class="lead">{said}</p></main>'
        return _page(base, "Nothing to send", _bar(box) + body)
    around = [("State", _state(kept)), ("Made", f"{kept.created_at:%d %b %Y %H:%M:%S} UTC")]
    return _page(
        base, kept.mail.letter.subject,
        _bar(box) + _mail(kept.mail, f"{box}/{kept.path}", around),
    )  # fmt: skip


def sample(base: str, box: str, kind: Kind, mail: Mail) -> str:
    """Return a sample's page."""
    place = f"{box}/samples/{kind}/{mail.letter.language}"
    others = " ".join(
        f'<a href="{escape(box)}/samples/{kind}/{each}" hreflang="{each}" lang="{each}"'
        f"{CURRENT if each == mail.letter.language else ''}>{escape(words(each)('language'))}</a>"
        for each in LANGUAGES
    )
    more = [("Language", f'<span class="samples">{others}</span>')]
    return _page(base, mail.letter.subject, _bar(box) + _mail(mail, place, more))


def samples(base: str, box: str) -> str:
    """Return the list of samples."""
    rows = "".join(
        f'<li><a href="{escape(box)}/samples/{kind}/en"><span class="to">{kind}</span>'
        f'<span class="subject">{escape(headed(found(kind, ENGLISH)).subject)}</span>'
        f'<span class="when">{"can be refused" if kind in CATEGORIES else ""}</span></a></li>'
        for kind in Kind
    )
    body = (
        f'{_bar(box)}<main class="box"><h1>Samples</h1><p class="quiet">One made-up mail of each'
        f' kind, as its reader gets it.</p><ul class="mails">{rows}</ul></main>'
    )
    return _page(base, "Samples", body)


def _mail(mail: Mail, place: str, more: Iterable[tuple[str, str]]) -> str:
    letter, envelope = mail
    around = [
        ("From", escape(_from(envelope.sender, letter.organizer))),
        ("To", escape(envelope.to)),
        *more,
    ]
    if envelope.unsubscribe:
        link = escape(envelope.unsubscribe)
        around.append(("No more", f'<a href="{link}" rel="noreferrer">List-Unsubscribe</a>'))
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in around)
    files = "".join(
        f'<a href="{escape(place)}/{escape(each.name)}">{escape(each.name)}'
        f" ({len(each.content) // 1024 + 1} kB)</a>"
        for each in letter.attachments
    )
    text = escape(forms.text(letter, envelope.unsubscribe))
    return (
        f'<main class="box"><h1>{escape(letter.subject)}</h1><dl class="around">{rows}</dl>'
        f'<p class="files">{files}<a href="{escape(place)}/source">source.eml</a></p>'
        f'<iframe class="shown" sandbox="" title="The mail as HTML" src="{escape(place)}/html">'
        f'</iframe><details><summary>As text</summary><pre class="as-text">{text}</pre></details>'
        "</main>"
    )


def framed(mail: Mail) -> str:
    """Return a mail's HTML with its pictures inside."""
    return forms.html(mail.letter, mail.envelope.unsubscribe, _inside)


def _inside(picture: Picture) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"


def _bar(box: str) -> str:
    return (
        f'<header class="bar"><a class="name" href="{escape(box)}">Mailbox</a>'
        f'<nav aria-label="Pages"><a href="{escape(box)}/samples">Samples</a></nav></header>'
    )


def _page(base: str, title: str, body: str, language: str = "en") -> str:
    return PLAIN.substitute(base=base, title=escape(title), body=body, language=language)


def _from(sender: Sender, organizer: str) -> str:
    return f"{sender.named(organizer)} <{sender.address.spec}>"
