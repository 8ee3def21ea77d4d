"""`usher-cloud ledger`: told, stopped, tried again, proved."""

from uuid import uuid4

import pytest

from tests.cloud.ledger.web.box import mint
from tests.cloud.service import Event, Service
from tests.cloud.test_cli import environment as environment
from tests.cloud.test_cli import run

Env = dict[str, str]


@pytest.fixture(scope="module")
def bought(service: Service) -> tuple[Event, str]:
    """An event, and a ticket of it that is minted."""
    owner = service.person()
    event = service.event(owner, service.tenant(owner), price=0, capacity=10)
    ticket = service.buy(service.person(), event)["items"][0]["ticket_id"]
    mint(service, event)
    return event, ticket


def test_a_ticket_is_proved(bought: tuple[Event, str], environment: Env, service: Service) -> None:
    """By its id; a row that says otherwise ends the command with 1."""
    _, ticket = bought
    told = run(["ledger", "verify", ticket], environment)
    assert (told.exit_code, told.output.count("yes ")) == (0, 7), told.output
    service.database.run(f"UPDATE asset SET frozen = true WHERE ticket_id = '{ticket}'")
    assert run(["ledger", "verify", ticket], environment).exit_code == 1
    service.database.run(f"UPDATE asset SET frozen = false WHERE ticket_id = '{ticket}'")
    for nobody in (str(uuid4()), "x"):
        assert run(["ledger", "verify", nobody], environment).exit_code == 2


def test_it_stops_and_goes_on(
    bought: tuple[Event, str], environment: Env, service: Service
) -> None:
    """One event, or all; what is stopped waits, and `status` says so."""
    event = bought[0]
    wanted = str(event.event_id)
    for stopping in ([wanted], []):
        assert run(["ledger", "pause", *stopping], environment).exit_code == 0
        assert "paused" in run(["ledger", "status"], environment).output
        service.buy(service.person(), event)
        mint(service, event)
        sql = "SELECT count(*) AS n FROM asset WHERE event_id = $1 AND asset_id IS NULL"
        assert service.database.rows(sql, event.event_id)[0]["n"] == 1
        assert run(["ledger", "resume", *stopping], environment).exit_code == 0
        mint(service, event)
        assert service.database.rows(sql, event.event_id)[0]["n"] == 0
    assert run(["ledger", "pause", str(uuid4())], environment).exit_code == 2


def test_what_was_given_up_is_tried_again(
    bought: tuple[Event, str], environment: Env, service: Service
) -> None:
    """It rests until somebody asks."""
    event = bought[0]
    service.buy(service.person(), event)
    service.work()
    held = "UPDATE asset SET held = 'failed', attempts = 8 WHERE asset_id IS NULL"
    service.database.run(held)
    mint(service, event)
    assert "1" in run(["ledger", "retry", str(event.event_id)], environment).output
    mint(service, event)
    sql = "SELECT count(*) AS n FROM asset WHERE asset_id IS NULL"
    assert service.database.rows(sql)[0]["n"] == 0


def test_the_cost_is_told_before(bought: tuple[Event, str], environment: Env) -> None:
    """Of an event, and beside it of ten thousand tickets: 0.9 SOL of it are the protocol's."""
    of_one = run(["ledger", "cost", str(bought[0].event_id)], environment)
    assert of_one.exit_code == 0
    assert "0.000900" in of_one.output
    usual = run(["ledger", "cost"], environment).output
    assert "10,000" in usual
    assert "0.900000" in usual
    assert "1,000,000" in usual
    older = run(["ledger", "cost"], environment | {"USHER_LEDGER_SCHEMA": "v1"}).output
    assert "0.900000" not in older  # V1 has no protocol's fee, and no collection


def test_what_was_spent_is_told(bought: tuple[Event, str], environment: Env) -> None:
    """Of an event by kind, of all by event, beside what was told before; here it costs nothing."""
    event = str(bought[0].event_id)
    of_one = run(["ledger", "spent", event], environment)
    assert of_one.exit_code == 0, of_one.output
    rows = (line.strip() for line in of_one.output.splitlines() if line.strip())
    lines = {row.partition("  ")[0]: row.split()[-1] for row in rows}
    assert float(lines["told before"]) > float(lines["of that, so far"]) > 0
    assert (lines["spent for that"], lines["spent in all"]) == ("0.000000000", "0.000000000")
    of_all = run(["ledger", "spent"], environment)
    assert of_all.exit_code == 0
    assert event in of_all.output.replace("\n", "")
    assert run(["ledger", "spent", str(uuid4())], environment).exit_code == 2
