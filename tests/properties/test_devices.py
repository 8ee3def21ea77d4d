"""Requests, enrolments and the decoders of everything a device takes in (spec/devices.md)."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from shared.devices import enrolment
from shared.devices.command import Recipient, accept_command, open_stamp
from shared.devices.enrolment import Enrolment, State
from shared.devices.proof import proves
from shared.devices.request import Request, body_hash, check_request, sign_request
from shared.devices.roster import TrustedRoster
from shared.errors import SENTENCES, UsherError
from shared.hashing import device_id, evidence
from shared.instant import Instant
from shared.keys import public_key
from shared.keyset import TrustedKeys
from shared.log.record import decode
from tests.vectors import wire_log
from tests.vectors.wire_devices import (
    NOW,
    ROOT,
    TENANT,
    command,
    hello,
    keyset,
    offer,
    sealed_roster,
    stamp,
)
from tests.vectors.wire_log import GATE, OTHER_GATE

TIME = Instant(NOW * 1000)
KEYS = TrustedKeys(ROOT).accept(keyset())
ROSTER = TrustedRoster(TENANT).update(sealed_roster(), KEYS, TIME)
ME = Recipient(TENANT, device_id(public_key(GATE)))
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
NONCES = st.binary(min_size=16, max_size=16)
REQUESTS = st.builds(Request, TEXT, TEXT, TEXT, st.binary(max_size=9).map(body_hash))
OFFER = enrolment.parse_offer(offer())


@given(REQUESTS, REQUESTS, NONCES, st.integers(-300_000, 300_000))
def test_a_signature_fits_one_request(one: Request, two: Request, nonce: bytes, skew: int) -> None:
    """Accepted as signed and within the window, and for nothing else."""
    header = sign_request(one, GATE, TIME.ms, nonce)
    accepted = check_request(one, header, ROSTER, TIME.ms + skew, set())
    assert (accepted.device, accepted.nonce) == (ME.device, nonce)
    if one != two:
        assert refused(lambda: check_request(two, header, ROSTER, TIME.ms, set()))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400_000)), max_size=12))
def test_no_request_is_accepted_twice(arrivals: list[tuple[int, int]]) -> None:
    """A server that forgets nonces when it may accepts each of them once at most."""
    asked = Request("POST", "gate.example", "/", body_hash(b""))
    headers = [sign_request(asked, GATE, TIME.ms + 250_000 * i, bytes([i] * 16)) for i in range(4)]
    kept: dict[tuple[bytes, bytes], int] = {}
    accepted: list[int] = []
    now = TIME.ms - 300_000
    for which, passed in arrivals:
        now += passed
        kept = {key: forget for key, forget in kept.items() if forget > now}
        try:
            result = check_request(asked, headers[which], ROSTER, now, kept)
        except UsherError:
            continue
        kept[result.device, result.nonce] = result.forget
        accepted.append(which)
    assert len(set(accepted)) == len(accepted)


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    acts = st.sampled_from(["claim", "reveal", "compare", "revoke"])
    return draw(st.lists(st.tuples(acts, st.integers(0, 1), st.integers(0, 250)), max_size=8))


@given(steps())
def test_an_offer_makes_one_member_at_most(acts: list[tuple[str, int, int]]) -> None:
    """Confirmed means: claimed, revealed and compared right, in time, by one key, and final."""
    state, now = Enrolment(OFFER), NOW
    log: list[tuple[str, int]] = []
    nonces = [bytes([7] * 16), bytes([8] * 16)]
    hellos = [
        enrolment.hello(OFFER, GATE, nonces[0]),
        enrolment.hello(OFFER, OTHER_GATE, nonces[1]),
    ]
    for act, who, passed in acts:
        now += passed
        before = state
        try:
            if act == "claim":
                state = enrolment.claim(state, hellos[who], bytes([len(log)] * 16), now)
            elif act == "reveal":
                state = enrolment.reveal(state, nonces[who], now)
            elif act == "compare":
                keys = public_key((GATE, OTHER_GATE)[who])
                typed = enrolment.digits(OFFER, keys, state.challenge, nonces[who])
                state = enrolment.compare(state, typed, now)
            else:
                state = enrolment.revoke(state)
        except UsherError:
            continue
        log.append((act, who))
        if before.state in (State.CONFIRMED, State.VOID):
            assert state.state in (before.state, State.REVOKED)
        if before.hello:
            assert (state.hello, state.challenge) == (before.hello, before.challenge)
    if state.state is State.CONFIRMED:
        who = hellos.index(state.hello)
        assert ("compare", who) in log
        assert ("reveal", who) in log
        assert state.pk == public_key((GATE, OTHER_GATE)[who])


def refused(act: Callable[[], object]) -> bool:
    """Whether it raises what `shared` raises on purpose; anything else goes on up."""
    try:
        act()
    except UsherError as error:
        return error.code in SENTENCES
    return False


def mutants(raw: bytes) -> st.SearchStrategy[bytes]:
    """Bytes near to good ones: one changed, some cut off, some added."""
    places = st.tuples(st.integers(0, len(raw) - 1), st.integers(1, 255))
    changed = places.map(lambda p: raw[: p[0]] + bytes((raw[p[0]] ^ p[1],)) + raw[p[0] + 1 :])
    cut = st.integers(0, len(raw) - 1).map(lambda end: raw[:end])
    return changed | cut | st.binary(min_size=1, max_size=9).map(lambda more: raw + more)


@given(st.binary(max_size=300) | mutants(sealed_roster()))
def test_only_the_signed_roster_is_taken_in(raw: bytes) -> None:
    """Any other bytes raise a declared error."""
    assert refused(lambda: TrustedRoster(TENANT).update(raw, KEYS, TIME))


@given(st.binary(max_size=300) | mutants(command()))
def test_only_the_signed_command_is_obeyed(raw: bytes) -> None:
    """Any other bytes raise a declared error."""
    assert refused(lambda: accept_command(raw, KEYS, TIME, ME))


@given(st.binary(max_size=120) | mutants(stamp(TIME.ms)))
def test_only_a_signed_time_counts(raw: bytes) -> None:
    """Any other bytes raise a declared error."""
    assert refused(lambda: open_stamp(raw, KEYS, TIME))


@given(st.binary(max_size=200) | mutants(hello(offer(), GATE)))
def test_only_a_proved_key_claims(raw: bytes) -> None:
    """Any other bytes raise a declared error."""
    assert refused(lambda: enrolment.claim(Enrolment(OFFER), raw, bytes(16), NOW))


@given(st.text(max_size=600) | mutants(offer().encode()).map(lambda raw: raw.decode("latin-1")))
def test_an_offer_has_one_spelling(text: str) -> None:
    """What parses is what the offer is written as; the rest raises a declared error."""
    parsed: list[enrolment.Offer] = []
    if not refused(lambda: parsed.append(enrolment.parse_offer(text))):
        assert enrolment.offer_text(parsed[0]) == text


@given(st.text(max_size=300))
def test_any_header_is_refused(header: str) -> None:
    """Whatever stands in the header."""
    asked = Request("GET", "gate.example", "/", body_hash(b""))
    assert refused(lambda: check_request(asked, header, ROSTER, TIME.ms, set()))


@given(st.binary(max_size=400), st.sampled_from(sorted(wire_log.KINDS)))
def test_junk_proves_nothing(blob: bytes, kind: str) -> None:
    """Even where the record names it."""
    said = wire_log.first() if kind == "BOOT" else wire_log.fields(kind)
    record = decode(wire_log.seal(said))._replace(evidence=evidence(blob))
    assert not proves(record, blob, KEYS, ROSTER)
