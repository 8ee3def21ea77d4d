"""The service on Debian's PostgreSQL, which is older than the one that comes with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.embedded.postgres import Postgres
from shared.token import encode_text
from tests.cloud.database import Database, copy_template, drop, make_template
from tests.cloud.service import Service, good, running

VERSION = "SELECT current_setting('server_version_num')::integer AS version"


@pytest.fixture
def older(debian_postgres: Postgres, redis_url: str, tmp_path: Path) -> Iterator[Service]:
    """The API on Debian's server."""
    make_template(debian_postgres.superuser_url)
    database: Database = copy_template(debian_postgres.superuser_url)
    with running(database, redis_url, tmp_path) as served:
        yield served
    drop(database)


def test_a_ticket_is_sold_given_back_and_scanned(older: Service) -> None:
    """From sign-up to the gate, on a server of another version than the embedded one's."""
    owner, buyer = older.person(), older.person()
    event = older.event(owner, older.tenant(owner), capacity=3)
    kept, returned = older.buy(buyer, event), older.buy(buyer, event)
    path = f"{event.tenant.path}/orders/{returned['order_id']}"
    good(owner.post(f"{path}/refunds", json={"reason": "By mistake."}))
    older.work()
    assert good(buyer.get(path))["state"] == "refunded"
    outcomes = []
    for order in (kept, returned):
        row = older.database.rows(
            "SELECT token FROM ticket WHERE ticket_id = $1::text::uuid",
            order["items"][0]["ticket_id"],
        )
        said = {"code": encode_text(row[0]["token"]), "gate": 1}
        outcomes.append(good(owner.post(f"{event.path}/redeem", json=said))["code"])
    assert outcomes == ["admitted", "refunded"]
    assert older.database.rows(VERSION)[0]["version"] >= 150000
