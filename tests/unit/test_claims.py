"""Who owns a ticket, and how an owner answers (spec/claims.md)."""

import pytest

from shared.claims import leases
from shared.claims.leases import LEASE_MS, SETTLE_MS, Leases, answer, heard, started
from shared.claims.messages import Answer, Claim, Grant, Held, InDoubt, Wrong
from shared.claims.owners import members, owners
from shared.claims.told import MAX_CLAIMS, Told
from shared.devices.roster import Cutoff, Member
from tests.scribe import EVENT, Scribe, hashed, root

A, B, C = (Scribe(name) for name in "ABC")
DEVICES = {scribe.device: Member(scribe.public, None) for scribe in (A, B, C)}
ALONE: tuple[bytes, ...] = ()
BOTH = (A.device, B.device)
NOW = SETTLE_MS
FIRST, SECOND = sorted((root("t"), root("t", 1)))


def claim(
    scribe: Scribe, *rights: bytes, roster: int = 7, ticket: str = "t", nonce: int = 1
) -> Claim:
    rights = tuple(sorted(rights)) or (FIRST,)
    place = roster, nonce.to_bytes(16, "big"), scribe.device, EVENT, hashed(ticket)
    return Claim(*place, rights).signed(scribe.secret)


def owner(*heard_: Scribe) -> Leases:
    """An owner C that has settled, and has heard these."""
    state = started(7, BOTH, 0)
    for scribe in heard_:
        state = heard(state, scribe.device, Told(7), 0)
    return state


def asked(state: Leases, question: Claim, now: int = NOW) -> Answer:
    return answer(state, question, BOTH, {}, now)[1]


def test_owners_are_the_gates_of_the_site_in_force_in_one_order() -> None:
    """The cloud, another site and a device that is cut off own nothing."""
    others = {b"cloud": Member(bytes(32), None, "cloud"), b"far": Member(bytes(32), None, site=2)}
    others[b"out"] = Member(bytes(32), Cutoff(0, 0))
    assert members(DEVICES | others, 0) == DEVICES.keys()
    ranking = owners(DEVICES | others, 0, hashed("t"))
    assert sorted(ranking) == sorted(DEVICES)
    assert ranking == owners(dict(reversed(DEVICES.items())), 0, hashed("t"))


def test_a_device_that_goes_moves_its_own_tickets_alone() -> None:
    """Of 300 tickets each is first for about a third; without C the others keep theirs."""
    firsts = {n: owners(DEVICES, 0, hashed(str(n)))[0] for n in range(300)}
    left = {device: member for device, member in DEVICES.items() if device != C.device}
    for n, first in firsts.items():
        assert first == C.device or owners(left, 0, hashed(str(n)))[0] == first
    assert all(60 < list(firsts.values()).count(device) < 140 for device in DEVICES)


def test_a_right_is_granted_once() -> None:
    """The second is told whose claim it is; after its time it is in doubt, and never free."""
    first, second = claim(A), claim(B)
    state, granted = answer(owner(A, B), first, BOTH, {}, NOW)
    assert granted == Grant(first.nonce)
    assert asked(state, second, NOW + LEASE_MS - 1) == Held(second.nonce, first)
    assert asked(state, second, NOW + LEASE_MS) == InDoubt(second.nonce)


def test_a_release_frees_the_rights_of_its_claim_alone() -> None:
    """Another's word, or one on an earlier claim, does not."""
    state, _ = answer(owner(A, B), claim(A, nonce=2), BOTH, {}, NOW)
    two, three = (n.to_bytes(16, "big") for n in (2, 3))
    assert leases.released(state, A.device, three) == state
    assert leases.released(state, B.device, two) == state
    assert asked(leases.released(state, A.device, two), claim(B)) == Grant(claim(B).nonce)


def test_rights_are_granted_all_or_none() -> None:
    """Where one of two is another's, neither is leased."""
    state, _ = answer(owner(A, B), claim(A, FIRST), BOTH, {}, NOW)
    state, refused = answer(state, claim(B, FIRST, SECOND), BOTH, {}, NOW)
    assert refused == Held(claim(B).nonce, claim(A, FIRST))
    assert asked(state, claim(A, SECOND, nonce=2)) == Grant((2).to_bytes(16, "big"))


def test_the_log_goes_before_leases() -> None:
    """An entry on the right is shown as it was signed."""
    entry = A.enter("t", FIRST)
    state, _ = answer(owner(A, B), claim(A, SECOND), BOTH, {}, NOW)
    question = claim(B, FIRST, SECOND)
    assert answer(state, question, BOTH, {FIRST: entry}, NOW)[1] == Held(question.nonce, entry)


def test_a_device_that_asks_again_is_not_in_its_own_way() -> None:
    """Its answer may have been lost with a connection."""
    state, _ = answer(owner(A, B), claim(A), BOTH, {}, NOW)
    assert asked(state, claim(A, nonce=2)) == Grant((2).to_bytes(16, "big"))


def test_a_claim_by_another_roster_is_told_so() -> None:
    """Its sender may have found another owner, or none."""
    assert asked(owner(A, B), claim(A, roster=8)) == Wrong(claim(A).nonce, 7)


