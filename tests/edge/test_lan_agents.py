"""Whole gates as processes: found by their settings, killed, and one again."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from msgspec.structs import replace

from edge.commands.access import make_key
from edge.practice.place import practice_settings, provision
from edge.practice.world import World
from edge.settings import LanSettings
from tests.edge.appliance import API_KEY, Appliance, free_port, never

PATIENCE = 20.0


def until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Appliance]]:
    """Three running gates of one venue; each knows the addresses of the others."""
    world = World.make(int(time.time()), tickets=10)
    ports = [free_port() for _ in range(3)]
    made = []
    for index, port in enumerate(ports):
        folder = tmp_path_factory.mktemp(f"gate{index}")
        others = tuple(f"127.0.0.1:{other}" for other in ports if other != port)
        lan = LanSettings(True, "127.0.0.1", port, others, discovery=False)
        settings = practice_settings(folder, "127.0.0.1", free_port(), camera=False)
        settings = replace(settings, lan=lan)
        provision(world, settings)
        make_key(settings, "turnstile", API_KEY, never)
        made.append(Appliance(folder, settings, world))
    file = tmp_path_factory.mktemp("stick") / "all.ush"
    file.write_bytes(world.organizer.preload(2, names=False))  # by now it lists all of them
    with ExitStack() as stack:
        for gate in made:
            stack.enter_context(gate)
            loading = gate.command("load", str(file))
            out, _ = loading.communicate(timeout=60)
            assert loading.returncode == 0, out
            gate.start()
        yield made


def status(gate: Appliance) -> dict[str, Any]:
    found: dict[str, Any] = gate.get("/health.json").json()["status"]
    return found


def check(gate: Appliance) -> dict[str, Any]:
    """Return what health says of the other gates."""
    checks = gate.get("/health.json").json()["checks"]
    return next(each for each in checks if each["name"] == "peers")


def test_a_ticket_used_at_one_gate_is_used_at_all(gates: list[Appliance]) -> None:
    """And the strip and health say that the others are reached."""
    for gate in gates:
        until(lambda: status(gate)["peers"] == 2)  # noqa: B023
        assert status(gate)["link"] == "peers"
        until(lambda: check(gate)["state"] == "ok")  # noqa: B023
    code = gates[0].world.code("standing")
    assert gates[0].scan(code)["code"] == "admitted"
    for gate in gates[1:]:
        until(lambda: gate.scan(code)["code"] == "already_admitted")  # noqa: B023


def test_what_came_in_while_a_gate_was_dead_is_known_to_it(gates: list[Appliance]) -> None:
    """It was killed; the others go on, and it hears of all once it is back."""
    lost, north, south = gates
    lost.kill()
    until(lambda: status(north)["peers"] == 1)
    until(lambda: check(north)["state"] == "warn")
    code = north.world.bulk(0)
    assert north.scan(code)["code"] == "admitted"
    lost.start()
    until(lambda: status(lost)["peers"] == 2)
    until(lambda: lost.scan(code)["code"] == "already_admitted")
    assert status(south)["peers"] == 2


def test_an_agent_ends_in_time(gates: list[Appliance]) -> None:
    """Its connections are no reason to wait."""
    start = time.monotonic()
    assert gates[0].stop() == 0
    assert time.monotonic() - start < 8
    until(lambda: status(gates[1])["peers"] == 1)
