"""Handing over: what each answer of a mail server means, and what is tried again."""

import asyncio
import ssl
import time
from pathlib import Path

import pytest

from cloud.notify.addresses import Mailbox
from cloud.notify.answers import Answer, Verdict
from cloud.notify.courier import Courier
from cloud.notify.message import Ready
from cloud.notify.servers import Server, server
from tests.cloud.broker.papers import Authority
from tests.cloud.notify.mailserver import PASSWORD, USER, MailServer, serving_mail

MAIL = Ready(
    "mail@tickets.example.org", Mailbox("ada", "example.org"), b"Subject: Hi\r\n\r\nHi.\r\n"
)
WIDE = MAIL._replace(to=Mailbox("adä", "example.org"))
NAME = "tickets.example.org"


def hand_over(where: Server, *mails: Ready, wait: float = 5.0) -> list[Verdict]:
    """Return what a server says to some mails, one after the other."""

    async def run() -> list[Verdict]:
        courier = Courier(where, wait)
        try:
            return [await courier.hand_over(mail) for mail in mails]
        finally:
            await courier.aclose()

    return asyncio.run(run())


def plain(mails: MailServer) -> Server:
    return server(f"smtp://127.0.0.1:{mails.port}", "", NAME)


def test_many_mails_go_by_one_connection() -> None:
    with serving_mail() as mails:
        assert {each.answer for each in hand_over(plain(mails), *[MAIL] * 20)} == {Answer.TAKEN}
        assert (len(mails.taken), mails.connections) == (20, 1)


def test_a_connection_that_the_server_ended_is_no_fault() -> None:
    """Nor is a mail sent twice."""
    with serving_mail(timeout=0.3) as mails:

        async def run() -> list[Verdict]:
            courier = Courier(plain(mails), 5.0)
            first = await courier.hand_over(MAIL)
            await asyncio.sleep(1)
            second = await courier.hand_over(MAIL)
            await courier.aclose()
            return [first, second]

        assert {each.answer for each in asyncio.run(run())} == {Answer.TAKEN}
        assert len(mails.taken) == 2


@pytest.mark.parametrize(
    ("rcpt", "data", "verdict"),
    [
        ("550 5.1.1 no ada@example.org here", "take", (Answer.NEVER, "550 5.1.1")),
        ("450 4.2.0 greylisted", "take", (Answer.LATER, "450 4.2.0")),
        ("452 too many", "take", (Answer.LATER, "452")),
        ("take", "554 5.7.1 looks like spam", (Answer.NEVER, "554 5.7.1")),
        ("take", "552 5.3.4 too big", (Answer.NEVER, "552 5.3.4")),
        ("take", "451 4.3.0 try later", (Answer.LATER, "451 4.3.0")),
        ("421 4.3.2 closing", "take", (Answer.AWAY, "421 4.3.2")),
        ("cut", "take", (Answer.LATER, "smtp_cut")),
        ("take", "cut", (Answer.LATER, "smtp_cut_at_end")),
        ("take", "lose", (Answer.LATER, "smtp_cut_at_end")),
        ("take", "slow", (Answer.LATER, "smtp_timeout_at_end")),
    ],
)
def test_each_answer_has_its_meaning(rcpt: str, data: str, verdict: tuple[Answer, str]) -> None:
    """And what is said of one mail is not held against the next."""
    with serving_mail() as mails:
        mails.rcpt, mails.data = [rcpt, "take"], [data, "take"]
        wait = 0.5 if data == "slow" else 5.0
        first, second = hand_over(plain(mails), MAIL, MAIL, wait=wait)
        assert first == verdict
        assert second.answer is Answer.TAKEN


def test_a_sender_that_is_refused_bounces_nothing() -> None:
    """It is our fault or the server's: every mail waits."""
    with serving_mail() as mails:
        mails.sender_answer = "550 5.7.1 not yours"
        assert hand_over(plain(mails), MAIL) == [(Answer.AWAY, "550 5.7.1")]
        mails.sender_answer = "451 4.7.1 slow down"
        assert hand_over(plain(mails), MAIL) == [(Answer.LATER, "451 4.7.1")]


def test_an_address_that_the_server_has_no_form_for_bounces() -> None:
    with serving_mail(utf8=False) as mails:
        assert hand_over(plain(mails), WIDE, MAIL) == [
            (Answer.NEVER, "smtputf8_unsupported"), (Answer.TAKEN, ""),
        ]  # fmt: skip
    with serving_mail() as mails:
        assert hand_over(plain(mails), WIDE)[0].answer is Answer.TAKEN
        assert (mails.taken[0].to, mails.taken[0].smtputf8) == ("adä@example.org", True)


@pytest.mark.parametrize("implicit", [False, True])
def test_tls_and_a_login(tmp_path: Path, implicit: bool) -> None:
    """By STARTTLS or from the first byte; a wrong password lets every mail wait."""
    authority = Authority(tmp_path)
    scheme, password = ("smtps" if implicit else "smtp"), PASSWORD.replace("/", "%2F")
    with serving_mail(authority, implicit=implicit) as mails:
        place, ca = f"localhost:{mails.port}", str(authority.certificate)
        escaped = password.replace("@", "%40")
        good = server(f"{scheme}://{USER}:{escaped}@{place}", ca, NAME)
        assert hand_over(good, MAIL)[0].answer is Answer.TAKEN
        wrong = server(f"{scheme}://{USER}:wrong@{place}", ca, NAME)
        assert hand_over(wrong, MAIL)[0] == (Answer.AWAY, "535 5.7.8")
        assert (mails.logins[0], set(mails.logins[1:])) == (True, {False})


def test_a_certificate_of_nobody_we_trust_gets_no_mail_and_no_password(tmp_path: Path) -> None:
    with serving_mail(Authority(tmp_path / "one")) as mails:
        ca = Authority(tmp_path / "two").certificate
        where = server(f"smtp://{USER}:x@localhost:{mails.port}", str(ca), NAME)
        (verdict,) = hand_over(where, MAIL)
        assert verdict.answer is Answer.AWAY
        assert (mails.logins, mails.taken) == ([], [])


def test_a_server_without_starttls_gets_nothing_but_on_this_machine() -> None:
    with serving_mail() as mails:
        elsewhere = plain(mails)._replace(host="127.0.0.2")  # as if it were another machine
        assert elsewhere.start_tls is True
        assert plain(mails).start_tls is None


def test_a_server_that_is_away_is_left_alone_for_longer_and_longer() -> None:
    with serving_mail() as mails:
        where = plain(mails)

    async def run() -> None:
        courier = Courier(where, 1.0)
        for rest in (1.0, 2.0, 4.0):
            began = time.monotonic()
            verdict = await courier.hand_over(MAIL)
            assert verdict.answer is Answer.AWAY
            assert courier.rests
            assert courier._rests_until - began >= rest
        await courier.aclose()

    asyncio.run(run())


def test_a_server_that_says_nothing_is_given_up() -> None:
    async def run() -> Verdict:
        ended = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()
            await writer.wait_closed()
            ended.set()

        listening = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        courier = Courier(server(f"smtp://127.0.0.1:{port}", "", NAME), 0.5)
        async with listening:
            verdict = await courier.hand_over(MAIL)
            await courier.aclose()
            await ended.wait()
        return verdict

    assert asyncio.run(run()).answer is Answer.AWAY


def test_old_tls_is_not_spoken() -> None:
    assert server("smtps://x", "", NAME).tls.minimum_version is ssl.TLSVersion.TLSv1_2
    assert server("smtps://x", "", NAME).port == 465
    assert server("smtp://x", "", NAME).port == 587
