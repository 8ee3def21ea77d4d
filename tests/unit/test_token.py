"""Issuing and presenting, as far as the vectors do not show it."""

from typing import Any

import pytest

from shared import hashing, keys
from shared.presentation import answer, present
from shared.scanner import normalise
from shared.token import BOUND, STATIC, TIMED, Token, decode_text, encode_text, issue, issue_many
from tests.vectors import spec
from tests.vectors.suite import load

ISSUER, HOLDER = b"\x11" * 32, b"\x22" * 32
TICKET = Token(
    STATIC, 0, hashing.kid(keys.public_key(ISSUER)), b"\xa1" * 8, bytes(16), 1, 7, 1_830_297_600
)
LIVE = TICKET._replace(type=BOUND, flags=1, holder_pk=keys.public_key(HOLDER))


KIND = "only static and bound tickets are issued, with the flags of their type"
HOLDER_KEY = "a holder key has 32 bytes, and only a bound ticket has one"
IDS = "an event has 8 bytes and a ticket 16"
RANGE = "a number is out of its range"
OTHER_KEY = "the ticket names another issuer key"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"type": 0x13}, KIND),
        ({"type": 0}, KIND),
        ({"flags": 1}, KIND),
        ({"type": BOUND, "holder_pk": bytes(32), "flags": 2}, KIND),
        ({"kid": bytes(4)}, OTHER_KEY),
        ({"kid": TICKET.kid[:3]}, OTHER_KEY),
        ({"event": bytes(7)}, IDS),
        ({"event": bytes(9)}, IDS),
        ({"ticket": bytes(15)}, IDS),
        ({"ticket": bytes(17)}, IDS),
        ({"gen": 65536}, RANGE),
        ({"gen": -1}, RANGE),
        ({"ticket_class": 65536}, RANGE),
        ({"exp": 2**32}, RANGE),
        ({"holder_pk": bytes(32)}, HOLDER_KEY),
        ({"type": BOUND}, HOLDER_KEY),
        ({"type": BOUND, "holder_pk": bytes(31)}, HOLDER_KEY),
    ],
)
def test_no_ticket_is_issued_that_no_gate_would_read(wrong: dict[str, Any], why: str) -> None:
    """A field out of its range, length or type is a bug of the issuer's, and told."""
    with pytest.raises(ValueError, match=f"^{why}$"):
        issue(TICKET._replace(**wrong), ISSUER)


def test_many_are_issued_as_one_by_one() -> None:
    """Tickets come in order, each signed as alone, from a seed or its secret key."""
    tickets = [TICKET._replace(gen=gen) for gen in range(3)] + [LIVE]
    alone = [issue(ticket, ISSUER) for ticket in tickets]
    assert list(issue_many(tickets, ISSUER)) == alone
    assert list(issue_many(tickets, keys.secret_key(ISSUER))) == alone


def test_only_a_bound_ticket_is_shown_live_and_only_by_its_holder() -> None:
    """A static ticket, half a ticket, a live code or another's ticket cannot be presented."""
    bound = issue(LIVE, ISSUER)
    for ticket in (issue(TICKET, ISSUER), bound[:-1], present(bound, HOLDER, 0), b""):
        with pytest.raises(ValueError, match=r"^only a bound ticket can be shown live$"):
            present(ticket, HOLDER, 0)
    with pytest.raises(ValueError, match=r"^only a bound ticket can be shown live$"):
        present(bytes((TIMED,)) + bound[1:], HOLDER, 0)
    with pytest.raises(ValueError, match=r"^the ticket is bound to another key$"):
        present(bound, ISSUER, 0)


@pytest.mark.parametrize("size", [0, 3, 5])
def test_a_challenge_has_four_bytes(size: int) -> None:
    """No others can be answered."""
    with pytest.raises(ValueError, match=r"^a challenge has 4 bytes$"):
        answer(issue(LIVE, ISSUER), HOLDER, bytes(size))


