"""What devices are told to do (shared/spec/devices.md §4).

A command is kept as it was meant and signed when it is handed out: by the key of that day, so
that a withdrawn one leaves no device without its orders.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, LiteralString, NamedTuple, cast

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.devices import registry
from cloud.errors import Refusal
from shared.devices.command import Command
from shared.signed import Kind, seal

Action = Literal["wipe", "lock", "unlock", "set_time"]
MOST: Final = 64  # commands in one answer


class Given(NamedTuple):
    """A command's row."""

    number: int
    action: Action
    time: int | None  # unix ms
    created_at: datetime


ADD: Final[LiteralString] = """
    INSERT INTO device_command (device_id, number, action, time, created_at)
    SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4 FROM device_command
     WHERE tenant_id = current_tenant() AND device_id = $1
 RETURNING *
"""


async def give(tx: TenantTx, device: bytes, action: Action, time: int | None) -> Given:
    """Give a device a command, with the next of its numbers. `time`: unix ms, of `set_time`
    alone; without one it is now."""
    if time is not None and action != "set_time":
        raise Refusal("command_time", field="/time", accepted="null")
    await registry.lock(tx, device)
    if action == "set_time" and time is None:
        time = int(tx.now.timestamp() * 1000)
    row = await tx.conn.fetchrow(ADD, device, action, time, tx.now)
    if row is None:  # RETURNING always does
        raise RuntimeError("no command was stored")
    given = _given(row)
    said = {"command": action, "number": given.number}
    await tx.audit("device.commanded", f"device:{device.hex()}", **said)
    await tx.tell_devices()
    return given


AFTER: Final[LiteralString] = """
    SELECT * FROM device_command
     WHERE tenant_id = current_tenant() AND device_id = $1 AND number > $2
     ORDER BY number LIMIT $3
"""


async def after(tx: TenantTx, device: bytes, number: int, limit: int) -> list[Given]:
    """Return a device's commands with higher numbers, in their order."""
    return [_given(row) for row in await tx.conn.fetch(AFTER, device, number, limit)]


HAND_ON: Final[LiteralString] = """
    INSERT INTO device_command (device_id, number, action, time, created_at)
    SELECT $2, number, action, time, created_at FROM device_command
     WHERE tenant_id = current_tenant() AND device_id = $1
"""


async def hand_on(tx: TenantTx, old: bytes, new: bytes) -> None:
    """Let a device's commands, with their numbers, be those of its new key too: it can't escape
    from a wipe by rolling."""
    await tx.conn.execute(HAND_ON, old, new)


def sealed(tx: TenantTx, device: bytes, given: Sequence[Given], secret: bytes) -> list[bytes]:
    """Return commands as signed documents."""
    return [
        seal(
            Kind.COMMAND,
            Command(tx.tenant.hex, device.hex(), each.number, each.action, each.time),
            secret,
        )
        for each in given
    ]


def _given(row: Row) -> Given:
    return Given(row["number"], cast("Action", row["action"]), row["time"], row["created_at"])
