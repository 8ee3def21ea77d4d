"""Offers, enrolments and welcomes in the devices' vectors."""

from collections.abc import Iterator
from typing import Any

from tests.vectors import wire
from tests.vectors.suite import Json, vector
from tests.vectors.wire_devices import (
    CHALLENGE,
    CODE,
    NONCE,
    NOW,
    ROOT,
    TENANT,
    digits,
    hello,
    keyset,
    offer,
    sealed_roster,
)
from tests.vectors.wire_log import GATE, OTHER_GATE


def offers() -> Iterator[Json]:
    """Yield texts of QR codes."""
    fields = {"code": CODE.hex(), "tenant": TENANT.hex(), "expires": NOW + 600, "root": ROOT.hex()}
    for origin in (
        "https://gate.example",
        "https://10.0.0.7:8443",
        "https://[fd00::7]",
        "http://127.0.0.1:8000",
        "http://localhost:8000",
        "http://[::1]",
    ):
        yield vector(
            "offer",
            origin,
            "A place to enrol at.",
            {"text": offer(origin)},
            {"origin": origin} | fields,
        )
    text = offer()
    weak = text.replace(ROOT.hex(), "00" * 32)
    for name, wrong, error, why in (
        ("plain http", offer("http://gate.example"), "enrol_insecure", "Anybody could listen."),
        ("loopback look-alike", offer("http://localhost.example"), "enrol_insecure", "A host."),
        ("weak root", weak, "enrol_weak_root", "A point of small order."),
        ("empty", "", "enrol_offer", "Nothing."),
        ("another address", "https://gate.example/", "enrol_offer", "Any QR code."),
        (
            "upper-case hex",
            text.replace(CODE.hex(), CODE.hex().upper()),
            "enrol_offer",
            "One spelling.",
        ),
        ("leading zero", text.replace(f".{NOW}"[:3], ".018"), "enrol_offer", "One spelling."),
        ("newer form", text.replace("#1.", "#2."), "enrol_offer", "Not known."),
        ("behind it", text + " ", "enrol_offer", "Nothing is stripped."),
        ("line break", text + "\n", "enrol_offer", "Nothing is stripped."),
        ("user info", offer("https://gate.example@evil.example"), "enrol_offer", "A trick."),
        ("script", offer("javascript://gate.example"), "enrol_offer", "Not an address."),
        ("long host", offer("https://" + "a" * 254), "enrol_offer", "Longer than a name can be."),
    ):
        yield vector("offer", name, why, {"text": wrong}, {"error": error})


