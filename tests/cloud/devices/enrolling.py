"""Steps of an enrolment, as the tests of it take them."""

from typing import Any

from tests.cloud.devices.house import House
from tests.cloud.devices.machine import Machine
from tests.cloud.service import good


def path_of(house: House, made: Any) -> str:
    """Where an enrolment is."""
    return f"{house.devices}/enrolments/{made['enrolment_id']}"


def typed(house: House, made: Any, digits: str) -> Any:
    """Type digits in at the console."""
    return house.owner.post(f"{path_of(house, made)}/digits", json={"digits": digits})


def revealed(house: House, **said: Any) -> tuple[Any, Machine]:
    """An offer whose device shows its digits."""
    made, device = house.offer(**said), house.machine()
    good_octets(device.hello(made["offer"]))
    assert good(device.reveal(made["offer"])) == {"state": "revealed"}
    return made, device


def good_octets(answer: Any) -> bytes:
    """Return octets, once they are sure to be a success."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    return bytes(answer.content)


def other(digits: str) -> str:
    """Other digits than these."""
    return f"{(int(digits) + 1) % 1_000_000:06}"
