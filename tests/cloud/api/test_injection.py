"""What attackers send instead of a word: refused or kept as text, never a fault, never echoed."""

import json
from typing import Final
from urllib.parse import quote

import httpx
import pytest

from tests.cloud.api.operations import Operation, replaced, send, strings, with_ids
from tests.cloud.api.scene import Ids, Side

MARK: Final = "zqzq"
EVIL: Final = {
    "sql": f"{MARK}'; DROP TABLE ticket; --",
    "header": f"{MARK}\r\nset-cookie: a=b",
    "nul": f"{MARK}\x00\x00",
    "bidi": f"{MARK}\u202e\u2066\ufeff",
    "huge": MARK * 25_000,
    "format": f"{MARK}%s{{0}}${{x}}",
    "path": f"../../{MARK}/etc/passwd",
    "astral": f"{MARK}\U0001f3ab\ufffe",
}
# These end the caller's own session or account, which the test still needs.
FAREWELLS: Final = frozenset({"signOut", "signOutEverywhere", "eraseMe"})


def sound(answer: httpx.Response) -> bool:
    """Whether an answer is no fault and has nothing of the request in its headers."""
    heads = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    return answer.status_code < 500 and MARK not in heads and "set-cookie" not in answer.headers


def tried(ours: Side, operation: Operation, evil: str) -> dict[str, str]:
    """Put a text wherever the operation takes one; return what was not sound."""
    ids = Ids(ours)
    values = ours.path_values(operation.names) if operation.of_tenant else ids
    body = with_ids(operation.body()[1], ids)
    wrong: dict[str, str] = {}

    def judge(where: str, answer: httpx.Response) -> None:
        if not sound(answer):
            wrong[f"{operation.name} {where}"] = f"{answer.status_code} {answer.text[:150]}"

    for place in strings(body):
        judge(str(place), send(ours.owner, operation, values, replaced(body, place, evil)))
    for each in operation.parameters:
        name, sent = each["name"], evil[:2000]
        if each["in"] == "query":
            judge(name, send(ours.owner, operation, values, body, params={name: sent}))
        elif each["in"] == "path":
            url = operation.url({**values, name: quote(sent, safe="")})
            judge(name, ours.owner.request(operation.method, url, json=body))
    return wrong


@pytest.mark.parametrize("kind", EVIL)
def test_no_text_breaks_anything(operations: list[Operation], ours: Side, kind: str) -> None:
    """In every text of every body, query and path of the description."""
    wrong: dict[str, str] = {}
    for each in operations:
        if each.name not in FAREWELLS:
            wrong |= tried(ours, each, EVIL[kind])
    assert wrong == {}, json.dumps(wrong, indent=1)


@pytest.mark.parametrize(
    "name", ["authorization", "idempotency-key", "x-request-id", "if-none-match", "traceparent",
             "x-forwarded-for", "origin", "accept", "content-type", "accept-language"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["sql", "format", "path"])
def test_no_header_breaks_anything(ours: Side, name: str, kind: str) -> None:
    """On a read, on a write, and on what is not there."""
    stranger = ours.service.client()
    for client in (ours.owner, stranger):
        for method, path in (
            ("GET", f"{ours.tenant.path}/orders"),
            ("POST", f"{ours.tenant.path}/venues"),
            ("GET", "/nowhere"),
        ):
            answer = client.request(method, path, headers={name: EVIL[kind]}, json={"name": "x"})
            assert sound(answer), f"{method} {path}: {answer.status_code} {answer.text[:200]}"
