"""The chain's programs beside ours. Its files can't be had here: LiteSVM's own system program is
one that does the same, and its memo program, under the others' addresses, one that does not."""

import asyncio
import json
from base64 import b64decode
from collections import Counter
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer

from cloud.ledger.bubblegum.programs import SYSTEM
from cloud.ledger.bubblegum.transaction import Parsed
from cloud.ledger.embedded.accounts import Held, rent
from cloud.ledger.embedded.bank import Executed
from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.faults import LedgerAway, LedgerFault
from cloud.ledger.rehearsal.comparing import differences
from cloud.ledger.rehearsal.life import Troupe, rehearse
from cloud.ledger.rehearsal.programs import NEEDED, read_programs
from cloud.ledger.rehearsal.stage import Stage, Staged
from cloud.ledger.rehearsal.watch import Watch, watched
from cloud.ledger.values import Commitment, Error, Schema
from tests.cloud.database import Database
from tests.cloud.ledger.scene import FAN, FRIEND, PAYER, SECRET, SMALL, Clock, Scene, key
from tests.cloud.ledger.test_chain import WIPE
from tests.cloud.test_cli import run

MEMO: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


def other() -> bytes:
    """Return a program that is none of ours."""
    account = LiteSVM().get_account(MEMO)
    assert account is not None
    return bytes(account.data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder in which each program is another."""
    made = tmp_path / "programs"
    made.mkdir()
    for address in NEEDED:
        (made / f"{address}.so").write_bytes(other())
    return made


def pay(source: Pubkey, target: Pubkey, lamports: int) -> Any:
    """Return a payment."""
    return transfer(TransferParams(from_pubkey=source, to_pubkey=target, lamports=lamports))


def test_the_system_program_does_as_we_do(tmp_path: Path) -> None:
    """Payments, new accounts, and every way of failing: to the lamport, and by the same error."""
    watch = Watch(Stage({}), tmp_path)
    seen: Counter[str] = Counter()

    def witness(one: Parsed, before: Any, slot: int, done: Executed) -> None:
        watch(one, before, slot, done)
        seen[done.error.name if done.error else "done"] += 1

    troupe = Troupe(witness)
    new, poor = troupe.named("new"), troupe.named("poor")
    made = {
        size: create_account(
            CreateAccountParams(
                from_pubkey=troupe.payer,
                to_pubkey=troupe.named(f"account {size}"),
                lamports=rent(size),
                space=size,
                owner=MEMO,
            )
        )
        for size in (0, 200)
    }
    for wanted in (
        [pay(troupe.payer, new, 10**9)],
        [pay(new, troupe.payer, 10**8), pay(new, poor, 10**7)],
        [pay(poor, new, 10**9)],
        [pay(poor, new, 10**7)],  # all it has: it is gone, and later there again
        [pay(new, poor, 10**7)],
        [pay(new, poor, 1), pay(new, troupe.payer, 10**12)],
        [pay(new, troupe.named("too poor"), 5)],
        [made[0]],
        [made[200]],
        [made[200]],
    ):
        troupe.do(*wanted)
    assert seen == {"done": 6, "Custom": 3, "InsufficientFundsForRent": 1}
    assert watch.seen == troupe.sent == 10


def test_at_the_first_difference_it_stops_for_good(tmp_path: Path, folder: Path) -> None:
    """With a report from which the transaction can be run again."""
    watch = Watch(Stage(read_programs(folder)), tmp_path / "reports")
    with pytest.raises(LedgerAway, match="rehearsal_differs"):
        rehearse(watch)
    (file,) = (tmp_path / "reports").iterdir()
    report = json.loads(file.read_bytes())
    assert file.name == f"rehearsal-{report['signature']}.json"
    assert [one["what"] for one in report["differences"]] == ["error"]
    assert b64decode(report["transaction"])
    assert watch.seen == 2  # the payments before it
    troupe = Troupe(watch)
    with pytest.raises(LedgerAway, match=file.name):
        troupe.do(pay(troupe.payer, troupe.fan, 5))


def on(database: Database, watch: Watch, act: Callable[[Scene], Awaitable[None]]) -> None:
    """Run *act* on an embedded ledger that is watched."""
    database.run(WIPE)

    async def go() -> None:
        pool, clock = await database.pool(), Clock()
        try:
            chain = await EmbeddedChain.open(pool, clock, SECRET, watch)
            await chain.fund(PAYER.pubkey(), 10**12)
            await act(Scene(chain, Schema.V2, SMALL))
            again = await EmbeddedChain.open(pool, clock, SECRET)
            await Scene(again, Schema.V2, SMALL).build()  # unwatched, it goes on
        finally:
            await pool.close()

    asyncio.run(go())


def test_the_ledger_stops_and_writes_nothing(
    database: Database, tmp_path: Path, folder: Path
) -> None:
    """What was the same is there; what was not isn't, nor anything after it."""
    watch = Watch(Stage(read_programs(folder)), tmp_path)

    async def act(scene: Scene) -> None:
        assert await scene.send(pay(PAYER.pubkey(), FAN, 10**9), others=()) is None
        with pytest.raises(LedgerAway, match="rehearsal_differs"):
            await scene.build()
        with pytest.raises(LedgerAway, match="rehearsal_differs"):
            await scene.send(pay(PAYER.pubkey(), FRIEND, 10**9), others=())
        for address, lamports in ((FAN, 10**9), (FRIEND, None), (scene.collection.pubkey(), None)):
            held = await scene.chain.account(address, Commitment.CONFIRMED)
            assert (held and held.lamports) == lamports

    on(database, watch, act)


ONE, TWO = key("one").pubkey(), key("two").pubkey()
EVENT: Final = b"\1\0event"


def done(error: Error | None = None, data: bytes = b"tree") -> Executed:
    """Return what the engine did."""
    changed = {ONE: Held(MEMO, 7, bytearray(data))}
    return Executed(error, changed, (EVENT,), b"leaf")


def staged(**others: Any) -> Staged:
    """Return what the programs did: the same, but for *others*."""
    accounts = {ONE: Held(MEMO, 7, bytearray(b"tree")), TWO: None}
    return replace(Staged(None, dict(accounts), (EVENT,), b"leaf", 5), **others)


@pytest.mark.parametrize(
    ("theirs", "what"),
    [
        (staged(), []),
        (staged(error=Error("Custom", 6001, 2)), ["error"]),
        (staged(accounts={ONE: Held(MEMO, 7, bytearray(b"trEe"))}), ["data"]),
        (staged(accounts={ONE: Held(MEMO, 7, bytearray(b"tree!"))}), ["data"]),
        (staged(accounts={ONE: Held(SYSTEM, 8, bytearray(b"tree"))}), ["owner", "lamports"]),
        (staged(accounts={ONE: None}), ["account"]),
        (staged(accounts={TWO: Held(SYSTEM, 1, bytearray())}), ["account"]),
        (staged(events=()), ["events"]),
        (staged(returned=b""), ["returned"]),
    ],
)
def test_any_difference_is_named(theirs: Staged, what: list[str]) -> None:
    """Of bytes, lamports, owners, being there, events, values returned, and outcome."""
    assert [one.what for one in differences({}, done(), theirs)] == what


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (Error("Custom", 6001, 2), Error("Custom", 6001, 2), True),
        (Error("Custom", 6001, 2), Error("ProgramFailedToComplete", None, 2), True),
        (Error("Custom", 6001, 2), Error("ProgramFailedToComplete", None, 1), False),
        (Error("Custom", 6045, 2), Error("ProgramFailedToComplete", None, 2), False),
        (Error("Custom", 6045, 2), Error("Custom", 6046, 2), False),
        (Error("Custom", 6045, 2), None, False),
    ],
)
def test_failures_are_the_same_or_a_crash_on_a_stale_proof(
    ours: Error, theirs: Error | None, same: bool
) -> None:
    """As the programs do on small trees."""
    found = differences({}, done(ours), staged(error=theirs, events=(), returned=b""))
    assert (found == []) is same


