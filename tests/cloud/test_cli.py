"""`usher-cloud`: its help, its errors, and what an operator does with it."""

import json
import os
import stat
from pathlib import Path
from typing import Final
from uuid import uuid4

import click
import pytest
from click.testing import CliRunner, Result

from cloud.cli import main
from cloud.keys.sealing import MasterKey
from tests.cloud.database import Database
from tests.cloud.messages.post import give_up
from tests.cloud.service import MASTER_KEY, Service, Tenant, good

# Commands that show others their way rather than being typed with arguments of their own.
NOWHERE: Final = "postgresql://usher_app:app@127.0.0.1:1/usher"


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Return every command that is shown, with what its help says."""
    found: dict[tuple[str, ...], str] = {}
    for name, command in group.commands.items():
        found[*path, name] = command.help or ""
        if isinstance(command, click.Group):
            found |= commands(command, (*path, name))
    return found


@pytest.fixture
def environment(service: Service) -> dict[str, str]:
    """Settings that lead to the servers of the tests."""
    return {
        "USHER_DATABASE_URL": service.database.app_url,
        "USHER_OWNER_URL": service.database.owner_url,
        "USHER_REDIS_URL": service.settings.redis_url,
        "USHER_PAYMENTS_URL": service.settings.payments_url,
        "USHER_PAYMENTS_KEY": "sk",
        "USHER_WEBHOOK_SECRETS": "whsec",
        "USHER_MASTER_KEY": MASTER_KEY,
    }


def suspend(service: Service, tenant: Tenant) -> None:
    """Let the platform have nothing to do with an organizer."""
    name = tenant.tenant_id
    service.database.run(f"UPDATE tenant SET suspended_at = now() WHERE tenant_id = '{name}'")


def run(arguments: list[str], environment: dict[str, str] | None = None) -> Result:
    """Run the command, with no other settings than these."""
    cleared: dict[str, str | None] = {
        name: None for name in os.environ if name.startswith("USHER_")
    }
    return CliRunner().invoke(main, arguments, env=cleared | dict(environment or {}))


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_says_how_it_is_used(path: tuple[str, ...]) -> None:
    """Its help ends in an example of itself."""
    shown = run([*path, "--help"])
    assert shown.exit_code == 0
    if path != ("admin",):
        examples = [line for line in shown.output.splitlines() if "usher-cloud" in line]
        assert any(path[-1] in line for line in examples), shown.output


def test_an_unknown_setting_is_a_sentence() -> None:
    """It names the setting and where all of them are listed; nothing is started."""
    done = run(["serve"], {"USHER_WORKRES": "2"})
    assert done.exit_code == 2
    assert "There is no setting USHER_WORKRES" in done.stderr
    assert "usher-cloud settings" in done.stderr


def test_settings_keep_their_secrets(environment: dict[str, str]) -> None:
    """The table shows what is set, and no secret and no password."""
    done = run(["settings"], environment)
    assert done.exit_code == 0
    assert "USHER_LISTEN" in done.output
    assert MASTER_KEY not in done.output
    assert "whsec" not in done.output
    assert ":app@" not in done.output


@pytest.mark.parametrize(
    "arguments", [["work"], ["admin", "outbox"], ["admin", "grant", "a@b"], ["admin", "reseal"]],
    ids=" ".join,
)  # fmt: skip
def test_a_database_that_is_away_is_a_sentence(
    environment: dict[str, str], arguments: list[str]
) -> None:
    """No trace of the program, no password; and what to look at."""
    done = run(arguments, environment | {"USHER_DATABASE_URL": NOWHERE})
    assert done.exit_code == 1
    assert "The database can't be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert ":app@" not in done.stderr


def test_a_wrong_password_is_a_sentence(environment: dict[str, str], database: Database) -> None:
    """It says which setting to look at."""
    wrong = database.app_url.replace(":app@", ":nonsense@")
    done = run(["admin", "outbox"], environment | {"USHER_DATABASE_URL": wrong})
    assert done.exit_code == 1
    assert "database_url" in done.stderr
    assert "nonsense" not in done.stderr


def test_migrating_again_changes_nothing(environment: dict[str, str]) -> None:
    """And without the owner's address it says what is missing."""
    done = run(["migrate"], environment)
    assert done.exit_code == 0, done.stderr
    assert "this version already" in done.output
    refused = run(["migrate"], environment | {"USHER_OWNER_URL": ""})
    assert refused.exit_code == 2
    assert "owner_url is needed" in refused.stderr


