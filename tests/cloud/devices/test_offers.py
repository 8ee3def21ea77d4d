"""Offers at the console: how they are shown, where they lead, and how they end."""

import io

import pytest
import zxingcpp
from PIL import Image

from cloud.devices.offers import origin_of, text_of
from cloud.errors import Refusal
from shared import keys
from shared.devices.enrolment import Offer, parse_offer
from tests.cloud.devices.enrolling import good_octets, other, path_of, revealed, typed
from tests.cloud.devices.house import House
from tests.cloud.service import Service, good, problem


def test_the_offer_is_a_code_to_be_read(house: House) -> None:
    """As PNG, which a camera reads, as SVG, and as text; once it is claimed, no more."""
    made = house.offer()
    picture = house.owner.get(made["png"])
    assert picture.headers["content-type"] == "image/png"
    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.content)).convert("L"))
    assert read.text == made["offer"]
    assert house.owner.get(made["svg"]).text.startswith("<svg")
    assert house.owner.get(f"{path_of(house, made)}/code.txt").text == made["offer"]
    good_octets(house.machine().hello(made["offer"]))
    assert problem(house.owner.get(made["png"])) == (409, "enrol_used")


def test_enrolments_are_listed_the_newest_first(house: House) -> None:
    """In pages, without their codes."""
    made = [house.offer(name=f"Gate {number}") for number in range(3)]
    path = f"{house.devices}/enrolments"
    first = good(house.owner.get(path, params={"limit": 2}))
    rest = good(house.owner.get(path, params={"limit": 2, "cursor": first["next"]}))
    names = [each["name"] for each in (*first["items"], *rest["items"])]
    assert names == ["Gate 2", "Gate 1", "Gate 0"]
    code = parse_offer(made[0]["offer"]).code.hex()
    assert code not in house.owner.get(path).text


def test_another_tenant_sees_no_enrolment(service: Service, house: House) -> None:
    """Neither lists, looks, types nor takes back."""
    made, device = revealed(house)
    stranger = House(service)
    digits = {"digits": device.digits(made["offer"])}
    for there in (path_of(house, made), path_of(stranger, made)):
        for answer in (
            stranger.owner.get(there),
            stranger.owner.get(f"{there}/code.txt"),
            stranger.owner.post(f"{there}/digits", json=digits),
            stranger.owner.post(f"{there}/revoke"),
        ):
            assert problem(answer) == (404, "not_found")
    assert good(stranger.owner.get(f"{stranger.devices}/enrolments"))["items"] == []
    assert good(typed(house, made, digits["digits"]))["state"] == "confirmed"


def test_the_audit_tells_of_offers_and_how_they_ended(house: House) -> None:
    """Who offered, and which device was let in or not."""
    made, device = revealed(house)
    good(typed(house, made, other(device.digits(made["offer"]))))
    acts = house.rows("SELECT action, detail FROM audit WHERE tenant_id = $1 ORDER BY audit_id")
    told = [row["action"] for row in acts if row["action"].startswith("enrolment.")]
    assert told == ["enrolment.offered", "enrolment.void"]


def test_an_offer_revoked_before_its_first_use_has_its_own_refusal(house: House) -> None:
    """One that was confirmed is revoked as a device."""
    made, device = house.offer(), house.machine()
    assert good(house.owner.post(f"{path_of(house, made)}/revoke"))["state"] == "revoked"
    assert problem(device.hello(made["offer"])) == (409, "enrol_revoked")
    assert device.state(made["offer"]) == "revoked"
    done, member = revealed(house)
    good(typed(house, done, member.digits(done["offer"])))
    assert problem(house.owner.post(f"{path_of(house, done)}/revoke")) == (409, "enrol_used")
    good(house.owner.post(f"{house.devices}/{member.id}/revoke", json={}))
    assert member.learn().devices[bytes.fromhex(member.id)].cutoff is not None


def test_an_expired_offer_has_its_own_refusal(house: House) -> None:
    """Ten minutes after, whatever step it had come to."""
    service, made, late = house.service, house.offer(), house.offer()
    device, other_ = house.machine(), house.machine()
    good_octets(device.hello(made["offer"]))
    try:
        service.clock.move(601)
        assert problem(device.reveal(made["offer"])) == (409, "enrol_expired")
        assert problem(other_.hello(late["offer"])) == (409, "enrol_expired")
        assert device.state(made["offer"]) == "expired"
        assert problem(house.owner.get(late["svg"])) == (409, "enrol_expired")
        assert good(house.owner.get(path_of(house, made)))["state"] == "expired"
    finally:
        service.clock.move(-601)


ORIGINS = {
    ("https://usher.example/", "", "gate.test"): "https://usher.example",
    ("https://Usher.Example:443", "", "127.0.0.1:1"): "https://usher.example",
    ("https://usher.example:8443/app", "", ""): "https://usher.example:8443",
    ("https://[2001:db8::1]", "", ""): "https://[2001:db8::1]",
    ("", "http://127.0.0.1:8000", "localhost:9000"): "http://localhost:9000",
    ("", "http://127.0.0.1:8000", "[::1]:9000"): "http://[::1]:9000",
    ("", "http://127.0.0.1:8000", "evil.test"): "http://127.0.0.1:8000",
}


@pytest.mark.parametrize(("asked", "origin"), ORIGINS.items(), ids=ORIGINS.values())
def test_devices_are_sent_to_the_public_address(asked: tuple[str, str, str], origin: str) -> None:
    """As it is spelled in offers; the Host header is believed of the loopback alone."""
    assert origin_of(*asked) == origin
    assert parse_offer(text_of(_offer(origin))).origin == origin


@pytest.mark.parametrize("url", ["http://usher.example", "http://0.0.0.0:8000", "https://a:x"])
def test_an_address_that_no_device_would_go_to_is_refused(url: str) -> None:
    """By code, before a code is shown that can't be used."""
    with pytest.raises(Refusal) as refusal:
        text_of(_offer(origin_of(url, "", "")))
    assert refusal.value.code == "enrol_origin"


def _offer(origin: str) -> Offer:
    return Offer(origin, bytes(16), bytes(16), 1_800_000_000, keys.public_key(bytes(32)))
