"""Commands over HTTP: the owner gives them, the device takes them."""

import asyncio
from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from cloud.db.tenancy import TenantTx
from cloud.devices import commands, registry, rosters
from cloud.devices.commands import MOST, Action, Given
from cloud.devices.shapes import DEVICES, OCTETS, TENANT, DeviceId
from cloud.errors import Refusal
from cloud.http.access import Caller, device, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.keys.issuers import Issuers
from shared.devices.command import Milliseconds
from shared.wire import frames

COMMANDS: Final = f"{DEVICES}/{{device_id:str}}/commands"
Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class NewCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device is to do. `time`: unix ms, of `set_time` alone; null: now."""

    action: Action
    time: Milliseconds | None = None


class CommandOut(msgspec.Struct, frozen=True, kw_only=True):
    """A command. A device obeys each number once."""

    number: int
    action: Action
    time: int | None
    created_at: datetime


@post(COMMANDS, opt=needs("devices:write"), tags=["devices"], operation_id="commandDevice",
      summary="Tell a device what to do")  # fmt: skip
async def give(
    device_id: DeviceId, data: JSONBody[NewCommand], tx: NamedDependency[TenantTx]
) -> CommandOut:
    """Lock a device, unlock it, set its time, or wipe it: its keys and all that it holds. It obeys
    when it hears of it, also after a revocation."""
    return _shown(await commands.give(tx, bytes.fromhex(device_id), data.action, data.time))


@get(COMMANDS, opt=needs("devices:read"), tags=["devices"], operation_id="listCommands",
     summary="List a device's commands")  # fmt: skip
async def list_commands(
    device_id: DeviceId,
    tx: NamedDependency[TenantTx],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[CommandOut]:
    """Return what a device was told, in the order of the numbers."""
    named = (await registry.find(tx, bytes.fromhex(device_id))).device_id
    found = await commands.after(tx, named, decode(cursor, Number) or 0, limit + 1)
    return page([_shown(each) for each in found], limit, lambda each: each.number)


@get(f"{TENANT}/sync/commands", opt=device(revoked_too=True), media_type=OCTETS, tags=["sync"],
     operation_id="readCommands", summary="Read one's commands")  # fmt: skip
async def read_commands(
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    issuers: NamedDependency[Issuers],
    after: Annotated[
        int, QueryParameter(ge=0, le=2**53 - 1, description="The last number obeyed.")
    ] = 0,
) -> Response[bytes]:
    """Return the calling device's commands with higher numbers, signed: frames, 64 at most. Ask
    again after the last of them."""
    if caller.device is None:
        raise Refusal("device_required")
    given = await commands.after(tx, caller.device, after, MOST)
    secret = await rosters.document_key(tx, issuers.keyring, "command")
    signed = await asyncio.to_thread(commands.sealed, tx, caller.device, given, secret)
    return Response(frames(signed), media_type=OCTETS)


def _shown(given: Given) -> CommandOut:
    return CommandOut(**given._asdict())


ROUTES: Final = (give, list_commands, read_commands)
