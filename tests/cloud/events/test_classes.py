"""Ticket classes and seats over HTTP: capacity, sale, and what is counted."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from cloud.errors import Refusal
from cloud.events import stock
from cloud.tickets.lifecycle import Move
from cloud.tickets.moves import move_all
from tests.cloud.database import awaited
from tests.cloud.events.house import House
from tests.cloud.events.house import house as house


def hold(house: House, event_id: str, count: int) -> None:
    """Hold free tickets of class 0, as an order does."""

    async def run() -> None:
        async with house.tx() as tx:
            await tx.conn.execute("SELECT set_config('app.move', 'hold', true)")
            await tx.conn.execute(
                """
                UPDATE ticket SET state = 'reserved', order_id = gen_random_uuid()
                 WHERE event_id = $1 AND ticket_id IN (
                     SELECT ticket_id FROM ticket WHERE event_id = $1 AND class_index = 0
                        AND state = 'created' ORDER BY number LIMIT $2)
                """,
                UUID(event_id),
                count,
            )

    awaited(run())


def counts(house: House, event_id: str, index: int = 0) -> tuple[int, int, int, int]:
    """Return how many tickets of a class are free, held, sold and gone."""
    found = house.classes(event_id)[index]["organizer"]["counts"]
    return found["free"], found["held"], found["sold"], found["gone"]


def test_capacity_is_raised_and_lowered(house: House) -> None:
    """More capacity adds free tickets with the next numbers; less withdraws free ones alone."""
    event_id = house.published()["event_id"]
    path = f"/events/{event_id}/classes/0"
    house.call("PATCH", path, {"version": 1, "capacity": 5}, status=200)
    assert counts(house, event_id) == (5, 0, 0, 0)
    hold(house, event_id, 3)
    assert house.refused("PATCH", path, {"version": 2, "capacity": 2}) == (
        "capacity_taken", "/capacity",
    )  # fmt: skip
    assert counts(house, event_id) == (2, 3, 0, 0)
    lower = house.call("PATCH", path, {"version": 2, "capacity": 3}, status=200)
    assert (lower["available"], lower["organizer"]["capacity"]) == (0, 3)
    assert counts(house, event_id) == (0, 3, 0, 2)
    house.call("PATCH", path, {"version": 3, "capacity": 4}, status=200)
    numbers = house.database.rows(
        "SELECT number FROM ticket WHERE event_id = $1 ORDER BY number", event_id
    )
    assert [row["number"] for row in numbers] == [0, 1, 2, 3, 4, 5]


def test_concurrent_raises_keep_numbers_dense(house: House) -> None:
    """Whoever adds tickets at the same time gets numbers of their own."""
    event_id = house.event()["event_id"]
    for name in "abcd":
        house.add_class(event_id, name=name, capacity=1)
    house.publish(event_id)

    async def raise_all() -> None:
        async def one(index: int) -> None:
            path = f"/events/{event_id}/classes/{index}"
            body = {"version": 1, "capacity": 40}
            await asyncio.to_thread(house.call, "PATCH", path, body, status=200)

        await asyncio.gather(*map(one, range(4)))

    awaited(raise_all())
    rows = house.database.rows("SELECT number FROM ticket WHERE event_id = $1", event_id)
    assert sorted(row["number"] for row in rows) == list(range(160))
    assert house.read(event_id)["organizer"]["tickets"] == 160


def test_a_class_is_withdrawn_and_put_back(house: House) -> None:
    """A withdrawn class is off sale and keeps its tickets."""
    event_id = house.published()["event_id"]
    path = f"/events/{event_id}/classes/0"
    assert house.classes(event_id)[0]["sale"] == "on"
    off = house.call("POST", f"{path}/withdraw", {"version": 1}, status=200)
    assert (off["sale"], off["available"]) == ("off", 3)
    on = house.call("POST", f"{path}/resume", {"version": 2}, status=200)
    assert (on["sale"], on["organizer"]["version"]) == ("on", 3)


def test_the_sale_window_is_told(house: House) -> None:
    """Before its window a class is not yet on sale, after it no more."""
    event_id = house.event()["event_id"]
    opens = house.now + timedelta(hours=1)
    until = opens + timedelta(hours=1)
    house.add_class(event_id, sale_from=opens.isoformat(), sale_until=until.isoformat())
    house.publish(event_id)
    seen = []
    for _ in range(3):
        seen.append(house.classes(event_id)[0]["sale"])
        house.now += timedelta(hours=1)
    assert seen == ["not_yet", "on", "over"]


def test_the_public_learns_of_twenty_tickets_at_most(house: House) -> None:
    """Fans are told up to 20 free tickets and nothing of the inside; the organizer all."""
    event_id = house.event()["event_id"]
    house.add_class(event_id, capacity=21)
    house.add_class(event_id, capacity=4)
    house.publish(event_id)
    for who in ("fan", ""):
        seen = house.classes(event_id, who)
        assert [(each["available"], each["organizer"]) for each in seen] == [(20, None), (4, None)]
    assert [each["available"] for each in house.classes(event_id, "staff")] == [21, 4]


def test_seats_are_added_and_withdrawn(house: House) -> None:
    """Seats come and go as free tickets; one that is held stays, and none is there twice."""
    event_id = house.event()["event_id"]
    house.add_class(event_id, seats=["A1", "A2", "A3"])
    house.publish(event_id)
    path = f"/events/{event_id}/classes/0"
    hold(house, event_id, 1)
    for body, expected in (
        ({"seats": ["A2", "A1"]}, ("capacity_taken", "/seats")),  # A1 is held
        ({"seats": ["A9"]}, ("seat_unknown", "/seats/0")),
        ({"seats": ["A2", "A2"]}, ("seat_repeated", "/seats")),
    ):
        assert house.refused("POST", f"{path}/seats/withdraw", {"version": 1, **body}) == expected
    house.call("POST", f"{path}/seats/withdraw", {"version": 1, "seats": ["A2"]}, status=200)
    assert house.refused("POST", f"{path}/seats", {"version": 2, "seats": ["B1", "A3"]}) == (
        "seat_taken", "/seats/1",
    )  # fmt: skip
    again = {"version": 2, "seats": ["A2", "B1"]}
    assert house.call("POST", f"{path}/seats", again, status=200)["organizer"]["capacity"] == 4
    page = house.call("GET", f"{path}/seats?limit=3", who="", status=200)
    rest = house.call("GET", f"{path}/seats?limit=3&cursor={page['next']}", who="", status=200)
    seats = [(seat["seat"], seat["free"]) for seat in page["items"] + rest["items"]]
    assert seats == [("A1", False), ("A3", True), ("A2", True), ("B1", True)]
    assert rest["next"] is None


def test_a_refunded_seat_may_be_sold_again(house: House) -> None:
    """The seat of a refunded ticket can become a ticket anew, and no other seat can."""
    event_id = UUID(house.event()["event_id"])
    house.add_class(str(event_id), seats=["A1"])
    house.publish(str(event_id))

    async def run() -> None:
        async with house.tx() as tx:
            (row,) = await tx.conn.fetch(
                "SELECT ticket_id FROM ticket WHERE event_id = $1", event_id
            )
            for step in (Move.PAY, Move.REFUND):
                await move_all(tx, event_id, [row["ticket_id"]], step)
            await stock.add_seats(tx, event_id, 0, ["A1"])

    awaited(run())
    assert counts(house, str(event_id)) == (1, 0, 0, 1)


def test_seated_and_unseated_classes_are_not_mixed(house: House) -> None:
    """A seated class has no capacity of its own, and one without seats gets none."""
    event_id = house.event()["event_id"]
    house.add_class(event_id, seats=["A1"])
    house.add_class(event_id)
    path = f"/events/{event_id}/classes"
    assert house.refused("PATCH", f"{path}/0", {"version": 1, "capacity": 9}) == (
        "class_seated", "/capacity",
    )  # fmt: skip
    assert house.refused("POST", f"{path}/1/seats", {"version": 1, "seats": ["Z"]}) == (
        "class_unseated", "/seats",
    )  # fmt: skip


def test_a_drafts_class_is_deleted_with_its_seats(house: House) -> None:
    """A draft's class can go, and its seats are then another's; a published one stays."""
    event_id = house.event()["event_id"]
    house.add_class(event_id, seats=["A1"])
    house.call("DELETE", f"/events/{event_id}/classes/0?version=1", status=204)
    assert house.classes(event_id) == []
    house.add_class(event_id, seats=["A1"])
    house.publish(event_id)
    assert house.refused("DELETE", f"/events/{event_id}/classes/0?version=1")[0] == "event_state"


def test_what_a_published_class_may_change(house: House) -> None:
    """Texts, prices, windows and sound rules change; the live flag and faulty rules don't."""
    event_id = house.published()["event_id"]
    path = f"/events/{event_id}/classes/0"
    assert house.refused("PATCH", path, {"version": 1, "live": True}) == ("field_fixed", "/live")
    faulty = {"version": 1, "entry": {"zones": [7]}}
    assert house.refused("PATCH", path, faulty) == ("plan_faulty", "/classes/0/entry/zones")
    edit = {"version": 1, "name": "Early", "price": 1, "entry": {"zones": [1, 2]}}
    changed = house.call("PATCH", path, edit, status=200)
    assert (changed["name"], changed["price"], changed["organizer"]["version"]) == ("Early", 1, 2)
    assert house.refused("PATCH", path, edit) == ("version_stale", "/version")


