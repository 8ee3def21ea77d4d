"""What a gate must get right about signatures and live codes, on the real decision path."""

import pytest

from edge.gate.acts import Act
from edge.gate.verdict import Action
from edge.practice.organizer import YEAR
from edge.practice.world import LIVE, World, plan
from shared import keys
from shared.bundle import Part, Section
from shared.event import Policy
from shared.log.record import Kind, Shown, unpack_bits
from shared.outcomes import Signal
from shared.presentation import DOMAIN
from shared.token import BOUND, LIVE_REQUIRED, TIMED, Token, encode_text, issue
from tests.edge.conftest import MakeSite
from tests.edge.gates import DAY, NOW, SUE, Site
from tests.edge.papers import keyset, manifest

IDENTITY_POINT = bytes([1]) + bytes(31)  # a public key for which one signature fits everything


def test_a_valid_ticket_that_no_list_has_is_admitted_and_flagged(site: Site) -> None:
    """It can only be newer than the list."""
    verdict = site.scan(site.world.unlisted())
    assert (verdict.code, verdict.flag) == ("admitted", "not_in_manifest")


def test_the_events_policy_may_hold_it_for_a_supervisor(make: MakeSite) -> None:
    """Who then admits it, flagged."""
    held_policy = plan(NOW, policy=Policy(unknown_ticket="hold"))
    site = make(World.make(NOW, tickets=0, plan_of=held_policy))
    held = site.scan(site.world.unlisted())
    assert (held.code, held.actions) == ("not_in_manifest", (Action.APPROVE,))
    verdict = site.gate.desk.resolve("north", held.scan, Act(approve=True), site.badge(SUE))
    assert (verdict.code, verdict.flag) == ("admitted", "not_in_manifest")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("nobody", "unknown_issuer"),
        ("other", "unknown_issuer"),  # a key of the organizer's, but of another event
        ("withdrawn", "revoked_key"),
        ("not yet", "key_outside_window"),
    ],
)
def test_keys_that_are_not_in_force_refuse(site: Site, key: str, code: str) -> None:
    """Each with a code of its own; counted, never logged."""
    verdict = site.scan(site.world.code("seated", key=key))
    assert (verdict.code, verdict.name, verdict.seat) == (code, "", "")
    assert not site.records(Kind.IN, Kind.DENY)


def test_the_next_key_is_good_from_its_first_second_on(make: MakeSite) -> None:
    """A key that is published ahead of its time refuses until then."""
    patient = plan(NOW, policy=Policy(restrict_age=90 * DAY))
    world = World.make(NOW, tickets=0, plan_of=patient)
    site = make(world)
    code = world.code("seated", key="not yet")
    organizer = world.organizer
    site.time.go(30 * DAY - 1)
    site.feed(*manifest(organizer, 2, issued=site.time.now, expires=site.time.now + YEAR))
    site.reopen()
    assert site.code_of(code) == "key_outside_window"
    site.time.go(1)
    assert site.code_of(code) == "admitted"


def test_a_changed_signature_is_refused(site: Site) -> None:
    """One bit of it, spelled properly."""
    organizer = site.world.organizer
    raw = bytearray(organizer.token(organizer.sold["seated"]))
    raw[-1] ^= 1
    assert site.code_of(encode_text(bytes(raw))) == "bad_signature"


def test_every_other_field_is_under_the_signature(site: Site) -> None:
    """Ticket, generation, class and expiry: whichever byte is changed, it is no ticket."""
    organizer = site.world.organizer
    token = organizer.token(organizer.sold["seated"])
    for at in range(len(token)):
        changed = bytearray(token)
        changed[at] ^= 0x40
        verdict = site.scan(encode_text(bytes(changed)))
        assert verdict.signal is not Signal.ADMIT, at
    assert not site.records(Kind.IN, Kind.DENY)


@pytest.mark.parametrize("age", [-30, 0, 45])
def test_a_live_code_in_its_window_is_admitted(site: Site, age: int) -> None:
    """From 45 seconds old to 30 seconds ahead; the record says that it was live."""
    assert site.code_of(site.world.live(NOW - age)) == "admitted"
    (record,) = site.records(Kind.IN)
    assert unpack_bits(record.bits).shown is Shown.LIVE


