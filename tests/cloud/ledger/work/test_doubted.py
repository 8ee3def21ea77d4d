"""Nodes that say of a mint what isn't so: that it has failed, that it never landed, or of a tree
less than was done. Each ticket has one asset all the same."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger.ports import Chain
from cloud.ledger.values import Account, Commitment, Error, Landed, Schema, Status
from cloud.ledger.web import wallets
from cloud.ledger.work import acts
from cloud.ledger.work import house as houses
from cloud.ledger.work.event_rows import Place
from cloud.ledger.work.lifecycle import FIRST_WAIT
from cloud.ledger.work.pursuing import FIRST_REST
from cloud.ledger.work.writer import WATCH, Writer
from tests.cloud.database import awaited
from tests.cloud.ledger.work.mint import BASE, Mint, assets, check, free, key, leaves, minting, sold
from tests.cloud.ledger.work.test_minting import give_away
from tests.cloud.orders.shop import TENANT, Shop, buyer
from tests.cloud.orders.shop import shop as shop

DEAD = 151 * 0.4  # seconds of a blockhash
REST = FIRST_REST + 1
AHEAD = 1000  # blocks
WHY = Error("Custom", 6001, 2)
HOURS = count(1)


class Doubtful:
    """A chain that doesn't tell all, as long as its switches say so."""

    def __init__(self, chain: Chain) -> None:
        self._chain: Any = chain
        self.failing = False  # of what has landed it says that it failed
        self.dropping = False  # it takes what is sent, and loses it
        self.late: list[bytes] = []  # or keeps it, if this is asked for
        self.keeping = False
        self.denying = False  # that there is what was made
        self.forgets = 0  # so many sent, it knows nothing of what was done and is far ahead
        self.hidden: set[Signature] = set()  # which it doesn't list
        self.sent: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    @property
    def forgetting(self) -> bool:
        """Whether it has forgotten all."""
        return 0 < self.forgets <= len(self.sent)

    async def send(self, raw: bytes) -> Error | None:
        """Take it."""
        self.sent.append(raw)
        if self.keeping:
            self.late.append(raw)
        if self.dropping or self.keeping:
            return None
        refused: Error | None = await self._chain.send(raw)
        return refused

    async def height(self, commitment: Commitment) -> int:
        """Return the height."""
        height: int = await self._chain.height(commitment)
        return height + AHEAD * self.forgetting

    async def statuses(
        self, signatures: Sequence[Signature], *, surely: bool = False
    ) -> list[Status | None]:
        """Say what became of each."""
        if self.forgetting:
            return [None for _ in signatures]
        told = await self._chain.statuses(signatures, surely=surely)
        return [one and replace(one, error=WHY) if self.failing else one for one in told]

    async def account(self, address: Pubkey, commitment: Commitment) -> Account | None:
        """Return an account."""
        found: Account | None = await self._chain.account(address, commitment)
        return None if self.denying and found is not None and found.data else found

    async def accounts(
        self, address: Pubkey, commitment: Commitment, *, surely: bool = False
    ) -> list[Account | None]:
        """Return an account: there is nobody else."""
        return [await self.account(address, commitment)]

    async def landed(self, signature: Signature) -> Landed | None:
        """Show one."""
        found = await self._chain.landed(signature)
        return found and self._shown(found)

    async def history(
        self, address: Pubkey, until: Signature | None, before: Signature | None, limit: int
    ) -> list[Landed]:
        """List some."""
        if self.forgetting:
            return []
        found = await self._chain.history(address, until, before, limit)
        return [self._shown(one) for one in found if one.signature not in self.hidden]

    def _shown(self, landed: Landed) -> Landed:
        return replace(landed, error=WHY, events=()) if self.failing else landed


@asynccontextmanager
async def later(shop: Shop, schema: Schema = Schema.V2) -> AsyncIterator[Mint]:
    """Open a shop: no time of the chain's comes again."""
    async with minting(shop, schema) as opened:
        opened.clock.offset = timedelta(hours=next(HOURS))
        await opened.house.begin()
        yield opened


def over(mint: Mint, schema: Schema = Schema.V2) -> tuple[Mint, Doubtful]:
    """Return a shop whose ledger is asked over a doubtful chain."""
    chain = Doubtful(mint.house.chain)
    told: Any = chain
    return Mint(mint.desk, houses.over(told, mint.house.keys, BASE, schema), mint.clock), chain


def jobs(shop: Shop, event: UUID) -> list[tuple[str, str]]:
    """Return the states and faults of an event's mints, the first first."""
    sql = "SELECT state, fault FROM ledger_job WHERE event_id = $1 AND kind = 'mint'"
    return [(row["state"], row["fault"]) for row in shop.rows(f"{sql} ORDER BY number", event)]


