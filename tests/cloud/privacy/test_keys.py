"""The key of a kept address, taken over: once, for a password, and never used here again."""

import json
from typing import Any, Final
from uuid import UUID

import pytest
from solders.keypair import Keypair

from cloud.ledger.faults import LedgerRefused
from cloud.ledger.values import Schema
from cloud.ledger.work.keys import HELD, Fan, Keys
from tests.cloud.ledger.web.box import asset_rows, mint
from tests.cloud.service import PASSWORD, Event, Person, Service, good, problem

TEXTS: Final = """
    SELECT c.table_name AS table, c.column_name AS column
      FROM information_schema.columns c JOIN information_schema.tables t
           USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
       AND c.data_type IN ('text', 'jsonb', 'bytea', 'ARRAY')
"""
TENANT, ACCOUNT, TICKET = UUID(int=1), UUID(int=2), UUID(int=3)


class Scene:
    """A fan with two minted tickets."""

    def __init__(self, service: Service, schema: Schema = Schema.V2) -> None:
        self.service, self.schema = service, schema
        self.owner, self.fan = service.person(), service.person()
        self.event: Event = service.event(
            self.owner, service.tenant(self.owner), price=0, capacity=20
        )
        self.order = service.buy(self.fan, self.event, 2)
        self.wallet = f"{self.event.tenant.path}/wallet"
        self.mint()

    def mint(self) -> None:
        """Do what is due."""
        mint(self.service, self.event, self.schema)

    def ask(self, who: Person | None = None, **said: Any) -> Any:
        """Ask for the key."""
        headers = {"idempotency-key": "once"}
        return (who or self.fan).put(f"{self.wallet}/key", json=said, headers=headers)

    def owners(self) -> set[str]:
        """Return where the ledger has the tickets."""
        path = f"{self.event.path}/tickets/{{}}/ledger"
        items = [item["ticket_id"] for item in self.order["items"]]
        return {good(self.owner.get(path.format(each)))["owner"] for each in items}

    def refund(self) -> None:
        """Take the tickets back, and do what is due."""
        path = f"{self.event.tenant.path}/orders/{self.order['order_id']}/refunds"
        tickets = [item["ticket_id"] for item in self.order["items"]]
        good(self.owner.post(path, json={"tickets": tickets, "reason": "Asked for."}))
        self.mint()


@pytest.fixture
def scene(service: Service) -> Scene:
    """Minted as V2."""
    return Scene(service)


def test_the_key_is_told_once(scene: Scene) -> None:
    """In both forms; nothing here has it afterwards, and a mail tells of it."""
    kept = good(scene.fan.get(scene.wallet))["address"]
    answer = scene.ask(password=PASSWORD)
    told = good(answer)
    assert answer.headers["cache-control"] == "no-store"
    key = Keypair.from_base58_string(told["secret_key"])
    assert bytes(key) == bytes(told["keypair"])
    assert str(key.pubkey()) == told["address"] == kept
    assert scene.owners() == {kept}
    wallet = good(scene.fan.get(scene.wallet))
    assert (wallet["address"], wallet["linked"]) == (kept, True)
    assert problem(scene.ask(password=PASSWORD)) == (409, "wallet_linked")
    database = scene.service.database
    (mail,) = database.rows("SELECT about FROM mail WHERE kind = 'key_exported'")
    assert kept in str(mail["about"])
    (audited,) = database.rows("SELECT subject FROM audit WHERE action = 'wallet.exported'")
    assert audited["subject"] == f"account:{scene.fan.account_id}"
    secrets = [told["secret_key"], bytes(key)[:32].hex(), json.dumps(told["keypair"])]
    for place in database.rows(TEXTS):
        sql = (f'SELECT count(*) AS n FROM "{place["table"]}" AS t, unnest($1::text[]) AS w'
               f' WHERE position(w IN t."{place["column"]}"::text) > 0')  # fmt: skip
        assert database.rows(sql, secrets)[0]["n"] == 0, place
    export = good(scene.fan.get("/v1/accounts/me/export"))
    (organizer,) = export["organizers"]
    assert [each["number"] for each in organizer["keys"]] == [0]


