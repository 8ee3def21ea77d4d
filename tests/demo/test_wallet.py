"""What guests carry, judged as a gate judges it."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from cloud.tickets.model_holder import Binding, fault
from demo.crowd import Chapter, Guest, Held, Visit
from demo.queues import Carried
from demo.wallet import Phone, Ticket, foreign, forged
from edge.practice.world import World
from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.presentation import Freshness
from shared.verify import outcome_of, verify

NOW = 1_800_000_000


@pytest.fixture(scope="module")
def world() -> World:
    """An organizer with tickets."""
    return World.make(NOW, tickets=1)


def outcome(world: World, text: str) -> str:
    """Return what a gate makes of a code before it looks at any list."""
    trusted = TrustedKeys(world.organizer.root).accept(world.organizer.keyset())
    try:
        verify(text, trusted, Instant(NOW * 1000), Freshness())
    except UsherError as error:
        return outcome_of(error).code
    return "genuine"


def test_what_is_held_is_what_its_name_says(world: World) -> None:
    """Each kind of code comes to the outcome that the plan expects of it."""
    phone = Phone(world.organizer.secret("phone live"))
    live = Ticket("", world.code("live"), phone)
    plain = Ticket("", world.bulk(0))
    carried = Carried(
        [Guest(0, "Ana", "Live"), Guest(1, "Bo", "Standing")],
        {0: live, 1: plain},
        {1: world.code("resold", gen=0)},
        {0: world.of_another_night()},
    )

    def held(guest: int, how: Held) -> str:
        visit = Visit(0, Chapter.STEADY, 0.0, guest, "north-1", how, "")
        return outcome(world, carried.text(visit, NOW))

    assert held(0, Held.NOW) == "genuine"
    assert held(0, Held.STALE) == "stale_code"
    assert held(0, Held.SCREENSHOT) == "live_code_required"
    assert held(1, Held.TICKET) == "genuine"
    assert held(1, Held.OLD) == "genuine"  # the list tells, not the signature
    assert held(1, Held.OTHER_NIGHT) == "genuine"
    assert held(1, Held.FORGED) == "bad_signature"
    assert held(1, Held.FOREIGN) == "unknown_issuer"
    assert held(1, Held.ADVERT) == "not_a_ticket"


def test_forged_and_foreign_codes_differ_each_time(world: World) -> None:
    """A code that a lane still remembers would not be looked at."""
    assert foreign(world.bulk(0)) != foreign(world.bulk(0))
    assert forged(world.bulk(0)) != world.bulk(0)


def test_a_phone_proves_itself_as_the_cloud_wants_it() -> None:
    """Written from the API's description, and taken by the cloud's own check."""
    tenant, ticket, now = uuid4(), uuid4(), datetime.fromtimestamp(NOW, UTC)
    binding = Binding(**Phone.new().bind(str(tenant), str(ticket), 3, NOW))
    assert fault(binding, tenant, ticket, 3, now) is None
    assert fault(binding, tenant, ticket, 4, now) == "holder_proof_bad"


def test_a_ticket_without_a_phone_has_no_live_code(world: World) -> None:
    """Nobody else can make one."""
    with pytest.raises(ValueError, match="no phone"):
        Ticket("", world.code("live")).live(NOW)
