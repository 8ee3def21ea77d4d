"""What the service writes about people: nothing."""

import json
import secrets
from typing import Final

from tests.cloud.run.served import Served, until

MARK: Final = secrets.token_hex(8)  # in everything that is personal or secret
EMAIL: Final = f"ada.{MARK}@example.org"
NAME: Final = f"Ada {MARK}"
PASSWORD: Final = f"correct horse {MARK}"


def test_logs_have_ids_and_nothing_of_a_person(house: Served) -> None:
    """Names, addresses, passwords and tokens are in no line, whether a request went well, was
    refused, was nonsense, or broke off; each line is JSON, and a request's has its id."""
    marked = {"email": EMAIL, "password": PASSWORD, "name": NAME, "locale": "en"}
    with house.client() as http:
        assert http.post("/v1/accounts", json=marked).status_code == 202
        assert http.post("/v1/accounts", json=marked | {"locale": NAME}).status_code == 400
        assert http.post("/v1/accounts", content=f'{{"email": "{EMAIL}"').status_code == 400
        http.post("/v1/sessions", json={"email": EMAIL, "password": f"not {PASSWORD}"})
        http.get(f"/v1/accounts/me?name={MARK}", headers={"authorization": f"Bearer {MARK}"})
        http.get(f"/v1/{MARK}")
        http.get("/livez", headers={"x-forwarded-for": MARK, "user-agent": MARK, "cookie": MARK})
    (token,) = house.tokens(1).values()
    with house.client(token) as http:
        last = http.get("/v1/accounts/me").headers["x-request-id"]
    until(lambda: last in house.said(), 30)
    lines = [line for line in house.said().splitlines() if line.startswith("{")]
    assert any(last in json.loads(line).values() for line in lines)
    assert [line for line in house.said().splitlines() if MARK in line or token in line] == []
