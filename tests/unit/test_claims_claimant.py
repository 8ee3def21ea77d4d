"""Whom a claimant asks, and what it makes of the answers (spec/claims.md §4)."""

import pytest

from shared.claims.claimant import (
    AGAIN_MS,
    ALONE,
    ANSWER_MS,
    BELIEVE_MS,
    Ask,
    Claimant,
    Granted,
    Step,
    Taken,
    Wait,
    answered,
    begin,
    late,
    lost,
)
from shared.claims.messages import Answer, Claim, Grant, Held, InDoubt, Wrong
from shared.devices.roster import Cutoff, Member
from shared.log.record import Confirm, Kind
from tests.scribe import EVENT, Scribe, hashed, root

ME, X, Y, Z = (Scribe(name) for name in ("me", "X", "Y", "Z"))
DEVICES = {scribe.device: Member(scribe.public, None) for scribe in (ME, X, Y, Z)}
RANKING = (X.device, Y.device, ME.device, Z.device)
PEERS = {X.device: 1, Y.device: 2, ME.device: 0, Z.device: 3}
RIGHT = root("t")
CLAIM = Claim(7, b"n" * 16, ME.device, EVENT, hashed("t"), (RIGHT,)).signed(ME.secret)
THEIRS = Claim(7, b"o" * 16, Z.device, EVENT, hashed("t"), (RIGHT,)).signed(Z.secret)
NOW = 100
Z.boot()
ENTRY = Z.enter("t")


def start(peers: dict[bytes, int] = PEERS) -> tuple[Claimant, Step]:
    return begin(CLAIM, RANKING, peers, NOW)


def reply(answer: Answer, connection: int = 1, now: int = NOW + 5) -> tuple[Claimant, Step]:
    said = answered(start()[0], connection, answer, DEVICES, now)
    assert said
    return said


def test_the_first_owner_s_grant_is_undegraded() -> None:
    """And claimed, as the record says."""
    assert start()[1] == Ask(X.device, NOW + ANSWER_MS)
    assert reply(Grant(CLAIM.nonce))[1] == Granted(Confirm.CLAIMED, False)


def test_a_gate_grants_itself_what_it_owns() -> None:
    """Alone on the LAN or not; what another is first for only degraded."""
    for ranking, degraded in (((ME.device, X.device), False), (RANKING, True)):
        claimant, step = begin(CLAIM, ranking, {ME.device: 0}, NOW)
        assert step == Ask(ME.device, NOW + ANSWER_MS)
        said = answered(claimant, 0, Grant(CLAIM.nonce), DEVICES, NOW)
        assert said
        assert said[1] == Granted(Confirm.CLAIMED, degraded)


def test_two_owners_are_asked_and_then_nobody() -> None:
    """Whoever does not answer is passed over; the second one's grant is degraded."""
    claimant, _ = start()
    claimant, step = late(claimant, NOW + ANSWER_MS)
    assert step == Ask(Y.device, NOW + 2 * ANSWER_MS)
    said = answered(claimant, 2, Grant(CLAIM.nonce), DEVICES, NOW + 200)
    assert said
    assert said[1] == Granted(Confirm.CLAIMED, True)
    claimant, step = late(claimant, NOW + 2 * ANSWER_MS)
    assert step == ALONE


def test_owners_out_of_reach_are_not_asked() -> None:
    """The highest that is reachable is, though it is not the first."""
    assert start({ME.device: 0, Y.device: 2})[1] == Ask(Y.device, NOW + ANSWER_MS)
    assert start({})[1] == ALONE


@pytest.mark.parametrize("answer", [InDoubt(CLAIM.nonce), Wrong(CLAIM.nonce, 8)])
def test_an_owner_that_can_t_say_is_passed_over(answer: Answer) -> None:
    """At once."""
    assert reply(answer)[1] == Ask(Y.device, NOW + 5 + ANSWER_MS)


def test_an_answer_counts_on_its_connection_and_for_its_claim_alone() -> None:
    """What an owner said in an earlier life, or to an earlier claim, is nothing."""
    claimant, _ = start()
    assert answered(claimant, 2, Grant(CLAIM.nonce), DEVICES, NOW) is None
    assert answered(claimant, 1, Grant(THEIRS.nonce), DEVICES, NOW) is None