def test_the_first_byte_that_differs_is_shown() -> None:
    """With lengths and hashes."""
    (found,) = differences({}, done(), staged(accounts={ONE: Held(MEMO, 7, bytearray(b"trEe"))}))
    assert found.where == str(ONE)
    assert found.embedded.startswith("4 bytes, sha256 ")
    assert found.embedded.endswith("at 2: " + b"ee".hex())
    assert found.programs.endswith("at 2: " + b"Ee".hex())


def test_what_is_no_folder_of_programs(folder: Path) -> None:
    """One is missing, one is no program."""
    assert watched(folder).seen == 0
    file = folder / f"{NEEDED[0]}.so"
    file.write_bytes(b"#!/bin/sh")
    with pytest.raises(LedgerFault, match="no program"):
        read_programs(folder)
    file.unlink()
    with pytest.raises(LedgerFault, match=str(NEEDED[0])):
        watched(folder)


def test_the_command(tmp_path: Path, folder: Path) -> None:
    """It says which files were asked and where the report is, or what is wrong with the folder,
    and ends so that a script can tell. It needs no settings: what they say is not even read."""

    def rehearsed(*arguments: Path) -> tuple[int, str]:
        ended = run(["ledger", "rehearse", *map(str, arguments)])
        return ended.exit_code, ended.output

    status, said = rehearsed(folder)
    (report,) = folder.glob("reports/rehearsal-*.json")
    assert status == 1
    assert str(report) in said
    assert [f"{each} {sha256(other()).hexdigest()}" in said for each in NEEDED] == [True] * 6
    file = folder / f"{NEEDED[0]}.so"
    file.write_bytes(other()[:4] + bytes(500))
    status, said = rehearsed(folder)
    assert status == 2
    assert f"{NEEDED[0]}.so can't be loaded" in said
    file.unlink()
    status, said = rehearsed(folder)
    assert status == 2
    assert f"{NEEDED[0]}.so" in said
    assert rehearsed()[0] == rehearsed(tmp_path / "none")[0] == rehearsed(report)[0] == 2


def test_where_all_is_the_same_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And ends with 0. What the programs did is made of what we did: theirs can't be had here."""
    monkeypatch.setattr("cloud.ledger.rehearsal.watch.differences", lambda *_: [])
    ended = run(["ledger", "rehearse", str(folder)])
    assert ended.exit_code == 0, ended.output
    counts = ended.output.splitlines()[-1].partition(" transactions")[0].split(" of ")
    assert int(counts[0]) == int(counts[1]) > 50
    assert not (folder / "reports").exists()
