"""Online redemption on a real database: the same outcomes as at a gate, one log, one answer."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Any

import pytest

from cloud.checkins.model import Redeemed
from cloud.errors import Refusal
from shared.keys import secret_key
from shared.log.chain import verify_chain
from shared.log.record import Kind, decode
from shared.manifest.ticket import Status
from shared.merge.view import View
from shared.rules.decision import Admit, Ask, Decision, Deny, Hold
from tests import festival
from tests.cloud.checkins.scene import (
    API_KEY,
    FAN,
    OWNER,
    SCANNER,
    STAFF,
    Clock,
    Cloud,
    Scene,
    account,
    code,
    refused,
    set_scene,
)
from tests.cloud.database import Database
from tests.festival import (
    CLUB_DOOR,
    DAY,
    GARDEN_GATE,
    HOUR,
    NOON,
    NORTH,
    SOUTH,
    WAY_OUT,
)
from tests.house import House


@pytest.fixture
def scene(database: Database) -> Scene:
    return set_scene(database)


def run(scene: Scene, act: Callable[[Cloud], Awaitable[None]], clock: Clock | None = None) -> None:
    """Let one process of the cloud act."""

    async def go() -> None:
        async with scene.cloud(clock) as cloud:
            await act(cloud)

    asyncio.run(go())


def logs(scene: Scene) -> list[tuple[bytes, bytes]]:
    """Return the cloud's logs: (public key, records), one an incarnation."""
    rows = scene.rows("SELECT device_id, public FROM device WHERE kind = 'worker'")
    public = {bytes(row["device_id"]): bytes(row["public"]) for row in rows}
    mine = [raw for raw in scene.raws() if raw[4:20] in public]
    return [(public[key[:16]], b"".join(raws)) for key, raws in groupby(mine, lambda r: r[4:24])]


def check_logs(scene: Scene) -> None:
    """Hold the cloud's logs to what every reader of logs asks of them."""
    view = View()
    for public, records in logs(scene):
        assert verify_chain(records, public, None).broken is None
        for at in range(0, len(records), 256):
            decode(records[at : at + 256])
            view.add(records[at : at + 256])
    kinds = {finding.kind.value for finding in view.findings()}
    assert not kinds & {"equivocation", "log_truncated"}
    assert not view.quarantined()


Step = dict[str, Any]
SCANS: dict[str, tuple[int, list[Step]]] = {
    "a seat twice": (festival.SEAT, [{}, {"gate": SOUTH}]),
    "out and in again": (festival.SEAT, [{}, {"gate": WAY_OUT}, {}, {}]),
    "out before in": (festival.SEAT, [{"gate": WAY_OUT}, {}, {"gate": WAY_OUT}, {}]),
    "no way back": (festival.ONCE, [{}, {"gate": WAY_OUT}, {}]),
    "four entries": (festival.FOUR, [{}] * 5),
    "a family": (festival.FAMILY, [{"people": 3}, {"people": 2}, {"people": 1}, {"people": 1}]),
    "a family leaves": (
        festival.FAMILY,
        [{"people": 4}, {"gate": WAY_OUT, "people": 2}, {"people": 3}, {"people": 2}],
    ),
    "from zone to zone": (
        festival.ROAMER,
        [{}, {"gate": GARDEN_GATE}, {"gate": CLUB_DOOR}, {}, {"gate": GARDEN_GATE, "exit": True}],
    ),
    "the wrong gate": (festival.SOUTH_ONLY, [{}, {"gate": SOUTH}]),
    "the wrong zone": (festival.SEAT, [{"gate": GARDEN_GATE}]),
    "another hour": (festival.EVENING, [{}, {"at": NOON + 2 * HOUR}, {"at": NOON + 20 * HOUR}]),
    "too soon": (festival.SLOW, [{}, {"gate": WAY_OUT}, {}, {"at": NOON + 1000}]),
    "questions": (
        festival.WAIVER,
        [{}, {"answers": {1: "maybe", 2: "7"}}, {"answers": {1: "yes", 2: "7"}}],
    ),
    "look first": (festival.CHILD, [{}, {"confirmed": True}]),
    "two days": (festival.TWO_DAYS, [{}, {"at": NOON + DAY}, {"at": NOON + 2 * DAY}]),
    "each day": (festival.DAILY, [{}, {}, {"at": NOON + DAY}, {"at": NOON + 5 * DAY}]),
    "broken rules": (festival.BROKEN, [{}, {"gate": WAY_OUT}]),
}


