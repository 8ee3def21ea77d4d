"""The ledger over HTTP, on a served API with real minting: what is told, to whom, and for good."""

from datetime import timedelta
from typing import Any

import pytest
from solders.keypair import Keypair

from tests.cloud.ledger.web.box import asset_rows, mint, page_of
from tests.cloud.service import VENUE, Event, Person, Service, good, problem

JSON = {"accept": "application/json"}


class Scene:
    """An owner, a buyer, and an event of which the buyer has two tickets."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.owner, self.buyer = service.person(), service.person()
        self.tenant = service.tenant(self.owner)
        self.event: Event = service.event(self.owner, self.tenant, price=0, capacity=20)
        self.order = service.buy(self.buyer, self.event, 2)
        self.tickets = [item["ticket_id"] for item in self.order["items"]]

    def ticket(self, who: Any, number: int = 0) -> Any:
        """Return what somebody is told of a ticket."""
        return good(who.get(f"{self.event.path}/tickets/{self.tickets[number]}/ledger"))


@pytest.fixture(scope="module")
def scene(service: Service) -> Scene:
    """Minted already."""
    made = Scene(service)
    assert made.ticket(made.buyer)["standing"] == "none"
    mint(service, made.event)
    return made


def test_owner_and_organizer_are_told(scene: Scene) -> None:
    """The event's sums with the cost of its tree, and the ticket's asset with its history."""
    told = good(scene.owner.get(f"{scene.event.path}/ledger"))
    assert (told["minted"], told["waiting"], told["failed"], told["fault"]) == (2, 0, 0, "")
    (tree,) = told["trees"]
    assert (tree["leaves"], tree["minted"], tree["state"]) == (32, 2, "open")
    assert tree["total"] == sum(tree["cost"][each] for each in ("rent", "fees", "protocol"))
    for who in (scene.owner, scene.buyer):
        ticket = scene.ticket(who)
        assert ticket["standing"] == "minted"
        assert [step["kind"] for step in ticket["history"]] == ["mint"]
    wallet = good(scene.buyer.get(f"{scene.tenant.path}/wallet"))
    assert (wallet["address"], wallet["linked"]) == (scene.ticket(scene.buyer)["owner"], False)


def test_what_was_spent_is_the_owners_to_know(scene: Scene) -> None:
    """Beside what was told before; the ledger inside the service takes nothing."""
    path = f"{scene.event.path}/ledger"
    told, spent = good(scene.owner.get(path)), good(scene.owner.get(f"{path}/spent"))
    assert spent["estimate"] == sum(tree["total"] for tree in told["trees"]) > spent["foreseen"] > 0
    assert (spent["minting"], spent["total"], spent["spent"]) == (0, 0, [])
    assert problem(scene.buyer.get(f"{path}/spent")) == (404, "not_found")


def test_strangers_are_told_nothing(scene: Scene, service: Service) -> None:
    """Neither of the event nor of the ticket; the public page has no name of a person in it."""
    stranger = service.person()
    path = f"{scene.event.path}/tickets/{scene.tickets[0]}/ledger"
    assert problem(stranger.get(path)) == (404, "not_found")
    assert problem(stranger.get(f"{scene.event.path}/ledger")) == (404, "not_found")
    page = service.client().get(page_of(service, scene.tickets[0])).text
    for secret in (scene.buyer.email, str(scene.buyer.account_id), scene.tickets[0], "Ada"):
        assert secret not in page


def test_anybody_sees_the_proof(scene: Scene, service: Service) -> None:
    """The leaf recomputed and proved; every check holds; the page is a page and no program."""
    at = page_of(service, scene.tickets[0])
    told = good(service.client().get(at, headers=JSON))
    assert told["verdict"] == "proved"
    assert len(told["checks"]) == 7
    assert set(told["checks"].values()) == {True}
    assert len(told["proof"]) == 5
    page = service.client().get(at, headers={"accept": "text/html"})
    assert "script" not in page.headers["content-security-policy"]
    assert "It is not a blockchain: one operator, no consensus." in page.text
    for wrong in ("x" * 22, "AAECAwQFBgcICQoLDA0ODw", "%00", "x"):
        assert problem(service.client().get(f"/a/{wrong}"))[0] == 404


def test_records_that_differ_are_told(scene: Scene, service: Service) -> None:
    """A row that somebody has tampered with is no proof: the tree's account is."""
    at = page_of(service, scene.tickets[1])
    rows = {str(row["ticket_id"]): row for row in asset_rows(service, scene.event)}
    owner = rows[scene.tickets[1]]["owner"].hex()
    change = f"UPDATE asset SET owner = decode('%s', 'hex') WHERE ticket_id = '{scene.tickets[1]}'"
    service.database.run(change % ("07" * 32))
    told = good(service.client().get(at, headers=JSON))
    service.database.run(change % owner)
    assert told["verdict"] == "differs"
    assert [what for what, held in told["checks"].items() if not held] == [
        "Its owner is the one in our records."
    ]


