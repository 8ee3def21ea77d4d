"""The link of a mail that can be refused: a page with one button, and RFC 8058's one click.

Only a POST refuses: programs that look at links in mails follow them by GET.
"""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import anyone
from cloud.http.unit import Unit
from cloud.keys.sealing import MasterKey
from cloud.notify import pages, refusals
from cloud.notify.refusals import Link

ONE: Final = f"{refusals.PATH}/{{token:str}}"
NAME: Final = "SELECT name FROM tenant WHERE tenant_id = $1"
OPT: Final = {**anyone(), "own_credentials": True, "body_limit": 4096}
Asked = Request[Any, Any, Any]


@get(ONE, opt=OPT, include_in_schema=False)
async def ask(
    token: FromPath[str],
    request: Asked,
    sealer: NamedDependency[MasterKey],
    page_files: NamedDependency[Any],
) -> Response[str]:
    """Ask whether a mail's reader wants no more like it."""
    link, tx = await _entered(request, sealer, token)
    organizer = await tx.conn.fetchval(NAME, tx.tenant)
    return pages.response(pages.refusing(page_files.base, link, organizer))


@post(ONE, opt=OPT, include_in_schema=False, status_code=200)
async def unsubscribe(
    token: FromPath[str],
    request: Asked,
    sealer: NamedDependency[MasterKey],
    page_files: NamedDependency[Any],
) -> Response[str]:
    """Send no more like it. Once more changes nothing."""
    link, tx = await _entered(request, sealer, token)
    await refusals.refuse(tx, link.email, link.category)
    return pages.response(pages.refused(page_files.base, link))


async def _entered(request: Asked, sealer: MasterKey, token: str) -> tuple[Link, TenantTx]:
    link = refusals.opened(sealer, token)
    if link is None:
        raise Refusal("unsubscribe_link")
    unit: Unit = request.scope["state"]["unit"]
    tx, _ = await unit.tenant(request, link.tenant)
    return link, tx


ROUTES: Final = (ask, unsubscribe)