def test_a_new_key_is_private_and_never_replaced(tmp_path: Path) -> None:
    """32 bytes that only its owner may read; a second one must have another name."""
    file = tmp_path / "master.key"
    assert run(["admin", "new-key", str(file)]).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    assert len(before) == 32
    again = run(["admin", "new-key", str(file)])
    assert again.exit_code != 0
    assert str(file) in again.stderr
    assert file.read_bytes() == before


def test_a_grant_is_made_and_taken_back(service: Service, environment: dict[str, str]) -> None:
    """The account is an administrator while it says so, and both are written down."""
    person = service.person()
    for arguments, admin in ((["admin", "grant"], True), (["admin", "grant", "--revoke"], False)):
        done = run([*arguments, person.email.upper()], environment)
        assert done.exit_code == 0, done.stderr
        assert person.get("/v1/accounts/me").json()["admin"] is admin
    told = "SELECT count(*) AS n FROM platform_audit WHERE subject = $1 AND actor = 'operator'"
    (row,) = service.database.rows(told, f"account:{person.account_id}")
    assert row["n"] == 2


def test_given_up_messages_are_a_person_s_to_decide(
    service: Service, environment: dict[str, str]
) -> None:
    """They are listed with their fault; replayed they are due at once, dropped they are gone."""
    tenant, other = (service.tenant(service.person()) for _ in range(2))
    suspend(service, other)  # whose messages are handled, and so given up
    secret = {"sealed": "s3cret"}
    first, second = (
        give_up(service.database, tenant.tenant_id, number, payload=secret) for number in (1, -2)
    )
    owed = give_up(service.database, other.tenant_id, 3)
    listed = run(["admin", "outbox", "--dead"], environment)
    assert listed.exit_code == 0, listed.stderr
    assert all(name in listed.output for name in (first, second, owed))
    assert "KeyError" in listed.output
    looked = run(["admin", "outbox", "show", second], environment)
    content = json.loads(looked.output)
    assert (content["tenant"], content["message_id"]) == (str(tenant.tenant_id), -2)
    assert (content["topic"], content["payload"]) == ("order.paid", {"sealed": "(not shown)"})
    assert run(["admin", "outbox", "replay", owed], environment).exit_code == 0
    assert run(["admin", "outbox", "replay", first], environment).exit_code == 0
    assert run(["admin", "outbox", "drop", second], environment).exit_code == 0
    state = (
        "SELECT dead_at, done_at, attempts, fault FROM inbox"
        " WHERE tenant_id = $1 AND message_id = $2"
    )
    (again,) = service.database.rows(state, tenant.tenant_id, 1)
    assert (again["dead_at"], again["attempts"], again["fault"]) == (None, 0, "")
    (dropped,) = service.database.rows(state, tenant.tenant_id, -2)
    assert dropped["done_at"] is not None
    gone = run(["admin", "outbox", "drop", second], environment)
    assert gone.exit_code == 2
    assert f"No message {second} was given up" in gone.stderr
    assert run(["admin", "outbox", "replay", "x'; --"], environment).exit_code == 2
    written = "SELECT action FROM audit WHERE tenant_id = $1 AND action LIKE 'message.%'"
    rows = service.database.rows(written, tenant.tenant_id)
    assert sorted(row["action"] for row in rows) == [
        "message.dropped", "message.replayed", "message.shown",
    ]  # fmt: skip


def test_what_a_dead_message_says_of_itself_is_no_markup(
    service: Service, environment: dict[str, str]
) -> None:
    """One from the broker with half a tag for its topic hides no other, and moves no cursor."""
    tenant = service.tenant(service.person())
    give_up(service.database, tenant.tenant_id, 71, topic="[/bold]")
    give_up(service.database, tenant.tenant_id, 72, topic="\x1b[2J:bell: [red]order")
    listed = run(["admin", "outbox", "--dead"], environment)
    assert listed.exit_code == 0, listed.stderr
    for told in ("71/orders", "[/bold]", "72/orders", ":bell:", "[red]order"):
        assert told in listed.output
    assert "\x1b" not in listed.output


