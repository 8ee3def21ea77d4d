"""What a whole evening leaves in logs, spans and figures of anybody: nothing.

People sign up and in, buy, name their guests, hand tickets over and are let in; keys, webhooks,
invitations and refused requests of all sorts come and go. Each name, address, token, code and key
in it is one that can be told apart; none may be in what any process logs, traces or counts.
"""

import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.cloud.notify.mailserver import PASSWORD as MAIL_PASSWORD
from tests.cloud.run.market import GOOD_CARD, market
from tests.cloud.run.served import until
from tests.cloud.service import good
from tests.cloud.watch.house import House, watched

MARK: Final = secrets.token_hex(8)  # in everything that a person chose
WORD: Final = f"correct horse {MARK}"

HEADERS: Final = (
    "x-forwarded-for", "user-agent", "cookie", "authorization", "idempotency-key", "x-request-id",
    "traceparent", "tracestate", "baggage", "origin", "referer",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with watched(tmp_path_factory.mktemp("quiet"), by_broker=False) as house:
        yield house


class Evening:
    """What happens, and the secrets that come up in it."""

    def __init__(self, house: House, open_: ExitStack) -> None:
        self.house = house
        self._open = open_
        self.secrets: dict[str, str] = {"mark": MARK, "mail server": MAIL_PASSWORD}
        self.place = market(house.service, capacity=5)
        self.path = f"/v1/tenants/{self.place.tenant}"
        self.owner = self._client(self.place.owner, "owner's token")

    def keep(self, what: str, secret: str) -> str:
        """Note a secret, and return it."""
        assert len(secret) > 7, what
        self.secrets[what] = secret
        return secret

    def _client(self, token: str, what: str) -> httpx.Client:
        return self._open.enter_context(self.house.service.client(self.keep(what, token)))

    def person(self, name: str) -> httpx.Client:
        """Sign somebody up, and in, after a try with a wrong password."""
        email = f"{name}.{MARK}@example.org"
        said = {"email": email, "password": WORD, "name": f"{name} {MARK}", "locale": "en"}
        with self.house.service.client() as http:
            for body in (said, said, said | {"locale": WORD}, said | {"odd": email}):
                http.post("/v1/accounts", json=body)
            self.house.service.rows(
                "UPDATE account SET email_verified_at = now() WHERE email = $1", email
            )
            http.post("/v1/sessions", json={"email": email, "password": f"not {WORD}"})
            made = good(http.post("/v1/sessions", json={"email": email, "password": WORD}))
            refresh = self.keep(f"{name}'s refresh", made["refresh_token"])
            again = good(http.post("/v1/sessions/refresh", json={"refresh_token": refresh}))
        self.keep(f"{name}'s next refresh", again["refresh_token"])
        return self._client(again["access_token"], f"{name}'s token")

    def buy(self, buyer: httpx.Client) -> list[str]:
        """Buy two tickets; return where they are."""
        items = [{"class_index": 0, "quantity": 2}]
        wanted = {"event_id": str(self.place.event), "items": items}
        made = good(buyer.post(self.place.orders, json=wanted), 201)
        order = f"{self.place.orders}/{made['order_id']}"
        secret = self.keep("payment", good(buyer.post(f"{order}/payment"))["client_secret"])
        with self.house.service.fake() as fake:
            form = {"payment_method": GOOD_CARD}
            good(fake.post(f"/v1/payment_intents/{secret[:27]}/confirm", data=form))
        until(lambda: good(buyer.get(order))["state"] == "paid")
        query = "SELECT ticket_id FROM ticket WHERE order_id = $1::text::uuid"
        rows = self.house.service.rows(query, made["order_id"])
        return [f"{self.path}/events/{self.place.event}/tickets/{r['ticket_id']}" for r in rows]

    def hand_over(self, ticket: str, giver: httpx.Client, taker: httpx.Client) -> None:
        """Name a ticket's guest, offer it to an address, and take it, after a wrong guess."""
        good(giver.patch(ticket, json={"attendee": f"Eve {MARK}"}))
        made = good(giver.post(f"{ticket}/transfers", json={"email": f"ben.{MARK}@example.org"}))
        secret, there = self.keep("transfer", made["secret"]), f"{self.path}/transfers/accept"
        taker.post(there, json={"secret": f"{secret[:-4]}AAAA"})
        good(taker.post(there, json={"secret": secret}))

    def let_in(self, ticket: str) -> None:
        """Present a ticket's code, twice, and one that is spoilt."""
        code = self.keep(f"code of {ticket}", good_text(self.owner.get(f"{ticket}/code.txt")))
        gate = f"{self.path}/events/{self.place.event}/redeem"
        for each in (code, code, code[:-3] + "000"):
            self.owner.post(gate, json={"gate": 1, "code": each})

    def organize(self) -> None:
        """Have keys, webhooks and invitations."""
        said = {"name": f"Till {MARK}", "scopes": ["orders:read"]}
        key = good(self.owner.post(f"{self.path}/api-keys", json=said), 201)["key"]
        self._client(key, "API key").get(self.place.orders)
        hook = {"url": f"{self.house.receiver.url}?key={MARK}", "name": f"CRM {MARK}"}
        made = good(self.owner.post(f"{self.path}/hooks", json=hook), 201)
        self.keep("webhook", made["secret"])
        guest = {"email": f"staff.{MARK}@example.org", "role": "staff"}
        good(self.owner.post(f"{self.path}/invitations", json=guest), 201)
        self.owner.post(f"{self.path}/hooks", json=hook | {"url": f"gopher://{MARK}"})

    def annoy(self) -> None:
        """Send what is refused, with secrets wherever one fits."""
        with self.house.service.client() as http:
            http.get(f"/v1/{MARK}")
            http.get(f"/v1/%0a%7b{MARK}%7d%0d%0a")
            http.request(f"X{MARK}", "/livez")
            http.get(f"/v1/accounts/me?token={MARK}&email={MARK}")
            http.get(f"/mail/{MARK}")
            http.post("/v1/accounts", content=f'{{"email": "{MARK}')
            http.post("/v1/webhooks/stripe", content=f'{{"id": "{MARK}"}}',
                      headers={"stripe-signature": f"t=1,v1={MARK}"})  # fmt: skip
            for name in HEADERS:
                http.get("/livez", headers={name: f"a={MARK}"})
            bad = {"authorization": f"Bearer {MARK}.{MARK}.{MARK}"}
            http.post(self.place.orders, json={"event_id": MARK, "items": MARK}, headers=bad)
        self.owner.post(self.place.orders, json={"event_id": MARK, "items": [{MARK: MARK}]})
        self.owner.post(f"{self.path}/venues", json={"name": f"\x00{MARK}"})

    def known(self) -> None:
        """Note what the service was told or made before anybody came."""
        service = self.house.service
        told: dict[str, Any] = json.loads((service.folder / "running.json").read_bytes())
        for name, value in told.items():
            if (password := urlsplit(str(value)).password) is not None:
                self.keep(name, password)
        self.keep("payments key", told["payments_key"])
        raw = (service.folder / "master.key").read_bytes()
        for how, text in (("hex", raw.hex()), ("base64", b64encode(raw).decode())):
            self.keep(f"master key, {how}", text)


def good_text(answer: httpx.Response) -> str:
    """Return a text, once it is sure to be one."""
    assert answer.is_success, answer.text
    return answer.text


def forms(secret: str) -> set[bytes]:
    """Return how a secret may look in what is written."""
    raw = secret.encode()
    return {raw, quote(secret).encode(), json.dumps(secret)[1:-1].encode(), raw.hex().encode(),
            b64encode(raw).rstrip(b"="), urlsafe_b64encode(raw).rstrip(b"=")}  # fmt: skip


@pytest.fixture
def evening(house: House) -> Iterator[Evening]:
    with ExitStack() as stack:
        yield Evening(house, stack)


def test_an_evening_leaves_nothing_of_anybody(house: House, evening: Evening) -> None:
    evening.known()
    ada, ben = evening.person("ada"), evening.person("ben")
    evening.organize()
    kept, given = evening.buy(ada)
    evening.hand_over(given, ada, ben)
    for ticket in (kept, given):
        evening.let_in(ticket)
    evening.annoy()
    house.mails.to(f"ben.{MARK}@example.org")
    house.receiver.until(4)
    with house.service.client(evening.place.owner) as http:
        last = http.get(evening.place.orders).headers["x-request-id"]
    until(lambda: last in house.service.said(), 30)
    house.collector.eventually(
        lambda: [s for s in house.collector.spans if s.attributes.get("usher.request") == last]
    )
    figures = httpx.get(house.metrics, trust_env=False, timeout=20).content
    written = {
        "log": house.service.said().encode(), "spans": house.collector.raw, "figures": figures
    }  # fmt: skip
    for line in house.service.said().splitlines():
        json.loads(line)  # whatever came, nobody could begin a line
    tenant = str(evening.place.tenant).encode()  # what is written is found
    assert all(tenant in written[where] for where in ("log", "spans"))
    assert b"tenant=" in figures
    leaks = [
        (what, where, line)
        for what, secret in evening.secrets.items()
        for form in forms(secret)
        for where, content in written.items()
        for line in content.split(b"\n")
        if form in line
    ]
    assert leaks == []
