"""Signing up, proving an address, and choosing a new password, over real HTTP."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from cloud.accounts import mail
from cloud.accounts.joining_controller import RESET_TAKES
from tests.cloud.accounts.mailbox import secret, topics
from tests.cloud.service import PASSWORD, Service, good, problem

OTHER = "another horse entirely"
ASKED = "SELECT count(*) AS n FROM platform_audit WHERE action = 'account.reset_asked'"


@pytest.fixture
def stranger(service: Service) -> httpx.Client:
    """Somebody without an account."""
    return service.client()


@pytest.fixture
def email() -> str:
    """An address that nobody has."""
    return f"{secrets.token_hex(6)}@example.org"


def sign_up(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    """Sign up."""
    return client.post("/v1/accounts", json={"email": email, "password": password})


def sign_in(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    """Sign in."""
    return client.post("/v1/sessions", json={"email": email, "password": password})


def shape(answer: httpx.Response) -> tuple[int, bytes, set[str]]:
    """Return all of an answer that a stranger sees, but for the request's id and the time."""
    body = answer.content.replace(answer.headers["x-request-id"].encode(), b"")
    return answer.status_code, body, set(answer.headers)


def test_an_account_is_made_and_signs_in(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """Unverified at first; capitals in the address make no difference."""
    good(sign_up(stranger, email.upper()), 202)
    told = good(sign_in(stranger, email), 201)
    assert told["account"]["email"] == email
    assert told["account"]["email_verified"] is False
    assert told["token_type"] == "Bearer"
    assert topics(service, email) == ["mail.verify"]


def test_signing_up_twice_at_once_makes_one_account(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """Six at the same moment are answered alike."""
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: sign_up(stranger, email), range(6)))
    assert {answer.status_code for answer in answers} == {202}
    assert len(service.database.rows("SELECT FROM account WHERE email = $1", email)) == 1


