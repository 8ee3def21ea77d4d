"""A reading of a gate's folder by a command, beside the agent or without one.

Everything is opened to be read and nothing is locked. What only the running agent knows is
left out: how its cameras do, whom it reaches, what it was told of the time.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge.gate.clock import DeviceClock
from edge.gate.gate import Held, Machine, NotSetUp
from edge.gate.receipts import disputed
from edge.health import inspection
from edge.health.hardware import read_hardware
from edge.health.known import ahead_of, lists_of, roster_of
from edge.health.look import looking
from edge.health.reading import Log, Queue, Reading, Time, Written
from edge.health.served import read_certificate
from edge.settings import Settings
from edge.store.database import StorageFailed
from edge.store.identity import Identity, load_identity
from edge.store.schema import NewerSchema
from edge.store.stores import DATABASE, KEY, Stores
from shared.log.hlc import wall

PATIENCE: Final = 2.0  # seconds for the agent to take a call
Step = Callable[[str], None]


def read_from_outside(settings: Settings, machine: Machine, step: Step) -> Reading:
    """Return what can be seen of a gate; `step` is told what is being looked at."""
    folder = settings.data_folder
    step("the machine")
    bare = Reading(
        hardware=read_hardware(settings),
        agent=agent_runs(settings.socket),
        cameras=None if settings.cameras else {},
    )
    if not _readable(folder):
        return bare._replace(setup="unreadable")
    written = Written(
        error=inspection.try_to_write(folder),
        mirror=inspection.mirror_access(folder),
        aside=inspection.set_aside(folder),
    )
    bare = bare._replace(written=written, certificate=read_certificate(settings))
    try:
        return _with_gate(bare, settings, machine, step)
    except NewerSchema:
        return bare._replace(setup="newer")
    except StorageFailed as error:
        return bare._replace(setup="damaged", log=Log((str(error),)))


def agent_runs(path: Path) -> bool | None:
    """Whether somebody answers at the agent's socket; None where this user may not ask."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(PATIENCE)
        try:
            caller.connect(str(path))
        except PermissionError:
            return None
        except OSError:
            return False
    return True


def _readable(folder: Path) -> bool:
    """Whether this user may read all of the folder that is there."""
    for part in (folder, folder / KEY, folder / DATABASE):
        try:
            part.stat()
        except FileNotFoundError:
            continue
        except OSError:
            return False
        if not os.access(part, os.R_OK):
            return False
    return True


def _with_gate(bare: Reading, settings: Settings, machine: Machine, step: Step) -> Reading:
    """Return a reading with what the database says. Raises what opening it does."""
    folder = settings.data_folder
    me = load_identity(folder / KEY)
    if me is None:
        return bare._replace(setup="no_key")
    if not os.access(folder / DATABASE, os.F_OK):
        return bare._replace(setup="no_database")
    with looking(folder) as stores:
        step("the log")
        log = inspection.inspected(stores, me)
        parted = sorted({device.hex()[:8] for device, _ in disputed(stores.settings)})
        queue = Queue(stores.log.waiting(me.device), disputed=tuple(parted))
        step("ticket lists")
        return _with_trust(bare._replace(log=log, queue=queue), settings, machine, stores, me)


def _with_trust(
    bare: Reading, settings: Settings, machine: Machine, stores: Stores, me: Identity
) -> Reading:
    vouched = settings.clock != "none"
    clock = DeviceClock(stores.settings, machine.monotonic, machine.wall, vouched=vouched)
    now, until = clock.now(), clock.stamps_until(wall(stores.log.highest_stamp(me.device)))
    # Unvouched, the time is what the agent was told since its start, which is not on the disk.
    time = (
        None
        if bare.agent is not False and not vouched
        else Time(now, clock.quality(), clock.jumped(), until)
    )
    try:
        held = Held(me, stores)
    except NotSetUp:
        return bare._replace(setup="no_organizer", time=time)
    others = ahead_of(held.trust, me.device, now, stores.log.last)
    return bare._replace(
        time=time and time._replace(ahead=others),
        lists=lists_of(held.trust, now),
        roster=roster_of(held.trust, me.device, now, locked=held.locked),
    )