@pytest.mark.parametrize(
    ("state", "connected", "now", "ready"),
    [
        (owner(A, B), BOTH, NOW, True),
        (owner(A), BOTH, NOW, False),  # B is there and was not heard
        (owner(A), (A.device,), NOW, True),
        (owner(), ALONE, NOW, True),
        (owner(), ALONE, NOW - 1, False),  # others may be there and not connected yet
        (owner(A, B), BOTH, 0, True),
        (leases.lost(owner(A, B), B.device), BOTH, NOW, False),
        (leases.moved(owner(A, B), C.device, 7, BOTH, 0), BOTH, NOW, False),
    ],
)
def test_an_owner_grants_when_it_heard_all_who_are_there(
    state: Leases, connected: tuple[bytes, ...], now: int, ready: bool
) -> None:
    """In doubt it says so, and keeps nothing."""
    after, said = answer(state, claim(A), connected, {}, now)
    assert said == (Grant(claim(A).nonce) if ready else InDoubt(claim(A).nonce))
    assert bool(after.held) is ready


def test_what_a_member_was_granted_before_the_owner_s_restart_is_told() -> None:
    """The owner forgot its lease; its holder did not. Under another roster nothing is told."""
    told = Told(7, (claim(A, roster=6),))
    state = heard(owner(B), A.device, told, NOW)
    assert asked(state, claim(B)) == Held(claim(B).nonce, told.claims[0])
    assert heard(owner(B), A.device, Told(6, told.claims), NOW) == owner(B)


def test_leases_outlive_a_new_roster_and_a_lost_connection() -> None:
    """Whoever was granted a right may be writing."""
    state, _ = answer(owner(A, B), claim(A), BOTH, {}, NOW)
    state = leases.moved(leases.lost(state, A.device), C.device, 8, BOTH, NOW)
    state = heard(state, B.device, Told(8), NOW)
    question = claim(B, roster=8)
    later = NOW + SETTLE_MS
    assert answer(state, question, (B.device,), {}, later)[1] == InDoubt(question.nonce)
    state = heard(state, A.device, Told(8), NOW)
    assert asked(state, question, later) == Grant(question.nonce)


def test_what_is_told_replaces_what_was_known_and_counts_once() -> None:
    """Told again, it might leave out what was granted since."""
    state = leases.lost(answer(owner(A, B), claim(A), BOTH, {}, NOW)[0], A.device)
    again = claim(A, SECOND, nonce=2)
    state = heard(state, A.device, Told(7, (again,)), NOW)
    assert set(state.held) == {again.nonce}
    assert heard(state, A.device, Told(7), NOW) == state


def test_what_a_device_may_write_itself_is_a_lease_too() -> None:
    """Another owner granted it; under the next roster this device may be asked."""
    mine = claim(C, FIRST, SECOND)
    state = leases.holding(owner(A, B), mine, NOW)
    assert asked(state, claim(A)) == Held(claim(A).nonce, mine)
    assert asked(leases.used(state, FIRST), claim(A)) == Grant(claim(A).nonce)


def test_a_right_that_two_hold_is_free_once_neither_does() -> None:
    """Another owner granted it to one of them, degraded."""
    one, two = claim(A, nonce=4), claim(B, nonce=5)
    state = leases.holding(leases.holding(owner(A, B), one, NOW), two, NOW)
    state = leases.released(state, B.device, two.nonce)
    assert asked(state, claim(B)) == Held(claim(B).nonce, one)
    assert asked(leases.released(state, A.device, one.nonce), claim(B)) == Grant(claim(B).nonce)


def test_who_is_no_member_any_more_holds_nothing() -> None:
    """What it wrote under the old roster carries that roster."""
    state, _ = answer(owner(A, B), claim(A), BOTH, {}, NOW)
    assert leases.moved(state, C.device, 8, (A.device,), NOW).held == state.held
    assert leases.moved(state, A.device, 8, (B.device,), NOW).held == state.held
    assert leases.moved(state, C.device, 8, (B.device,), NOW).held == {}


def test_an_entry_ends_its_lease() -> None:
    """From then on the log speaks: an entry that is undone at once frees the right at once."""
    state, _ = answer(owner(A, B), claim(A), BOTH, {}, NOW)
    assert asked(leases.used(state, SECOND), claim(B)) == Held(claim(B).nonce, claim(A))
    assert asked(leases.used(state, FIRST), claim(B)) == Grant(claim(B).nonce)


def test_no_device_holds_more_than_guests_could_need() -> None:
    """A compromised gate can't keep every ticket of the event waiting."""
    state = owner(A, B)
    for n in range(MAX_CLAIMS):
        state, granted = answer(state, claim(A, root(str(n)), nonce=n), BOTH, {}, NOW)
        assert granted == Grant(n.to_bytes(16, "big"))
    assert asked(state, claim(A, nonce=MAX_CLAIMS)) == InDoubt(MAX_CLAIMS.to_bytes(16, "big"))
    assert asked(state, claim(A, root("0"), nonce=0)) == Grant(bytes(16))
    assert asked(state, claim(B)) == Grant(claim(B).nonce)
    state = leases.released(state, A.device, bytes(16))
    assert asked(state, claim(A, nonce=99)) == Grant((99).to_bytes(16, "big"))
