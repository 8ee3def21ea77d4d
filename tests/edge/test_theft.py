"""What a stolen card is worth: hashed ids, statuses, public keys; and no text that was refused."""

import stat

import pytest

from edge.gate.acts import Act
from edge.practice.world import HOSTILE, World
from edge.store.stores import DATABASE, KEY, MIRROR
from shared.outcomes import Signal
from shared.token import decode_text
from tests.edge.conftest import MakeSite
from tests.edge.gates import NOW, STAFFED, SUE, Site, id_hash

SCANNED = ("standing", "seated", "family", "hostile", "revoked", "resold", "#3", "#4")


def stolen(site: Site) -> bytes:
    """Return all that is on the card beside the device's key."""
    names = [path.name for path in site.folder.iterdir() if path.name != KEY]
    assert {DATABASE, MIRROR, f"{DATABASE}-wal"} <= {*names}
    return site.bytes_of(*names).replace(bytes(4096), b"")  # room that was never written to


@pytest.fixture
def used(site: Site) -> Site:
    """Return a gate in the middle of an evening."""
    for label in SCANNED:
        site.scan(label)
    site.scan(site.world.live(NOW))
    site.sign_in()
    site.gate.desk.find(STAFFED, "seated")
    held = site.scan("waiver")
    site.gate.desk.resolve("north", held.scan, Act(answers={1: "yes", 2: "12"}))
    site.scan("standing", "out")
    return site


def test_no_ticket_id_is_in_clear(used: Site) -> None:
    """But of the one whose exit has to be proved: only its hash is."""
    card = stolen(used)
    for label, sold in used.world.organizer.sold.items():
        if label != "standing":
            assert sold.ticket not in card, label
    assert id_hash(used.world, "standing 2") in card


def test_no_code_and_no_issuer_signature_is_there_but_of_exits(used: Site) -> None:
    """Neither as bytes nor as text: nobody can print tickets from it."""
    card = stolen(used)
    organizer = used.world.organizer
    for label, sold in organizer.sold.items():
        token = organizer.token(sold)
        kept = token in card
        assert kept is (label == "standing"), label
        assert (token[-64:] in card) is kept
        assert used.text(label).encode() not in card


def test_a_code_is_kept_where_a_generation_is_raised(used: Site) -> None:
    """Others believe it only with the code."""
    newer = used.world.code("daily", gen=2)
    assert decode_text(newer) not in stolen(used)
    assert used.scan(newer).signal is Signal.ADMIT
    assert decode_text(newer) in stolen(used)


def test_no_name_seat_or_order_is_readable(used: Site) -> None:
    """Not even of the tickets that were scanned, or that a supervisor looked for."""
    card = stolen(used)
    guests = [sold for label, sold in used.world.organizer.sold.items() if label.startswith("#")]
    words = {word for sold in guests for word in (*sold.name, f"A-{sold.number + 1000}") if word}
    assert len(words) > 100
    for word in words:
        assert word.encode() not in card, word
        assert word.encode("utf-16-le") not in card, word
    assert HOSTILE.encode() not in card


def test_no_secret_key_is_there(used: Site) -> None:
    """Neither the device's nor a badge's nor an organizer's; PINs are verifiers."""
    card, organizer = stolen(used), used.world.organizer
    roles = ("root", "issuer", "manifest", "roster", "command", f"badge {SUE}", "phone live")
    secrets = [used.me.secret[:32], *(organizer.secret(role)[:32] for role in roles)]
    assert not [secret for secret in secrets if secret in card]
    assert used.badge(SUE).encode() not in card
    assert b"2468" not in card
    assert used.me.pk.hex().encode() in card, "its public key is, in the roster"


def test_only_the_gates_own_user_may_read_any_of_it(used: Site) -> None:
    """Folder 0700, files 0600, from the first start on."""
    assert stat.S_IMODE(used.folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in used.folder.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_the_files_are_private_from_the_first_moment(make: MakeSite) -> None:
    """A gate that was just set up, with its WAL still there."""
    site = make(World.make(NOW, tickets=0))
    test_only_the_gates_own_user_may_read_any_of_it(site)


MARKER = "Zq7hidden"


@pytest.mark.parametrize(
    "text",
    [
        f"https://example.org/{MARKER}",
        MARKER,
        f"U1:{MARKER}.",
        f"U1:{MARKER}",
        f"U9:{MARKER}.",
        f"UB1:{MARKER}.",
        f"<b>{MARKER}</b>",
        f"]Q1{MARKER}\r\n",
        MARKER * 200,
    ],
)
@pytest.mark.parametrize("lane", ["north", "out"])
def test_the_text_of_what_did_not_verify_is_nowhere(site: Site, text: str, lane: str) -> None:
    """Neither in the verdict nor among the last ones nor on the disk: it is counted."""
    verdict = site.scan(text, lane, "camera:front")
    again = site.scan(text, lane, "camera:front")
    assert again.repeat
    told = [verdict, again, *site.gate.board.recent(lane), site.gate.lanes.lane(lane).shown]
    assert MARKER not in str([each.plain() for each in told if each])
    site.gate.keep_counts()
    site.close()
    assert MARKER.encode() not in site.bytes_of()
    site.open()
    assert sum(site.gate.stores.log.counted().values()) == 1


def test_the_bytes_of_a_forged_code_are_nowhere(site: Site) -> None:
    """Its ids are nobody's: no record, no blob, no hash of them."""
    organizer = site.world.organizer
    forged = organizer.code("seated", key="nobody")
    for lane in ("north", "out"):
        site.scan(forged, lane)
    site.gate.keep_counts()
    site.close()
    card = site.bytes_of()
    assert decode_text(forged) not in card
    assert decode_text(forged)[-64:] not in card
    assert forged.encode() not in card


def test_a_verdict_tells_a_name_and_no_code(site: Site) -> None:
    """What goes to screens and to third parties is enough to greet and not to enter."""
    told = str(site.scan("seated").plain())
    assert site.text("seated") not in told
    assert site.world.organizer.sold["seated"].ticket.hex() not in told
