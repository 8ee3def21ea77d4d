"""Addresses and texts of strangers: what is no plain address goes nowhere, and no text ends a
header."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloud.notify import forms
from cloud.notify.addresses import Mailbox, Sender, line, mailbox, sender
from cloud.notify.letter import Block, Envelope, Facts, Letter, Mail, Picture, Secret, Text
from cloud.notify.message import ready
from tests.cloud.clock import NOW

HOUSE = Sender("Usher", Mailbox("mail", "tickets.example.org"))


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("ada@example.org", "ada@example.org"),
        ("a.d+a'1@Example.ORG", "a.d+a'1@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("adä@example.org", "adä@example.org"),
    ],
)
def test_ok__an_address(text: str, spec: str) -> None:
    found = mailbox(text)
    assert found is not None
    assert found.spec == spec


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "@example.org", "ada@", "a@b@example.org", "a b@example.org",
        "a,b@example.org", "<a>@example.org", 'a"b@example.org', "a(b)@example.org",
        "a..b@example.org", ".a@example.org", "a\r\nRCPT TO:<b@x>@example.org",
        "ada@exam ple.org", "ada@-x.org", "ada@x>.org", "ada@[127.0.0.1]", "ada@x..org",
        "ada@example.org,b@example.org", "ada@example.org>", "ada@a\u2028b.org",
        "a\u202eb@example.org",
        "x" * 65 + "@example.org", "ada@" + "x" * 64 + ".org", "ada@" + "a." * 130 + "org",
    ],
)  # fmt: skip
def test_fail__no_address(text: str) -> None:
    assert mailbox(text) is None


@pytest.mark.parametrize(
    ("text", "name", "spec"),
    [
        ("Usher <mail@x.org>", "Usher", "mail@x.org"),
        ("mail@x.org", "Usher", "mail@x.org"),
        ('"A, B" <mail@x.org>', "A, B", "mail@x.org"),
    ],
)
def test_ok__who_mails_are_from(text: str, name: str, spec: str) -> None:
    found = sender(text)
    assert found is not None
    assert (found.name, found.address.spec) == (name, spec)


@pytest.mark.parametrize("text", ["", "Usher", "Usher <>", "ü@x.org", "a@b@c"])
def test_fail__who_mails_are_from(text: str) -> None:
    assert sender(text) is None


LINK = "https://x.example/v1/mail/unsubscribe"
HOSTILE = [
    "Nice\r\nBcc: everybody@example.org",
    "Nice\nContent-Type: text/html\n\n<script>",
    "=?utf-8?q?=0D=0ABcc:_everybody@example.org?=",
    "Nice\u2028Bcc: everybody@example.org",
    "Nice\x00\x0b\x0c\x85Bcc: everybody@example.org",
    'PayPal" <service@example.com>, "x',
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "\u202egro.elpmaxe@",
    "x" * 5000,
    "\ud800",
    "é" * 400,
    "{event} %s $subject ${title}",
]


def mail(text: str, to: str = "ada@example.org") -> Mail:
    """Return a mail with a stranger's text wherever one may stand."""
    shown = line(text)
    blocks: list[Block] = [
        Text(shown), Facts([(shown, shown)]), Secret(shown),
        Picture("code1", b"\x89PNG", shown, shown, shown),
    ]  # fmt: skip
    letter = Letter("en", shown, shown, blocks, shown, shown)
    return Mail(letter, Envelope(HOUSE, to, "00ff", f"{LINK}/{'a' * 700}"))


HEADERS = {
    "from", "to", "subject", "date", "message-id", "auto-submitted", "content-language",
    "list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_makes_a_header(text: str) -> None:
    check(text)


@given(st.text(max_size=300))
@example("0" * 8 + "\xa1" * 8 + "\u07b2\u07b2\u07fb\u0800\u0800")  # two words, and "Usher" in both
def test_no_text_whatever_makes_a_header(text: str) -> None:
    check(text)


NAMED = ("Usher <mail@tickets.example.org>", 'Usher" <mail@tickets.example.org>')


def from_of(content: bytes) -> str:
    """Return From as a person reads it. The newer parser leaves a space between two encoded words
    of a name, which RFC 2047 (6.2) has ignored."""
    return str(make_header(decode_header(message_from_bytes(content)["from"])))


def check(text: str) -> None:
    made = ready(mail(text), NOW)
    assert made is not None
    head = made.content.split(b"\r\n\r\n")[0].decode("ascii")
    names = [each.partition(":")[0].lower() for each in head.split("\r\n") if each[:1] not in " \t"]
    assert set(names) == HEADERS
    assert len(names) == len(HEADERS)
    parsed = message_from_bytes(made.content, policy=policy.default)
    (sender_,) = parsed["from"].addresses
    assert sender_.addr_spec == "mail@tickets.example.org"
    assert from_of(made.content).endswith(NAMED)
    assert [each.addr_spec for each in parsed["to"].addresses] == ["ada@example.org"]
    assert len(parsed["subject"]) <= 200
    assert parsed["list-unsubscribe"].startswith("<https://x.example/")
    assert parsed["list-unsubscribe"].endswith("a" * 700 + ">")
    assert b"\n" not in made.content.replace(b"\r\n", b"")
    assert max(map(len, made.content.split(b"\r\n"))) < 998


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_markup(text: str) -> None:
    """Escaped wherever it stands: no tag and no attribute of a page is a stranger's."""
    plain, hostile = (forms.html(mail(each).letter) for each in ("Nice", text))
    assert hostile.count("<") == plain.count("<")
    assert hostile.count("<img") == plain.count("<img") == 1
    assert "onerror=" not in hostile.replace("onerror=alert(1)&gt;", "")


def test_an_address_that_only_smtputf8_knows() -> None:
    made = ready(mail("Nice", "adä@example.org"), NOW)
    assert made is not None
    assert "To: adä@example.org".encode() in made.content


def test_what_is_no_address_is_not_sent_to() -> None:
    assert ready(mail("Nice", "a,b@example.org"), NOW) is None