def expected(decision: Decision) -> dict[str, Any]:
    """Return what a gate's own decision says."""
    told: dict[str, Any] = {"code": decision.outcome.code, "signal": decision.outcome.signal}
    if isinstance(decision, Admit):
        flag = decision.flag.code if decision.flag else ""
        return told | {"people": decision.people, "left": decision.left, "flag": flag}
    if isinstance(decision, Hold):
        ids = [question.id for question in decision.questions]
        return told | {"attention": decision.attention, "questions": ids}
    if isinstance(decision, Deny):
        prior = decision.prior and (decision.prior.gate, decision.prior.ms // 10_000)
        told |= {"prior": prior, "left": decision.left, "overridable": decision.overridable}
        return told | {"gates": [festival.rules().gates[gate].name for gate in decision.gates]}
    return told


def answered(answer: Redeemed, like: dict[str, Any]) -> dict[str, Any]:
    """Return the same of what the cloud answered."""
    told = {name: getattr(answer, name) for name in like}
    if "questions" in told:
        told["questions"] = [question.id for question in answer.questions]
    if told.get("prior"):
        assert answer.prior
        told["prior"] = (answer.prior.gate, int(answer.prior.at.timestamp()) // 10)
    if "gates" in told:
        told["gates"] = list(answer.gates)
    return told


@pytest.mark.parametrize("name", SCANS)
def test_the_cloud_answers_what_a_gate_would(scene: Scene, name: str) -> None:
    """Step by step the same outcome, people, entries left and prior visit as `decide()` gives
    at gates that know all of each other."""
    ticket_class, steps = SCANS[name]
    house, clock, ticket = House(), Clock(), scene.ticket(ticket_class)

    async def act(cloud: Cloud) -> None:
        for number, step in enumerate(steps):
            at, gate = step.get("at", NOON) + 10 * number, step.get("gate", NORTH)
            exiting = gate == WAY_OUT or "exit" in step
            clock.ms = at * 1000
            said = {k: v for k, v in step.items() if k in ("people", "answers", "confirmed")}
            decision = house.scan(
                "anna", ticket_class, gate=gate, exiting=exiting, at=at, ask=Ask(**said), gen=0
            )
            answer = await cloud.redeem(
                ticket,
                ticket_class=ticket_class,
                gate=gate,
                direction="exit" if "exit" in step else None,
                **said,
            )
            assert answered(answer, expected(decision)) == expected(decision), step

    run(scene, act, clock)
    check_logs(scene)


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"state": "refunded"}, Status.REFUNDED),
        ({"state": "revoked"}, Status.REVOKED),
        ({"blocked": True}, Status.BLOCKED),
        ({"state": "listed"}, Status.ACTIVE),
    ],
)
def test_what_became_of_a_ticket_is_known_at_once(
    scene: Scene, row: dict[str, Any], status: Status
) -> None:
    """Its state in the database is the list that the cloud decides by."""
    ticket = scene.ticket(**row)
    decision = House().scan(status=status, gen=0)

    async def act(cloud: Cloud) -> None:
        assert (await cloud.redeem(ticket)).code == decision.outcome.code

    run(scene, act)


def test_codes_that_are_not_genuine_are_told_apart_and_leave_no_trace(scene: Scene) -> None:
    """Each fault has its outcome, and nothing of it is logged or tells whose ticket it is."""
    ticket = scene.ticket()
    before = len(scene.raws())
    codes = {
        "HELLO": "not_a_ticket",
        code(ticket)[:-1]: "malformed",
        "U2:ABC.": "unknown_version",
        code(ticket, secret=secret_key(b"x" * 32)): "unknown_issuer",
        code(ticket, event=b"another!"): "unknown_issuer",
    }

    async def act(cloud: Cloud) -> None:
        for text, outcome in codes.items():
            answer = await cloud.redeem(text)
            assert (answer.code, answer.attendee, answer.ticket_id) == (outcome, "", None)
        assert (await cloud.redeem("HELLO", gate=WAY_OUT)).code == "not_a_ticket"
        foreign = await cloud.redeem(code(ticket, event=b"another!"), gate=WAY_OUT)
        assert (foreign.code, foreign.flag) == ("exit", "unknown_issuer")  # nobody is kept inside

    run(scene, act)
    assert len(scene.raws()) == before


