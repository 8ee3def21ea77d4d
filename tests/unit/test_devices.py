"""The signing sides of requests, times and badges agree with the checking sides."""

from types import MappingProxyType

import pytest

from shared.devices.command import RELAYED, open_stamp, seal_stamp
from shared.devices.enrolment import claim, parse_offer
from shared.devices.proof import countersign, proves
from shared.devices.request import Request, body_hash, check_request, sign_request
from shared.devices.roster import Cutoff, Heir, TrustedRoster
from shared.errors import Malformed, Refused, Untrusted
from shared.hashing import device_id, evidence
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.log.record import Kind, decode, seal
from tests.vectors import wire, wire_log
from tests.vectors.wire_devices import CHALLENGE, NONCE, NOW, ROOT, TENANT, hello, keyset, offer
from tests.vectors.wire_devices import sealed_roster as roster_of

TIME = Instant(NOW * 1000)
KEYS = TrustedKeys(ROOT).accept(keyset())
ROSTER = TrustedRoster(TENANT).update(roster_of(), KEYS, TIME)
GATE = wire.seed("gate A")
NEXT = wire.public(wire.seed("gate A, its next key"))
ASKED = Request("GET", "gate.example", "/v1/time", body_hash(b""))


def test_a_signed_request_is_accepted_once() -> None:
    """The caller's memory of nonces is what stops the second."""
    header = sign_request(ASKED, GATE, TIME.ms, NONCE)
    accepted = check_request(ASKED, header, ROSTER, TIME.ms, set())
    with pytest.raises(Refused):
        check_request(ASKED, header, ROSTER, TIME.ms, {accepted[:2]})


def test_a_nonce_may_be_forgotten_when_its_request_is_too_old() -> None:
    """Between the last moment that it is accepted and `forget` there is no gap."""
    header = sign_request(ASKED, GATE, TIME.ms, NONCE)
    accepted = check_request(ASKED, header, ROSTER, TIME.ms, set())
    check_request(ASKED, header, ROSTER, accepted.forget - 1, set())
    with pytest.raises(Untrusted):
        check_request(ASKED, header, ROSTER, accepted.forget, set())


def test_a_target_may_be_as_long_as_its_length_can_say() -> None:
    """65,535 bytes; one more is a vector."""
    asked = ASKED._replace(target="/" + "a" * 65_534)
    header = sign_request(asked, GATE, TIME.ms, NONCE)
    assert check_request(asked, header, ROSTER, TIME.ms, set()).nonce == NONCE


def test_a_revoked_device_is_refused_unless_its_records_are_asked_for() -> None:
    """Whoever forgets to say which gets the safe answer."""
    header = sign_request(ASKED, wire.seed("gate B"), TIME.ms, NONCE)
    with pytest.raises(Untrusted) as error:
        check_request(ASKED, header, ROSTER, TIME.ms, set())
    assert error.value.code == "request_revoked_device"


@pytest.mark.parametrize("nonce", [b"", bytes(15), bytes(17)])
def test_a_nonce_has_16_bytes(nonce: bytes) -> None:
    """Another length would move the fields after it."""
    with pytest.raises(ValueError, match="nonce"):
        sign_request(ASKED, GATE, TIME.ms, nonce)


def test_a_stamp_answers_or_is_relayed() -> None:
    """What the cloud seals, a device opens."""
    secret = wire.seed("command key")
    assert open_stamp(seal_stamp(TIME.ms, secret, NONCE), KEYS, TIME, NONCE) == TIME.ms
    assert open_stamp(seal_stamp(TIME.ms, secret), KEYS, TIME) == TIME.ms
    assert seal_stamp(TIME.ms, secret) == seal_stamp(TIME.ms, secret, RELAYED)


def test_a_countersigned_record_is_proved() -> None:
    """What a badge signs proves the record, sealed with its evidence, and no other."""
    draft = decode(wire_log.seal(wire_log.fields("ANNUL")))
    blob = countersign(draft, wire.seed("supervisor"), b"code")
    record = decode(seal(draft._replace(evidence=evidence(blob)), GATE))
    assert proves(record, blob, KEYS, ROSTER)
    assert not proves(record._replace(seq=3), blob, KEYS, ROSTER)
    assert not proves(record, blob, KEYS, TrustedRoster(TENANT))


