"""Mail as the settings have it: who it is from, and by which server it goes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from cloud.breakers.breaker import Breakers
from cloud.db.connect import Pool
from cloud.http.kernel import Sealer
from cloud.notify.addresses import Mailbox, mailbox, sender
from cloud.notify.addresses import Sender as From
from cloud.notify.bounces import LONGEST_LOCAL
from cloud.notify.courier import RULE, Courier
from cloud.notify.rows import House
from cloud.notify.sending import Sender, sending
from cloud.notify.servers import server
from cloud.settings import Settings, Unfit

NOBODY: Final = From("Usher", Mailbox("mail", "localhost"))  # where nothing is sent


def house(settings: Settings) -> House:
    """Return who mails are from, or raise `Unfit`."""
    named = sender(settings.mail_from) if settings.mail_from else NOBODY
    if named is None:
        raise Unfit('mail_from is an address, as "Usher <tickets@example.org>".')
    back = mailbox(settings.mail_bounces) if settings.mail_bounces else None
    if settings.mail_bounces and not (back and _can_lead_back(back)):
        raise Unfit(
            "mail_bounces is an address, as bounces@example.org, with at most "
            f"{LONGEST_LOCAL} plain letters before the @."
        )
    return House(named, settings.reached_at, back)


def _can_lead_back(to: Mailbox) -> bool:
    return to.is_ascii and len(to.local) <= LONGEST_LOCAL


def courier(settings: Settings, breakers: Breakers | None = None) -> Courier | None:
    """Return who hands mails over; None: they are kept here. `Unfit`: a file can't be read."""
    if not settings.smtp_url:
        return None
    name = house(settings).sender.address.domain
    try:
        where = server(settings.smtp_url, settings.smtp_ca, name)
        return Courier(where, breaker=breakers.of("smtp", RULE) if breakers else None)
    except OSError as error:
        raise Unfit(f"smtp_ca {settings.smtp_ca} is no certificate that can be read.") from error


def parts(
    settings: Settings,
    pool: Pool,
    sealer: Sealer,
    clock: Callable[[], datetime],
    breakers: Breakers,
) -> tuple[Callable[[asyncio.Event], Awaitable[None]], ...]:
    """Return what a worker runs for mail: nothing where it neither sends nor keeps any.

    Mail waits then, and is sent once there is a server, if it is still worth it.
    """
    if not (settings.smtp_url or settings.mailbox):
        return ()
    made = courier(settings, breakers)
    return (
        sending(settings.database_url, made, Sender(pool, sealer, house(settings), made, clock)),
    )
