"""The mailbox over HTTP: for who knows its secret, from this machine alone.

It shows what opens accounts, so both are asked; anybody else gets what is nowhere.
"""

from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from cloud.errors import Refusal
from cloud.http.health import HIDDEN
from cloud.notify import message, pages
from cloud.notify.letter import Mail
from cloud.notify.mailbox import Box, Kept
from cloud.notify.model import Kind
from cloud.notify.rows import Lane
from cloud.notify.samples import STARTS, sample
from cloud.notify.words import LANGUAGES

BOX: Final = "/mail/{secret:str}"
SAMPLE: Final = f"{BOX}/samples/{{kind:str}}/{{language:str}}"
ONE: Final = f"{BOX}/{{lane:str}}/{{name:str}}"
EML: Final = "message/rfc822"
Asked = Request[Any, Any, Any]
Page = Response[str]


def enter(request: Asked, mailbox: Box, secret: str) -> str:
    """Let the operator in; return where the mailbox is."""
    client = request.scope.get("client")
    try:
        here = client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        here = False
    if not here or not mailbox.opens(secret):
        raise Refusal("not_found")
    return f"/mail/{secret}"


@get(BOX, opt=HIDDEN, include_in_schema=False)
async def newest(
    request: Asked, secret: FromPath[str], mailbox: NamedDependency[Box],
    page_files: NamedDependency[Any],
) -> Page:  # fmt: skip
    """Show the newest mails."""
    box = enter(request, mailbox, secret)
    return pages.response(pages.newest(page_files.base, box, await mailbox.newest()))


@get(f"{BOX}/samples", opt=HIDDEN, include_in_schema=False, sync_to_thread=True)
def samples(
    request: Asked, secret: FromPath[str], mailbox: NamedDependency[Box],
    page_files: NamedDependency[Any],
) -> Page:  # fmt: skip
    """Show one made-up mail of each kind."""
    return pages.response(pages.samples(page_files.base, enter(request, mailbox, secret)))


@get(SAMPLE, opt=HIDDEN, include_in_schema=False, sync_to_thread=True)
def one_sample(
    request: Asked, secret: FromPath[str], kind: FromPath[str], language: FromPath[str],
    mailbox: NamedDependency[Box], page_files: NamedDependency[Any],
) -> Page:  # fmt: skip
    """Show a sample."""
    box = enter(request, mailbox, secret)
    made = _sample(kind, language)
    return pages.response(pages.sample(page_files.base, box, Kind(kind), made))


@get(f"{SAMPLE}/{{part:str}}", opt=HIDDEN, include_in_schema=False, sync_to_thread=True)
def part_of_sample(
    request: Asked, secret: FromPath[str], kind: FromPath[str], language: FromPath[str],
    part: FromPath[str], mailbox: NamedDependency[Box],
) -> Response[Any]:  # fmt: skip
    """Show a part of a sample."""
    enter(request, mailbox, secret)
    made = _sample(kind, language)
    ready = message.ready(made, STARTS)
    return _part(made, part, ready.content if ready else b"")


@get(ONE, opt=HIDDEN, include_in_schema=False)
async def one(
    request: Asked, secret: FromPath[str], lane: FromPath[str], name: FromPath[str],
    mailbox: NamedDependency[Box], page_files: NamedDependency[Any],
) -> Page:  # fmt: skip
    """Show a mail."""
    box = enter(request, mailbox, secret)
    return pages.response(pages.one(page_files.base, box, await _kept(mailbox, lane, name)))


@get(f"{ONE}/{{part:str}}", opt=HIDDEN, include_in_schema=False)
async def part_of_one(
    request: Asked, secret: FromPath[str], lane: FromPath[str], name: FromPath[str],
    part: FromPath[str], mailbox: NamedDependency[Box],
) -> Response[Any]:  # fmt: skip
    """Show a part of a mail: `html`, `source`, or an attachment by its name."""
    enter(request, mailbox, secret)
    kept = await _kept(mailbox, lane, name)
    if kept.mail is None:
        raise Refusal("not_found")
    return _part(kept.mail, part, await mailbox.source(kept) or b"")


def _sample(kind: str, language: str) -> Mail:
    if kind not in list(Kind) or language not in LANGUAGES:
        raise Refusal("not_found")
    return sample(Kind(kind), language)


async def _kept(mailbox: Box, lane: str, name: str) -> Kept:
    try:
        where: Lane = None if lane == "accounts" else UUID(lane)
    except ValueError:
        raise Refusal("not_found") from None
    kept = await mailbox.one(where, name)
    if kept is None:
        raise Refusal("not_found")
    return kept


def _part(mail: Mail, part: str, source: bytes) -> Response[Any]:
    if part == "html":
        return pages.response(pages.framed(mail), pages.FRAMED)
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if part == "source" and source:
        headers["content-disposition"] = 'attachment; filename="mail.eml"'
        return Response(source, media_type=EML, headers=headers)
    for each in mail.letter.attachments:
        if each.name == part:
            return Response(each.content, media_type="application/pdf", headers=headers)
    raise Refusal("not_found")


ROUTES: Final = (newest, samples, one_sample, part_of_sample, one, part_of_one)
