"""The audit: read by those who may, exported whole, and never changed."""

import csv
import io
import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from cloud.audit.model import Act, csv_line
from tests.cloud.database import Database, awaited
from tests.cloud.service import Person, Service, Tenant, good, problem

WIDE = 2500  # rows: more than two pieces of an export


@pytest.fixture(scope="module")
def owner(service: Service) -> Person:
    """An owner."""
    return service.person()


@pytest.fixture(scope="module")
def tenant(service: Service, owner: Person) -> Tenant:
    """A tenant with some acts of its own."""
    made = service.tenant(owner)
    service.event(owner, made)
    return made


@pytest.fixture(scope="module")
def wide(service: Service, owner: Person) -> Tenant:
    """A tenant with a long audit."""
    made = service.tenant(owner)
    service.database.run(
        f"INSERT INTO audit (tenant_id, actor, action, subject, detail, address)"
        f" SELECT '{made.tenant_id}', 'worker', 'thing.done', 'thing:' || n,"
        f" jsonb_build_object('n', n), '192.0.2.7' FROM generate_series(1, {WIDE}) AS n"
    )
    return made


def test_what_was_done_is_listed_the_newest_first(owner: Person, tenant: Tenant) -> None:
    """With who did it and the request's id."""
    acts = good(owner.get(f"{tenant.path}/audit"))["items"]
    assert [act["number"] for act in acts] == sorted((a["number"] for a in acts), reverse=True)
    published = next(act for act in acts if act["action"] == "event.published")
    assert published["actor"] == f"account:{owner.account_id}"
    assert published["request_id"]
    assert published["address"] == "127.0.0.1"


@pytest.mark.parametrize("name", ["subject", "actor", "action"])
def test_filters_keep_what_they_name(owner: Person, tenant: Tenant, name: str) -> None:
    """And what they don't name is not there."""
    acts = good(owner.get(f"{tenant.path}/audit"))["items"]
    wanted = acts[0][name]
    kept = good(owner.get(f"{tenant.path}/audit", params={name: wanted}))["items"]
    assert kept == [act for act in acts if act[name] == wanted]
    none = good(owner.get(f"{tenant.path}/audit", params={name: "nothing"}))["items"]
    assert none == []


def test_times_are_from_and_before(owner: Person, tenant: Tenant) -> None:
    """`from` keeps the moment itself, `to` leaves it out."""
    acts = good(owner.get(f"{tenant.path}/audit"))["items"]
    middle = acts[1]["at"]
    since = good(owner.get(f"{tenant.path}/audit", params={"from": middle}))["items"]
    until = good(owner.get(f"{tenant.path}/audit", params={"to": middle}))["items"]
    assert (since, until) == (acts[:2], acts[2:])


@pytest.mark.parametrize(
    "when", ["2027-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_a_time_has_an_offset_and_a_likely_year(owner: Person, tenant: Tenant, when: str) -> None:
    """400, before the database is asked."""
    answer = owner.get(f"{tenant.path}/audit", params={"from": when})
    assert problem(answer) == (400, "time_range")


def test_pages_go_through_all_of_it(owner: Person, wide: Tenant) -> None:
    """Each row once, in order."""
    numbers: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        asked: dict[str, str | int] = {"action": "thing.done", "limit": 200, "cursor": cursor}
        got = good(owner.get(f"{wide.path}/audit", params=asked))
        numbers += [act["number"] for act in got["items"]]
        cursor = got["next"]
    assert len(set(numbers)) == WIDE
    assert numbers == sorted(numbers, reverse=True)


def test_an_export_has_every_row_and_is_itself_written_down(owner: Person, wide: Tenant) -> None:
    """A row a line, the oldest first, over several pieces."""
    with owner.stream("GET", f"{wide.path}/audit/export") as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        rows = [json.loads(line) for line in answer.iter_lines()]
    assert [row["detail"]["n"] for row in rows if row["action"] == "thing.done"] == list(
        range(1, WIDE + 1)
    )
    newest = good(owner.get(f"{wide.path}/audit", params={"limit": 1}))["items"][0]
    assert newest["action"] == "audit.exported"
    assert newest["detail"]["up_to"] == rows[-1]["number"]


def test_an_export_may_be_csv(owner: Person, wide: Tenant) -> None:
    """With a head, and filters as on the list."""
    asked = {"format": "csv", "subject": "thing:7"}
    answer = owner.get(f"{wide.path}/audit/export", params=asked)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["subject"], row["detail"], row["address"]) for row in rows] == [
        ("thing:7", '{"n":7}', "192.0.2.7")
    ]