def test_malformed_classes_are_refused(house: House) -> None:
    """What is out of bounds or contradicts itself is refused with its field."""
    event_id = house.event()["event_id"]
    body = {"name": "N", "price": 1, "entry": {"zones": [1]}}
    later, sooner = (house.now + timedelta(hours=2)).isoformat(), house.now.isoformat()
    for change, expected in (
        ({"price": -1}, ("invalid_request", "/price")),
        ({"entry": {"zones": [0]}}, ("invalid_request", "/entry/zones")),
        ({"seats": ["A", "A"]}, ("seat_repeated", "/seats")),
        ({"seats": ["A"], "capacity": 2}, ("class_seated", "/capacity")),
        ({"sale_from": later, "sale_until": sooner}, ("sale_window", "/sale_until")),
        ({"entry": {"zones": [1], "attention": "a\0"}}, ("text_zero", "")),
        ({"index": 4}, ("invalid_request", "")),
    ):
        code, field = house.refused("POST", f"/events/{event_id}/classes", body | change)
        assert (code, field[: len(expected[1])]) == expected, change
    assert house.classes(event_id) == []


def test_tickets_are_made_and_withdrawn_in_batches(house: House) -> None:
    """However many statements it takes, numbers are dense, and too few free tickets are told."""
    event_id = house.published()["event_id"]

    async def run() -> None:
        async with house.tx() as tx:
            await stock.add(tx, UUID(event_id), 0, 5, batch=2)
            await stock.withdraw(tx, UUID(event_id), 0, 3, batch=2)
        async with house.tx() as tx:
            with pytest.raises(Refusal, match="capacity_taken") as refused:
                await stock.withdraw(tx, UUID(event_id), 0, 6, batch=2)
            assert refused.value.facts == {"free": 5}
            raise Refusal("capacity_taken")

    with pytest.raises(Refusal):
        awaited(run())
    rows = house.database.rows(
        "SELECT number, state FROM ticket WHERE event_id = $1 ORDER BY number", UUID(event_id)
    )
    assert [row["number"] for row in rows] == list(range(8))
    assert [row["state"] for row in rows] == ["created"] * 5 + ["revoked"] * 3


