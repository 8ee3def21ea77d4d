"""Two events at one venue: a gate of one name serves both."""

import pytest
from msgspec.structs import replace

from edge.errors import Refused
from edge.practice.world import EVENT, World, plan
from shared.bundle import Part, Section
from shared.keyset import KEYSET, Key
from shared.signed import Kind, open_signed, seal
from tests.edge.conftest import MakeSite
from tests.edge.gates import NOW, STAFFED, Site
from tests.edge.papers import manifest

SECOND = b"2nd show"


@pytest.fixture
def both(make: MakeSite) -> tuple[Site, World]:
    """Return a gate that serves the evening and, beside it, a second show with the same gates."""
    world = World.make(NOW, tickets=0)
    site = make(world)
    second = World.make(NOW, tickets=0, event=SECOND, plan_of=plan(NOW, name="Second show"))
    organizer = world.organizer
    document = open_signed(Kind.KEYSET, organizer.keyset(2), organizer.root, KEYSET)
    key = Key(
        "issuer", SECOND.hex(), organizer.public("second"), NOW - 1, NOW + 10**7, revoked=False
    )
    widened = replace(document, keys=(*document.keys, key))
    site.feed(Section(Part.KEYSET, seal(Kind.KEYSET, widened, organizer.secret("root"))))
    site.feed(*manifest(second.organizer, 1))
    return site, second


def test_each_ticket_is_judged_by_its_own_event(both: tuple[Site, World]) -> None:
    """Of the same kind and at the same lane."""
    site, second = both
    assert site.code_of("standing") == "admitted"
    assert site.code_of(second.code("standing", key="second")) == "admitted"
    assert site.code_of(second.code("standing", key="second")) == "already_admitted"
    assert site.code_of("standing") == "already_admitted"
    assert {record.event for record in site.records() if record.ticket != bytes(16)} == {
        EVENT,
        SECOND,
    }


def test_an_exit_closes_the_entry_of_the_right_event(both: tuple[Site, World]) -> None:
    """The other stays."""
    site, second = both
    site.scan("standing")
    site.scan(second.code("standing", key="second"))
    assert site.code_of(second.code("standing", key="second"), "out") == "exit"
    assert site.gate.ledger.inside(EVENT, 1, 0) == 1
    assert site.gate.ledger.inside(SECOND, 1, 0) == 0


def test_an_event_without_that_gate_is_another_event(both: tuple[Site, World]) -> None:
    """At a lane that is posted where the second show has no gate of that name."""
    site, second = both
    organizer = second.organizer
    plan_of = organizer.plan
    gates = tuple(
        replace(gate, name="Elsewhere") if gate.name == "North" else gate for gate in plan_of.gates
    )
    organizer.plan = replace(plan_of, gates=gates)
    site.feed(*manifest(organizer, 2))
    verdict = site.scan(second.code("standing", key="second"))
    assert (verdict.code, verdict.ticket_class) == ("wrong_event", "")
    assert site.code_of(second.code("standing", key="second"), "south") == "admitted"


def test_staff_choose_from_all_events(both: tuple[Site, World]) -> None:
    """By name; what is not there is refused."""
    site, _ = both
    offered = site.gate.board.posts()
    assert [each.event_name for each in offered] == ["Second show", "Night at the Arena"]
    site.sign_in()
    choose = site.gate.lanes.choose
    assert choose(STAFFED, SECOND.hex(), 1, exiting=False).event_name == "Second show"
    for event, gate, exiting, code in (
        ("00" * 8, 1, False, "post_event"),
        ("zz", 1, False, "post_event"),
        (EVENT.hex(), 99, False, "post_gate"),
        (EVENT.hex(), 5, False, "post_direction"),
    ):
        with pytest.raises(Refused) as caught:
            choose(STAFFED, event, gate, exiting=exiting)
        assert caught.value.code == code
