"""An event whose trees are of the older generation, over HTTP: from the purchase to the asset, from
one fan to the next, to its end; and what V1 can't do."""

import pytest
from solders.keypair import Keypair

from cloud.ledger.values import Schema
from cloud.ledger.work.lifecycle import MOST_ATTEMPTS
from tests.cloud.ledger.web.box import mint, page_of
from tests.cloud.ledger.web.test_http import JSON, link
from tests.cloud.service import Event, Person, Service, good
from tests.cloud.transfers.people import Fans

REST = 60  # seconds, after which what failed is tried again


class Old:
    """Ada has bought three tickets of an event in V1."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.fans = Fans(service)
        self.event: Event = self.fans.event(capacity=7)
        self.order = service.buy(self.fans.ada, self.event, 3)
        self.tickets = [item["ticket_id"] for item in self.order["items"]]
        self.mint()

    def mint(self) -> None:
        """Do what a worker would."""
        mint(self.service, self.event, Schema.V1)

    def at(self, number: int) -> str:
        """Return where a ticket is."""
        return f"{self.event.path}/tickets/{self.tickets[number]}"

    def hand_over(self, number: int, giver: Person, taker: Person) -> None:
        """Offer a ticket, and accept it."""
        offer = good(giver.post(f"{self.at(number)}/transfers", json={}), 201)
        accepting = {"secret": offer["secret"]}
        good(taker.post(f"{self.fans.path}/accept", json=accepting))

    def address(self, who: Person) -> str:
        """Return where somebody's tickets are."""
        return str(good(who.get(f"{self.fans.tenant.path}/wallet"))["address"])

    def verdict(self, number: int) -> str:
        """Return what is proved of a ticket, all of which holds."""
        at = page_of(self.service, self.tickets[number])
        told = good(self.service.client().get(at, headers=JSON))
        assert set(told["checks"].values()) == {True}
        return str(told["verdict"])


@pytest.fixture(scope="module")
def old(service: Service) -> Old:
    """Minted already."""
    return Old(service)


def test_it_is_minted_without_a_collection(old: Old) -> None:
    """For less: no protocol takes anything."""
    told = good(old.fans.owner.get(f"{old.event.path}/ledger"))
    (tree,) = told["trees"]
    assert (tree["schema"], tree["minted"], tree["cost"]["protocol"]) == ("v1", 3, 0)
    assert (told["collection"], told["minted"], told["fault"]) == (None, 3, "")
    asset = good(old.fans.ada.get(f"{old.at(0)}/ledger"))
    assert (asset["standing"], asset["owner"]) == ("minted", old.address(old.fans.ada))
    assert old.verdict(0) == "proved"


def test_it_follows_its_ticket_from_fan_to_fan(old: Old) -> None:
    """Twice, for the second move is signed by the key that is kept for the first recipient."""
    ada, ben, eve = old.fans.ada, old.fans.ben, old.fans.eve
    for giver, taker in ((ada, ben), (ben, eve)):
        old.hand_over(0, giver, taker)
        old.mint()
        asset = good(taker.get(f"{old.at(0)}/ledger"))
        assert (asset["standing"], asset["owner"]) == ("minted", old.address(taker))
    history = good(eve.get(f"{old.at(0)}/ledger"))["history"]
    assert [step["kind"] for step in history] == ["mint", "transfer", "transfer"]
    assert old.verdict(0) == "proved"


def test_a_refund_burns_it(old: Old) -> None:
    """By its owner's kept key."""
    path = f"{old.fans.tenant.path}/orders/{old.order['order_id']}/refunds"
    good(old.fans.owner.post(path, json={"tickets": [old.tickets[1]], "reason": "Asked for."}))
    old.mint()
    assert good(old.fans.owner.get(f"{old.at(1)}/ledger"))["standing"] == "burnt"
    assert old.verdict(1) == "burnt"


def test_nothing_is_frozen(old: Old) -> None:
    """Whatever the event's policy: a used ticket's asset stays as it is, and nothing fails."""
    good(old.fans.owner.put(f"{old.event.path}/ledger/policy", json={"freezes": True}))
    old.service.database.run(
        f"SELECT set_config('app.tenant', '{old.fans.tenant.tenant_id}', false),"
        " set_config('app.move', 'use', false), set_config('app.actor', 'test', false);"
        f"UPDATE ticket SET state = 'used' WHERE ticket_id = '{old.tickets[0]}'"
    )
    good(old.fans.owner.put(f"{old.event.path}/ledger/policy", json={"freezes": True}))
    old.mint()
    asset = good(old.fans.eve.get(f"{old.at(0)}/ledger"))
    assert (asset["standing"], asset["fault"]) == ("minted", "")


def test_what_is_in_a_wallet_obeys_it_alone(old: Old) -> None:
    """A linked wallet gets its assets; from there only its owner can move them, so that a step of
    ours is given up and shown to a person."""
    ada, key = old.fans.ada, Keypair()
    wallet = f"{old.fans.tenant.path}/wallet"
    good(link(ada, wallet, key))
    old.mint()
    assert good(ada.get(f"{old.at(2)}/ledger"))["owner"] == str(key.pubkey())
    good(ada.delete(wallet))
    for _ in range(MOST_ATTEMPTS):
        old.mint()
        old.service.clock.move(REST)
    asset = good(ada.get(f"{old.at(2)}/ledger"))
    assert (asset["standing"], asset["fault"]) == ("held", "asset_owner")
    assert asset["owner"] == str(key.pubkey())
    assert good(old.fans.owner.get(f"{old.event.path}/ledger"))["failed"] == 1
