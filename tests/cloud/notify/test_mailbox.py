"""Without a mail server: mail is kept, and shown to who runs the service, to nobody else."""

import asyncio
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from litestar import Request

from cloud.cli import main
from cloud.errors import Refusal
from cloud.notify.house import house
from cloud.notify.mailbox import Box
from cloud.notify.mailbox_routes import enter
from cloud.notify.model import Kind
from cloud.parts import Parts
from tests.cloud.background import background
from tests.cloud.database import Database
from tests.cloud.notify.conftest import eventually, for_commands, working
from tests.cloud.notify.test_sent import codes_on_paper
from tests.cloud.service import Clock, Service, good, problem, running

SECRET = "0123456789abcdefMAILBOX"


@pytest.fixture(scope="module")
def service(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service that keeps its mail, with a worker."""
    folder = tmp_path_factory.mktemp("service")
    with (
        running(database, redis_url, folder, mailbox=SECRET) as served,
        background(working(served, Clock())),
    ):
        yield served


@pytest.fixture(scope="module")
def box(service: Service) -> httpx.Client:
    return service.client()


@pytest.fixture(scope="module")
def order(service: Service) -> str:
    """The path of a confirmation's page."""
    owner, buyer = service.person(), service.person()
    service.buy(buyer, service.event(owner, service.tenant(owner), name="Balcony <b>"))
    eventually(
        lambda: service.database.rows("SELECT state FROM mail WHERE kind = 'order'"),
        lambda rows: rows and rows[0]["state"] == "kept",
    )
    shown = service.client().get(f"/mail/{SECRET}")
    (path,) = re.findall(
        rf'href="(/mail/{SECRET}/[^"]+)"><span class="to">{buyer.email}</span>'
        r'<span class="subject">Your tickets', shown.text
    )  # fmt: skip
    return str(path)


def test_the_newest_mails_are_listed(box: httpx.Client, order: str) -> None:
    page = box.get(f"/mail/{SECRET}")
    assert page.status_code == 200
    assert "Confirm your address" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(r"<script|\son\w+=|style=", page.text)
    assert "state waiting" not in page.text


def test_a_mail_is_shown_as_html_as_text_and_with_its_pdf(box: httpx.Client, order: str) -> None:
    page = box.get(order)
    assert 'sandbox=""' in page.text
    assert "has a page for each ticket" in page.text
    inner = box.get(f"{order}/html")
    assert inner.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "Balcony &lt;b&gt;" in inner.text
    assert "<b>" not in inner.text
    assert "data:image/png;base64," in inner.text
    paper = box.get(f"{order}/tickets.pdf")
    assert paper.headers["content-type"] == "application/pdf"
    (code,) = codes_on_paper(paper.content)
    source = message_from_bytes(box.get(f"{order}/source").content, policy=policy.default)
    assert source["subject"] == "Your tickets for Spring Night"
    assert code.isascii()
    assert problem(box.get(f"{order}/other.pdf")) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    ["", "/samples", "/samples/order/en", "/accounts/1", "/accounts/1/html", "/accounts/x"],
)
def test_nobody_without_the_secret_sees_anything(box: httpx.Client, path: str) -> None:
    for secret in (SECRET[:-1], SECRET + "x", "x", SECRET.lower(), "%00"):
        assert problem(box.get(f"/mail/{secret}{path}")) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "accounts/999999999", "accounts/x", "x/y", "accounts/99999999999999999999999999",
        "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000001",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(box: httpx.Client, path: str) -> None:
    assert problem(box.get(f"/mail/{SECRET}/{path}")) == (404, "not_found")
    assert problem(box.get(f"/mail/{SECRET}/{path}/html")) == (404, "not_found")


@pytest.mark.parametrize(
    ("client", "inside"),
    [
        (("127.0.0.1", 1), True), (("::1", 1), True), (("192.0.2.7", 1), False),
        (("::ffff:192.0.2.7", 1), False), (("localhost.example.org", 1), False), (None, False),
    ],
)  # fmt: skip
def test_other_machines_see_nothing_whatever_they_know(
    service: Service, client: tuple[str, int] | None, inside: bool
) -> None:
    async def look() -> str:
        parts = Parts(service.settings)
        box = Box(SECRET, parts.pool, parts.sealer, house(service.settings), Clock())
        request: Request[Any, Any, Any] = Request({"type": "http", "client": client})  # type: ignore[arg-type]
        return enter(request, box, SECRET)

    if inside:
        assert asyncio.run(look()) == f"/mail/{SECRET}"
    else:
        with pytest.raises(Refusal):
            asyncio.run(look())


def test_without_a_secret_there_is_no_mailbox(service: Service) -> None:
    async def look() -> bool:
        parts = Parts(service.settings)
        box = Box("", parts.pool, parts.sealer, house(service.settings), Clock())
        return box.opens("") or box.opens("x")

    assert not asyncio.run(look())


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_kind_has_a_sample(box: httpx.Client, kind: Kind, language: str) -> None:
    path = f"/mail/{SECRET}/samples/{kind}/{language}"
    page, inner = box.get(path), box.get(f"{path}/html")
    assert page.status_code == inner.status_code == 200
    assert f'lang="{language}"' in inner.text
    assert "{" not in re.sub(r"(?s)<style>.*?</style>", "", inner.text)
    shown = CliRunner().invoke(main, ["admin", "sample-mail", kind, "--language", language])
    assert shown.exit_code == 0, shown.output
    made = message_from_bytes(shown.stdout_bytes, policy=policy.default)
    assert made["content-language"] == language
    assert kind in box.get(f"/mail/{SECRET}/samples").text


def test_the_command_reads_the_same_mails(service: Service, order: str) -> None:
    person, told = service.person(), for_commands(service)
    done = CliRunner().invoke(main, ["admin", "mail", person.email.upper()], env=told)
    assert done.exit_code == 0, done.output
    assert "Confirm your address (" in done.output
    assert "ums_" in done.output
    owner = service.person()
    tenant = service.tenant(owner)
    said = {"email": "hand@example.org", "role": "staff"}
    good(owner.post(f"{tenant.path}/invitations", json=said))
    eventually(lambda: service.database.rows("SELECT FROM mail WHERE kind = 'invitation'"))
    done = CliRunner().invoke(main, ["admin", "mail", "hand@example.org"], env=told)
    assert "invites you to join" in done.output
    assert "ums_" in done.output
    other = told | {"USHER_MASTER_KEY": "22" * 32}  # which opens none of it, and hides none of it
    for each in (person.email, "hand@example.org"):
        done = CliRunner().invoke(main, ["admin", "mail", each], env=other)
        assert (done.exit_code, "(seal_broken) (kept)" in done.output) == (0, True), done.output
    nobody = CliRunner().invoke(main, ["admin", "mail", "nobody@example.org"], env=told)
    assert nobody.exit_code == 1