def founded(shop: Shop, event: UUID) -> Sequence[Any]:
    """Return an event's jobs that make a collection or a tree, the first first."""
    sql = "SELECT * FROM ledger_job WHERE event_id = $1 AND kind IN ('collection', 'tree')"
    return shop.rows(f"{sql} ORDER BY number", event)


@pytest.mark.parametrize("schema", Schema)
def test_a_failure_that_its_tree_denies_is_none(shop: Shop, schema: Schema) -> None:
    """The mint has landed, and all that a node says is that it failed: nothing is signed anew, and
    once somebody tells the truth, it is done. Of what has failed indeed, the tickets are free."""
    event = free(shop)

    async def run() -> None:
        async with later(shop, schema) as opened:
            await sold(opened.desk, event, 1)
            await opened.settle(event)
            mint, chain = over(opened, schema)
            chain.failing = True
            await sold(mint.desk, event, 2)
            await mint.told()
            for _ in range(3):
                mint.clock.offset += timedelta(seconds=60)
                await mint.writer.work(Place(TENANT, event))
            assert jobs(shop, event)[1:] == [("signed", "job_failed")]
            assert len(leaves(shop, event)) == 3
            chain.failing = False
            mint.clock.offset += timedelta(seconds=60)
            await mint.write(event)
            assert check(shop, event) == 3

    awaited(run())
    assert len(leaves(shop, event)) == 3


@pytest.mark.parametrize("lands", [False, True])
def test_what_is_refunded_while_its_mint_is_on_the_way(shop: Shop, lands: bool) -> None:
    """It is minted and then burnt if its mint lands, and never signed again if it doesn't."""
    event = free(shop)

    async def run() -> None:
        async with later(shop) as opened:
            await sold(opened.desk, event, 1)
            await opened.settle(event)
            mint, chain = over(opened)
            chain.keeping = True
            (order,) = await sold(mint.desk, event, 2)
            await mint.told()
            await mint.writer.work(Place(TENANT, event))
            await mint.desk.refund(order)
            await mint.told()
            assert [state for state, _ in jobs(shop, event)] == ["landed", "signed"]
            for raw in chain.late[:lands]:
                assert await opened.house.chain.send(raw) is None
            chain.keeping = False
            chain.dropping = not lands
            for seconds in (DEAD, REST, REST):
                mint.clock.offset += timedelta(seconds=seconds)
                await mint.write(event)

    awaited(run())
    assert check(shop, event) == 1
    assert [leaf["burnt"] for leaf in leaves(shop, event)] == [False] + [True] * 2 * lands
    assert [state for state, _ in jobs(shop, event)] == ["landed", "landed" if lands else "dead"]


@pytest.mark.parametrize("schema", Schema)
@pytest.mark.parametrize("lands", [False, True])
def test_an_expired_mint_is_signed_anew_once(shop: Shop, schema: Schema, lands: bool) -> None:
    """Lost, it is sent again as it is until its blockhash is dead, and then signed once more.
    Landed late, it isn't."""
    event = free(shop)

    async def run() -> None:
        async with later(shop, schema) as opened:
            await sold(opened.desk, event, 1)
            await opened.settle(event)
            mint, chain = over(opened, schema)
            chain.dropping, chain.keeping = not lands, lands
            await sold(mint.desk, event, 3)
            await mint.told()
            for _ in range(3):
                await mint.writer.work(Place(TENANT, event))
                mint.clock.offset += timedelta(seconds=4 * FIRST_WAIT)
            assert len(chain.sent) == 3
            assert len(set(chain.sent)) == 1
            assert len(leaves(shop, event)) == 1
            for raw in chain.late[:1]:
                assert await opened.house.chain.send(raw) is None
            chain.dropping = chain.keeping = False
            for seconds in (DEAD, REST):
                mint.clock.offset += timedelta(seconds=seconds)
                await mint.write(event)
            assert check(shop, event) == 4
            assert len(leaves(shop, event)) == 4
            assert len(set(chain.sent)) == 2 - lands

    awaited(run())
    landed, old, *new = [state for state, _ in jobs(shop, event)]
    assert (landed, old) == ("landed", "landed" if lands else "dead")
    assert new == ([] if lands else ["landed"])


