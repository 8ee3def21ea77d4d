"""`usher-edge roll`: a new key for this device."""

import asyncio
from pathlib import Path

import click

from edge import version
from edge.commands.saying import console, fail, settings_of
from edge.gate.gate import Gate, NotSetUp, open_gate
from edge.settings import Settings
from edge.store.database import StorageFailed
from edge.store.identity import AlreadyRunning
from edge.store.stores import old_key
from edge.sync.client import Cloud
from edge.sync.failures import Away, Denied, Garbled
from edge.sync.opened import context_of, origin_of
from edge.sync.rolling import NotRolled, Rolling, next_key
from edge.sync.words import refused
from shared.errors import UsherError


@click.command()
@click.pass_obj
def roll(path: Path) -> None:
    """Give this device a new key, and take the old one's word away.

    For a device whose key may have been seen. The agent must be stopped; what it wrote is sent
    first, and stays. Broken off, the same command goes on where it was, and so does the agent.

    \b
    Example:  usher-edge roll
    """
    settings = settings_of(path)
    try:
        gate = open_gate(settings, software=version())
    except NotSetUp as error:
        fail(str(error))
    except AlreadyRunning:
        fail("The agent is running. Stop it first, so that nothing more is signed by the old key.")
    except StorageFailed as error:
        fail(str(error))
    try:
        asyncio.run(_roll(settings, gate))
    except (NotRolled, Denied, UsherError) as error:
        said, todo = refused(error.code)
        fail(f"{said} ({error.code})\n  {todo}")
    except (Away, Garbled) as error:
        fail(f"The cloud can't be reached. ({error.code})\n  Run it again: it goes on from here.")
    except StorageFailed as error:
        fail(f"The disk failed: {error}. Run it again: it goes on from here.")
    finally:
        gate.close()
    console.print("[green]✔[/] This device has a new key. Start the agent again.")


async def _roll(settings: Settings, gate: Gate) -> None:
    origin = origin_of(settings, gate.stores.settings)
    if not origin:
        fail("This device knows no cloud: a key is changed online. Run `usher-edge enrol`.")
    tenant, clock = gate.held.trust.roster.tenant, gate.clock.stamp_ms
    verify = context_of(origin, settings.cloud.ca)
    folder = settings.data_folder
    begun = old_key(folder)
    old, new = (begun, gate.me) if begun else (gate.me, next_key(folder))
    async with (
        Cloud(origin, tenant, old, clock, verify=verify) as by_old,
        Cloud(origin, tenant, new, clock, verify=verify) as by_new,
    ):
        await Rolling(gate, old, new, by_old, by_new).run()