@pytest.mark.parametrize(("age", "reason"), [(46, "stale_past"), (-31, "stale_future")])
def test_a_stale_live_code_is_amber_with_the_way_out(site: Site, age: int, reason: str) -> None:
    """A challenge, which needs no common clock."""
    verdict = site.scan(site.world.live(NOW - age))
    assert (verdict.code, verdict.signal, verdict.reason) == ("stale_code", Signal.ACT, reason)
    assert verdict.actions == (Action.CHALLENGE,)
    assert not site.records(Kind.IN, Kind.DENY)


def test_the_events_policy_sets_the_window(make: MakeSite) -> None:
    """Here it is five minutes."""
    slow = plan(NOW, policy=Policy(live_past=300))
    site = make(World.make(NOW, tickets=0, plan_of=slow))
    assert site.code_of(site.world.live(NOW - 301)) == "stale_code"
    assert site.code_of(site.world.live(NOW - 300)) == "admitted"


def test_a_challenge_is_answered_once_and_within_a_minute(site: Site) -> None:
    """By a phone whose clock is a year off."""
    shown = bytes.fromhex(site.gate.desk.challenge("north"))
    assert len(shown) == 4
    answer = site.world.live(0, shown)
    assert site.code_of(answer) == "admitted"
    (record,) = site.records(Kind.IN)
    assert unpack_bits(record.bits).shown is Shown.CHALLENGE
    site.scan("live", "out")
    again = site.scan(answer)
    assert (again.code, again.reason) == ("stale_code", "challenge_not_asked")


def test_a_challenge_ends_after_sixty_seconds(site: Site) -> None:
    """59.9 seconds are in time, 60 are not."""
    first = site.world.live(0, bytes.fromhex(site.gate.desk.challenge("north")))
    site.time.go(60)
    assert site.code_of(first) == "stale_code"
    second = site.world.live(0, bytes.fromhex(site.gate.desk.challenge("north")))
    site.time.go(59.9)
    assert site.code_of(second) == "admitted"


def test_a_new_challenge_ends_the_one_before(site: Site) -> None:
    """Only what is on the screen counts."""
    old = site.world.live(0, bytes.fromhex(site.gate.desk.challenge("north")))
    site.gate.desk.challenge("north")
    verdict = site.scan(old)
    assert (verdict.code, verdict.reason) == ("challenge_required", "wrong_challenge")


def test_a_challenge_of_one_lane_is_no_answer_at_another(site: Site) -> None:
    """Each lane shows its own bytes."""
    answer = site.world.live(0, bytes.fromhex(site.gate.desk.challenge("north")))
    assert site.code_of(answer, "south") == "stale_code"
    assert site.code_of(answer) == "admitted"


def test_while_a_challenge_is_on_show_nothing_else_counts(site: Site) -> None:
    """Neither a fresh live code nor a static one of a bound ticket; and no failed try ends it."""
    shown = site.gate.desk.challenge("north")
    for text_ in (site.world.live(NOW), "bound", site.world.live(0, b"\1\2\3\4")):
        verdict = site.scan(text_)
        assert verdict.code == "challenge_required"
        assert verdict.challenge == shown
    assert site.code_of(site.world.live(0, bytes.fromhex(shown))) == "admitted"


@pytest.mark.parametrize("lane", ["north", "south"])
def test_a_static_copy_of_a_live_only_ticket_is_amber(site: Site, lane: str) -> None:
    """The paper or a screenshot of the ticket itself."""
    verdict = site.scan("live", lane)
    assert (verdict.code, verdict.signal) == ("live_code_required", Signal.ACT)
    assert not site.records(Kind.IN, Kind.DENY)


def test_a_screenshot_of_a_live_code_dies(site: Site) -> None:
    """It is good while it is fresh and the ticket outside, and never again."""
    picture = site.world.live(NOW)
    assert site.code_of(picture) == "admitted"
    assert site.code_of(picture, "south") == "already_admitted"
    site.time.go(46)
    site.scan(site.world.live(site.time.now), "out")
    assert site.code_of(picture) == "stale_code"


def test_a_holder_key_of_small_order_is_refused(site: Site) -> None:
    """A ticket that the organizer signed for such a key, and the signature that fits all."""
    organizer = site.world.organizer
    secret = organizer.secret("issuer")
    sold = organizer.sold["live"]
    fields = (site.world.kid("issuer"), organizer.event, sold.ticket, 0, LIVE, NOW + YEAR)
    token = issue(Token(BOUND, LIVE_REQUIRED, *fields, IDENTITY_POINT), secret)
    body = bytes([TIMED]) + token[1:] + NOW.to_bytes(4, "big")
    forged = body + IDENTITY_POINT + bytes(32)
    verdict = site.scan(encode_text(forged))
    assert (verdict.code, verdict.reason) == ("bad_holder_proof", "bad_holder_key")


