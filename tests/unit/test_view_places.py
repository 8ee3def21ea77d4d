"""What a view knows of logs: which records stand where, how far each goes, and which part."""

from shared.log.record import Kind
from shared.merge.ticket import view_ticket
from shared.merge.view import View
from tests.scribe import EVENT, Scribe, hashed


def test_an_incarnation_ends_where_the_first_gap_is() -> None:
    """What waits behind it is at its place, and not the end."""
    scribe, view = Scribe("north"), View()
    assert view.end(scribe.device, 1) is None
    boot, first, second, third = scribe.boot(), *(scribe.enter(name) for name in "abc")
    for raw in (boot, first, third):
        view.add(raw)
    assert view.end(scribe.device, 1) == first
    assert view.at(scribe.device, 1, 4) == [third]
    assert view.at(scribe.device, 1, 3) == view.at(b"nobody", 1, 1) == []
    view.add(second)
    assert view.end(scribe.device, 1) == third


def test_a_record_before_its_boot_is_no_end() -> None:
    """Nothing chains to it."""
    scribe, view = Scribe("north"), View()
    scribe.boot()
    view.add(scribe.enter("a"))
    assert view.end(scribe.device, 1) is None


def test_incarnations_with_two_records_at_one_place_are_forked() -> None:
    """Whether or not the second one's predecessor is here."""
    scribe, view = Scribe("north"), View()
    view.add(scribe.boot())
    head, seq = scribe.head, scribe.seq
    view.add(scribe.enter("a"))
    assert view.forked() == set()
    scribe.head, scribe.seq = head, seq
    scribe.enter("b")
    last = scribe.enter("c")
    scribe.head, scribe.seq = head, seq + 1
    view.add(last)
    assert view.forked() == set()
    view.add(scribe.enter("d"))
    assert view.forked() == {(scribe.device, 1)}


def test_a_record_is_known_where_it_stands_alone_beside_another_and_where_it_waits() -> None:
    scribe, view = Scribe("north"), View()
    first = scribe.boot()
    assert not view.knows(first)
    view.add(first)
    head, seq = scribe.head, scribe.seq
    one = scribe.enter("a")
    scribe.head, scribe.seq = head, seq
    other = scribe.enter("b")
    view.add(one)
    assert view.knows(first)
    assert view.knows(one)
    assert not view.knows(other)
    view.add(other)
    scribe.enter("missing")
    waiting = scribe.enter("c")
    assert view.knows(other)
    assert not view.knows(waiting)
    view.add(waiting)
    assert view.knows(waiting)


def test_tickets_are_those_that_records_are_about() -> None:
    """Also where they wait; a refusal is about nobody's right."""
    scribe, view = Scribe("north"), View()
    view.add(scribe.boot())
    view.add(scribe.enter("a"))
    view.add(scribe.write(Kind.DENY, "b"))
    scribe.enter("missing")
    view.add(scribe.enter("c"))
    view.add(scribe.write(Kind.DENY, "d"))
    assert view.tickets() == {EVENT + hashed("a"), EVENT + hashed("c")}


def test_a_tickets_records_are_those_that_count() -> None:
    """Not what waits, nor what is another ticket's; and nothing of one that nobody has seen."""
    scribe, view = Scribe("north"), View()
    view.add(scribe.boot())
    first = scribe.enter("a")
    view.add(first)
    view.add(scribe.enter("b"))
    scribe.enter("missing")
    view.add(scribe.enter("a"))
    assert view.records(EVENT, hashed("a")) == [first]
    assert view.records(EVENT, hashed("missing")) == []


def test_a_ticket_is_what_its_own_records_make() -> None:
    scribe, view = Scribe("north"), View()
    view.add(scribe.boot())
    first = scribe.enter("a")
    view.add(first)
    view.add(scribe.enter("b"))
    assert view.ticket(EVENT, hashed("a")) == view_ticket([first], set())
    assert view.ticket(EVENT, hashed("missing")) == view_ticket([], set())
