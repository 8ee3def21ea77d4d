"""Return addresses that nobody else can make, and reports of mail servers, whatever they say."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.keys.sealing import MasterKey
from cloud.notify.addresses import Mailbox, mailbox
from cloud.notify.bounces import LONGEST_LOCAL, MOST, address, addressed, named, parsed, report
from cloud.notify.house import house
from cloud.settings import Settings, Unfit, read
from tests.cloud.notify.reports import delivery_report
from tests.cloud.notify.test_house import SMTP

OLD, NEW = bytes([1]) * 32, bytes([2]) * 32
BOUNCES = Mailbox("bounces", "example.org")
TENANT, OTHER, MAIL = uuid4(), uuid4(), uuid4()
TO = "ada@example.net"


@pytest.mark.parametrize("lane", [None, TENANT])
@pytest.mark.parametrize("number", [0, 1, 2**63 - 1, MAIL.int])
def test_an_address_names_its_mail(lane: object, number: int) -> None:
    """To whoever has the master key that it was made with, and in whatever case it comes back."""
    made = address(MasterKey(OLD), BOUNCES, TENANT if lane else None, number)
    assert mailbox(made.spec) == made
    lanes = [None, OTHER, TENANT]
    for sealer in (MasterKey(OLD), MasterKey(NEW, [OLD])):
        for text in (made.spec, f"Postmaster <{made.spec.upper()}>", f"x@y, {made.spec}"):
            assert named(sealer, ["", text], lanes) == (lane, number)
    assert named(MasterKey(NEW), [made.spec], lanes) is None
    assert named(MasterKey(OLD), [made.spec], [OTHER]) is None


def test_the_longest_name_before_it_leaves_an_address_that_can_be_sent_to() -> None:
    local = "b" * LONGEST_LOCAL
    assert mailbox(address(MasterKey(OLD), Mailbox(local, "x.org"), None, 7).spec) is not None
    assert house(read(None, {**SMTP, "USHER_MAIL_BOUNCES": f"{local}@x.org"})).bounces
    for wrong in (f"{local}b@x.org", "ü@x.org", "bounces", "a@b@c", "Bounces <bounces@x.org>"):
        with pytest.raises(Unfit, match="mail_bounces is an address"):
            house(Settings(mail_bounces=wrong))
    with pytest.raises(Unfit, match="mail_bounces says nothing"):
        read(None, {"USHER_MAIL_BOUNCES": "bounces@x.org"})


@given(st.integers(0, 41), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_character_of_an_address_can_be_another(at: int, other: str) -> None:
    """But in the last one, which holds two bits alone, those that say nothing."""
    made = address(MasterKey(OLD), BOUNCES, TENANT, MAIL.int).local
    place = at + len("bounces+")
    changed = f"{made[:place]}{other}{made[place + 1 :]}@example.org"
    same = at == 41 or other == made[place]
    assert same or named(MasterKey(OLD), [changed], [TENANT]) is None


def test_a_report_is_read() -> None:
    message = parsed(delivery_report("bounces+x@example.org", TO, "5.1.1"))
    assert message is not None
    assert addressed(message) == ["bounces+x@example.org"]
    told = report(message)
    assert told is not None
    assert (told.status, told.recipients) == ("5.1.1", frozenset([TO]))
    assert told.for_good
    assert told.is_dead(TO.upper())
    assert not told.is_dead("eve@example.net")


@pytest.mark.parametrize(
    ("status", "for_good", "dead"),
    [("5.1.10", True, True), ("5.2.1", True, True), ("5.2.2", True, False),
     ("5.1.8", True, False), ("5.7.1 (spam)", True, False), ("4.4.7", False, False)],
)  # fmt: skip
def test_not_every_report_says_that_an_address_is_dead(
    status: str, for_good: bool, dead: bool
) -> None:
    message = parsed(delivery_report("b@example.org", TO, status))
    assert message is not None
    told = report(message)
    assert told is not None
    assert (told.for_good, told.is_dead(TO)) == (for_good, dead)


GOOD = delivery_report("b@example.org", TO, "5.1.1")
NESTED = b"".join(
    b"Content-Type: multipart/report; boundary=b%d\r\n\r\n--b%d\r\n" % (each, each)
    for each in range(5000)
)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff" * 1000, b"Subject: I am away\r\n\r\nuntil Monday", NESTED,
        GOOD.replace(b"failed", b"delayed"), GOOD.replace(b"failed", b"delivered"),
        GOOD.replace(b"5.1.1", b"2.0.0"), GOOD.replace(b"5.1.1", b"55.1.1"),
        GOOD.replace(b"Status: 5.1.1", b"Status: \xff5.1.1"), GOOD.replace(b"Status:", b"X:"),
        GOOD.replace(b"message/delivery-status", b"message/disposition-notification"),
        GOOD.replace(b"message/delivery-status", b"text/plain"),
        GOOD.replace(b"multipart/report", b"multipart/mixed"),
        GOOD.replace(b"boundary=", b"boundaries="),
        b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" + GOOD + b"\r\n--m--\r\n",
    ],
)  # fmt: skip
def test_what_reports_no_failure_is_none(content: bytes) -> None:
    message = parsed(content)
    assert message is None or report(message) is None


@given(st.binary(max_size=400), st.integers(0, len(GOOD)))
def test_any_bytes_are_a_report_or_none(junk: bytes, at: int) -> None:
    message = parsed(GOOD[:at] + junk + GOOD[at:])
    told = None if message is None else report(message)
    assert told is None or told.status[0] in "45"


def test_the_mail_that_comes_back_with_it_may_be_of_any_size() -> None:
    long = GOOD.replace(b"Subject: Your tickets\r\n", b"Subject: " + b"x" * MOST + b"\r\n")
    assert len(long) > MOST
    message = parsed(long)
    assert message is not None
    assert report(message) is not None