@pytest.mark.parametrize("lands", [False, True])
def test_a_gap_is_a_persons_to_look_at_if_it_may_hold_the_mint(shop: Shop, lands: bool) -> None:
    """The nodes have forgotten all that was done to a tree. Where it has leaves that nobody knows,
    nothing is signed anew before somebody has asked again; where it has none, nobody has to ask."""
    event = free(shop)

    async def run() -> None:
        async with later(shop) as opened:
            await sold(opened.desk, event, 1)
            await opened.settle(event)
            mint, chain = over(opened)
            chain.forgets, chain.dropping = 1, not lands
            await sold(mint.desk, event, 3)
            await mint.told()
            await mint.writer.work(Place(TENANT, event))
            state = ("review", "lost") if lands else ("dead", "expired")
            assert jobs(shop, event)[1:] == [state]
            chain.forgets, chain.dropping = 0, False
            mint.clock.offset += timedelta(seconds=REST)
            await mint.write(event)
            assert known(shop, event) == (1 if lands else 4)
            async with mint.desk.tx() as tx:
                assert await acts.retry(tx, event) == lands
            await mint.write(event)
            assert check(shop, event) == 4

    awaited(run())
    assert len(leaves(shop, event)) == 4


def known(shop: Shop, event: UUID) -> int:
    """Return how many assets of an event are known."""
    return sum(row["asset_id"] is not None for row in assets(shop, event))


@pytest.mark.parametrize("kind", ["collection", "tree"])
def test_what_is_there_is_not_made_again(shop: Shop, kind: str) -> None:
    """A collection or a tree that no node tells of having been made, and that has its account."""
    event = free(shop)

    async def run() -> None:
        async with later(shop) as opened:
            mint, chain = over(opened)
            await sold(mint.desk, event, 1)
            await mint.told()
            chain.forgets = 1 if kind == "collection" else 2
            for _ in range(3):
                await mint.writer.work(Place(TENANT, event))
                mint.clock.offset += timedelta(seconds=60)
            made = [row for row in founded(shop, event) if row["kind"] == kind]
            assert [(row["state"], row["fault"]) for row in made] == [("signed", "rpc_behind")]
            chain.forgets = 0
            await mint.write(event)
            assert check(shop, event) == 1

    awaited(run())
    assert [row["kind"] for row in founded(shop, event)] == ["collection", "tree"]


def test_who_denies_everything_is_not_paid_for_it(shop: Shop) -> None:
    """A node that knows neither what was made nor its account, and says that it can land no more:
    each costs a deposit, so that no more than one is made in a minute."""
    event = free(shop)

    async def run() -> None:
        async with later(shop) as opened:
            mint, chain = over(opened)
            await sold(mint.desk, event, 1)
            await mint.told()
            chain.forgets, chain.denying = 1, True
            for made in (1, 1, 2):
                await mint.writer.work(Place(TENANT, event))
                assert [row["state"] for row in founded(shop, event)] == ["dead"] * made
                mint.clock.offset += timedelta(seconds=40)
            sql = "SELECT fault FROM asset_event WHERE event_id = $1"
            assert shop.rows(sql, event)[0]["fault"] == "collection: expired"

    awaited(run())


def test_what_is_not_listed_yet_is_found_when_it_is(shop: Shop) -> None:
    """A node leaves out what somebody else did and lists what came after: nobody reads on, and once
    it is listed, it is a review."""
    event = free(shop)
    wallet, friend = Keypair(), Keypair()

    async def run() -> None:
        async with later(shop) as opened:
            await sold(opened.desk, event, 1)
            async with opened.desk.tx() as tx:
                await wallets.link(tx, buyer(0), wallet.pubkey())
            await opened.settle(event)
            mint, chain = over(opened)
            (row,) = assets(shop, event)
            before = await tail(mint, event)
            await give_away(opened.house, key(row["asset_id"]), wallet, friend.pubkey())
            chain.hidden = {await tail(mint, event)} - {before}
            async with opened.desk.tx() as tx:
                await wallets.unlink(tx, buyer(0))
            await sold(mint.desk, event, 1)
            await mint.settle(event)
            for hidden, held in ((chain.hidden, ""), (set(), "review")):
                chain.hidden = hidden
                mint.clock.offset += WATCH + timedelta(seconds=1)
                writer = Writer(mint.desk.pool, shop.database.app_url, mint.house, mint.clock)
                await writer.work(Place(TENANT, event))
                (row, _) = assets(shop, event)
                assert row["held"] == held
            assert key(row["owner"]) == friend.pubkey()

    awaited(run())


async def tail(mint: Mint, event: UUID) -> Signature:
    """Return the newest transaction of an event's tree."""
    sql = "SELECT address FROM asset_tree WHERE event_id = $1"
    address = key(mint.desk.shop.rows(sql, event)[0]["address"])
    (newest,) = await mint.house.chain.history(address, None, None, 1)
    assert await mint.house.chain.height(Commitment.CONFIRMED)
    return newest.signature
