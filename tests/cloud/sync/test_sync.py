"""The state of what is newest over real HTTP, read once and followed."""

import json
import threading
from typing import Any

from shared.devices.command import open_stamp
from tests.cloud.manifests.gate import Gate
from tests.cloud.manifests.test_manifests import House
from tests.cloud.service import Service


def test_the_state_names_the_newest_list_and_tells_the_time(service: Service) -> None:
    """The version is the head's, and the stamp answers the nonce of this request."""
    house = House(service)
    event = house.event()
    house.buy(event, 1)
    service.work()
    gate = Gate(service, house.owner, event)
    gate.preload()
    target = f"{event.tenant.path}/sync"
    headers = gate.headers(target)
    answer = gate.http.get(target, headers=headers)
    said = answer.json()
    assert gate.manifest.held is not None
    newest = {"event": gate.ref.hex(), "version": gate.manifest.held.head.version, "search": 0}
    assert said["events"] == [newest]
    gate.learn_keys()
    nonce = bytes.fromhex(headers["authorization"].split(".")[2])
    stamp = bytes.fromhex(answer.headers["usher-stamp"])
    assert open_stamp(stamp, gate.trusted, gate.now(), nonce) == said["at"]


def test_the_stream_tells_of_a_sale_and_a_newer_one_ends_it(service: Service) -> None:
    """The state comes at once and after a publication; a second stream ends the first."""
    house = House(service)
    event = house.event()
    house.buy(event, 1)
    service.work()
    gate = Gate(service, house.owner, event)
    states: list[Any] = []
    ended = threading.Event()
    target = f"{event.tenant.path}/sync/stream"

    def follow() -> None:
        with gate.http.stream("GET", target, headers=gate.headers(target)) as answer:
            said = (line[6:] for line in answer.iter_lines() if line.startswith("data: "))
            states.extend(map(json.loads, said))
        ended.set()

    thread = threading.Thread(target=follow)
    thread.start()
    service.until(lambda: list(states), bool)
    before = states[0]["events"][0]["version"]
    house.buy(event, 1)
    service.work()
    service.until(lambda: list(states), lambda seen: seen[-1]["events"][0]["version"] == before + 1)
    with gate.http.stream("GET", target, headers=gate.headers(target)) as answer:
        next(answer.iter_lines())
        assert ended.wait(30)
    thread.join(30)
