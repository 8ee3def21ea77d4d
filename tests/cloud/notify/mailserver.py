"""A real mail server that takes, refuses, breaks off and dawdles; it keeps what it has taken."""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from cloud.embedded.ports import free_port
from tests.cloud.broker.papers import Authority

USER, PASSWORD = "usher", "p@ss:word/1"


class Taken(NamedTuple):
    """A mail that the server has taken."""

    sender: str
    to: str
    message: EmailMessage
    over_tls: bool
    smtputf8: bool


class MailServer:
    """Answers are told by `rcpt` and `data`, one a try, the last for ever.

    A text is an answer; "take": 250; "cut": the connection ends at once, "lose": after the mail
    was taken; "kill": `on_kill` is called then; "slow": no answer for a long time.
    """

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.rcpt: list[str] = ["take"]
        self.data: list[str] = ["take"]
        self.sender_answer = ""
        self.connections = 0
        self.logins: list[bool] = []
        self.port = 0
        self.over = threading.Event()
        self.on_kill: Callable[[], None] = lambda: None

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = name
        return answers

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender_answer:
            return self.sender_answer
        envelope.mail_from = address
        envelope.smtp_utf8 = "SMTPUTF8" in options
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        how = self.rcpt.pop(0) if len(self.rcpt) > 1 else self.rcpt[0]
        if how == "cut":
            cut(server)
            return "421 gone"
        if how != "take":
            return how
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        how = self.data.pop(0) if len(self.data) > 1 else self.data[0]
        if how == "slow":
            await asyncio.to_thread(self.over.wait, 60)
            return "451 at last"
        if how == "cut":
            cut(server)
            return "421 gone"
        if how not in ("take", "lose", "kill"):
            return how
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        sender, (to,) = envelope.mail_from or "", envelope.rcpt_tos
        self.taken.append(
            Taken(sender, to, message, session.ssl is not None, bool(envelope.smtp_utf8))
        )
        if how == "kill":
            self.on_kill()
        if how == "lose":
            cut(server)
        return "250 2.0.0 taken"

    def until(self, count: int, seconds: float = 30) -> list[Taken]:
        """Return what was taken, once it is so much."""
        end = time.monotonic() + seconds
        while len(self.taken) < count:
            assert time.monotonic() < end, [each.message["subject"] for each in self.taken]
            time.sleep(0.02)
        return self.taken

    def to(self, address: str, kind: str = "", count: int = 1) -> list[Taken]:
        """Return what was taken for somebody, once it is so much."""
        end = time.monotonic() + 30
        while True:
            found = [
                each for each in list(self.taken)
                if each.to == address and kind in str(each.message["subject"])
            ]  # fmt: skip
            if len(found) >= count:
                return found
            assert time.monotonic() < end, [str(each.message["subject"]) for each in self.taken]
            time.sleep(0.02)


def cut(server: SMTP) -> None:
    """End a connection at once."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


def _check(mail: MailServer) -> Any:
    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        good = isinstance(data, LoginPassword) and (
            data.login.decode(), data.password.decode()
        ) == (USER, PASSWORD)  # fmt: skip
        mail.logins.append(good)
        return AuthResult(success=good, handled=False)

    return authenticate


@contextmanager
def serving_mail(
    authority: Authority | None = None, *, implicit: bool = False, login: bool = True,
    port: int = 0, utf8: bool = True, **more: Any,
) -> Iterator[MailServer]:  # fmt: skip
    """Run a mail server; with a certificate by STARTTLS, or by TLS from the first byte."""
    mail = MailServer()
    context = None if authority is None else _context(authority)
    told: dict[str, Any] = {"enable_SMTPUTF8": utf8, "decode_data": False, **more}
    if context is not None:
        told["authenticator"] = _check(mail) if login else None
        if implicit:
            told["ssl_context"] = context
            told["auth_require_tls"] = False  # it is inside one that aiosmtpd doesn't see
        else:
            told |= {"tls_context": context, "require_starttls": True, "auth_required": login}
    controller = Controller(mail, hostname="127.0.0.1", port=port or free_port(), **told)
    controller.start()
    mail.port = controller.port
    try:
        yield mail
    finally:
        mail.over.set()
        _drain(controller)
        controller.stop()


def _drain(controller: Controller) -> None:
    """Let connections end whose other side has gone: with its loop they would be left open."""
    listening: Any = controller.server
    end = time.monotonic() + 1
    while listening._active_count and time.monotonic() < end:
        time.sleep(0.005)


def _context(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("mailserver", server=True))
    return context
