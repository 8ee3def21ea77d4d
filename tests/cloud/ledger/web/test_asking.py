"""What anybody may ask costs a bounded number of questions, however many ask."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from solders.pubkey import Pubkey

from cloud.ledger.faults import (
    LedgerAway,
    LedgerFault,
    LedgerMalformed,
    LedgerRefused,
    LedgerUntrusted,
)
from cloud.ledger.web.asking import AT_ONCE, MOMENT, MOST, Asking, Evidence
from cloud.ledger.web.verifying import Verdict, judged


class Ledger:
    """One that counts who asks, and answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[Pubkey] = []
        self.now = self.most = 0
        self.full, self.open = asyncio.Event(), asyncio.Event()

    async def ask(self, asset: Pubkey) -> Evidence:
        """Ask."""
        self.asked.append(asset)
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == AT_ONCE:
            self.full.set()
        await self.open.wait()
        self.now -= 1
        return Evidence()


def keys(count: int) -> Sequence[Pubkey]:
    """Return assets."""
    return [Pubkey.from_bytes(number.to_bytes(32)) for number in range(count)]


def test_one_is_asked_for_once_in_a_moment() -> None:
    """However many want it; anew once the moment is over, or what we know of it has changed."""

    async def go() -> None:
        ledger, clock = Ledger(), [0.0]
        asking = Asking(ledger.ask, clock=lambda: clock[0])
        (asset,) = keys(1)
        many = [asyncio.create_task(asking.of(asset, 1)) for _ in range(50)]
        await asyncio.sleep(0)
        many[0].cancel()  # who goes away takes nobody's answer along
        ledger.open.set()
        told = await asyncio.gather(*many, return_exceptions=True)
        assert [each for each in told[1:] if each != Evidence()] == []
        assert len(ledger.asked) == 1
        clock[0] = MOMENT
        await asking.of(asset, 1)
        assert len(ledger.asked) == 1
        await asking.of(asset, 2)
        clock[0] = 2 * MOMENT + 1
        await asking.of(asset, 1)
        assert len(ledger.asked) == 3

    asyncio.run(go())


def test_few_are_asked_for_at_once() -> None:
    """Others have their turn, or are told after a while that there are too many."""

    async def go() -> None:
        ledger = Ledger()
        asking = Asking(ledger.ask, patience=0.2)
        first, rest = keys(3 * MOST)[:AT_ONCE], keys(3 * MOST)[AT_ONCE:]
        asked = [asyncio.create_task(asking.of(asset, None)) for asset in first]
        async with asyncio.timeout(30):
            await ledger.full.wait()
            told = await asyncio.gather(*(asking.of(asset, None) for asset in rest))
        assert {each.fault.code for each in told if each.fault} == {"ledger_busy"}
        assert all(each.fault for each in told)
        ledger.open.set()
        assert await asyncio.gather(*asked) == [Evidence()] * AT_ONCE
        assert (ledger.most, len(ledger.asked)) == (AT_ONCE, AT_ONCE)
        assert await asking.of(keys(1)[0], "new") == Evidence()

    asyncio.run(go())


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (LedgerUntrusted("asset_leaf"), Verdict.CONTRADICTED),
        (LedgerUntrusted("asset_old"), Verdict.UNKNOWN),
        (LedgerUntrusted("proof_old"), Verdict.UNKNOWN),
        (LedgerMalformed("rpc_answer"), Verdict.UNKNOWN),
        (LedgerRefused("rpc_refused"), Verdict.UNKNOWN),
        (LedgerAway("rpc_timeout"), Verdict.UNKNOWN),
    ],
)
def test_only_a_lie_is_called_one(fault: LedgerFault, verdict: Verdict) -> None:
    """An index that lags, and a node that refuses or says nothing, contradict nobody."""
    row: Any = {"asset_id": bytes(32)}
    report = judged(row, Evidence(fault=fault))
    assert (report.verdict, report.fault) == (verdict, fault.code)


def test_an_index_that_lists_no_asset_denies_none() -> None:
    """A ticket was minted this moment, and the index isn't there yet: our records don't differ."""
    row: Any = {"asset_id": bytes(32)}
    report = judged(row, Evidence())
    assert (report.verdict, report.fault) == (Verdict.UNKNOWN, "asset_unlisted")