def test_codes_of_the_vectors_are_made_again_from_their_secrets() -> None:
    """Signing is deterministic: fields and seeds of a good vector give its very text."""
    suite = load("token")
    seeds = {name: bytes.fromhex(seed) for name, seed in suite["seeds"].items()}
    issuers = {hashing.kid(keys.public_key(seed)): seed for seed in seeds.values()}
    good = [vector for vector in suite["vectors"] if "token" in vector["expect"]]
    assert good
    for vector in good:
        fields: dict[str, Any] = {
            name: bytes.fromhex(value) if isinstance(value, str) else value
            for name, value in vector["expect"]["token"].items()
        }
        token = Token(ticket_class=fields.pop("class"), **fields)
        raw = issue(token, issuers[token.kid])
        stamp = decode_text(vector["input"]["text"])[134:138]
        if vector["expect"]["shown"] == "live":
            raw = present(raw, seeds["holder"], int.from_bytes(stamp, "big"))
        if vector["expect"]["shown"] == "challenge":
            raw = answer(raw, seeds["holder"], stamp)
        assert encode_text(raw) == vector["input"]["text"], vector["name"]


@pytest.mark.parametrize(
    ("read", "code"),
    [
        ("U1:X.", "U1:X."),
        ("]Q1U1:X.", "U1:X."),
        ("]Q2U1:X.", "U1:X."),
        ("]Q2\\000026U1:X.\r\n", "U1:X."),
        ("\\000026U1:X.", "U1:X."),
        ("U1:X.\r", "U1:X."),
        ("U1:X.\n", "U1:X."),
        ("U1:X.\r\r", "U1:X.\r"),
        ("U1:X.\n\n", "U1:X.\n"),
        ("U1:X.\n\r", "U1:X.\n"),
        ("U1:X. \n", "U1:X. "),
        (" U1:X.", " U1:X."),
        ("U1:X.\t", "U1:X.\t"),
        ("]Q1]Q1U1:X.", "]Q1U1:X."),
        ("]Q1\\000026\\000026U1:X.", "\\000026U1:X."),
        ("]Q3U1:X.", "]Q3U1:X."),
        ("]C1U1:X.", "]C1U1:X."),
        ("]q1U1:X.", "]q1U1:X."),
        ("\\00026U1:X.", "\\00026U1:X."),
        (
            "\\\u0661\u0661\u0661\u0661\u0661\u0661U1:X.",
            "\\\u0661\u0661\u0661\u0661\u0661\u0661U1:X.",
        ),
        ("\r\nU1:X.", "\r\nU1:X."),
        ("U1:\r\n.", "U1:\r\n."),
        ("]Q1", ""),
        ("\n", ""),
        ("", ""),
    ],
)
def test_what_readers_add_is_taken_off_and_nothing_else(read: str, code: str) -> None:
    """One identifier, one ECI escape, one line end; the strict parser gets all the rest."""
    assert normalise(read) == code


def test_the_examples_of_the_specification_are_what_the_code_makes() -> None:
    """The hex of spec/token.md and spec/README.md follows from its seeds."""
    shown = spec.examples("token.md") | spec.examples("README.md")
    issuer_kid = hashing.kid(keys.public_key(ISSUER))
    event, ticket = bytes.fromhex("a1b2c3d4e5f60718"), bytes(range(16))
    token = Token(STATIC, 0, issuer_kid, event, ticket, 1, 7, 1_830_297_600)
    bound = token._replace(type=BOUND, flags=1, holder_pk=keys.public_key(HOLDER))
    assert shown["static-ticket"] + shown["static-signature"] == issue(token, ISSUER)
    assert shown["bound-ticket"] == issue(bound, ISSUER)
    assert shown["timed"] == present(shown["bound-ticket"], HOLDER, 1_800_000_000)
    assert shown["kid"] == issuer_kid
    assert shown["signature"] == keys.sign(ISSUER, b"usher/ticket/v1\0", b"")
    assert not keys.is_valid_point(shown["identity-key"])
    texts = spec.texts("token.md")
    assert texts["static-ticket"] == encode_text(issue(token, ISSUER))
    assert normalise(texts["reader"].replace("<CR>", "\r")) == "U1:..."


def test_text_too_long_for_any_code_is_left_as_it_is() -> None:
    """A reader adds at most 12 characters to the 512 that a code may have."""
    longest = "]Q1\\000026" + "U" * 512 + "\r\n"
    assert normalise(longest) == "U" * 512
    assert normalise(longest + "\n") == longest + "\n"
