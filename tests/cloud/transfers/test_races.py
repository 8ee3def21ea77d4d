"""Two who act on one ticket at the same moment: whatever comes first, the outcome is one of two.

Each race is run several times over real connections; which way it goes is nobody's to say.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import httpx
import pytest

from tests.cloud.service import Person, Service, good, problem
from tests.cloud.transfers.people import Fans

ROUNDS = 8
Act = Callable[[], httpx.Response]


@pytest.fixture(scope="module")
def fans(service: Service) -> Fans:
    """The people of this file."""
    return Fans(service)


def together(*acts: Act) -> list[httpx.Response]:
    """Do all at once; return the answers in their order."""
    barrier = Barrier(len(acts))

    def one(act: Act) -> httpx.Response:
        barrier.wait(30)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


def offers(fans: Fans) -> Iterator[tuple[str, Any]]:
    """Yield tickets on offer, one for each round."""
    for _ in range(ROUNDS):
        ticket = fans.ticket()
        yield ticket, fans.offer(ticket)


def names(fans: Fans, ticket: str) -> list[str]:
    """Return a ticket's moves since it became valid."""
    moves = good(fans.owner.get(f"{ticket}/moves"))["items"]
    told = [each["move"] for each in moves]
    return told[told.index("activate") + 1 :]


def test_of_two_who_accept_one_wins(fans: Fans) -> None:
    """The other is told that the offer is over, and the ticket moved once."""
    for ticket, made in offers(fans):
        people: list[Person] = [fans.ben, fans.eve]
        answers = together(*(partial(fans.accept, who, made) for who in people))
        won = [answer.is_success for answer in answers]
        assert sorted(won) == [False, True]
        assert problem(answers[won.index(False)]) == (409, "transfer_over")
        winner = people[won.index(True)]
        assert good(winner.get(ticket))["gen"] == 1
        assert names(fans, ticket) == ["transfer"]


def test_accepted_or_cancelled_but_not_both(fans: Fans) -> None:
    """Who came second is refused."""
    for ticket, made in offers(fans):
        place = f"{fans.path}/{made['transfer']['transfer_id']}"
        answers = together(partial(fans.accept, fans.ben, made), partial(fans.ada.delete, place))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        accepted = answers[0].is_success
        assert problem(answers[accepted]) == (409, "transfer_over")
        assert names(fans, ticket) == (["transfer"] if accepted else [])
        assert good(fans.ada.get(place))["state"] == ("accepted" if accepted else "cancelled")


def test_refunded_it_goes_to_nobody(fans: Fans) -> None:
    """Accepted before, it is taken from the recipient; after, there is nothing to accept."""
    for ticket, made in offers(fans):
        order = good(fans.owner.get(ticket))["order_id"]
        path = f"{fans.tenant.path}/orders/{order}/refunds"
        accepted, refunded = together(
            partial(fans.accept, fans.ben, made),
            partial(fans.owner.post, path, json={"reason": "Sorry"}),
        )
        good(refunded)
        assert good(fans.owner.get(ticket))["state"] == "refunded"
        if accepted.is_success:
            assert names(fans, ticket) == ["transfer", "refund"]
        else:
            assert problem(accepted) == (409, "ticket_not_valid")
            assert names(fans, ticket) == ["refund"]


def test_scanned_or_handed_over_but_not_both(fans: Fans) -> None:
    """The old code gets in and the offer is refused, or the offer is accepted and the code dead."""
    seen: Counter[bool] = Counter()
    for ticket, made in offers(fans):
        event = ticket.partition("/tickets/")[0]
        scan = {"gate": 1, "code": fans.ada.get(f"{ticket}/code.txt").text}
        accepted, scanned = together(
            partial(fans.accept, fans.ben, made),
            partial(fans.owner.post, f"{event}/redeem", json=scan),
        )
        let_in = good(scanned)["signal"] == "green"
        assert let_in is not accepted.is_success, scanned.text
        if let_in:
            assert problem(accepted) == (409, "ticket_used")
        assert names(fans, ticket) == (["use"] if let_in else ["transfer"])
        seen[let_in] += 1
    assert sum(seen.values()) == ROUNDS


def test_two_offers_at_once_are_one(fans: Fans) -> None:
    """One is made; the other is told that the ticket is on offer."""
    for _ in range(ROUNDS):
        path = f"{fans.ticket()}/transfers"
        answers = together(*[partial(fans.ada.post, path, json={})] * 2)
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        (refused,) = (answer for answer in answers if not answer.is_success)
        assert problem(refused) == (409, "transfer_open")


def test_a_new_code_and_a_transfer_at_once(fans: Fans) -> None:
    """Whichever is first voids the other: never two new codes of which one is the seller's."""
    for ticket, made in offers(fans):
        accepted, reissued = together(
            partial(fans.accept, fans.ben, made), partial(fans.ada.post, f"{ticket}/reissue")
        )
        assert accepted.is_success is not reissued.is_success
        if accepted.is_success:
            assert problem(reissued) == (404, "not_found")
        else:
            assert problem(accepted) == (409, "transfer_void")
        assert good(fans.owner.get(ticket))["gen"] == 1
