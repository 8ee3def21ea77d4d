"""The state of what is newest over real HTTP, read once and followed."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cloud.db.connect import open_pool
from cloud.manifests.jobs import publishing
from cloud.parts import Parts
from shared import hashing, keys
from shared.devices.command import open_stamp
from tests.cloud.background import background
from tests.cloud.manifests.gate import Gate
from tests.cloud.manifests.test_manifests import House
from tests.cloud.service import Service, good

PUBLISHERS = 3


class Followed:
    """A gate's stream, followed by a thread of its own."""

    def __init__(self, gate: Gate) -> None:
        self.states: list[Any] = []
        self.ended = threading.Event()
        self._gate = gate
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()
        gate.service.until(lambda: list(self.states), bool)

    def until(self, field: str, told: Any) -> None:
        """Wait until the newest state says so."""
        self._gate.service.until(lambda: self.states[-1][field], told)

    def _follow(self) -> None:
        gate = self._gate
        target = f"{gate.event.tenant.path}/sync/stream"
        with gate.http.stream("GET", target, headers=gate.headers(target)) as answer:
            said = (line[6:] for line in answer.iter_lines() if line.startswith("data: "))
            self.states.extend(map(json.loads, said))
        self.ended.set()


@pytest.fixture
def gate(service: Service) -> Gate:
    """A gate of an event with a ticket, published."""
    house = House(service)
    event = house.event()
    house.buy(event, 1)
    service.work()
    return Gate(service, house.owner, event)


Follow = Callable[[], Followed]


def revoke(gate: Gate) -> None:
    """Take a gate's word away."""
    device = hashing.device_id(keys.public_key(gate.secret)).hex()
    good(gate.owner.post(f"{gate.event.tenant.path}/devices/{device}/revoke", json={}))


@pytest.fixture
def follow(gate: Gate) -> Iterator[Follow]:
    """Begins streams of the gate; at the end it is revoked, and each has to end."""
    streams: list[Followed] = []

    def begin() -> Followed:
        streams.append(Followed(gate))
        return streams[-1]

    yield begin
    revoke(gate)
    assert all(each.ended.wait(30) for each in streams)


@contextmanager
def workers(service: Service) -> Iterator[None]:
    """Let several workers publish, as `usher-cloud work` does."""

    async def run(stop: asyncio.Event) -> None:
        parts = Parts(service.settings)
        pool = await open_pool(service.settings.database_url)
        each = [
            publishing(pool, service.settings.database_url, parts.keyring, service.clock)
            for _ in range(PUBLISHERS)
        ]
        await asyncio.gather(*(one.run(stop) for one in each))
        await pool.close()

    with background(run):
        yield


def test_the_state_names_the_newest_list_and_tells_the_time(gate: Gate) -> None:
    """The version is the head's, and the stamp answers the nonce of this request."""
    gate.preload()
    target = f"{gate.event.tenant.path}/sync"
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


def test_workers_publish_by_themselves_and_each_version_once(gate: Gate, follow: Follow) -> None:
    """A sale wakes them; the gate that follows hears of it, and a delta leads there."""
    gate.preload()
    stream = follow()
    before = stream.states[0]["events"][0]["version"]
    with workers(gate.service):
        for sold in range(1, 4):
            gate.service.buy(gate.owner, gate.event)
            stream.until("events", lambda seen, sold=sold: seen[0]["version"] >= before + sold)
    gate.follow()
    assert gate.manifest.held is not None
    assert gate.manifest.held.table.tickets == 4


def test_an_upload_is_told_of(gate: Gate, follow: Follow) -> None:
    """Whoever follows hears that records came in, so that it asks for them."""
    stream = follow()
    before = stream.states[0]["records"]
    assert gate.upload(gate.boot())["new"] == 1
    stream.until("records", lambda seen: seen > before)


def test_a_revoked_device_hears_nothing_more(gate: Gate, follow: Follow) -> None:
    """Its stream ends at once."""
    stream = follow()
    revoke(gate)
    assert stream.ended.wait(30)


def test_a_newer_stream_ends_the_older(follow: Follow) -> None:
    """A device that lost its line without knowing holds no place for ever."""
    older = follow()
    newer = follow()
    assert older.ended.wait(30)
    assert not newer.ended.is_set()
