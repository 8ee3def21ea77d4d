"""Every vector of the devices suite (spec/devices.md)."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.devices import command, enrolment, request
from shared.devices.proof import proves
from shared.devices.roster import TrustedRoster
from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.log.record import decode
from tests.vectors.generate_devices import build
from tests.vectors.suite import FOLDER, load, text_of
from tests.vectors.wire_devices import NOW

KEPT = load("devices")
VECTORS: list[dict[str, Any]] = KEPT["vectors"]
TENANT = bytes.fromhex(KEPT["tenant"])
TIME = Instant(NOW * 1000)
KEYS = TrustedKeys(bytes.fromhex(KEPT["root"])).accept(bytes.fromhex(KEPT["keyset"]))
ROSTER = TrustedRoster(TENANT).accept(bytes.fromhex(KEPT["roster"]), KEYS, TIME)


def test_vectors_were_found() -> None:
    """An empty file would pass every test below."""
    assert len(VECTORS) >= 20


def test_the_file_is_what_its_script_writes() -> None:
    """Nobody edited a vector by hand, and no change of the code changed one unseen."""
    assert (FOLDER / "devices.json").read_text(encoding="ascii") == text_of(build())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, Any]) -> None:
    """The answer is the one that the suite states."""
    given = dict(vector["input"])
    answer = ANSWERS[given.pop("op")]
    try:
        got = answer(**given)
    except UsherError as error:
        got = {"error": error.code}
    assert got == vector["expect"], vector["comment"]


def a_roster(held: str | None, raw: str, now: int, trusted: bool) -> dict[str, Any]:
    at = Instant(now * 1000, trusted)
    before = TrustedRoster(TENANT)
    if held:
        before = before.accept(bytes.fromhex(held), KEYS, at)
    return {"version": before.update(bytes.fromhex(raw), KEYS, at).version}


def a_place(device: str, incarnation: int, seq: int) -> dict[str, Any]:
    member = ROSTER.devices.get(bytes.fromhex(device))
    return {"counts": member is not None and member.counts(incarnation, seq)}


def an_offer(text: str) -> dict[str, Any]:
    offer = enrolment.parse_offer(text)
    assert enrolment.offer_text(offer) == text
    return {k: v.hex() if isinstance(v, bytes) else v for k, v in offer._asdict().items()}


def a_hello(offer: str, seed: str, nonce: str) -> dict[str, Any]:
    made = enrolment.hello(enrolment.parse_offer(offer), bytes.fromhex(seed), bytes.fromhex(nonce))
    return {"hello": made.hex()}


def the_digits(offer: str, pk: str, challenge: str, revealed: str) -> dict[str, Any]:
    exchanged = [bytes.fromhex(value) for value in (pk, challenge, revealed)]
    return {"digits": enrolment.digits(enrolment.parse_offer(offer), *exchanged)}


def an_enrolment(offer: str, steps: list[Any]) -> dict[str, Any]:
    state = enrolment.Enrolment(enrolment.parse_offer(offer))
    for step, *values in steps:
        if step == "claim":
            raw, challenge, now = values
            state = enrolment.claim(state, bytes.fromhex(raw), bytes.fromhex(challenge), now)
        elif step == "reveal":
            state = enrolment.reveal(state, bytes.fromhex(values[0]), values[1])
        elif step == "compare":
            state = enrolment.compare(state, *values)
        else:
            state = enrolment.revoke(state)
    return {"state": state.state.value}


def a_welcome(offer: str, pk: str, keyset: str, roster: str) -> dict[str, Any]:
    key, first, second = (bytes.fromhex(value) for value in (pk, keyset, roster))
    _, members = enrolment.welcome(enrolment.parse_offer(offer), key, first, second, TIME)
    return {"version": members.version}


def a_request(
    method: str, host: str, target: str, body: str, header: str, now: int,
    seen: list[list[str]], revoked_too: bool,
) -> dict[str, Any]:  # fmt: skip
    asked = request.Request(method, host, target, request.body_hash(bytes.fromhex(body)))
    known = {(bytes.fromhex(device), bytes.fromhex(nonce)) for device, nonce in seen}
    accepted = request.check_request(asked, header, ROSTER, now, known, revoked_too=revoked_too)
    return {k: v.hex() if isinstance(v, bytes) else v for k, v in accepted._asdict().items()}


def a_command(raw: str, device: str, obeyed: int) -> dict[str, Any]:
    me = command.Recipient(TENANT, bytes.fromhex(device), obeyed)
    accepted = command.accept_command(bytes.fromhex(raw), KEYS, TIME, me)
    return {"action": accepted.action, "time": accepted.time}


def a_stamp(raw: str, nonce: str) -> dict[str, Any]:
    return {"ms": command.open_stamp(bytes.fromhex(raw), KEYS, TIME, bytes.fromhex(nonce))}


def a_badge(record: str, blob: str) -> dict[str, Any]:
    return {"proves": proves(decode(bytes.fromhex(record)), bytes.fromhex(blob), KEYS, ROSTER)}


ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    "roster": a_roster,
    "counts": a_place,
    "offer": an_offer,
    "hello": a_hello,
    "digits": the_digits,
    "enrol": an_enrolment,
    "welcome": a_welcome,
    "request": a_request,
    "command": a_command,
    "stamp": a_stamp,
    "badge": a_badge,
}