def test_no_cell_is_a_formula(service: Service) -> None:
    """What a spreadsheet would calculate is quoted."""
    act = Act(1, service.clock(), "=1+1", "@a", "+b", "-c", None, {})
    cells = next(csv.reader(io.StringIO(csv_line(act).decode())))
    assert cells[2:6] == ["'=1+1", "'@a", "'+b", "'-c"]


def test_others_read_nothing(service: Service, tenant: Tenant) -> None:
    """A stranger is told to sign in; somebody without a role that there is nothing."""
    fan = service.person()
    for path in ("audit", "audit/export"):
        assert problem(fan.get(f"{tenant.path}/{path}")) == (404, "not_found")
        stranger = service.client()
        assert problem(stranger.get(f"{tenant.path}/{path}")) == (401, "credentials_missing")


def test_the_platforms_audit_is_for_administrators(service: Service, owner: Person) -> None:
    """Who signs in is in it; nobody else may read it."""
    assert problem(owner.get("/v1/admin/audit")) == (403, "admin_required")
    chief = service.person()
    service.database.run(f"UPDATE account SET admin = true WHERE email = '{chief.email}'")
    asked = {"actor": f"account:{chief.account_id}"}
    acts = good(chief.get("/v1/admin/audit", params=asked))["items"]
    assert "session.begun" in {act["action"] for act in acts}


async def _tried(url: str, sql: str) -> None:
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(sql)
    finally:
        await conn.close()


@pytest.mark.parametrize("table", ["audit", "platform_audit"])
@pytest.mark.parametrize(
    "change", ["DELETE FROM {}", "UPDATE {} SET action = 'x'", "UPDATE {} SET address = '::1'",
               "UPDATE {} SET address = NULL, actor = 'x'"],
)  # fmt: skip
def test_nobody_changes_a_row(service: Service, wide: Tenant, table: str, change: str) -> None:
    """Not even the superuser by accident: a trigger refuses."""
    with pytest.raises(asyncpg.RestrictViolationError):
        awaited(_tried(service.database.root_url, change.format(table)))


def test_the_service_itself_may_not_even_try(service: Service) -> None:
    """It has no grant to update or delete."""
    for change in ("DELETE FROM audit", "UPDATE audit SET address = NULL"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            awaited(_tried(service.database.app_url, change))


def test_erasing_an_origin_blanks_one_accounts_addresses(database: Database) -> None:
    """In the tenant entered and outside; the rows, and everybody else's, stay as they are."""
    mine, other, here, there = (UUID(int=n) for n in (81, 82, 91, 92))
    values = ", ".join(
        f"('{tenant}', 'account:{who}', 'a', 's', '192.0.2.1')"
        for tenant in (here, there)
        for who in (mine, other)
    )
    database.run(
        f"""
        INSERT INTO tenant (tenant_id, slug, name) VALUES ('{here}', 'here', 'H'),
            ('{there}', 'there', 'T');
        INSERT INTO audit (tenant_id, actor, action, subject, address) VALUES {values};
        INSERT INTO platform_audit (actor, action, subject, address) VALUES
            ('anonymous', 'account.made', 'account:{mine}', '192.0.2.1'),
            ('account:{other}', 'account.seen', 'account:{mine}', '192.0.2.1');
        """
    )
    entered = f"SELECT set_config('app.tenant', '{here}', false);"
    awaited(_tried(database.app_url, f"{entered} SELECT erase_origin('{mine}')"))
    left: list[Any] = database.rows(
        "SELECT tenant_id, actor FROM audit WHERE action = 'a' AND address IS NOT NULL"
    )
    assert {tuple(row) for row in left} == {
        (here, f"account:{other}"), (there, f"account:{mine}"), (there, f"account:{other}")
    }  # fmt: skip
    assert len(database.rows("SELECT FROM audit WHERE action = 'a'")) == 4
    outside = database.rows(
        "SELECT actor FROM platform_audit WHERE subject = $1 AND address IS NOT NULL",
        f"account:{mine}",
    )
    assert [row["actor"] for row in outside] == [f"account:{other}"]
