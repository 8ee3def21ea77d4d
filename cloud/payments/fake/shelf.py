"""Where intents, charges, refunds and events are kept, and listed as Stripe lists."""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from cloud.payments.fake import form, refusals
from cloud.payments.fake.database import Database
from cloud.payments.fake.form import Form
from cloud.payments.fake.refusals import Body

PAGE: Final = 10
PAGE_MAX: Final = 100
PAGING: Final = frozenset({"limit", "starting_after", "ending_before", "created"})
TIME_MAX: Final = 10**12


class Asked(NamedTuple):
    """Which objects a list is to have; empty: all."""

    kind: str
    address: str
    parent: str = ""
    labels: Sequence[str] = ()


class Shelf:
    """The objects, by id and in the order in which they were made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    _PUT: Final = """
    INSERT INTO object (id, kind, label, parent, body) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body
    """

    def put(self, thing: Body) -> None:
        """Keep an object as it now is."""
        kind, label = thing["object"], thing.get("type", "")
        parent = thing.get("payment_intent", "")
        self._database.run(self._PUT, thing["id"], kind, label, parent, json.dumps(thing))

    _GET: Final = "SELECT body FROM object WHERE id = ? AND kind = ?"

    def get(self, kind: str, named: str, param: str | None = None) -> Body:
        """Return the object, or refuse: `param` names the parameter that named it."""
        rows = self._database.run(self._GET, named, kind)
        if not rows:
            raise refusals.missing(kind, named, param)
        return _body(rows[0]["body"])

    _PAGE: Final = """
    SELECT seq, body FROM object
    WHERE kind = ?1
      AND (?2 = '' OR parent = ?2)
      AND (?3 = '[]' OR label IN (SELECT value FROM json_each(?3)))
      AND seq < ?4 AND seq > ?5
      AND body ->> 'created' BETWEEN ?6 AND ?7
    """
    _NEWEST: Final = _PAGE + "ORDER BY seq DESC LIMIT ?8"
    _OLDEST: Final = _PAGE + "ORDER BY seq ASC LIMIT ?8"

    def page(self, asked: Asked, query: Form) -> Body:
        """Return one page, the newest first."""
        limit = form.whole(query, "limit") or PAGE
        if limit > PAGE_MAX:
            raise refusals.invalid("Invalid limit", "limit")
        before = self._place(asked.kind, query, "starting_after", 2**62)
        after = self._place(asked.kind, query, "ending_before", 0)
        labels = json.dumps(list(asked.labels))
        sql = self._OLDEST if after else self._NEWEST
        rows = self._database.run(
            sql, asked.kind, asked.parent, labels, before, after, *_period(query), limit + 1
        )
        data = [_body(row["body"]) for row in rows[:limit]]
        more = len(rows) > limit
        data = data[::-1] if after else data
        return {"object": "list", "url": asked.address, "has_more": more, "data": data}

    _SEQ: Final = "SELECT seq FROM object WHERE id = ? AND kind = ?"

    def _place(self, kind: str, query: Form, name: str, default: int) -> int:
        named = form.text(query, name)
        if named is None:
            return default
        rows = self._database.run(self._SEQ, named, kind)
        if not rows:
            raise refusals.missing(kind, named, name)
        return int(rows[0]["seq"])

    _SUMS: Final = """
    SELECT kind, body ->> 'currency' AS currency, body ->> 'status' AS status,
           count(*) AS count, sum(body ->> 'amount') AS amount
    FROM object WHERE kind IN ('payment_intent', 'charge', 'refund') GROUP BY 1, 2, 3
    """

    def sums(self) -> list[Body]:
        """Return how many objects there are and of how much money, by kind and status."""
        return [dict(row) for row in self._database.run(self._SUMS)]


def _period(query: Form) -> tuple[int, int]:
    """Return the first and the last second that `created[gte]=…` and its like leave."""
    asked = query.get("created") or {}
    if not isinstance(asked, dict):
        return (form.whole(query, "created") or 0,) * 2
    bounds = {name: form.whole(asked, name) for name in ("gt", "gte", "lt", "lte")}
    first = [0, bounds["gte"], _moved(bounds["gt"], 1)]
    last = [TIME_MAX, bounds["lte"], _moved(bounds["lt"], -1)]
    return max(n for n in first if n is not None), min(n for n in last if n is not None)


def _moved(bound: int | None, by: int) -> int | None:
    return None if bound is None else bound + by


def _body(kept: str) -> Body:
    found: Body = json.loads(kept)
    return found
