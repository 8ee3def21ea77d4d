"""Each transaction is tried before it is signed, for its limit of compute units: it pays for few
more than it takes, and what a node says is bounded."""

from base64 import b64decode
from typing import Any, Final

import pytest
from solders.commitment_config import CommitmentLevel
from solders.rpc import config, requests
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from cloud.ledger.bubblegum.programs import COMPUTE_BUDGET
from cloud.ledger.bubblegum.transaction import MOST_UNITS, Parsed, parse
from cloud.ledger.packing import highest, limit_of
from cloud.ledger.ports import Done, Signed
from cloud.ledger.signing import SigningLedger
from cloud.ledger.values import Commitment, Error, Schema, Simulated
from tests.cloud.database import Database
from tests.cloud.ledger.rpc.facade.running import Facade
from tests.cloud.ledger.rpc.reaching import on
from tests.cloud.ledger.rpc.test_facade import asked_of
from tests.cloud.ledger.scene import PARTIES, Clock
from tests.cloud.ledger.test_ledger import Office

MINTS: Final = 3
TRIED: Final = MINTS * 120_000 + 300  # as the façade estimates, with the two of the budget
PRICE: Final = 1_000  # micro-lamports
METHOD: Final = "simulateTransaction"


def limit_in(raw: bytes, *, draft: bool = False) -> int:
    """Return the limit that a transaction asks for."""
    parsed = parse(raw, draft=draft)
    assert isinstance(parsed, Parsed)
    told = [call.data for call in parsed.calls if call.program == COMPUTE_BUDGET]
    (limit,) = [int.from_bytes(data[1:], "little") for data in told if data[0] == 2]
    return limit


class Counting(Office):
    """A ledger over a chain that counts compute units."""

    def over(self, chain: Any) -> SigningLedger:
        """Return one."""
        return SigningLedger(chain, self.keys, PARTIES, Schema.V2, counts=True)

    async def signed(self) -> Signed:
        """Sign three mints that are no others'."""
        self.clock.now += 0.4
        (one,) = await self.ledger.mint(self.tree, self.wanted(MINTS))
        return one


async def tried(chain: Any, clock: Clock, facade: Facade) -> None:
    """Sign what was tried, and only then send it."""
    office = Counting(chain, clock)
    await office.open()
    facade.tell(fees=[PRICE])
    before = facade.met("sendTransaction")
    one = await office.signed()
    assert facade.met("sendTransaction") == before
    assert limit_in(one.raw) == limit_of(MINTS, Simulated(None, TRIED)) < highest(MINTS)
    told, how = facade.last(METHOD)
    assert (how["sigVerify"], how["replaceRecentBlockhash"]) == (False, True)
    drafted = VersionedTransaction.from_bytes(b64decode(told))
    assert set(drafted.signatures) == {Signature.default()}
    assert limit_in(bytes(drafted), draft=True) == highest(MINTS)
    assert len(bytes(drafted)) == len(one.raw)
    asked = requests.SimulateVersionedTransaction(
        drafted,
        config.RpcSimulateTransactionConfig(
            sig_verify=False,
            replace_recent_blockhash=True,
            commitment=CommitmentLevel.Confirmed,
        ),
    )
    assert [told, how | {"innerInstructions": False}] == asked_of(asked)
    parsed = parse(one.raw)
    assert isinstance(parsed, Parsed)
    assert parsed.fee == 5_000 * one.raw[0] + -(-limit_in(one.raw) * PRICE // 10**6)
    assert await office.ledger.submit(one) is None
    outcome = await office.ledger.resolve(one, Commitment.FINALIZED)
    assert isinstance(outcome, Done)
    assert outcome.paid.fee == parsed.fee


def test_a_transaction_is_tried_before_it_is_signed(database: Database) -> None:
    """By nobody's signature and any blockhash; its size is what it will be, and nothing is sent."""
    on(database, tried)


async def doubted(chain: Any, clock: Clock, facade: Facade) -> None:
    """Have trials that say nothing, or what can't be."""
    office = Counting(chain, clock)
    await office.open()
    units = ["value", "unitsConsumed"]
    cases: list[tuple[str, dict[str, Any]]] = [
        *(("patch", {"path": units, "value": each}) for each in (0, 1, None, -1, 2**63, "9", 5.5)),
        ("patch", {"path": units, "value": 10**12}),
        ("patch", {"path": ["value", "err"], "value": "AccountNotFound"}),
        ("patch", {"path": ["value", "err"], "value": {"InstructionError": [2, {"Custom": 1}]}}),
        ("patch", {"value": {}}),
        ("error", {"code": -32602}),
        ("error", {"code": -32601}),
    ]
    for kind, told in cases:
        facade.tell(clear=True)
        facade.fault(METHOD, kind, **told, times=3)
        assert limit_in((await office.signed()).raw) == highest(MINTS), told
    facade.tell(clear=True)
    assert limit_in((await office.signed()).raw) < highest(MINTS)


def test_a_trial_that_says_nothing_lowers_no_limit(database: Database) -> None:
    """Failed, none, too few, too many, not in its form: the highest limit stands."""
    on(database, doubted, patience=0)


async def of_two(chain: Any, clock: Clock, facade: Facade) -> None:
    """Have one of two nodes say too few."""
    office = Counting(chain, clock)
    await office.open()
    for kind, told in (
        ("patch", {"path": ["value", "unitsConsumed"], "value": 61_000}),
        ("patch", {"path": ["value", "err"], "value": "AccountNotFound"}),
        ("status", {"status": 503}),
    ):
        facade.fault(METHOD, kind, **told)
        assert limit_in((await office.signed()).raw) == limit_of(MINTS, Simulated(None, TRIED))


def test_whoever_needs_the_most_is_believed(database: Database) -> None:
    """Who says fewer than it takes would make it fail."""
    on(database, of_two, nodes=2)


@pytest.mark.parametrize(
    ("count", "error", "units", "limit"),
    [
        (1, None, 80_000, 118_000),
        (4, None, 320_000, 472_000),
        (1, None, 240_000, 294_000),
        (1, None, 300_000, 300_000),  # the highest
        (9, None, 1_300_000, MOST_UNITS),
        (4, None, 79_999, 750_000),
        (4, Error("X", None, 2), 320_000, 750_000),
    ],
)
def test_the_limit(count: int, error: Error | None, units: int, limit: int) -> None:
    """A tenth more, and room for leaves whose addresses take longer to find."""
    assert limit_of(count, Simulated(error, units)) == limit


def test_a_ledger_that_counts_nothing_tries_nothing(database: Database) -> None:
    """The one inside the service."""

    async def go(chain: Any, clock: Clock, facade: Facade) -> None:
        office = Office(chain, clock)
        await office.open()
        before = facade.met(METHOD)
        (one,) = await office.ledger.mint(office.tree, office.wanted(MINTS))
        assert (limit_in(one.raw), facade.met(METHOD)) == (highest(MINTS), before)

    on(database, go)