def test_metadata_is_told_for_good(scene: Scene, service: Service) -> None:
    """That of a generation never changes, whatever the event is called later."""
    at = f"{page_of(service, scene.tickets[0])}/0"
    first = service.client().get(at)
    assert "immutable" in first.headers["cache-control"]
    whose = f"WHERE ticket_id = '{scene.tickets[0]}'"
    (row,) = service.database.rows(f"SELECT asset_id, owner FROM asset {whose}")
    service.database.run(f"UPDATE asset SET asset_id = NULL, owner = NULL {whose}")
    assert "immutable" not in service.client().get(at).headers["cache-control"]
    was = f"asset_id = '\\x{row['asset_id'].hex()}', owner = '\\x{row['owner'].hex()}'"
    service.database.run(f"UPDATE asset SET {was} {whose}")
    name = f"UPDATE event SET name = '%s' WHERE event_id = '{scene.event.event_id}'"
    service.database.run(name % "Another Night")
    assert service.client().get(at).content == first.content
    service.database.run(name % "Spring Night")
    assert good(first)["external_url"].endswith(page_of(service, scene.tickets[0]))
    assert problem(service.client().get(at[:-1] + "1"))[0] == 404
    path = f"/a/events/{scene.tenant.tenant_id}/{scene.event.event_id}"
    assert good(service.client().get(path))["name"] == "Spring Night"
    other = f"/a/events/{scene.event.event_id}/{scene.event.event_id}"
    assert problem(service.client().get(other))[0] == 404


def test_nobody_reads_of_an_event_that_is_not_published(scene: Scene, service: Service) -> None:
    """Though its organizer has decided already what the ledger does at it."""
    venue = good(scene.owner.post(f"{scene.tenant.path}/venues", json=VENUE), 201)["venue_id"]
    doors = service.clock() + timedelta(days=30)
    times = {"doors_at": doors, "starts_at": doors, "ends_at": doors + timedelta(hours=3)}
    said = {"venue_id": venue, "name": "A Secret", "currency": "eur"}
    said |= {name: time.isoformat() for name, time in times.items()}
    event = good(scene.owner.post(f"{scene.tenant.path}/events", json=said), 201)["event_id"]
    at = f"{scene.tenant.path}/events/{event}"
    good(scene.owner.put(f"{at}/ledger/policy", json={"freezes": True}))
    told = f"/a/events/{scene.tenant.tenant_id}/{event}"
    assert problem(service.client().get(told))[0] == 404
    offered = {"name": "All", "price": 0, "entry": {"zones": [1]}, "capacity": 5}
    good(scene.owner.post(f"{at}/classes", json=offered), 201)
    version = good(scene.owner.get(at))["organizer"]["version"]
    good(scene.owner.post(f"{at}/publish", json={"version": version}))
    assert good(service.client().get(told))["name"] == "A Secret"