def test_an_older_code_and_a_ticket_that_has_ended_are_refused(scene: Scene) -> None:
    """The generation is the row's, and a ticket that has expired here has expired."""
    newer, over = scene.ticket(gen=1), scene.ticket(state="expired")

    async def act(cloud: Cloud) -> None:
        assert (await cloud.redeem(newer)).code == "superseded"
        assert (await cloud.redeem(newer, gen=1)).code == "admitted"
        assert (await cloud.redeem(over)).code == "expired"

    run(scene, act)


def test_a_ticket_is_used_while_an_entry_stands(scene: Scene) -> None:
    """Admitted it is used, in the caller's name; an undo makes it active again."""
    ticket = scene.ticket()
    staff = f"account:{STAFF}"

    async def act(cloud: Cloud) -> None:
        answer = await cloud.redeem(ticket)
        assert (scene.state(ticket), answer.attendee) == ("used", "Ada Lovelace")
        await cloud.undo(answer.entries[0])
        assert scene.state(ticket) == "active"
        assert (await cloud.redeem(ticket, who=API_KEY)).code == "admitted"
        assert (await cloud.redeem(ticket, gate=WAY_OUT)).code == "exit"

    run(scene, act)
    assert scene.moves(ticket) == [("use", staff), ("undo", staff), ("use", "key:door")]


def test_an_undo_has_its_time_and_its_supervisor(scene: Scene) -> None:
    """Two minutes for who may scan, longer with the scope; never of who has left."""
    clock, ticket, gone = Clock(), scene.ticket(), scene.ticket()

    async def act(cloud: Cloud) -> None:
        entry = (await cloud.redeem(ticket)).entries[0]
        left = (await cloud.redeem(gone)).entries[0]
        await cloud.redeem(gone, gate=WAY_OUT)
        clock.ms += 121_000
        for who, what, why in (
            (SCANNER, entry, "undo_supervisor"),
            (STAFF, left, "undo_impossible"),
            (STAFF, "0" * 32, "undo_impossible"),
        ):
            with pytest.raises(Refusal) as error:
                await cloud.undo(what, account(who))
            assert refused(error.value) == why
        await cloud.undo(entry)
        with pytest.raises(Refusal) as error:
            await cloud.undo(entry)
        assert refused(error.value) == "undo_impossible"

    run(scene, act, clock)
    assert scene.state(ticket) == "active"
    check_logs(scene)


def test_by_hand_and_overrides_are_a_supervisors(scene: Scene) -> None:
    """They take `tickets:write`, are countersigned by the desk's badge, and are audited."""
    ticket = scene.ticket()

    async def act(cloud: Cloud) -> None:
        for asked in ({"ticket_id": ticket}, {"override": "staff_error"}, {"approve": True}):
            text = "" if "ticket_id" in asked else ticket
            with pytest.raises(Refusal) as error:
                await cloud.redeem(text, who=account(SCANNER), **asked)
            assert refused(error.value) == "scope_missing"
        assert (await cloud.redeem(ticket_id=ticket)).code == "admitted"
        assert (await cloud.redeem(ticket)).code == "already_admitted"
        answer = await cloud.redeem(ticket, override="other", words="Lost her wristband")
        assert answer.code == "admitted"

    run(scene, act)
    (override,) = scene.raws(Kind.OVERRIDE)
    assert decode(override).reason == 99 << 16 | 64
    rows = scene.rows("SELECT body FROM attachment")
    assert [bytes(row["body"]) for row in rows] == [b"other: Lost her wristband"]
    audits = scene.rows("SELECT actor, subject FROM audit WHERE action = 'checkin.supervised'")
    assert {tuple(row.values()) for row in audits} == {(f"account:{STAFF}", f"ticket:{ticket}")}
    check_logs(scene)


