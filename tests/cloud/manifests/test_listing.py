"""What a list says of a ticket between two codes, one fact a test."""

from uuid import UUID

from cloud.manifests import listing
from cloud.manifests.listing import Listed
from cloud.tickets.lifecycle import State
from shared.hashing import holder_hash
from shared.manifest import Status, TicketRecord
from shared.manifest.ticket import check_successor

PHONE, OTHER = b"\x41" * 32, b"\x42" * 32
ROW = Listed(
    UUID(int=1), bytes(16), 7, State.ACTIVE, 0, False, PHONE, "Zoë", "", b"\1" * 134
)  # fmt: skip
FIRST = TicketRecord(bytes(16), 3, 0, 7, Status.ACTIVE, holder_hash(PHONE))


def test_a_ticket_without_a_code_is_not_listed_yet() -> None:
    """A live ticket that no phone is bound to has nothing to show."""
    assert listing.record(ROW._replace(token=None, holder=None), None, 3) is None


def test_a_new_ticket_takes_the_next_number() -> None:
    """Its number is the list's own."""
    assert listing.record(ROW, None, 3) == FIRST


def test_a_ticket_handed_over_is_blocked_until_it_is_bound() -> None:
    """The old code is dead, and the new one is a record that gates take."""
    between = listing.record(ROW._replace(gen=1, token=None, holder=None), FIRST, 9)
    assert between == FIRST._replace(status=Status.BLOCKED)
    bound = listing.record(ROW._replace(gen=1, holder=OTHER), between, 9)
    assert bound == FIRST._replace(gen=1, holder=holder_hash(OTHER))
    assert bound is not None
    check_successor(FIRST, between)
    check_successor(between, bound)


def test_a_ticket_taken_away_between_two_codes_is_gone_for_good() -> None:
    """Refunded and revoked are said as such, with or without a code."""
    gone = ROW._replace(state=State.REFUNDED, token=None, holder=None)
    assert listing.record(gone, FIRST, 9) == FIRST._replace(status=Status.REFUNDED)


def test_a_name_too_long_is_cut_between_characters() -> None:
    """A name of 80 characters and 240 bytes is sealed all the same."""
    assert listing.name(ROW._replace(attendee="漢" * 80), bytes(12)) != b""
