"""What devices and badges sign, and what the cloud tells devices, in the devices' vectors."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from tests.vectors import wire
from tests.vectors.suite import Json, vector
from tests.vectors.wire_devices import NONCE, NOW, TENANT, command, countersign, request, stamp
from tests.vectors.wire_log import GATE, START, device_id, fields, pack, seal

MS: Final = NOW * 1000
PARTS: Final[Json] = {
    "method": "POST", "host": "gate.example:8443", "target": "/v1/records?from=7", "body": b"{}"
}  # fmt: skip


def requests() -> Iterator[Json]:
    """Yield a signed request, and what can be wrong with it."""
    header = request(**PARTS)
    device = device_id(GATE)

    def case(name: str, why: str, expect: Json, header: str = header, **changed: Any) -> Json:
        given = PARTS | {"header": header, "now": MS, "seen": [], "revoked_too": False} | changed
        given["body"] = given["body"].hex()
        return vector("request", name, why, given, expect)

    good = {"device": device.hex(), "nonce": NONCE.hex(), "forget": MS + 300_001}
    bad_signature = {"error": "request_bad_signature"}
    yield case("good", "A batch of records.", good)
    yield case("no body", "The hash of nothing.", good, request(**PARTS | {"body": b""}), body=b"")
    yield case("clock 5 minutes behind", "The window's edge.", good, now=MS + 300_000)
    yield case("clock 5 minutes ahead", "The window's edge.", good, now=MS - 300_000)
    yield case("too old", "1 ms over.", {"error": "request_stale"}, now=MS + 300_001)
    yield case("too early", "1 ms over.", {"error": "request_early"}, now=MS - 300_001)
    yield case(
        "repeated",
        "The nonce is known.",
        {"error": "request_replayed"},
        seen=[[device.hex(), NONCE.hex()]],
    )
    yield case(
        "another's nonce", "Nonces are each device's own.", good, seen=[["00" * 16, NONCE.hex()]]
    )
    for part, value in (
        ("method", "PUT"),
        ("host", "evil.example"),
        ("body", b"[]"),
        ("target", "/v1/records?from=8"),
        ("target", "/v1/records?from=7&a=b"),
    ):
        changed: Json = {part: value}
        yield case(f"{part} {value!r}", "Another request.", bad_signature, **changed)
    shifted: Json = {"host": "gate.example:8443/v1", "target": "/records?from=7"}
    yield case("shifted", "The same bytes, cut elsewhere.", bad_signature, **shifted)
    late = header.replace(f".{MS}.", f".{MS + 1}.")
    yield case("another time", "The time is signed.", bad_signature, late)
    yield case(
        "another nonce",
        "The nonce is signed.",
        bad_signature,
        header.replace(NONCE.hex(), "ff" * 16),
    )
    yield case(
        "another domain",
        "A record's signature is no request's.",
        bad_signature,
        request(**PARTS, domain="log"),
    )
    named_b = header.replace(device.hex(), device_id(wire.seed("gate B")).hex())
    yield case("another device's name", "Signed by gate A.", bad_signature, named_b)
    yield case(
        "unknown device",
        "Not on the roster.",
        {"error": "request_unknown_device"},
        request(**PARTS, device="stranger"),
    )
    revoked = request(**PARTS, device="gate B")
    yield case("revoked device", "Cut off.", {"error": "request_revoked_device"}, revoked)
    yield case(
        "revoked device's queue",
        "What it wrote before still counts.",
        good | {"device": device_id(wire.seed("gate B")).hex()},
        revoked,
        revoked_too=True,
    )
    yield case(
        "stale and forged",
        "A forged request learns nothing of the clock.",
        bad_signature,
        late,
        now=MS + 900_000,
    )
    for name, bad_header in (
        ("empty", ""),
        ("another scheme", header.replace("Usher1", "Bearer")),
        ("upper case", header.replace(NONCE.hex(), NONCE.hex().upper())),
        ("leading zero", header.replace(f".{MS}.", f".0{MS}.")),
        ("two spaces", header.replace(" ", "  ")),
        ("line break", header + "\n"),
        ("cut off", header[:-2]),
        ("Arabic digits", header.replace(f".{MS}.", ".\u0661.")),
    ):
        yield case(f"header {name}", "One spelling.", {"error": "request_header"}, bad_header)
    yield case(
        "wide target",
        "Only what a request line can hold.",
        {"error": "request_part"},
        target="/\u00e9",
    )
    yield case(
        "long target", "Its length must fit.", {"error": "request_part"}, target="/" + "a" * 65_535
    )


def commands() -> Iterator[Json]:
    """Yield commands for gate A, which has obeyed number 6, and signed times."""

    def case(name: str, why: str, raw: bytes, expect: Json, obeyed: int = 6) -> Json:
        given = {"raw": raw.hex(), "device": device_id(GATE).hex(), "obeyed": obeyed}
        return vector("command", name, why, given, expect)

    for action in ("wipe", "lock", "unlock"):
        yield case(action, "Obeyed.", command(action=action), {"action": action, "time": None})
    yield case(
        "set time",
        "Obeyed.",
        command(action="set_time", time=MS),
        {"action": "set_time", "time": MS},
    )
    yield case(
        "number skipped", "Others were lost.", command(number=90), {"action": "wipe", "time": None}
    )
    yield case(
        "numbers at their most",
        "Obeyed.",
        command(action="set_time", number=2**53 - 1, time=2**47),
        {"action": "set_time", "time": 2**47},
    )
    for name, raw, error, why in (
        ("again", command(number=6), "command_replayed", "Obeyed before."),
        ("older", command(number=5), "command_replayed", "An unlock from before a lock."),
        ("another device", command(device="00" * 16), "command_other_device", "Not for us."),
        ("another tenant", command(tenant="ff" * 16), "command_other_device", "Not for us."),
        ("wipe with a time", command(time=MS), "command_time", "A field nobody reads."),
        ("set time without", command(action="set_time"), "command_time", "To what?"),
        ("signed by the roster key", command("roster key"), "document_unknown_key", "Roles."),
        ("number 0", command(number=0), "document_body", "They count from 1."),
        ("number 2^53", command(number=2**53), "document_body", "JavaScript can't hold it."),
        (
            "time beyond 2^47",
            command(action="set_time", time=2**47 + 1),
            "document_body",
            "Out of range.",
        ),
        ("unknown action", command(action="explode"), "document_body", "Not in the list."),
    ):
        yield case(name, why, raw, {"error": error})
    for name, nonce, raw, expect, why in (
        ("relayed", bytes(16), stamp(MS), {"ms": MS}, "It is no earlier."),
        ("answer", NONCE, stamp(MS, NONCE), {"ms": MS}, "Our question."),
        ("another's answer", bytes(16), stamp(MS, NONCE), {"ms": MS}, "Still no earlier."),
        ("last time", bytes(16), stamp(2**47), {"ms": 2**47}, "The bound."),
        ("no answer", NONCE, stamp(MS), {"error": "stamp_other_question"}, "It may be old."),
        ("other answer", NONCE, stamp(MS, TENANT), {"error": "stamp_other_question"}, "Old."),
        ("far future", bytes(16), stamp(2**47 + 1), {"error": "stamp_time"}, "Out of range."),
        (
            "altered",
            bytes(16),
            stamp(MS)[:5] + b"\xff" + stamp(MS)[6:],
            {"error": "stamp_bad_signature"},
            "Another time.",
        ),
        (
            "roster key",
            bytes(16),
            stamp(MS, signer="roster key"),
            {"error": "stamp_unknown_key"},
            "Roles are not shared.",
        ),
        (
            "another domain",
            bytes(16),
            stamp(MS, domain="command"),
            {"error": "stamp_bad_signature"},
            "A command is no time.",
        ),
        ("cut off", bytes(16), stamp(MS)[:-1], {"error": "stamp_length"}, "91 bytes."),
    ):
        yield vector("stamp", name, why, {"raw": raw.hex(), "nonce": nonce.hex()}, expect)


def badges() -> Iterator[Json]:
    """Yield records with a badge's countersignature, genuine or not."""

    def case(name: str, why: str, proves: bool, said: Json, blob: bytes) -> Json:
        evidence = sha256(b"usher/evidence/v1\0" + blob).digest()
        given = {"record": seal(said | {"evidence": evidence}).hex(), "blob": blob.hex()}
        return vector("badge", name, why, given, {"proves": proves})

    def signed(said: Json, badge: str = "supervisor", **how: Any) -> bytes:
        return countersign(pack(said), wire.seed(badge), **how)

    def bare(kind: str, **says: Any) -> Json:
        return fields(kind, evidence=bytes(32), **says)

    for kind, says in (
        ("ANNUL", {}),
        ("OVERRIDE", {}),
        ("IN", {"bits": 0x20}),
        ("OUT", {"bits": 0x20}),
    ):
        said = bare(kind, **says)
        yield case(f"{kind} by a supervisor", "The act is proved.", True, said, signed(said))
    said = bare("OVERRIDE")
    yield case(
        "override of a scanned code",
        "The code's hash is signed too.",
        True,
        said,
        signed(said, code=b"code"),
    )
    for badge, proves, why in (
        ("scanner", False, "Not a supervisor's."),
        ("technician", False, "Not a supervisor's."),
        ("stranger", False, "Not on the roster."),
        ("gate A", False, "A device is no badge."),
        ("lost badge", False, "From the second of its loss on."),
    ):
        yield case(f"override by {badge}", why, proves, said, signed(said, badge))
    then = bare("OVERRIDE", hlc=START << 16)
    yield case(
        "at the second of the loss",
        "From that second on.",
        False,
        then,
        signed(then, "lost badge"),
    )
    early = bare("OVERRIDE", hlc=(START - 1) << 16)
    yield case(
        "before the loss", "What it did before counts.", True, early, signed(early, "lost badge")
    )
    for name, changed in (
        ("another ticket", {"ticket": b"\1" * 16}),
        ("another place", {"seq": 3}),
        ("another device", {"device": device_id(wire.seed("gate C"))}),
        ("another reason", {"reason": 3 << 16 | 64}),
        ("another kind", {"kind": 3, "allowance": 0, "terms": 0, "ref": b"\x33" * 16}),
        ("another time", {"hlc": START << 16}),
        ("another generation", {"gen": 2}),
    ):
        yield case(f"moved to {name}", "It fits one record.", False, said | changed, signed(said))
    blob = signed(said)
    swapped = blob[:1] + wire.public(wire.seed("scanner")) + blob[33:]
    for name, wrong, why in (
        ("cut off", blob[:-1], "128 bytes."),
        ("longer", blob + b"\0", "130 bytes."),
        ("empty", b"", "Nothing."),
        ("another type", b"\x30" + blob[1:], "Not known."),
        ("another badge", swapped, "Not its signature."),
        ("another code", blob[:33] + b"\1" + blob[34:], "The code's hash is signed."),
        ("another domain", signed(said, domain="log"), "A record's signature is no badge's."),
    ):
        yield case(f"blob {name}", why, False, said, wrong)
    undone = bare("ANNUL")
    other = seal(undone | {"evidence": b"\1" * 32}).hex()
    yield vector(
        "badge",
        "not named",
        "The record names another blob.",
        {"record": other, "blob": signed(undone).hex()},
        {"proves": False},
    )
    for badge, proves in (
        ("scanner", True),
        ("technician", True),
        ("supervisor", True),
        ("stranger", False),
        ("lost badge", False),
    ):
        badge_id = sha256(b"usher/badge-id/v1\0" + wire.public(wire.seed(badge))).digest()[:16]
        began = bare("SESSION", ref=badge_id)
        yield case(
            f"session of {badge}",
            "Any badge in force opens a session.",
            proves,
            began,
            signed(began, badge),
        )
    began = bare("SESSION", ref=b"\x66" * 16)
    yield case(
        "session in another's name",
        "`ref` names the badge.",
        False,
        began,
        signed(began, "scanner"),
    )
    scanned = bare("IN")
    yield case(
        "entry with a code",
        "An entry that was scanned rests on its code.",
        False,
        scanned,
        signed(scanned),
    )
