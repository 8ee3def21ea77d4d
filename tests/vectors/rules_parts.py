"""What the vectors of the entry rules are made of: scans, histories and expectations.

Names of rights are hashed here, from the spec; nothing is taken from the rules' code.
"""

from hashlib import sha256
from typing import Any, Final

from tests.festival import DAY, HOUR, NOON
from tests.vectors.suite import Json

EVENT: Final = b"arena-01"
OTHER_EVENT: Final = b"theother"
TICKET: Final = sha256(b"usher/id/v1\0" + b"anna".ljust(16, b"\0")).digest()[:16]
HOLDER: Final = bytes(range(32))
ZERO: Final = "00" * 16
EARLIER: Final = NOON - 600  # ten minutes ago
NO_CAP: Final = 127
RE_ENTRY: Final = 128


def root(index: int = 0, zone: int = 1, day: int = 0) -> str:
    """Return the name of a root right of the ticket."""
    place = zone.to_bytes(2, "big") + day.to_bytes(2, "big") + bytes((index,))
    return sha256(b"usher/right/v1\0" + EVENT + TICKET + place).digest()[:16].hex()


def after(record: str) -> str:
    """Return the name of the right that an exit naming `record` opened."""
    return sha256(b"usher/after/v1\0" + bytes.fromhex(record)).digest()[:16].hex()


def record_id(name: str) -> str:
    """Return an id for a record that the story does not write out."""
    return sha256(name.encode()).digest()[:16].hex()


def visit(
    name: str = "in", *, zone: int = 1, day: int = 0, gate: int = 2, second: int = EARLIER,
    right: str | None = None,
) -> Json:  # fmt: skip
    """Return an entry that stands."""
    return {
        "id": record_id(name),
        "zone": zone,
        "day": day,
        "gate": gate,
        "device": record_id("device"),
        "ms": second * 1000,
        "right": right or root(0, zone, day),
    }


def pool(
    *visits: Json, gone: int = 0, opened: list[str] | None = None, left: str = ZERO
) -> Json:  # fmt: skip
    """Return a pool of these entries, in order, of which the first `gone` people left."""
    return {
        "zone": visits[0]["zone"],
        "day": visits[0]["day"],
        "entries": len(visits),
        "inside": list(visits[gone:]),
        "claimed": [each["right"] for each in visits],
        "opened": [after(each["id"]) for each in visits[:gone]] if opened is None else opened,
        "left": left,
        "last": visits[-1],
    }


def empty(*, zone: int = 1, day: int = 0, opened: list[str], left: str) -> Json:
    """Return a pool of which only exits are known."""
    return {
        "zone": zone,
        "day": day,
        "entries": 0,
        "inside": [],
        "claimed": [],
        "opened": opened,
        "left": left,
        "last": None,
    }


def history(*pools: Json, gen: int = 0) -> Json:
    """Return a ticket's history of these pools."""
    lasts = [each["last"] for each in pools if each["last"]]
    return {
        "pools": list(pools),
        "days": sorted({each["day"] for each in lasts if each["day"]}),
        "last": max(lasts, key=lambda each: int(each["ms"]), default=None),
        "gen": gen,
    }


def given(ticket_class: int, **changed: Any) -> Json:
    """Return a static, active, unused ticket of this class at gate 1, and what is different.

    A key that is an object itself is merged, so `scan={"gen": 2}` changes one field of it.
    """
    base: Json = {
        "plan": "festival",
        "policy": {
            "unknown_ticket": "admit",
            "warn_age": 6 * HOUR,
            "restrict_age": 24 * HOUR,
            "restricted": "hold",
        },
        "head": {"issued": NOON - HOUR, "sales_end": NOON + 3 * DAY},
        "post": {"gate": 1, "exiting": False},
        "scan": {
            "event": EVENT.hex(),
            "class": ticket_class,
            "gen": 1,
            "exp": NOON + 30 * DAY,
            "holder_pk": "",
            "shown": "static",
        },
        "record": {"gen": 1, "class": ticket_class, "status": "active", "holder": "00000000"},
        "history": history(),
        "now": {"ms": NOON * 1000, "trusted": True},
        "ask": {
            "people": 1,
            "answers": {},
            "confirmed": False,
            "supervisor": False,
            "override": "",
            "day": 0,
        },
    }
    for key, change in changed.items():
        base[key] = base[key] | change if isinstance(change, dict) else change
    return base


def now(second: int, *, trusted: bool = True) -> Json:
    return {"ms": second * 1000, "trusted": trusted}


def draft(
    kind: str, ref: str = ZERO, *, zone: int = 1, day: int = 0, allowance: int = 1,
    terms: int = RE_ENTRY | NO_CAP, reason: int = 0,
) -> Json:  # fmt: skip
    """Return one record to append."""
    return {
        "kind": kind,
        "zone": zone,
        "day": day,
        "allowance": allowance,
        "terms": terms,
        "ref": ref,
        "reason": reason,
    }


def admit(*drafts: Json, outcome: str = "admitted", **more: Any) -> Json:
    """Expect green."""
    return {
        "decision": "admit",
        "outcome": outcome,
        "drafts": list(drafts),
        "people": 1,
        "left": 0,
        "flag": None,
        "attention": "",
        "answers": {},
        "note": "",
        "raises": False,
        "stale": False,
        "moved": False,
    } | more


def hold(outcome: str, **more: Any) -> Json:
    """Expect amber."""
    return {"decision": "hold", "outcome": outcome, "why": None, "questions": []} | more


def deny(outcome: str, number: int, *, zone: int = 1, day: int = 0, **more: Any) -> Json:
    """Expect red, and the record of it."""
    refused = draft("DENY", zone=zone, day=day, allowance=0, terms=0, reason=number)
    return {
        "decision": "deny",
        "outcome": outcome,
        "drafts": [refused],
        "prior": None,
        "gates": [],
        "when": None,
        "left": 0,
        "overridable": True,
    } | more


def trouble(outcome: str, days: list[int] | None = None) -> Json:
    """Expect the stripes."""
    return {"decision": "trouble", "outcome": outcome, "days": days or []}


def case(name: str, comment: str, what: Json, expect: Json) -> Json:
    """Return one vector."""
    return {"name": name, "comment": comment, "input": what, "expect": expect}