def enrolments() -> Iterator[Json]:
    """Yield what becomes of an offer."""
    text = offer()
    raw = hello(text, GATE)
    other = hello(text, OTHER_GATE)
    yield vector(
        "hello",
        "made",
        "144 bytes, with nothing random in them but what is given.",
        {"offer": text, "seed": GATE.hex(), "nonce": NONCE.hex()},
        {"hello": raw.hex()},
    )
    shown = digits(text, GATE)
    for name, secret, challenge, nonce in (
        ("plain", GATE, CHALLENGE, NONCE),
        ("another key", OTHER_GATE, CHALLENGE, NONCE),
        ("another challenge", GATE, NONCE, NONCE),
        ("another nonce", GATE, CHALLENGE, CHALLENGE),
    ):
        given = {
            "offer": text,
            "pk": wire.public(secret).hex(),
            "challenge": challenge.hex(),
            "revealed": nonce.hex(),
        }
        yield vector(
            "digits",
            name,
            "Everything that was exchanged counts.",
            given,
            {"digits": digits(text, secret, challenge, nonce)},
        )
    claim: list[Any] = ["claim", raw.hex(), CHALLENGE.hex(), NOW]
    reveal: list[Any] = ["reveal", NONCE.hex(), NOW]
    compare: list[Any] = ["compare", shown, NOW]
    wrong_digits = f"{(int(shown) + 1) % 1_000_000:06}"
    forged = raw[:16] + other[16:80] + raw[80:]
    misled = hello(offer("https://evil.example"), GATE)
    weak = CODE + bytes(32) + raw[48:]
    for name, steps, state, why in (
        ("claimed", [claim], "claimed", "A key is brought."),
        ("claimed again", [claim, claim], "claimed", "The answer was lost on its way."),
        ("revealed", [claim, reveal], "revealed", "The digits are fixed."),
        ("revealed again", [claim, reveal, reveal], "revealed", "The answer was lost."),
        ("confirmed", [claim, reveal, compare], "confirmed", "The digits are the same."),
        ("last second", [[*claim[:3], NOW + 599]], "claimed", "Ten minutes."),
        ("another nonce", [claim, ["reveal", CHALLENGE.hex(), NOW]], "void", "Not committed to."),
        ("long nonce", [claim, ["reveal", NONCE.hex() + "00", NOW]], "void", "Not a nonce."),
        ("wrong digits", [claim, reveal, ["compare", wrong_digits, NOW]], "void", "One try."),
        (
            "digits with a space",
            [claim, reveal, ["compare", shown[:3] + " " + shown[3:], NOW]],
            "void",
            "The console strips what people add, before.",
        ),
        ("revoked", [["revoke"]], "revoked", "Before its first use."),
        ("revoked in between", [claim, ["revoke"]], "revoked", "Until it is confirmed."),
    ):
        yield vector("enrol", name, why, {"offer": text, "steps": steps}, {"state": state})
    for name, steps, error, why in (
        (
            "unknown code",
            [["claim", (bytes(16) + raw[16:]).hex(), CHALLENGE.hex(), NOW]],
            "enrol_unknown",
            "Not this offer's.",
        ),
        ("cut off", [["claim", raw[:-1].hex(), CHALLENGE.hex(), NOW]], "enrol_hello", "143 bytes."),
        ("expired", [[*claim[:3], NOW + 600]], "enrol_expired", "Ten minutes are over."),
        (
            "expired at the end",
            [claim, reveal, ["compare", shown, NOW + 600]],
            "enrol_expired",
            "The person took too long.",
        ),
        (
            "used by another",
            [claim, ["claim", other.hex(), CHALLENGE.hex(), NOW]],
            "enrol_used",
            "Somebody photographed the code, and came second.",
        ),
        ("used up", [claim, reveal, compare, claim], "enrol_used", "It is for one device."),
        ("void", [claim, ["reveal", CHALLENGE.hex(), NOW], reveal], "enrol_used", "No second try."),
        ("revoked, then claimed", [["revoke"], claim], "enrol_revoked", "Taken back."),
        (
            "no proof",
            [["claim", forged.hex(), CHALLENGE.hex(), NOW]],
            "enrol_bad_proof",
            "A key that the device doesn't hold.",
        ),
        (
            "another offer read",
            [["claim", misled.hex(), CHALLENGE.hex(), NOW]],
            "enrol_bad_proof",
            "The device saw a code with another address: somebody is in between.",
        ),
        (
            "weak key",
            [["claim", weak.hex(), CHALLENGE.hex(), NOW]],
            "enrol_bad_proof",
            "A point of small order.",
        ),
        ("revealed too soon", [reveal], "enrol_step", "Nobody has claimed it."),
        (
            "other reveal",
            [claim, reveal, ["reveal", CHALLENGE.hex(), NOW]],
            "enrol_step",
            "The digits are fixed.",
        ),
        ("compared too soon", [claim, compare], "enrol_step", "There are no digits yet."),
        (
            "revoked after",
            [claim, reveal, compare, ["revoke"]],
            "enrol_used",
            "A member is revoked by the roster.",
        ),
    ):
        yield vector("enrol", name, why, {"offer": text, "steps": steps}, {"error": error})
    yield from welcomes(text)


def welcomes(text: str) -> Iterator[Json]:
    """Yield what the cloud may answer a device in the end."""
    own = sealed_roster()
    stranger = wire.public(wire.seed("stranger")).hex()
    revoked = wire.public(OTHER_GATE).hex()
    for name, pk, raw, expect, why in (
        ("listed", wire.public(GATE).hex(), own, {"version": 5}, "A member."),
        ("not listed", stranger, own, {"error": "enrol_not_listed"}, "Somebody else's roster."),
        ("revoked", revoked, own, {"error": "enrol_not_listed"}, "No member any more."),
        (
            "another tenant",
            wire.public(GATE).hex(),
            sealed_roster(tenant="ff" * 16),
            {"error": "roster_tenant"},
            "Not the one of the offer.",
        ),
    ):
        given = {"offer": text, "pk": pk, "keyset": keyset().hex(), "roster": raw.hex()}
        yield vector("welcome", name, why, given, expect)
    given = {
        "offer": text.replace(ROOT.hex(), wire.public(wire.seed("evil root")).hex()),
        "pk": wire.public(GATE).hex(),
        "keyset": keyset().hex(),
        "roster": own.hex(),
    }
    yield vector(
        "welcome",
        "another root",
        "Not the one of the offer.",
        given,
        {"error": "document_unknown_key"},
    )