def test_a_class_may_come_after_publication(house: House) -> None:
    """A class added to a published event has its tickets at once, if its rule is sound."""
    event_id = house.published()["event_id"]
    house.add_class(event_id, capacity=2)
    house.add_class(event_id, seats=["A1", "A2"])
    assert [counts(house, event_id, index)[0] for index in range(3)] == [3, 2, 2]
    assert house.read(event_id)["organizer"]["tickets"] == 7
    faulty = {"name": "N", "price": 1, "capacity": 1, "entry": {"zones": [9]}}
    assert house.refused("POST", f"/events/{event_id}/classes", faulty) == (
        "plan_faulty", "/classes/3/entry/zones",
    )  # fmt: skip
    assert len(house.classes(event_id)) == 3


def test_a_drafts_classes_are_made_into_tickets_as_they_are_at_last(house: House) -> None:
    """What is changed before publication is what publication makes, in the order of the list."""
    event_id = house.event()["event_id"]
    house.add_class(event_id, seats=["A1", "A2"])
    house.add_class(event_id)
    path = f"/events/{event_id}/classes"
    house.call("POST", f"{path}/0/seats", {"version": 1, "seats": ["B2", "B1"]}, status=200)
    house.call("POST", f"{path}/0/seats/withdraw", {"version": 2, "seats": ["A1"]}, status=200)
    house.call("PATCH", f"{path}/1", {"version": 1, "capacity": 1, "live": True}, status=200)
    assert house.database.rows("SELECT 1 FROM ticket WHERE event_id = $1", event_id) == []
    house.publish(event_id)
    rows = house.database.rows(
        "SELECT seat FROM ticket WHERE event_id = $1 ORDER BY number", event_id
    )
    assert [row["seat"] for row in rows] == ["A2", "B2", "B1", None]