def test_a_boot_is_proved_by_nothing() -> None:
    """Records that act on nobody's admission have no proof."""
    blob = countersign(decode(wire_log.seal(wire_log.first())), wire.seed("supervisor"))
    booted = decode(wire_log.seal(wire_log.first(evidence=evidence(blob))))
    assert booted.kind == Kind.BOOT
    assert not proves(booted, blob, KEYS, ROSTER)


def test_a_roster_comes_back_after_a_restart() -> None:
    """The kept bytes give back what the device had, even past the roster's expiry."""
    later = Instant(NOW * 1000 + 10**10, trusted=False)
    again = TrustedRoster(TENANT).accept(ROSTER.raw, KEYS, later)
    assert again == ROSTER
    assert TrustedRoster(TENANT).version == 0


def test_a_roster_can_t_be_changed_in_place() -> None:
    """An empty roster's maps are shared by all: they must be read-only."""
    assert isinstance(TrustedRoster(TENANT).devices, MappingProxyType)


def test_a_code_that_no_offer_has_is_unknown() -> None:
    """The same answer whether the offer never was or is another."""
    with pytest.raises(Untrusted) as error:
        claim(None, hello(offer(), GATE), CHALLENGE, NOW)
    assert error.value.code == "enrol_unknown"


LABEL = "a" * 63


@pytest.mark.parametrize(
    "host",
    [
        *("gate", "a-b.c1", "10.0.0.7", "gate:1", "gate:4430", "gate:65535"),
        *("[::1]:8443", "[fd00::7]", LABEL, f"{LABEL}.{LABEL}.{LABEL}.{LABEL[:61]}"),
    ],
)
def test_an_offer_names_a_host_and_a_port(host: str) -> None:
    """Labels of 1 to 63 characters, 253 in all, and any port that is not the usual one."""
    assert parse_offer(offer(f"https://{host}")).origin == f"https://{host}"


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", "a..b", ".a", "a.", "-a", "a-", "a.-b", "a-.b", "A", "a_b"),
        *("[fd00:0::7]", "[:::]", "::1", "me@gate", "gate:1:2"),
        *("gate:", "gate:0", "gate:0443", "gate:443", "gate:65536", "gate:99999", "gate:100000"),
        *(LABEL + "a", f"{LABEL}.{LABEL}.{LABEL}.{LABEL[:62]}"),
    ],
)
def test_an_offer_s_origin_has_one_spelling(host: str) -> None:
    """No empty label, no hyphen at an end of one, no port that is usual or is none."""
    with pytest.raises(Malformed) as error:
        parse_offer(offer(f"https://{host}"))
    assert error.value.code == "enrol_offer"


def _heir_of(name: str) -> TrustedRoster:
    """Return the roster in the eyes of a device that goes over to another key."""
    heir = Heir(device_id(wire.public(wire.seed(name))), NEXT)
    return TrustedRoster(TENANT, heir=heir).update(roster_of(), KEYS, TIME)


def test_an_heir_has_its_device_s_place_until_a_roster_names_it() -> None:
    """All that the old key has written counts, and it is a member no more."""
    old, new = device_id(wire.public(GATE)), device_id(NEXT)
    held = _heir_of("gate A")
    assert held.devices[new] == ROSTER.devices[old]._replace(pk=NEXT)
    assert held.devices[old].cutoff is not None
    assert held.devices[old].counts(2**32 - 1, 2**53 - 1)
    others = {device: each for device, each in held.devices.items() if device not in (old, new)}
    assert others == {device: each for device, each in ROSTER.devices.items() if device != old}
    listed = {**_listed(NEXT), "name": "gate A", "site": 3}
    end = {**_listed(wire.public(GATE)), "cutoff": {"incarnation": 1, "seq": 9}}
    raw = roster_of(version=6, devices=[end, listed])
    told = held.update(raw, KEYS, TIME)
    assert told.devices[new].site == 3
    assert told.devices[old].cutoff == Cutoff(1, 9)
    assert told.heir == Heir(old, NEXT)
    both = held.update(roster_of(version=6, devices=[end | {"cutoff": None}, listed]), KEYS, TIME)
    assert both.devices[new].site == 3


@pytest.mark.parametrize("name", ["gate B", "nobody"])
def test_nobody_inherits_from_a_device_that_is_shut_out(name: str) -> None:
    """Neither from one with a cutoff, nor from one that is not listed."""
    assert _heir_of(name).devices == ROSTER.devices


def _listed(pk: bytes) -> dict[str, object]:
    return {"pk": pk.hex(), "name": "gate", "kind": "kiosk", "cutoff": None, "site": 0}
