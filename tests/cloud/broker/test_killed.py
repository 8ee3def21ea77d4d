"""Relay, worker and broker are killed at random: each effect of 3,000 messages happens once."""

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest

from cloud.db.tenancy import WORKER, tenant_tx
from tests.cloud.broker.post import PUBLISH, USERS, Office, address_of, now, office
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.broker.serving import NAMES, TOPIC, Told
from tests.cloud.database import Database, awaited

MESSAGES: Final = 3000
TICKETS: Final = 3  # messages of one order
KILLING: Final = 22.0  # seconds
WITHIN: Final = 120.0  # seconds in all, on a machine that does much else
ROLES: Final = ("relay", "relay", "worker", "worker")
BROKER: Final = -1
ROOT: Final = Path(__file__).parents[3]


class Troupe:
    """The processes; each that is killed is started again."""

    def __init__(self, told: Told, output: Path) -> None:
        self._told = msgspec.json.encode(told)
        self._output = output
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start them all."""
        self.running = [self._start(role) for role in ROLES]

    def kill(self, number: int) -> None:
        """Kill one as a crash does, and start it again."""
        self.running[number].kill()
        self.running[number].wait()
        self.running[number] = self._start(ROLES[number])

    def end(self) -> list[int]:
        """Tell all to stop; return how they ended."""
        for each in self.running:
            each.terminate()
        return [each.wait(30) for each in self.running]

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.cloud.broker.serving", role]
        with self._output.open("ab") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output
            )
        assert process.stdin is not None
        process.stdin.write(self._told)
        process.stdin.close()
        return process


@contextmanager
def troupe(told: Told, output: Path) -> Iterator[Troupe]:
    """Lend the processes, running; none is left."""
    made = Troupe(told, output)
    try:
        made.start()
        yield made
    finally:
        for each in made.running:
            each.kill()
            each.wait()


@pytest.fixture
def own_rabbit(tmp_path: Path) -> Iterator[Rabbit]:
    """A broker to be killed."""
    with Rabbit(tmp_path, USERS).running() as broker:
        yield broker


async def buy(made: Office, tenant: UUID) -> None:
    """Commit the messages, a few orders at a time, all through the killing."""
    for first in range(0, MESSAGES, 30):
        async with tenant_tx(made.pool, tenant, WORKER, now()) as tx:
            rows = [(TOPIC, f"order:{n // TICKETS}", {"n": n}) for n in range(first, first + 30)]
            await tx.conn.executemany(PUBLISH, rows)
        await asyncio.sleep(KILLING / (MESSAGES / 30))


async def kill(players: Troupe, rabbit: Rabbit, dice: random.Random) -> Counter[str]:
    """Kill each, some times, in any order; return what was, how often."""
    acts = [BROKER] * 2 + [*range(len(ROLES))] * 3
    dice.shuffle(acts)
    for act in acts:
        await asyncio.sleep(dice.uniform(0.3, 1.7))
        if act == BROKER:
            await asyncio.to_thread(rabbit.start)  # it kills the one that runs
        else:
            players.kill(act)
    return Counter("broker" if act == BROKER else ROLES[act] for act in acts)


async def effects(made: Office, tenant: UUID) -> dict[str, list[Any]]:
    """Return the effects of each consumer, in order."""
    rows = await made.root.fetch(
        "SELECT action, subject, (detail->>'n')::int AS n FROM audit"
        " WHERE tenant_id = $1 AND action LIKE 'effect.%' ORDER BY audit_id", tenant,
    )  # fmt: skip
    return {name: [row for row in rows if row["action"] == f"effect.{name}"] for name in NAMES}


def test_every_effect_happens_once_whoever_dies(
    own_rabbit: Rabbit, database: Database, tenant: UUID, tmp_path: Path
) -> None:
    """3,000 distinct effects of each kind; those of one order in its order."""
    dice = random.Random()
    users = ("relay", "collector", *NAMES)
    told = Told(
        database.app_url, {each: address_of(own_rabbit, each) for each in users}, os.getpid()
    )

    async def run(players: Troupe) -> Counter[str]:
        async with office(database) as made:
            killed, _ = await asyncio.gather(kill(players, own_rabbit, dice), buy(made, tenant))

            async def all_done() -> bool:
                counts = await effects(made, tenant)
                return all(len(each) >= MESSAGES for each in counts.values())

            await made.until(all_done, WITHIN - KILLING)
            await asyncio.sleep(1)  # a repeat would come by now
            assert await made.dead(tenant) == []
            assert await made.undone(tenant) == []
            for name, rows in (await effects(made, tenant)).items():
                assert [row["n"] for row in sorted(rows, key=lambda row: row["n"])] == list(
                    range(MESSAGES)
                ), name
                last: dict[str, int] = {}
                for row in rows:
                    assert last.get(row["subject"], -1) < row["n"], (name, row["subject"])
                    last[row["subject"]] = row["n"]
            return killed

    with troupe(told, tmp_path / "processes") as players:
        assert set(awaited(run(players))) == {"broker", *ROLES}
        assert players.end() == [0] * len(ROLES)
