"""Sessions over real HTTP: refresh, reuse, the ways out, and one's own account."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud.accounts.mailbox import topics
from tests.cloud.database import Database
from tests.cloud.service import PASSWORD, Service, good, problem, running
from tests.cloud.trust import TRUST

NEW = "another horse entirely"


@pytest.fixture
def person(service: Service) -> Any:
    """Somebody with an account."""
    return service.person()


def begin(service: Service, email: str, password: str = PASSWORD) -> Any:
    """Sign in."""
    said = {"email": email, "password": password}
    return good(service.client().post("/v1/sessions", json=said), 201)


def refresh(service: Service, token: str) -> httpx.Response:
    """Refresh, on a connection of its own: may be called by several threads."""
    with httpx.Client(base_url=service.address, timeout=60, verify=TRUST) as client:
        return client.post("/v1/sessions/refresh", json={"refresh_token": token})


def me(service: Service, tokens: Any) -> httpx.Response:
    """Ask who one is."""
    return service.client(f"Bearer {tokens['access_token']}").get("/v1/accounts/me")


def test_a_refresh_gives_new_tokens_of_the_same_session(service: Service, person: Any) -> None:
    """Both are new, and the access token works."""
    first = begin(service, person.email)
    second = good(refresh(service, first["refresh_token"]), 200)
    assert second["session_id"] == first["session_id"]
    assert second["refresh_token"] != first["refresh_token"]
    assert good(me(service, second))["email"] == person.email


def test_a_lost_answer_locks_nobody_out(service: Service, person: Any) -> None:
    """The token just used is answered with the same successor, and the session goes on."""
    first = begin(service, person.email)
    lost = good(refresh(service, first["refresh_token"]))
    again = good(refresh(service, first["refresh_token"]))
    assert again["refresh_token"] == lost["refresh_token"]
    good(refresh(service, again["refresh_token"]), 200)


def test_many_refreshes_at_once_are_one(service: Service, person: Any) -> None:
    """Eight at the same moment get one successor, which works afterwards."""
    token = begin(service, person.email)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(service, token), range(8)))
    successors = {good(answer)["refresh_token"] for answer in answers}
    assert len(successors) == 1
    good(refresh(service, successors.pop()), 200)


def test_a_copied_token_ends_the_session(service: Service, person: Any) -> None:
    """Everything of it is void at once, it is written down, and the owner is told."""
    first = begin(service, person.email)
    second = good(refresh(service, first["refresh_token"]))
    third = good(refresh(service, second["refresh_token"]))
    assert problem(refresh(service, first["refresh_token"])) == (401, "refresh_refused")
    assert problem(refresh(service, third["refresh_token"])) == (401, "refresh_refused")
    assert problem(me(service, third)) == (401, "credentials_invalid")
    rows = service.database.rows(
        "SELECT actor FROM platform_audit WHERE action = 'session.reused' AND subject = $1",
        f"session:{first['session_id']}",
    )
    assert [row["actor"] for row in rows] == [f"account:{person.account_id}"]
    assert topics(service, person.email)[-1] == "mail.reused"


def test_the_copy_of_one_session_leaves_the_others_refreshing(
    service: Service, person: Any
) -> None:
    """The owner's phone refreshes on when the laptop's token was copied."""
    phone, laptop = begin(service, person.email), begin(service, person.email)
    token = laptop["refresh_token"]
    for _ in range(2):
        token = good(refresh(service, token))["refresh_token"]
    assert problem(refresh(service, laptop["refresh_token"])) == (401, "refresh_refused")
    assert good(me(service, good(refresh(service, phone["refresh_token"]))))


def test_a_used_token_after_the_grace_is_a_copy(service: Service, person: Any) -> None:
    """Ten seconds later the same token ends the session."""
    first = begin(service, person.email)
    good(refresh(service, first["refresh_token"]))
    service.database.run(
        "UPDATE session SET used_at = used_at - interval '60 s';"
        "UPDATE refresh_token SET issued_at = issued_at - interval '60 s'"
    )
    assert problem(refresh(service, first["refresh_token"])) == (401, "refresh_refused")


def test_a_session_has_an_end(service: Service, person: Any) -> None:
    """Idle for too long, it refreshes no more."""
    first = begin(service, person.email)
    service.database.run("UPDATE refresh_token SET issued_at = issued_at - interval '15 days'")
    assert problem(refresh(service, first["refresh_token"])) == (401, "refresh_refused")


@pytest.mark.parametrize("token", ["x", "urt_" + "A" * 43, "urt_'; DROP TABLE session; --"])
def test_what_is_no_token_refreshes_nothing(service: Service, token: str) -> None:
    """One refusal for all."""
    assert problem(refresh(service, token)) == (401, "refresh_refused")


def test_signing_out_ends_this_session_alone(service: Service, person: Any) -> None:
    """Its tokens are void here; the other session goes on."""
    here = begin(service, person.email)
    client = service.client(f"Bearer {here['access_token']}")
    good(client.delete("/v1/sessions/current"), 204)
    assert problem(me(service, here)) == (401, "credentials_invalid")
    assert problem(refresh(service, here["refresh_token"])) == (401, "refresh_refused")
    good(person.get("/v1/accounts/me"))


def test_signing_out_everywhere_voids_every_token(service: Service, person: Any) -> None:
    """Also in the tenants, at once."""
    tenant = service.tenant(person)
    good(person.get(tenant.path))
    other = begin(service, person.email)
    good(person.post("/v1/accounts/me/sign-out-everywhere"), 204)
    assert problem(person.get(tenant.path)) == (401, "credentials_invalid")
    assert problem(me(service, other)) == (401, "credentials_invalid")
    assert problem(refresh(service, other["refresh_token"])) == (401, "refresh_refused")
    assert begin(service, person.email)["access_token"]


def test_sessions_are_listed_and_ended(service: Service, person: Any) -> None:
    """One sees one's own, and ends one's own alone."""
    other = begin(service, person.email)
    listed = good(person.get("/v1/sessions"))
    assert {each["session_id"] for each in listed} >= {other["session_id"]}
    assert [each["current"] for each in listed].count(True) == 1
    stranger = service.person()
    path = f"/v1/sessions/{other['session_id']}"
    assert problem(stranger.delete(path)) == (404, "not_found")
    good(me(service, other))
    good(person.delete(path), 204)
    assert problem(me(service, other)) == (401, "credentials_invalid")
    assert problem(person.delete(path)) == (404, "not_found")


def test_a_changed_password_ends_the_other_sessions(service: Service, person: Any) -> None:
    """This one goes on with the token in the answer; the old password is nothing."""
    here, other = begin(service, person.email), begin(service, person.email)
    client = service.client(f"Bearer {here['access_token']}")
    change = {"current": PASSWORD, "new": NEW}
    told = good(client.post("/v1/accounts/me/password", json=change), 200)
    good(me(service, told))
    good(refresh(service, here["refresh_token"]), 200)
    assert problem(me(service, other)) == (401, "credentials_invalid")
    assert problem(refresh(service, other["refresh_token"])) == (401, "refresh_refused")
    said = {"email": person.email, "password": PASSWORD}
    assert problem(service.client().post("/v1/sessions", json=said)) == (401, "sign_in_refused")
    assert begin(service, person.email, NEW)
    assert topics(service, person.email)[-1] == "mail.changed"


def test_a_password_is_changed_by_who_knows_it(person: Any) -> None:
    """A wrong one, or a new one that is too easy, changes nothing."""
    wrong = person.post("/v1/accounts/me/password", json={"current": NEW, "new": NEW})
    assert problem(wrong) == (401, "sign_in_refused")
    easy = person.post("/v1/accounts/me/password", json={"current": PASSWORD, "new": "12345678"})
    assert problem(easy) == (400, "password_sequence")
    assert easy.json()["errors"][0]["field"] == "/new"
    good(person.get("/v1/accounts/me"))


def test_name_and_language_are_changed(person: Any) -> None:
    """What is not named stays."""
    told = good(person.patch("/v1/accounts/me", json={"locale": "de-AT"}))
    assert (told["locale"], told["name"]) == ("de-AT", "Ada")
    assert good(person.patch("/v1/accounts/me", json={"name": "Grace"}))["name"] == "Grace"
    admin = person.patch("/v1/accounts/me", json={"admin": True})
    assert problem(admin) == (400, "invalid_request")


def test_guessing_locks_out_the_guesser_alone(
    database: Database, redis_url: str, tmp_path: Path
) -> None:
    """Tries at an account are counted by where they come from: its owner, elsewhere, gets in."""
    with running(database, redis_url, tmp_path, trusted_proxies=1) as service:
        person, stranger = service.person(), service.client()
        guess = {"email": person.email, "password": "wrong wrong wrong"}
        there, here = {"x-forwarded-for": "192.0.2.1"}, {"x-forwarded-for": "192.0.2.2"}
        answers = [stranger.post("/v1/sessions", json=guess, headers=there) for _ in range(23)]
        assert {answer.status_code for answer in answers} == {401, 429}
        late = next(answer for answer in answers if answer.status_code == 429)
        assert 1 <= int(late.headers["retry-after"]) <= 61
        right = {"email": person.email, "password": PASSWORD}
        good(stranger.post("/v1/sessions", json=right, headers=here), 201)


def test_a_stale_token_in_the_header_hinders_no_sign_in(service: Service, person: Any) -> None:
    """Whoever signs in has no use for old credentials."""
    said = {"email": person.email, "password": PASSWORD}
    good(service.client("Bearer nonsense").post("/v1/sessions", json=said), 201)
    good(service.client("Bearer nonsense").post("/v1/accounts", json=said), 202)


def test_a_repeated_sign_in_is_one_session(service: Service, person: Any) -> None:
    """With an idempotency key the same tokens come back, and one session has begun."""
    said = {"email": person.email, "password": PASSWORD}
    client, key = service.client(), {"idempotency-key": "once"}
    first, second = (client.post("/v1/sessions", json=said, headers=key) for _ in range(2))
    assert first.content == second.content
