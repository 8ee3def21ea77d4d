"""The code against tests/vectors/rules.json, whose expectations are written by hand."""

from typing import Any

import msgspec
import pytest

from shared.decide import decide
from shared.event import Plan, Policy
from shared.hashing import id_hash
from shared.history import History, PoolHistory, Visit
from shared.instant import Instant
from shared.log.record import Shown
from shared.manifest.ticket import Status, TicketRecord
from shared.outcomes import BY_CODE, Outcome
from shared.rules.compiled import compile_rules
from shared.rules.decision import Admit, Ask, Decision, Deny, Hold
from shared.token import BOUND, STATIC, Token
from shared.verify import OUTCOMES, Verified
from tests.vectors import generate_rules
from tests.vectors.suite import Json, load, text_of

SUITE = load("rules")
VECTORS: list[Json] = SUITE["vectors"]
PLANS = {name: msgspec.convert(plan, Plan) for name, plan in SUITE["plans"].items()}
NAME = b"anna".ljust(16, b"\0")

# What a gate comes to without asking its rules: by itself, and by what is in front of it.
NOT_BY_RULES = {Outcome.STORAGE_FAILED, Outcome.GATE_LOCKED, Outcome.SEVERAL_CODES}


def read_visit(given: Json | None) -> Visit | None:
    if given is None:
        return None
    i, device, right = (bytes.fromhex(given[key]) for key in ("id", "device", "right"))
    return Visit(i, given["zone"], given["day"], given["gate"], device, given["ms"], right)


def read_pool(given: Json) -> PoolHistory:
    return PoolHistory(
        given["entries"],
        tuple(visit for each in given["inside"] if (visit := read_visit(each))),
        frozenset(map(bytes.fromhex, given["claimed"])),
        tuple(map(bytes.fromhex, given["opened"])),
        bytes.fromhex(given["left"]),
        read_visit(given["last"]),
    )


def read_history(given: Json) -> History:
    pools = {(pool["zone"], pool["day"]): read_pool(pool) for pool in given["pools"]}
    return History(pools, frozenset(given["days"]), read_visit(given["last"]), given["gen"])


def read_scan(given: Json) -> Verified:
    holder = bytes.fromhex(given["holder_pk"])
    token = Token(
        BOUND if holder else STATIC, 0, bytes(4), bytes.fromhex(given["event"]), NAME,
        given["gen"], given["class"], given["exp"], holder,
    )  # fmt: skip
    return Verified(token, Shown[given["shown"].upper()], bytes(32), id_hash(NAME))


def read_record(given: Json | None) -> TicketRecord | None:
    if given is None:
        return None
    status, holder = Status[given["status"].upper()], bytes.fromhex(given["holder"])
    return TicketRecord(id_hash(NAME), 0, given["gen"], given["class"], status, holder)


def run(given: Json) -> Decision:
    plan = PLANS[given["plan"]]
    plan = msgspec.structs.replace(plan, policy=msgspec.convert(given["policy"], Policy))
    rules = compile_rules(bytes.fromhex(SUITE["event"]), plan, **given["head"])
    answers = {int(question): text for question, text in given["ask"]["answers"].items()}
    return decide(
        read_scan(given["scan"]),
        rules.post(given["post"]["gate"], exiting=given["post"]["exiting"]),
        rules,
        read_record(given["record"]),
        read_history(given["history"]),
        Instant(**given["now"]),
        Ask(**given["ask"] | {"answers": answers}),
    )


def code(outcome: Outcome | None) -> str | None:
    return outcome.code if outcome else None


def told(decision: Decision) -> Json:
    """Return a decision in the vectors' terms."""
    kind = type(decision).__name__.lower()
    said: dict[str, Any] = {"decision": kind, "outcome": decision.outcome.code}
    if isinstance(decision, Hold):
        said |= {"why": code(decision.why), "questions": [q.id for q in decision.questions]}
        return said | ({"attention": decision.attention} if decision.attention else {})
    if isinstance(decision, Admit | Deny):
        said["drafts"] = [
            draft._asdict() | {"kind": draft.kind.name, "ref": draft.ref.hex()}
            for draft in decision.drafts
        ]
    if isinstance(decision, Admit):
        answers = {str(question): text for question, text in decision.answers}
        return said | {
            "people": decision.people, "left": decision.left, "flag": code(decision.flag),
            "attention": decision.attention, "answers": answers, "note": decision.note,
            "raises": decision.raises, "stale": decision.stale,
            "moved": decision.moved,
        }  # fmt: skip
    if isinstance(decision, Deny):
        return said | {
            "prior": decision.prior.id.hex() if decision.prior else None,
            "gates": list(decision.gates), "when": decision.when, "left": decision.left,
            "overridable": decision.overridable,
        }  # fmt: skip
    return said | {"days": list(decision.days)}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_scan_is_decided_as_its_vector_says(vector: Json) -> None:
    """The whole decision: outcome, records, rights, and what staff are told."""
    assert told(run(vector["input"])) == vector["expect"], vector["comment"]


def test_the_suite_is_large_enough_to_mean_something() -> None:
    """There are at least 100 vectors, so that no empty file passes."""
    assert len(VECTORS) >= 100


def test_the_suite_is_what_its_generator_makes() -> None:
    """The file is the generator's output, to the byte."""
    assert text_of(SUITE) == text_of(generate_rules.build())


def test_every_outcome_that_rules_can_reach_has_a_vector() -> None:
    """All outcomes but those of verification and of the machine itself."""
    reached = {BY_CODE[vector["expect"]["outcome"]] for vector in VECTORS}
    by_verification = set(OUTCOMES.values()) - {Outcome.CLOCK_UNTRUSTED}
    assert reached == set(Outcome) - by_verification - NOT_BY_RULES