def test_a_live_code_signed_by_another_phone_is_refused(site: Site) -> None:
    """The holder's signature is under the ticket's own key."""
    organizer = site.world.organizer
    raw = site.world.organizer.token(organizer.sold["live"])
    body = bytes([TIMED]) + raw[1:] + NOW.to_bytes(4, "big")
    wrong = body + keys.sign(organizer.secret("phone bound"), DOMAIN, body)
    assert site.code_of(encode_text(wrong)) == "bad_holder_proof"


def test_the_ticket_of_another_phone_is_superseded_where_the_list_has_a_newer_key(
    make: MakeSite,
) -> None:
    """The same generation with another holder key than the list's."""
    world = World.make(NOW, tickets=0)
    sold = world.organizer.sold["bound"]
    old = world.code("bound")
    world.organizer.sell("bound", sold._replace(holder=world.organizer.secret("new phone")))
    site = make(world)
    assert site.code_of(old) == "superseded"
    assert site.code_of("bound") == "admitted"


@pytest.mark.parametrize("key", ["nobody", "withdrawn", "not yet", "other"])
def test_an_exit_lets_out_what_does_not_verify(site: Site, key: str) -> None:
    """Green, flagged and counted; nothing of the code is written."""
    verdict = site.scan(site.world.code("seated", key=key), "out")
    assert (verdict.code, verdict.signal, verdict.exiting) == ("exit", Signal.ADMIT, True)
    assert verdict.flag in ("unknown_issuer", "revoked_key", "key_outside_window")
    assert not site.records(Kind.OUT, Kind.DENY)


def test_an_exit_lets_out_stale_static_and_challenged_codes(site: Site) -> None:
    """A phone with a wrong clock keeps nobody in."""
    assert site.scan(site.world.live(NOW - 500), "out").flag == "stale_code"
    assert site.scan("live", "out").flag == "live_code_required"
    assert site.scan(site.world.of_another_night(), "out").flag == "wrong_event"
    site.gate.desk.challenge("out")
    assert site.scan("bound", "out").flag == "challenge_required"


def test_an_exit_asks_for_a_code_where_none_was_shown(site: Site) -> None:
    """An address is not a ticket at an exit either: nobody was refused, show the ticket."""
    assert site.code_of("https://example.org", "out") == "not_a_ticket"


@pytest.mark.parametrize(
    "wrong",
    [
        "https://example.org/?q=1",
        "bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W",
        "WIFI:S:net;T:WPA;P:secret;;",
        "<script>alert(1)</script>",
        "'; DROP TABLE record; --",
        "\x1b[2J\x00\x07",
        "",
        " ",
        "名" * 600,
        "A" * 100_000,
    ],
)
def test_the_wrong_thing_before_the_camera_is_not_a_ticket(site: Site, wrong: str) -> None:
    """And its text is in nothing that anybody is told."""
    verdict = site.scan(wrong)
    assert verdict.code == "not_a_ticket"
    assert not wrong.strip() or wrong not in str(verdict.plain())


@pytest.mark.parametrize("prefix", ["U2:", "U9:"])
def test_a_newer_kind_of_ticket_asks_for_an_update(site: Site, prefix: str) -> None:
    """It is never called forged."""
    assert site.code_of(prefix + site.text("seated")[3:]) == "unknown_version"


def test_several_codes_in_view_ask_for_one(site: Site) -> None:
    """Even if all of them are good; the same one twice is one."""
    station = site.gate.station
    texts = [site.text("standing"), site.text("seated")]
    assert station.scan_several(texts, "north", "hand").code == "several_codes"
    assert not site.records(Kind.IN)
    assert station.scan_several(texts[:1] * 2, "north", "hand").code == "admitted"


def test_a_withdrawn_issuer_key_comes_by_file(make: MakeSite) -> None:
    """From then on its tickets are refused, at entries alone."""
    world = World.make(NOW, tickets=0)
    site = make(world)
    assert site.code_of("standing") == "admitted"
    organizer = world.organizer
    site.feed(Section(Part.KEYSET, keyset(organizer, 2, "issuer")))
    assert site.code_of("standing 2") == "revoked_key"
    assert site.code_of("standing", "out") == "exit"