def test_overrides_have_a_quota(scene: Scene) -> None:
    """The event's, for each device, in one batch as over several."""
    tickets = scene.tickets(4, state="revoked")
    scene.run(f"UPDATE event SET policy = '{{\"overrides\": 2}}' WHERE event_id = '{scene.event}'")

    async def act(cloud: Cloud) -> None:
        assert (await cloud.redeem(tickets[0], override="emergency")).code == "admitted"
        rest = await asyncio.gather(
            *(cloud.redeem(ticket, override="emergency") for ticket in tickets[1:]),
            return_exceptions=True,
        )
        assert [getattr(each, "code", "") for each in rest] == [
            "admitted", "override_quota", "override_quota",
        ]  # fmt: skip

    run(scene, act)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"gate": 99}, "post_gate"),
        ({"gate": SOUTH, "direction": "exit"}, "post_direction"),
        ({}, "redeem_what"),
        ({"text": "x", "words": "without a reason"}, "override_words"),
        ({"text": "x", "who": account(FAN)}, "not_found"),
    ],
)
def test_what_cant_be_asked_is_refused(scene: Scene, asked: dict[str, Any], why: str) -> None:
    """With its code; beside it others are answered."""
    asked, ticket = dict(asked), scene.ticket()
    text = asked.pop("text", "x" if "gate" in asked else "")

    async def act(cloud: Cloud) -> None:
        fine, bad = await asyncio.gather(
            cloud.redeem(ticket), cloud.redeem(text, **asked), return_exceptions=True
        )
        assert isinstance(fine, Redeemed)
        assert fine.code == "admitted"
        assert isinstance(bad, Refusal)
        assert bad.code == why

    run(scene, act)


def test_one_batch_admits_a_ticket_once(scene: Scene) -> None:
    """Twenty scans of one ticket at once: the others see the first one's record."""
    ticket = scene.ticket()

    async def act(cloud: Cloud) -> None:
        answers = await asyncio.gather(*(cloud.redeem(ticket) for _ in range(20)))
        assert sorted(a.code for a in answers) == ["admitted"] + ["already_admitted"] * 19

    run(scene, act)
    check_logs(scene)


def test_processes_that_race_admit_a_ticket_once(scene: Scene) -> None:
    """Three processes, each a device of its own, and thirty tickets shown to all at once."""
    tickets = scene.tickets(30)

    async def go() -> None:
        async with scene.cloud() as one, scene.cloud() as two, scene.cloud() as three:
            answers = await asyncio.gather(
                *(cloud.redeem(t) for t in tickets for cloud in (one, two, three))
            )
            codes = [answer.code for answer in answers]
            assert codes.count("admitted") == 30
            assert codes.count("already_admitted") == 60
            assert len({await cloud.slot() for cloud in (one, two, three)}) == 3

    asyncio.run(go())
    assert set(scene.states(tickets)) == {"used"}
    check_logs(scene)


def test_another_process_can_undo_and_its_word_is_proved(scene: Scene) -> None:
    """The guest doesn't know which process answered; the desk's badge vouches for the other."""
    ticket = scene.ticket()

    async def go() -> None:
        async with scene.cloud() as one, scene.cloud() as two:
            await two.redeem(scene.ticket())
            entry = (await one.redeem(ticket)).entries[0]
            await two.undo(entry, account(SCANNER))
            assert (await one.redeem(ticket)).code == "admitted"

    asyncio.run(go())
    check_logs(scene)


def test_a_key_is_answered_the_same_and_has_one_effect(scene: Scene) -> None:
    """Again, at once, or with another body; a refused one leaves its key free."""
    from cloud.http.idempotency import Replay

    ticket, other = scene.ticket(), scene.ticket()

    async def act(cloud: Cloud) -> None:
        both = await asyncio.gather(
            *(cloud.redeem(ticket, key="k1") for _ in range(3)), return_exceptions=True
        )
        assert sorted(type(answer).__name__ for answer in both) == ["Redeemed", "Replay", "Replay"]
        with pytest.raises(Replay) as replay:
            await cloud.redeem(ticket, key="k1")
        assert b'"admitted"' in replay.value.kept.body
        with pytest.raises(Refusal) as error:
            await cloud.redeem(other, key="k1")
        assert refused(error.value) == "idempotency_key_reused"
        with pytest.raises(Refusal) as error:
            await cloud.redeem("x", gate=99, key="k2")
        assert refused(error.value) == "post_gate"
        assert (await cloud.redeem(other, key="k2")).code == "admitted"
        assert (await cloud.redeem(other, key="k2", who=account(OWNER))).code == "already_admitted"

    run(scene, act)
