"""Handing mails to a mail server by SMTP (RFC 5321), and what its answers mean.

A mail is handed over when the server has taken responsibility for it: 250 after the last byte.
If the connection ends between that byte and the answer, nobody can tell whether it did; the mail
is sent again then, under the same Message-ID, by which many servers and programs show it once.
"""

import asyncio
import time
from typing import Final, NamedTuple

import aiosmtplib
import structlog
from aiosmtplib import SMTP

from cloud.breakers.breaker import Breaker, Breakers, Resting
from cloud.breakers.model import Outcome, Rule
from cloud.notify.answers import Answer, Verdict, code_of, judge
from cloud.notify.message import Ready
from cloud.notify.servers import Server

LOG = structlog.get_logger("usher.notify")
WAIT: Final = 30.0  # seconds for a connection, and for each step of a mail
IDLE: Final = 20.0  # seconds after which a connection is not used again
MOST: Final = 16  # connections
PER_CONNECTION: Final = 100  # mails
REST_FIRST: Final = 1.0  # seconds that a server that is away is left alone
REST_LONGEST: Final = 60.0
RULE: Final = Rule(rest=30_000, probe=150_000)  # connecting, and three steps of a mail
FAILING: Final = ("smtp_cut", "smtp_timeout")  # of a server: how these faults begin


class Courier:
    """Hands mails over, by connections that it keeps. `await courier.aclose()` in the end."""

    def __init__(self, where: Server, wait: float = WAIT, breaker: Breaker | None = None) -> None:
        """`breaker`: shared with other processes; without, its own."""
        self._breaker = breaker or Breakers(None).of("smtp", RULE)
        self._server = where
        self._wait = wait
        self._slots = asyncio.Semaphore(MOST)
        self._idle: list[_Line] = []
        self._failures = 0
        self._rests_until = 0.0

    @property
    def rests(self) -> bool:
        """Whether the server was away a moment ago, and is left alone."""
        return time.monotonic() < self._rests_until

    async def hand_over(self, mail: Ready) -> Verdict:
        """Hand a mail to the server; whatever happens is a verdict."""
        try:
            async with self._slots, self._breaker.guarding() as call:
                verdict = await self._try(mail)
                call.outcome = outcome_of(verdict)
        except Resting as resting:  # as long as that no other mail is taken up
            self._rests_until = time.monotonic() + resting.seconds
            return Verdict(Answer.AWAY, "smtp_resting")
        if verdict.answer is Answer.AWAY:
            self._failures += 1
            rest = min(REST_LONGEST, REST_FIRST * 2.0 ** min(self._failures - 1, 10))
            self._rests_until = time.monotonic() + rest
            LOG.warning("mail_server_away", fault=verdict.fault, rest=rest)
        else:
            self._failures = 0
        return verdict

    async def _try(self, mail: Ready) -> Verdict:
        for fresh in (False, True):
            try:
                line, used = await self._line(fresh=fresh)
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                return Verdict(Answer.AWAY, code_of(error))
            verdict = await self._send(line, mail)
            if verdict is not None:
                return verdict
            if not used:  # it was made a moment ago: the server ends it at this mail
                break
        return Verdict(Answer.LATER, "smtp_cut")

    async def _send(self, line: "_Line", mail: Ready) -> Verdict | None:
        """Send one mail; None: the connection ended before the server had all of it."""
        smtp, begun = line.smtp, False
        try:
            async with asyncio.timeout(3 * self._wait):
                await self._address(smtp, mail)
                begun = True
                await smtp.data(mail.content, timeout=self._wait)
        except (aiosmtplib.SMTPServerDisconnected, ConnectionError):
            smtp.close()
            return Verdict(Answer.LATER, "smtp_cut_at_end") if begun else None
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            smtp.close()
            return Verdict(Answer.LATER, "smtp_timeout_at_end" if begun else "smtp_timeout")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            await self._keep(line, reset=True)
            return judge(error)
        except BaseException:
            smtp.close()
            raise
        await self._keep(line)
        return Verdict(Answer.TAKEN)

    async def _address(self, smtp: SMTP, mail: Ready) -> None:
        options, encoding = (
            ["BODY=8BITMIME"] if smtp.supports_extension("8bitmime") else [],
            "ascii",
        )
        if not mail.to.is_ascii:
            if not smtp.supports_extension("smtputf8"):
                raise aiosmtplib.SMTPNotSupported("smtputf8")
            options, encoding = ["SMTPUTF8"], "utf-8"
        await smtp.mail(mail.sender, options=options, encoding=encoding, timeout=self._wait)
        await smtp.rcpt(mail.to.spec, encoding=encoding, timeout=self._wait)

    async def _line(self, *, fresh: bool) -> tuple["_Line", bool]:
        """Return a connection, and whether it was used before."""
        while self._idle:
            line = self._idle.pop()
            if not fresh and line.smtp.is_connected and time.monotonic() - line.since < IDLE:
                return line, True
            await self._quit(line.smtp)
        return _Line(await self._connect(), time.monotonic(), 0), False

    async def _connect(self) -> SMTP:
        where = self._server
        smtp = SMTP(
            hostname=where.host, port=where.port, username=where.username or None,
            password=where.password or None, local_hostname=where.name, timeout=self._wait,
            use_tls=where.implicit, start_tls=where.start_tls, tls_context=where.tls,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._wait):
                await smtp.connect()
                if smtp.is_ehlo_or_helo_needed:
                    await smtp.ehlo()
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def _keep(self, line: "_Line", *, reset: bool = False) -> None:
        """Put a connection back for the next mail, if it is still good."""
        smtp = line.smtp
        try:
            if reset and smtp.is_connected:
                await smtp.rset(timeout=self._wait)
        except (aiosmtplib.SMTPException, OSError):
            smtp.close()
        if smtp.is_connected and line.mails + 1 < PER_CONNECTION:
            self._idle.append(_Line(smtp, time.monotonic(), line.mails + 1))
        else:
            await self._quit(smtp)

    async def _quit(self, smtp: SMTP) -> None:
        try:
            if smtp.is_connected:
                await smtp.quit(timeout=1.0)
        except (aiosmtplib.SMTPException, OSError):
            pass
        finally:
            smtp.close()

    async def aclose(self) -> None:
        """Take leave of the server."""
        while self._idle:
            await self._quit(self._idle.pop().smtp)


def outcome_of(verdict: Verdict) -> Outcome:
    """Return what a verdict on a mail says of the server."""
    failing = verdict.answer is Answer.AWAY or verdict.fault.startswith(FAILING)
    return Outcome.BAD if failing else Outcome.GOOD


class _Line(NamedTuple):
    """A connection, since when it is idle, and how many mails it has taken."""

    smtp: SMTP
    since: float
    mails: int