@pytest.mark.parametrize(("act", "fault"), [("replay", ""), ("drop", "dropped")])
def test_the_platform_s_mails_too_once_they_were_given_up(
    service: Service, environment: dict[str, str], act: str, fault: str
) -> None:
    """One that waits is its sender's: replayed, it might be sent twice."""
    made = """
        INSERT INTO platform_outbox (topic, key, payload) VALUES ('mail.x', $1, '{"sealed": "x"}')
        RETURNING *"""
    (row,) = service.database.rows(made, f"account:{uuid4()}")
    name = f"platform:{row['message_id']}"
    waits = run(["admin", "outbox", act, name], environment)
    assert (waits.exit_code, f"No message {name}" in waits.stderr) == (2, True)
    dead = "UPDATE platform_outbox SET dead_at = now(), fault = 'smtp_550' WHERE message_id = $1"
    service.database.rows(dead, row["message_id"])
    assert name in run(["admin", "outbox", "--dead"], environment).output
    content = json.loads(run(["admin", "outbox", "show", name], environment).output)
    assert (content["fault"], content["payload"]) == ("smtp_550", {"sealed": "(not shown)"})
    done = run(["admin", "outbox", act, name], environment)
    assert done.exit_code == 0, done.stderr
    state = "SELECT fault, dead_at IS NULL AS waits FROM platform_outbox WHERE message_id = $1"
    (after,) = service.database.rows(state, row["message_id"])
    assert tuple(after) == (fault, act == "replay")


def test_tickets_are_issued_from_the_command_line(
    service: Service, environment: dict[str, str]
) -> None:
    """As many as were asked for, signed; an event that is not there is a sentence."""
    owner = service.person()
    tenant = service.tenant(owner)
    event = service.event(owner, tenant)
    names = [str(tenant.tenant_id), str(event.event_id)]
    done = run(["admin", "issue", *names, "--count", "50"], environment)
    assert done.exit_code == 0, done.stderr
    assert "Issued 50 tickets" in done.output
    sql = "SELECT count(*) AS n FROM ticket WHERE event_id = $1 AND state = 'active'"
    assert service.database.rows(sql, event.event_id)[0]["n"] == 50
    names[1] = str(uuid4())
    nowhere = run(["admin", "issue", *names, "--count", "1"], environment)
    assert nowhere.exit_code == 1
    assert "There is nothing here" in nowhere.stderr


def test_resealing_with_a_new_key_leaves_the_old_one_unneeded(
    service: Service, environment: dict[str, str], tmp_path: Path
) -> None:
    """Every private key, and both secrets of a webhook, open with the new master key alone
    afterwards, those of a suspended organizer too."""
    owner = service.person()
    tenant = service.tenant(owner)
    service.event(owner, tenant)
    hook = {"url": "https://example.com/", "name": "CRM"}
    endpoint = good(owner.post(f"{tenant.path}/hooks", json=hook), 201)["endpoint_id"]
    good(owner.post(f"{tenant.path}/hooks/{endpoint}/secret"), 201)
    suspend(service, tenant)
    old, new = tmp_path / "old.key", tmp_path / "new.key"
    assert run(["admin", "new-key", str(new)]).exit_code == 0
    old.write_bytes(bytes.fromhex(MASTER_KEY))
    old.chmod(0o600)
    both = {**environment, "USHER_MASTER_KEY": "", "USHER_MASTER_KEY_FILE": f"{new},{old}"}
    done = run(["admin", "reseal"], both)
    assert done.exit_code == 0, done.stderr
    assert "Sealed 0 keys" not in done.output
    query = "SELECT sealed, sealed_before FROM hook_endpoint WHERE endpoint_id = $1"
    (row,) = service.database.rows(query, endpoint)
    alone = MasterKey(new.read_bytes())
    assert len({alone.unseal(each, f"hook/{endpoint}") for each in row}) == 2
    again = run(["admin", "reseal"], both | {"USHER_MASTER_KEY_FILE": str(new)})
    assert again.exit_code == 0, again.stderr
    assert "Sealed 0 keys" in again.output
    # The service that runs has the old key: put things back for the tests that follow.
    back = {"USHER_MASTER_KEY_FILE": f"{old},{new}"}
    assert run(["admin", "reseal"], both | back).exit_code == 0