def test_nobody_learns_who_has_an_account_by_signing_up(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """The same answer for a new, an unverified and a verified address; a mail tells the owner."""
    verified = service.person().email
    answers = [sign_up(stranger, each, OTHER) for each in (email, email, verified)]
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert topics(service, verified) == ["mail.verify", "mail.known"]
    assert problem(sign_in(stranger, verified, OTHER)) == (401, "sign_in_refused")


def test_nobody_learns_who_has_an_account_by_signing_in(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """The same refusal for a wrong password and for no account."""
    known = service.person().email
    wrong, unknown = (sign_in(stranger, each, "wrong wrong wrong") for each in (known, email))
    assert shape(wrong) == shape(unknown)
    assert problem(wrong) == (401, "sign_in_refused")


def test_nobody_learns_who_has_an_account_by_a_reset(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """The same answer, as late, after a commit that waits for the disk; only the known address
    gets mail."""
    known = service.person().email
    asked, took, written = [], [], []
    for each in (known, email):
        begin = time.monotonic()
        asked.append(stranger.post("/v1/accounts/password-reset", json={"email": each}))
        took.append(time.monotonic() - begin)
        written.append(service.database.rows(ASKED)[0]["n"])
    assert min(took) >= RESET_TAKES
    assert written[1] == written[0] + 1
    assert shape(asked[0]) == shape(asked[1])
    assert asked[0].status_code == 202
    assert topics(service, known)[-1] == "mail.reset"


def test_a_secret_proves_the_address_once(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """The flag is set; the secret is used up; the audit names the account."""
    sign_up(stranger, email)
    proof = {"secret": secret(service, email, "mail.verify")}
    good(stranger.post("/v1/accounts/verify", json=proof), 204)
    told = good(sign_in(stranger, email), 201)["account"]
    assert told["email_verified"] is True
    assert problem(stranger.post("/v1/accounts/verify", json=proof)) == (400, "secret_invalid")
    rows = service.database.rows(
        "SELECT action FROM platform_audit WHERE subject = $1 ORDER BY audit_id",
        f"account:{told['account_id']}",
    )
    assert [row["action"] for row in rows] == ["account.made", "account.verified"]


def test_whoever_has_the_mailbox_gets_the_account(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """A squatter's password and session end when the owner's own sign-up is proved."""
    sign_up(stranger, email, OTHER)
    squatter = good(sign_in(stranger, email, OTHER), 201)
    sign_up(stranger, email, PASSWORD)
    good(
        stranger.post("/v1/accounts/verify", json={"secret": secret(service, email, "mail.verify")})
    )
    assert problem(sign_in(stranger, email, OTHER)) == (401, "sign_in_refused")
    good(sign_in(stranger, email, PASSWORD), 201)
    bearer = service.client(f"Bearer {squatter['access_token']}")
    assert problem(bearer.get("/v1/accounts/me")) == (401, "credentials_invalid")
    renewed = stranger.post(
        "/v1/sessions/refresh", json={"refresh_token": squatter["refresh_token"]}
    )
    assert problem(renewed) == (401, "refresh_refused")


def test_a_changed_password_outlives_the_sign_ups_mail(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """Proving the address afterwards does not bring the first password back."""
    sign_up(stranger, email)
    token = good(sign_in(stranger, email), 201)["access_token"]
    change = {"current": PASSWORD, "new": OTHER}
    good(service.client(f"Bearer {token}").post("/v1/accounts/me/password", json=change))
    good(
        stranger.post("/v1/accounts/verify", json={"secret": secret(service, email, "mail.verify")})
    )
    good(sign_in(stranger, email, OTHER), 201)


def test_another_verification_mail_can_be_had(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """And the newest secret is good; once verified there is none."""
    sign_up(stranger, email)
    token = good(sign_in(stranger, email), 201)["access_token"]
    me = service.client(f"Bearer {token}")
    good(me.post("/v1/accounts/me/verification"), 202)
    assert topics(service, email) == ["mail.verify"] * 2
    good(
        stranger.post("/v1/accounts/verify", json={"secret": secret(service, email, "mail.verify")})
    )
    good(me.post("/v1/accounts/me/verification"), 202)
    assert topics(service, email) == ["mail.verify"] * 2


def test_a_password_is_reset_by_mail(service: Service, stranger: httpx.Client) -> None:
    """The new one signs in, the old one doesn't, every session ends, the secret is used up."""
    person = service.person()
    stranger.post("/v1/accounts/password-reset", json={"email": person.email})
    chosen = {"secret": secret(service, person.email, "mail.reset"), "password": OTHER}
    weak = chosen | {"password": "password1"}
    answer = stranger.post("/v1/accounts/password-reset/confirm", json=weak)
    assert problem(answer) == (400, "password_commonplace")
    good(stranger.post("/v1/accounts/password-reset/confirm", json=chosen), 204)
    assert problem(person.get("/v1/accounts/me")) == (401, "credentials_invalid")
    assert problem(sign_in(stranger, person.email)) == (401, "sign_in_refused")
    good(sign_in(stranger, person.email, OTHER), 201)
    again = stranger.post("/v1/accounts/password-reset/confirm", json=chosen)
    assert problem(again) == (400, "secret_invalid")


def test_a_secret_is_good_for_its_purpose_and_its_time(service: Service, email: str) -> None:
    """A verification secret resets no password; a reset secret ends after an hour."""
    stranger = service.client()
    sign_up(stranger, email)
    chosen = {"secret": secret(service, email, "mail.verify"), "password": OTHER}
    answer = stranger.post("/v1/accounts/password-reset/confirm", json=chosen)
    assert problem(answer) == (400, "secret_invalid")
    stranger.post("/v1/accounts/password-reset", json={"email": email})
    late = {"secret": secret(service, email, "mail.reset"), "password": OTHER}
    service.database.run("UPDATE mail_secret SET expires_at = now() WHERE purpose = 'reset'")
    answer = stranger.post("/v1/accounts/password-reset/confirm", json=late)
    assert problem(answer) == (400, "secret_invalid")


def test_mail_to_one_address_is_bounded(service: Service, stranger: httpx.Client) -> None:
    """Eight resets put down six mails at most, whenever the minute ends; all are told the same."""
    person = service.person()
    asked = [
        stranger.post("/v1/accounts/password-reset", json={"email": person.email}) for _ in range(8)
    ]
    assert {answer.status_code for answer in asked} == {202}
    assert 1 <= topics(service, person.email).count("mail.reset") <= 6


def test_nothing_stored_opens_an_account(
    service: Service, stranger: httpx.Client, email: str
) -> None:
    """Neither the password, the refresh token nor a mailed secret is in the database."""
    sign_up(stranger, email)
    told = good(sign_in(stranger, email), 201)
    mailed = secret(service, email, "mail.verify")
    stored = "".join(
        str(list(map(dict, service.database.rows(sql))))
        for sql in (
            "SELECT * FROM account",
            "SELECT * FROM refresh_token",
            "SELECT * FROM mail_secret",
            "SELECT * FROM platform_outbox",
            "SELECT * FROM platform_audit",
        )
    )
    for hidden in (PASSWORD, told["refresh_token"], mailed, mailed.removeprefix(mail.PREFIX)):
        assert hidden not in stored


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "sh0rter"}, "password_too_short"),
        ({"password": "ab" * 8}, "password_repeats"),
        ({"password": "bell\u0007 in the middle"}, "password_characters"),
        ({"email": "no address"}, "invalid_request"),
        ({"email": "a@b\r\nBcc: c@d"}, "invalid_request"),
        ({"email": "a@b\n"}, "invalid_request"),
        ({"email": "a" * 250 + "@b.org"}, "invalid_request"),
        ({"name": "nul\u0000"}, "invalid_request"),
        ({"name": "x" * 81}, "invalid_request"),
        ({"locale": "../etc"}, "invalid_request"),
        ({"admin": True}, "invalid_request"),
        ({"email": 987654}, "invalid_request"),
    ],
)
def test_bad_input_is_blamed(
    stranger: httpx.Client, email: str, change: dict[str, Any], code: str
) -> None:
    """400 with a stable code; what was sent is not echoed."""
    answer = stranger.post("/v1/accounts", json={"email": email, "password": PASSWORD} | change)
    assert problem(answer) == (400, code)
    assert all(str(value) not in answer.text for value in change.values() if value is not True)


def test_an_oversize_sign_up_is_refused(stranger: httpx.Client) -> None:
    """Before it is read."""
    answer = stranger.post("/v1/accounts", content=b" " * ((1 << 20) + 1))
    assert problem(answer) == (413, "body_too_large")


def test_sql_in_an_address_is_an_address(stranger: httpx.Client, email: str) -> None:
    """It is stored as it is, and harms nothing."""
    strange = f"'--drop\"table;{email}"
    good(sign_up(stranger, strange), 202)
    assert good(sign_in(stranger, strange), 201)["account"]["email"] == strange
