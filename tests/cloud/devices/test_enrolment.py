"""Enrolment over real HTTP, with a device made of the shared code."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from shared.devices.enrolment import parse_offer, welcome
from tests.cloud.database import awaited
from tests.cloud.devices.enrolling import good_octets, other, path_of, revealed, typed
from tests.cloud.devices.house import House
from tests.cloud.service import good, problem
from tests.cloud.waiting import holding


def test_a_device_is_let_in(house: House) -> None:
    """Each side sees the other's steps; the welcome is keyset and roster, and holds."""
    made, device = house.offer(name="South 1", kind="handheld", site=3), house.machine()
    offer = made["offer"]
    assert parse_offer(offer).tenant == house.tenant.tenant_id.bytes
    assert parse_offer(offer).origin == house.service.address
    seen = [device.state(offer)]
    assert len(good_octets(device.hello(offer))) == 16
    seen.append(device.state(offer))
    good(device.reveal(offer))
    seen.append(device.state(offer))
    done = good(typed(house, made, device.digits(offer)), 200)
    seen.append(device.state(offer))
    assert seen == ["offered", "claimed", "revealed", "confirmed"]
    assert (done["state"], done["device"]) == ("confirmed", device.id)
    keyset = device.http.get(f"{house.tenant.path}/keyset").content
    roster = device.ask("/roster").content
    _, members = welcome(parse_offer(offer), device.pk, keyset, roster, device.now())
    assert members.roster is not None
    (listed,) = members.roster.devices
    assert (listed.name, listed.kind, listed.site) == ("South 1", "handheld", 3)
    assert house.versions() == [1]


def test_the_console_never_tells_the_digits(house: House) -> None:
    """Not before they were typed and not after: they stand on the device alone."""
    made, device = revealed(house)
    digits = device.digits(made["offer"])
    paths = [f"{house.devices}/enrolments", path_of(house, made)]
    shown = [house.owner.get(path).text for path in paths]
    shown.append(typed(house, made, digits).text)
    assert [text for text in shown if digits in text or device.nonce.hex() in text] == []


def test_wrong_digits_void_the_offer(house: House) -> None:
    """The answer says so, and it stays so; the right ones come too late."""
    made, device = revealed(house)
    right = device.digits(made["offer"])
    assert good(typed(house, made, other(right)))["state"] == "void"
    assert device.state(made["offer"]) == "void"
    assert problem(typed(house, made, right)) == (409, "enrol_used")
    assert problem(device.ask("/roster")) == (401, "request_unknown_device")


def test_another_nonce_voids_the_offer(house: House) -> None:
    """Who has claimed it is bound to what it committed to."""
    made, device = house.offer(), house.machine()
    good_octets(device.hello(made["offer"]))
    assert good(device.reveal(made["offer"], bytes(16))) == {"state": "void"}
    assert problem(device.reveal(made["offer"])) == (409, "enrol_used")
    assert good(house.owner.get(path_of(house, made)))["state"] == "void"


def test_lost_answers_can_be_asked_for_again(house: House) -> None:
    """The same hello has the same challenge, and the same reveal the same digits."""
    made, device = revealed(house)
    first = device.digits(made["offer"])
    challenge = device.challenge
    assert good_octets(device.hello(made["offer"])) == challenge
    good(device.reveal(made["offer"]))
    assert device.digits(made["offer"]) == first
    assert good(typed(house, made, first))["state"] == "confirmed"


def test_an_unknown_code_has_its_own_refusal(house: House) -> None:
    """At every step; another tenant's offer is unknown here."""
    device, foreign = house.machine(), House(house.service).offer()["offer"]
    for answer in (device.hello(foreign), device.reveal(foreign)):
        assert problem(answer) == (404, "enrol_unknown")


def test_a_used_offer_has_its_own_refusal(house: House) -> None:
    """Who comes second is told so, and the first goes on."""
    made, device = revealed(house)
    assert problem(house.machine().hello(made["offer"])) == (409, "enrol_used")
    assert good(typed(house, made, device.digits(made["offer"])))["state"] == "confirmed"
    assert problem(device.hello(made["offer"])) == (409, "enrol_used")


def test_of_two_devices_at_once_one_is_let_in(house: House) -> None:
    """However close they are: the other is told that the offer is used."""
    for _ in range(5):
        made = house.offer()
        both = [house.machine(), house.machine()]
        with ThreadPoolExecutor(2) as at_once:
            answers = list(at_once.map(lambda each, made=made: each.hello(made["offer"]), both))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        first = both[0] if answers[0].status_code == 200 else both[1]
        good(first.reveal(made["offer"]))
        done = good(typed(house, made, first.digits(made["offer"])))
        assert (done["state"], done["device"]) == ("confirmed", first.id)


def test_asking_how_far_it_is_waits_for_nobody(house: House) -> None:
    """Every device of a venue asks all the time; whoever types the digits has the row."""
    made, device = revealed(house)

    async def asked() -> str:
        async with holding(house.service) as conn:
            sql = "SELECT FROM enrolment WHERE tenant_id = $1 FOR UPDATE"
            await conn.execute(sql, house.tenant.tenant_id)
            return str(await asyncio.to_thread(device.state, made["offer"]))

    assert awaited(asked()) == "revealed"


def test_steps_have_an_order(house: House) -> None:
    """Nothing is revealed before the hello, and nothing typed before the digits are there."""
    made, device = house.offer(), house.machine()
    assert problem(device.reveal(made["offer"])) == (409, "enrol_step")
    good_octets(device.hello(made["offer"]))
    assert problem(typed(house, made, "000000")) == (409, "enrol_step")
    assert good(house.owner.get(path_of(house, made)))["state"] == "claimed"


def test_a_hello_must_prove_its_key(house: House) -> None:
    """One that read another offer, and one that is damaged, claim nothing."""
    made, device = house.offer(), house.machine()
    forged = made["offer"].replace(made["offer"].split(".")[-2], "1")
    assert parse_offer(forged).expires == 1
    assert problem(device.hello(forged)) == (400, "enrol_bad_proof")
    path = f"{house.tenant.path}/enrol"
    headers = {"content-type": "application/octet-stream"}
    for step, code in (("hello", "enrol_hello"), ("reveal", "enrol_body"), ("state", "enrol_body")):
        answer = device.http.post(f"{path}/{step}", content=b"short", headers=headers)
        assert problem(answer) == (400, code)
    assert good(house.owner.get(path_of(house, made)))["state"] == "offered"


def test_a_key_is_one_device(house: House) -> None:
    """A member's key claims no second offer."""
    member, made = house.gate(), house.offer()
    assert problem(member.hello(made["offer"])) == (409, "device_known")
    assert member.state(made["offer"]) == "offered"