def test_a_closed_events_classes_stand(house: House) -> None:
    """Nothing is sold, added or changed at a cancelled event; a repetition changes nothing."""
    event = house.published()
    event_id, path = event["event_id"], f"/events/{event['event_id']}/classes"
    same = house.call("PATCH", f"{path}/0", {"version": 1, "price": 2500}, status=200)
    assert house.call("POST", f"{path}/0/resume", {"version": 1}, status=200) == same
    cancel = {"version": event["organizer"]["version"]}
    house.call("POST", f"/events/{event_id}/cancel", cancel, status=200)
    new = {"name": "N", "price": 1, "capacity": 1, "entry": {"zones": [1]}}
    assert house.refused("POST", path, new)[0] == "event_closed"
    assert house.refused("PATCH", f"{path}/0", {"version": 1, "price": 1})[0] == "event_closed"
    assert house.refused("POST", f"{path}/0/withdraw", {"version": 1})[0] == "event_closed"
    assert [each["sale"] for each in house.classes(event_id)] == ["off"]


def test_a_price_is_one_that_a_card_can_be_charged(house: House) -> None:
    """Of three decimals the last is zero, whichever is said first: the price or the currency."""
    event_id = house.event(currency="kwd")["event_id"]
    path = f"/events/{event_id}"
    house.add_class(event_id, price=5120)
    for ask in (
        ("POST", f"{path}/classes", {"name": "X", "price": 5124, "entry": {"zones": [1]}}),
        ("PATCH", f"{path}/classes/0", {"version": 1, "price": 5124}),
        ("PATCH", path, {"version": 1, "currency": "mga"}),
    ):
        field = "/currency" if "currency" in ask[2] else "/price"
        assert house.refused(*ask) == ("price_parts", field)
    answer = house.call("PATCH", f"{path}/classes/0", {"version": 1, "price": 5124})
    assert answer.status_code == 400
    assert "multiple of 10" in answer.text
    changed = house.call("PATCH", path, {"version": 1, "currency": "jpy"}, status=200)
    assert changed["currency"] == "jpy"
    house.call("PATCH", f"{path}/classes/0", {"version": 1, "price": 5124}, status=200)


def test_a_currency_that_went_out_of_use_holds_nothing_up(house: House) -> None:
    """An event from before it went is changed and sold on."""
    event = house.published()
    house.database.run("UPDATE event SET currency = 'bgn'")
    path = f"/events/{event['event_id']}"
    version = event["organizer"]["version"]
    changed = house.call("PATCH", path, {"version": version, "name": "Later"}, status=200)
    assert (changed["name"], changed["currency"]) == ("Later", "bgn")
    house.call("PATCH", f"{path}/classes/0", {"version": 1, "price": 2501}, status=200)