def test_it_takes_the_password_again(scene: Scene) -> None:
    """A session alone does not do, however fresh; without any password it must be."""
    assert problem(scene.ask()) == (403, "wallet_sign_in")
    assert problem(scene.ask(password="not the password")) == (403, "wallet_sign_in")
    who = str(scene.fan.account_id)
    scene.service.database.run(f"UPDATE account SET password = NULL WHERE account_id = '{who}'")
    began = "UPDATE session SET created_at = now() - interval '%s' WHERE account_id = '%s'"
    scene.service.database.run(began % ("11 minutes", who))
    assert problem(scene.ask()) == (403, "wallet_sign_in")
    assert problem(scene.ask(password=PASSWORD)) == (403, "wallet_sign_in")
    assert not good(scene.fan.get(scene.wallet))["linked"]
    scene.service.database.run(began % ("9 minutes", who))
    good(scene.ask())


def test_nobody_takes_over_anothers(scene: Scene) -> None:
    """Each has their own; a wallet that is linked is not ours to hand over."""
    other = scene.service.person()
    assert good(scene.ask(other, password=PASSWORD))["address"] not in scene.owners()
    (row,) = scene.service.database.rows(
        "SELECT count(*) AS n FROM wallet WHERE account_id = $1", scene.fan.account_id
    )
    assert row["n"] == 0
    assert problem(
        scene.fan.put("/v1/tenants/8f14e45f-ceea-467f-a2d8-4bd4ab3b1fd2/wallet/key",
                      json={"password": PASSWORD})
    ) == (404, "not_found")  # fmt: skip


def test_unlinked_it_is_another_address(scene: Scene) -> None:
    """Tickets go there, moved by the collection's delegate; its key is another one."""
    first = good(scene.ask(password=PASSWORD))
    second = good(scene.fan.delete(scene.wallet))["address"]
    assert second != first["address"]
    scene.mint()
    assert scene.owners() == {second}
    again = good(scene.ask(password=PASSWORD))
    assert again["address"] == second
    assert again["secret_key"] != first["secret_key"]


def test_a_refund_burns_all_the_same(scene: Scene) -> None:
    """By the collection's delegate, not by the key."""
    good(scene.ask(password=PASSWORD))
    scene.refund()
    assert all(row["burnt"] for row in asset_rows(scene.service, scene.event))


def test_of_v1_we_sign_nothing_more(service: Service) -> None:
    """It obeys the fan alone, so what we would have burnt is put before a person."""
    scene = Scene(service, Schema.V1)
    good(scene.ask(password=PASSWORD))
    scene.refund()
    rows = asset_rows(service, scene.event)
    assert {(row["burnt"], row["fault"]) for row in rows} == {(False, "asset_owner")}
    kinds = service.database.rows(
        "SELECT DISTINCT kind FROM ledger_job WHERE event_id = $1", scene.event.event_id
    )
    assert {row["kind"] for row in kinds} == {"tree", "mint"}


def test_a_key_that_was_handed_over_is_lent_to_nobody() -> None:
    """The one after it is; and the first is what it always was."""
    keys = Keys(bytes(32))
    first, second = (keys.fan(TENANT, Fan(ACCOUNT, exports)) for exports in (0, 1))
    assert str(first) == "2jVgMCWKfWHN8Kf8rfHTmw7HiU9MaHwPjWm3MZdLbnjB"
    assert first != second
    assert keys.lend(first, TENANT, TICKET, [Fan(ACCOUNT)])
    assert not keys.lend(first, TENANT, TICKET, [Fan(ACCOUNT, 1)])
    assert keys.lend(second, TENANT, TICKET, [Fan(ACCOUNT, 1)])


def test_keys_that_sign_nothing_are_forgotten() -> None:
    """A collection or a tree that could not be signed for is tried again, with another key: the
    newest are at hand, and what pays always is."""
    keys = Keys(bytes(32))
    made = [keys.create() for _ in range(HELD + 1)]
    with pytest.raises(LedgerRefused, match="no_key"):
        keys.sign(made[0], b"first")
    for each in (made[1], made[-1]):
        assert keys.sign(each, b"one").verify(each, b"one")
        with pytest.raises(LedgerRefused, match="no_key"):
            keys.sign(each, b"two")
    payer = keys.parties.payer
    for said in (b"one", b"two"):
        assert keys.sign(payer, said).verify(payer, said)
