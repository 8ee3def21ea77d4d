"""A ticket from fan to fan at the whole service, and its asset after it: nobody tells the ledger,
which hears of it from the outbox, in a worker's process of its own."""

from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from tests.cloud.run.market import market
from tests.cloud.run.served import Served, served, until
from tests.cloud.service import good, problem

LEAF = """
    SELECT l.schema, l.owner, l.delegate, l.burnt, l.sequence FROM asset a JOIN ledger_leaf l
        ON l.asset = a.asset_id WHERE a.ticket_id = $1
"""


def test_an_asset_follows_its_ticket(house: Served) -> None:
    """Bought and minted for the giver; offered, accepted, and then the leaf is the recipient's."""
    follow(house, "v2")


def test_so_does_one_of_v1(tmp_path: Path) -> None:
    """Where the service's setting says so."""
    with served(tmp_path, USHER_LEDGER_SCHEMA="v1") as house:
        follow(house, "v1")


def follow(house: Served, schema: str) -> None:
    """Buy, hand over, and give back."""
    place = market(house, 5, price=0)
    event = f"/v1/tenants/{place.tenant}/events/{place.event}"
    wallet = f"/v1/tenants/{place.tenant}/wallet"
    ada, ben = (house.client(token) for token in house.tokens(2).values())
    with ada, ben:
        items = [{"class_index": 0, "quantity": 1}]
        wanted = {"event_id": str(place.event), "items": items}
        order = good(ada.post(place.orders, json=wanted), 201)["order_id"]
        good(ada.post(f"{place.orders}/{order}/payment"))
        (item,) = good(ada.get(f"{place.orders}/{order}"))["items"]
        ticket = f"{event}/tickets/{item['ticket_id']}"

        def owned(who: Any) -> bool:
            """Whether somebody's ticket is at the address that is kept for them."""
            answer = who.get(f"{ticket}/ledger")
            return bool(answer.is_success and answer.json()["owner"] == address(who))

        def address(who: Any) -> str:
            return str(good(who.get(wallet))["address"])

        assert address(ada) != address(ben)
        until(lambda: owned(ada))
        first = house.one_row(LEAF, item["ticket_id"])
        assert str(Pubkey.from_bytes(first["owner"])) == address(ada)
        offer = good(ada.post(f"{ticket}/transfers", json={}), 201)
        accepting = {"secret": offer["secret"]}
        good(ben.post(f"/v1/tenants/{place.tenant}/transfers/accept", json=accepting))
        until(lambda: owned(ben))
        leaf = house.one_row(LEAF, item["ticket_id"])
        assert str(Pubkey.from_bytes(leaf["owner"])) == address(ben)
        assert (leaf["delegate"], leaf["burnt"]) == (leaf["owner"], False)
        assert leaf["sequence"] > first["sequence"]
        assert (leaf["schema"], first["schema"]) == (schema, schema)
        assert [step["kind"] for step in good(ben.get(f"{ticket}/ledger"))["history"]] == [
            "mint", "transfer"
        ]  # fmt: skip
        assert problem(ada.get(f"{ticket}/ledger")) == (404, "not_found")
        with house.client(place.owner) as owner:
            back = {"tickets": [item["ticket_id"]], "reason": "Asked for."}
            good(owner.post(f"{place.orders}/{order}/refunds", json=back))
        until(lambda: house.one_row(LEAF, item["ticket_id"])["burnt"])
