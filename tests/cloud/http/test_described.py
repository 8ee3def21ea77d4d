"""How the description is made: once, beside the requests, and the same by every process."""

import asyncio
from typing import Any

import httpx
import pytest

from cloud.app import create_app
from cloud.http import description
from cloud.settings import Settings

NOWHERE = Settings(
    database_url="postgresql://usher_app@127.0.0.1:1/usher",
    redis_url="redis://127.0.0.1:1",
    master_key="11" * 32,
    payments_url="http://127.0.0.1:1",
    payments_key="key",
    webhook_secrets=("secret",),
)


def test_it_is_made_once_and_outside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others ask meanwhile: they wait for none of it, and who asks for it gets the same."""
    loops: list[Any] = []
    made = description.complete

    def watched(*told: Any) -> Any:
        loops.append(asyncio._get_running_loop())
        return made(*told)

    async def ask() -> set[bytes]:
        app: Any = create_app(NOWHERE)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://usher") as http:
            asked = [http.get(f"/v1/openapi.json{end}") for end in ("", "/openapi.json", "")]
            return {answer.content for answer in await asyncio.gather(*asked)}

    monkeypatch.setattr(description, "complete", watched)
    (told,) = asyncio.run(ask())
    assert b"placeOrder" in told
    assert loops == [None]


def test_headers_have_one_order() -> None:
    """litestar keeps those of an answer in a set."""
    headers: Any = {"usher-version": {}, "usher-base": {}}
    answers: Any = {"paths": {"/": {"get": {"responses": {"200": {"headers": headers}}}}}}
    document = description.complete(answers, {("/", "get"): {}})
    said = document["paths"]["/"]["get"]["responses"]["200"]["headers"]
    assert list(said) == ["usher-base", "usher-version"]