def test_a_lost_connection_moves_on_if_it_mattered() -> None:
    """To the next owner."""
    claimant, _ = start()
    assert lost(claimant, 3, NOW) is None
    moved = lost(claimant, 1, NOW)
    assert moved
    assert moved[1] == Ask(Y.device, NOW + ANSWER_MS)


def test_an_entry_in_a_log_ends_the_claim() -> None:
    """Decide again with it."""
    assert reply(Held(CLAIM.nonce, ENTRY))[1] == Taken(ENTRY)


def test_another_s_claim_is_waited_for_and_asked_about_again() -> None:
    """The same owner, until its lease must be over; then the next."""
    claimant, step = reply(Held(CLAIM.nonce, THEIRS))
    seen, now = NOW + 5, NOW + 5
    assert step == Wait(now + AGAIN_MS)
    while now < seen + BELIEVE_MS - AGAIN_MS:
        now += AGAIN_MS
        claimant, step = late(claimant, now)
        assert step == Ask(X.device, now + ANSWER_MS)
        said = answered(claimant, 1, Held(CLAIM.nonce, THEIRS), DEVICES, now)
        assert said
        claimant, step = said
        assert step == Wait(now + AGAIN_MS)
    now += AGAIN_MS
    claimant, _ = late(claimant, now)
    said = answered(claimant, 1, Held(CLAIM.nonce, THEIRS), DEVICES, now)
    assert said
    assert said[1] == Ask(Y.device, now + ANSWER_MS)


def test_an_owner_that_falls_silent_after_a_wait_is_passed_over() -> None:
    """It is not asked for ever."""
    claimant, _ = reply(Held(CLAIM.nonce, THEIRS))
    claimant, _ = late(claimant, NOW + 55)
    assert late(claimant, NOW + 55 + ANSWER_MS)[1] == Ask(Y.device, NOW + 55 + 2 * ANSWER_MS)


def test_patience_ends_whatever_is_said() -> None:
    """Also where each answer names another claim; a claim that starts anew keeps its end."""
    claimant, step = start()
    now = NOW
    for n in range(1000):
        if isinstance(step, Granted):
            break
        other = THEIRS._replace(nonce=n.to_bytes(16, "big")).signed(Z.secret)
        said = answered(claimant, 1, Held(CLAIM.nonce, other), DEVICES, now)
        assert said
        claimant, step = said
        assert isinstance(step, Wait)
        now = step.until
        claimant, step = late(claimant, now)
    assert step == ALONE
    assert begin(CLAIM, RANKING, PEERS, NOW, end=NOW)[1] == ALONE


OTHERS = Claim(7, b"o" * 16, Z.device, EVENT, hashed("u"), (RIGHT,)).signed(Z.secret)
ELSEWHERE = THEIRS._replace(rights=(root("t", 1),)).signed(Z.secret)
STRANGER = Scribe("stranger")
UNLISTED = THEIRS._replace(device=STRANGER.device).signed(STRANGER.secret)
CUT = Scribe("cut off")
CUT.boot()


@pytest.mark.parametrize(
    "reason",
    [
        OTHERS,  # of another ticket
        ELSEWHERE,  # of another right
        UNLISTED,
        THEIRS._replace(signature=bytes(64)),  # made up
        CLAIM,  # one's own
        bytes(256),  # no record
        Z.enter("u"),  # of another ticket
        Z.enter("t", root("t", 1)),  # on another right
        Z.enter("t", kind=Kind.OVERRIDE),  # on no right
        ENTRY[:-1] + b"\0",  # made up
        STRANGER.boot(),
        STRANGER.enter("t"),
        CUT.enter("t"),  # after its cutoff
    ],
)
def test_a_refusal_without_evidence_is_none(reason: bytes | Claim) -> None:
    """An owner can't refuse a guest on its own word: the next one is asked."""
    claimant, _ = start()
    devices = DEVICES | {CUT.device: Member(CUT.public, Cutoff(1, 1))}
    said = answered(claimant, 1, Held(CLAIM.nonce, reason), devices, NOW + 5)
    assert said
    assert said[1] == Ask(Y.device, NOW + 5 + ANSWER_MS)
