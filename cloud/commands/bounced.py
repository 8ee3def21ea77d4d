"""`usher-cloud admin bounced-mail`: called by a mail server for what it sends back.

It ends with 75 (sysexits.h) whenever it could not do its work: a mail server keeps the message
then, and calls again. So too where a report is faster than the note that its mail was handed
over: that comes within seconds, or as the mail is given up. With 0 there is nothing more to do,
whatever the message was.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, LiteralString
from uuid import UUID

from cloud.commands.admin import OPERATOR, operate
from cloud.commands.saying import CONSOLE, OUT
from cloud.db.tenancy import platform_tx, tenant_tx
from cloud.notify import bounces, rows
from cloud.notify.rows import Heard
from cloud.parts import Parts
from cloud.settings import Settings
from cloud.working import utc_now

LATER: Final = 75
SAID: Final = {
    Heard.NEW: "The mail came back: {status}.",
    Heard.EARLY: "The mail is not noted as sent yet: hand its report over again later.",
    Heard.OLD: "The mail is forgotten, or it is known already.",
}
TENANTS: Final[LiteralString] = "SELECT tenant_id FROM tenant"


@contextmanager
def later() -> Iterator[None]:
    """End with the code for which a mail server calls again, whatever went wrong."""
    try:
        yield
    except SystemExit as ended:
        sys.exit(LATER if ended.code else 0)
    except Exception:  # noqa: BLE001 - it is shown, and the message is kept
        CONSOLE.print_exception()
        sys.exit(LATER)


def bounced(settings: Settings, to: str, file: BinaryIO) -> None:
    """Note what a message says that came to a return address. `to`: the address, "" if only the
    message says it."""
    message = bounces.parsed(_read(file))
    told = None if message is None else bounces.report(message)
    if message is None or told is None:
        OUT.print("It reports no mail that was not delivered.")
        return
    texts, reported = [to, *bounces.addressed(message)], told
    early: list[bool] = []

    async def act(parts: Parts) -> None:
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
            tenants: list[UUID] = [row["tenant_id"] for row in await ptx.conn.fetch(TENANTS)]
        found = bounces.named(parts.sealer, texts, [None, *tenants])
        if found is None:
            OUT.print("It came to no return address of a mail of ours.")
            return
        heard = await _noted(parts, *found, reported)
        OUT.print(SAID[heard].format(status=reported.status))
        early.append(heard is Heard.EARLY)

    operate(settings, act)
    if any(early):
        sys.exit(LATER)


async def _noted(parts: Parts, lane: UUID | None, number: int, told: bounces.Report) -> Heard:
    if lane is None:
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
            return await rows.bounce(ptx, parts.sealer, number, told)
    async with tenant_tx(parts.pool, lane, OPERATOR, utc_now(), suspended_too=True) as tx:
        return await rows.bounce(tx, parts.sealer, number, told)


def _read(file: BinaryIO) -> bytes:
    """Return a message's beginning, and read its end too: who writes it would take offence."""
    content = file.read(bounces.MOST)
    while file.read(1 << 16):
        pass
    return content
