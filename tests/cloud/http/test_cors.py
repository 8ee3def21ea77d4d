"""Pages of other origins: those that the settings name, and nobody else's."""

from pathlib import Path

import httpx
import pytest

from tests.cloud.database import Database
from tests.cloud.service import running

OURS = "https://shop.example"
ASKED = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}


@pytest.mark.parametrize(("origin", "allowed"), [(OURS, True), ("https://other.example", False)])
def test_only_named_origins_may_ask(
    database: Database, redis_url: str, tmp_path: Path, origin: str, allowed: bool
) -> None:
    """A browser is told so before the request and with the answer; no cookie is ever wanted."""
    with (
        running(database, redis_url, tmp_path, cors_origins=(OURS,)) as service,
        httpx.Client(base_url=service.address, trust_env=False) as browser,
    ):
        before = browser.options("/v1/accounts/me", headers=ASKED | {"origin": origin})
        after = browser.get("/livez", headers={"origin": origin})
    for answer in (before, after):
        assert (answer.headers.get("access-control-allow-origin") == origin) == allowed
        assert "access-control-allow-credentials" not in answer.headers
    shown = after.headers.get("access-control-expose-headers", "").lower()
    assert {"usher-data-age", "usher-waiting"} <= set(shown.split(", ")) or not allowed
    assert ("authorization" in before.headers.get("access-control-allow-headers", "")) == allowed


def test_without_origins_no_page_is_told_anything(
    database: Database, redis_url: str, tmp_path: Path
) -> None:
    """The default."""
    with (
        running(database, redis_url, tmp_path) as service,
        httpx.Client(base_url=service.address, trust_env=False) as browser,
    ):
        answer = browser.get("/livez", headers={"origin": OURS})
    assert "access-control-allow-origin" not in answer.headers
