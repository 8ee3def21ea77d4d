"""Whoever enrols is counted by address, apart from everything else."""

from cloud.devices.enrol_routes import LOOKS, STEPS
from tests.cloud.devices.house import House
from tests.cloud.devices.machine import OCTETS
from tests.cloud.service import Service, problem


def test_an_address_has_so_many_steps_a_minute(service: Service) -> None:
    """Then it waits; what else it asks is not counted with it."""
    house = House(service)
    device, path = house.machine(), f"{house.tenant.path}/enrol/hello"
    answers = [device.http.post(path, content=bytes(144), headers=OCTETS) for _ in range(STEPS)]
    assert {problem(answer) for answer in answers} == {(404, "enrol_unknown")}
    last = device.http.post(path, content=bytes(144), headers=OCTETS)
    assert problem(last) == (429, "rate_limited")
    assert 0 < int(last.headers["retry-after"]) <= 61
    offer = house.offer()["offer"]
    assert device.state(offer) == "offered"
    assert LOOKS > STEPS