def test_pause_resume_and_policy(scene: Scene, service: Service) -> None:
    """What is bought while it is paused waits; a used ticket is frozen where that is wanted."""
    assert good(scene.owner.post(f"{scene.event.path}/ledger/pause"))["paused"]
    bought = service.buy(scene.buyer, scene.event)["items"][0]["ticket_id"]
    mint(service, scene.event)
    path = f"{scene.event.path}/tickets/{bought}/ledger"
    assert good(scene.buyer.get(path))["standing"] == "waiting"
    assert not good(scene.owner.post(f"{scene.event.path}/ledger/resume"))["paused"]
    mint(service, scene.event)
    assert good(scene.buyer.get(path))["standing"] == "minted"
    service.database.run(
        f"SELECT set_config('app.tenant', '{scene.tenant.tenant_id}', false),"
        " set_config('app.move', 'use', false), set_config('app.actor', 'test', false);"
        f"UPDATE ticket SET state = 'used' WHERE ticket_id = '{bought}'"
    )
    policy = good(scene.owner.put(f"{scene.event.path}/ledger/policy", json={"freezes": True}))
    assert policy["freezes"]
    mint(service, scene.event)
    assert good(scene.buyer.get(path))["standing"] == "frozen"
    good(scene.owner.put(f"{scene.event.path}/ledger/policy", json={"freezes": False}))
    mint(service, scene.event)
    told = good(scene.buyer.get(path))
    assert told["standing"] == "minted"
    assert [step["kind"] for step in told["history"]] == ["mint", "freeze", "thaw"]


def link(person: Person, path: str, key: Keypair, **other: Any) -> Any:
    """Link a wallet; *other*: what is sent instead."""
    asked = good(person.post(f"{path}/challenge"))
    said = {
        "address": str(key.pubkey()),
        "signature": str(key.sign_message(asked["message"].encode())),
        "expires_at": asked["expires_at"],
    }
    return person.put(path, json=said | other)


def test_a_wallet_is_linked_by_its_signature(scene: Scene, service: Service) -> None:
    """Its tickets move there, and back once it is unlinked; nobody else's signature will do."""
    path, key = f"{scene.tenant.path}/wallet", Keypair()
    kept = good(scene.buyer.get(path))["address"]
    other = str(Keypair().sign_message(b"x"))
    assert problem(link(scene.buyer, path, key, signature=other)) == (400, "wallet_signature")
    stranger = service.person()
    asked = good(stranger.post(f"{path}/challenge"))
    theirs = str(key.sign_message(asked["message"].encode()))
    assert problem(link(scene.buyer, path, key, signature=theirs)) == (400, "wallet_signature")
    late = (service.clock() + timedelta(hours=1)).isoformat()
    code = problem(link(scene.buyer, path, key, expires_at=late))[1]
    assert code == "wallet_challenge_over"
    assert good(link(scene.buyer, path, key))["linked"]
    mint(service, scene.event)
    assert scene.ticket(scene.buyer)["owner"] == str(key.pubkey())
    assert good(scene.buyer.delete(path))["address"] == kept
    mint(service, scene.event)
    assert scene.ticket(scene.buyer)["owner"] == kept


def test_refunds_show_as_burnt(scene: Scene, service: Service) -> None:
    """And that is proved as well."""
    path = f"{scene.tenant.path}/orders/{scene.order['order_id']}/refunds"
    good(scene.owner.post(path, json={"tickets": [scene.tickets[1]], "reason": "Asked for."}))
    service.work()
    told = good(service.client().get(page_of(service, scene.tickets[1]), headers=JSON))
    assert told["verdict"] == "differs"
    failed = [what for what, held in told["checks"].items() if not held]
    assert failed == ["Its ticket was not taken back."]
    mint(service, scene.event)
    assert scene.ticket(scene.owner, 1)["standing"] == "burnt"
    told = good(service.client().get(page_of(service, scene.tickets[1]), headers=JSON))
    assert told["verdict"] == "burnt"
    assert set(told["checks"].values()) == {True}
