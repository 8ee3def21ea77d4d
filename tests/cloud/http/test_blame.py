"""What a refusal says of a request that is not in the declared form."""

import httpx
import pytest

from tests.cloud.service import Service


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ("/email", "a value")),
        ({"email": "a@b.test", "password": 5}, ("/password", "str")),
        ({"email": "a@b.test", "password": "x", "strange": 1}, ("", "the declared fields alone")),
    ],
)
def test_the_field_is_named_and_what_it_takes(
    service: Service, body: dict[str, object], expected: tuple[str, str]
) -> None:
    """A JSON pointer into the body, and never the value that was sent."""
    answer = httpx.post(f"{service.address}/v1/sessions", json=body)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error.get("field", ""), error["accepted"]) == expected


@pytest.mark.parametrize("text", [b"{", b'{"email": }', b"\xff", b'{"email": "\xff"}'])
def test_what_is_no_json_is_called_that(service: Service, text: bytes) -> None:
    """Nothing is blamed but the body."""
    answer = httpx.post(
        f"{service.address}/v1/sessions",
        content=text,
        headers={"content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "body_malformed")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
        ("", 401),
        ("Application/JSON; charset=utf-8", 401),
        ("application/merge-patch+json", 401),
    ],
)
def test_a_body_is_what_it_says(service: Service, kind: str, status: int) -> None:
    """A form of another site's can't be read as JSON; what says nothing of itself can."""
    answer = httpx.post(
        f"{service.address}/v1/sessions",
        content=b'{"email": "nobody@x.test", "password": "wrong wrong wrong"}',
        headers={"content-type": kind} if kind else {},
    )
    assert answer.status_code == status
    assert answer.json()["code"] == ("media_type" if status == 415 else "sign_in_refused")


@pytest.mark.parametrize("text", [b"{}", b"{", b"\xff", b"[" * 100_000, b""])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_who_may_not_ask_is_told_nothing_of_the_body(
    service: Service, kind: str, text: bytes
) -> None:
    """Who calls is judged first, also where the route does that itself."""
    nobody = "8f14e45f-ceea-467f-a2d8-4bd4ab3b1fd2"
    for path in ("venues", f"events/{nobody}/redeem"):
        place = f"{service.address}/v1/tenants/{nobody}/{path}"
        answer = httpx.post(place, content=text, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["code"]) == (401, "credentials_missing")
