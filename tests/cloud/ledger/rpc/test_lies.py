"""Nodes that lie: none makes us mint twice, believe what a tree denies, pay too much or ask for
ever; and where another tells the truth, it is heard."""

import asyncio
from typing import Any, Final

import pytest

from cloud.breakers.breaker import Breakers
from cloud.ledger.faults import LedgerMalformed, LedgerUntrusted
from cloud.ledger.ports import Done, Pending
from cloud.ledger.rpc.cluster import Cluster
from cloud.ledger.rpc.opening import connected
from cloud.ledger.values import Commitment
from tests.cloud.database import Database
from tests.cloud.ledger.rpc.facade.running import Facade
from tests.cloud.ledger.rpc.reaching import on
from tests.cloud.ledger.rpc.test_faults import FAILED, next_of, opened
from tests.cloud.ledger.scene import FAN, Clock

FINALIZED: Final = Commitment.FINALIZED
LIVES: Final = 150  # blocks
PATIENCE: Final = 20  # seconds for what must not go on for ever


async def of_two(chain: Any, clock: Clock, facade: Facade) -> None:
    """Have one of two nodes lie, the one that is asked first."""
    office = await opened(chain, clock)
    ledger = office.ledger

    facade.fault("sendTransaction", "drop")  # it has taken it, it says
    one = await next_of(office)
    assert await ledger.submit(one) is None
    assert isinstance(await ledger.resolve(one, FINALIZED), Done)

    for kind, told in (
        ("error", {"code": -32602}),
        ("patch", {"value": 10**15}),
        ("patch", {"value": "5"}),
    ):
        facade.fault("getMinimumBalanceForRentExemption", kind, **told)
        assert await chain.rent(100) == (128 + 100) * 6960
    other = await next_of(office)
    facade.fault("simulateTransaction", "patch", path=["value", "err"], value="AccountInUse")
    assert await ledger.submit(other) is None
    facade.fault("getTransaction", "patch", value=facade.ask(*about(one.signature))["result"])
    assert isinstance(await ledger.resolve(other, FINALIZED), Done)

    facade.fault("getSignatureStatuses", "patch", path=["value", 0, "err"], value=FAILED)
    with pytest.raises(LedgerUntrusted, match="rpc_split"):
        await ledger.resolve(one, FINALIZED)


def about(signature: Any) -> tuple[str, list[Any]]:
    """Return a question for a transaction."""
    config = {"encoding": "base64", "commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    return "getTransaction", [str(signature), config]


def test_one_of_two_lies(database: Database) -> None:
    """Of a dropped transaction, a deposit, a simulation, another transaction: the other is heard.
    Of a failure: neither is."""
    on(database, of_two, nodes=2)


async def of_accounts(chain: Any, clock: Clock, facade: Facade) -> None:
    """Have one node, the one that is asked first, show an account that isn't so."""
    office = await opened(chain, clock)
    ledger = office.ledger
    old = shown(facade, office.tree)
    assert isinstance(await office.do(await next_of(office)), Done)
    (asset,) = await ledger.assets_by_owner(FAN, None, 5)

    facade.fault("getAccountInfo", "patch", value=old)
    found = await ledger.tree(office.tree)  # whoever has seen the most of it is heard
    assert found is not None
    assert found.sequence == 1
    facade.fault("getAccountInfo", "patch", value=old)
    changes = await ledger.reconcile(office.tree, None)
    assert (len(changes.effects), changes.unaccounted) == (1, 0)
    facade.fault("getSignaturesForAddress", "patch", value=[])
    facade.fault("getAccountInfo", "patch", value=old)  # and keeps back what it denies
    assert (await ledger.reconcile(office.tree, None)).unaccounted == 1

    two = await next_of(office)
    assert await ledger.submit(two) is None
    facade.fault("getAccountInfo", "patch", value=old)
    assert isinstance(await ledger.resolve(two, FINALIZED), Pending)
    facade.fault("getAccountInfo", "patch", path=["value", "owner"], value=str(FAN))
    with pytest.raises(LedgerUntrusted, match="landed_tree"):
        await ledger.resolve(two, FINALIZED)
    assert isinstance(await ledger.resolve(two, FINALIZED), Done)

    for lie in (old, {**old, "value": None}):
        facade.fault("getAccountInfo", "patch", value=lie)
        with pytest.raises(LedgerUntrusted):
            await ledger.proved(asset.leaf.id)
    assert await ledger.proved(asset.leaf.id) is not None


def shown(facade: Facade, address: Any) -> Any:
    """Return what a node shows of an account now."""
    config = {"encoding": "base64", "commitment": "confirmed"}
    return facade.ask("getAccountInfo", [str(address), config])["result"]


def test_one_of_two_shows_another_account(database: Database) -> None:
    """An older tree, one of another program, none: what it keeps back isn't gone, nothing passes
    for done or for proved that the other doesn't show, and once it tells the truth, all is."""
    on(database, of_accounts, nodes=2)


async def of_another_cluster(chain: Any, clock: Clock, facade: Facade) -> None:
    """Name a node of another cluster, beside one of ours and alone."""
    ours = await chain.genesis()
    urls = [f"{facade.address}/{number}" for number in range(2)]

    async def asked(urls: list[str]) -> int:
        cluster = Cluster(ours)
        async with connected(urls, breakers=Breakers(None), patience=0, cluster=cluster) as other:
            return await other.rent(100)

    facade.fault("getGenesisHash", "patch", value=OTHER)
    facade.fault("getMinimumBalanceForRentExemption", "patch", value=1)
    assert await asked(urls) == 1  # which the other one answered
    assert facade.met("getMinimumBalanceForRentExemption") == 1
    facade.fault("getGenesisHash", "patch", value=OTHER)
    with pytest.raises(LedgerUntrusted, match="rpc_cluster"):
        await asked(urls[:1])
    assert await asked(urls[:1]) == (128 + 100) * 6960
    for told in (5, "0OIl", None):
        facade.fault("getGenesisHash", "patch", value=told)
        with pytest.raises(LedgerMalformed):
            await asked(urls[:1])

    async with connected(urls, breakers=Breakers(None), patience=0) as first:
        facade.fault("getGenesisHash", "patch", value=OTHER)
        with pytest.raises(LedgerUntrusted, match="rpc_cluster"):
            await first.genesis()
        assert await first.genesis() == ours


OTHER: Final = "LbUiWL3xVV8hTFYBVdbTNrpDo41NKS6o3LHHuDzjfcY"


def test_a_node_of_another_cluster_is_not_asked(database: Database) -> None:
    """Whatever it says is true of somewhere else; nor does anything begin where two differ."""
    on(database, of_another_cluster)


async def alone(chain: Any, clock: Clock, facade: Facade) -> None:
    """Have the only node contradict itself, or what is known."""
    office = await opened(chain, clock)
    ledger = office.ledger
    one = await next_of(office)
    await office.do(one)

    facade.fault("getSignatureStatuses", "patch", path=["value", 0, "err"], value=FAILED)
    with pytest.raises(LedgerUntrusted, match="landed_error"):
        await ledger.resolve(one, FINALIZED)

    facade.fault("getLatestBlockhash", "patch", path=["value", "lastValidBlockHeight"], value=1)
    assert (await next_of(office)).last_height == await chain.height(FINALIZED) + LIVES
    facade.fault("getLatestBlockhash", "patch", path=["value", "lastValidBlockHeight"], value=10**9)
    with pytest.raises(LedgerUntrusted, match="rpc_height"):
        await next_of(office)

    facade.fault("getMinimumBalanceForRentExemption", "patch", value=(128 + 100) * 6960 + 1)
    with pytest.raises(LedgerUntrusted, match="rpc_rent"):
        await chain.rent(100)

    facade.fault("sendTransaction", "patch", value=str(one.signature))
    with pytest.raises(LedgerUntrusted, match="rpc_signature"):
        await ledger.submit(await next_of(office))

    calls = ["meta", "innerInstructions", 0, "instructions"]
    call = {"programIdIndex": 0, "data": "2" * 4000}
    facade.fault("getTransaction", "patch", path=calls, value=[call] * 65)
    with pytest.raises(LedgerMalformed, match="rpc_inner"):
        await ledger.resolve(one, FINALIZED)


def test_the_only_node_contradicts_itself(database: Database) -> None:
    """Of a failure, of how long a blockhash lives, of a deposit, of what it was sent."""
    on(database, alone)


async def endless(chain: Any, clock: Clock, facade: Facade) -> None:
    """Have lists that repeat themselves or are too long."""
    office = await opened(chain, clock)
    for _ in range(2):
        await office.do(await next_of(office))
    (newest, older, *_) = await chain.history(office.tree, None, None, 5)
    for page in ([newest, newest], [newest, older, newest]):
        names = [{"signature": str(one.signature)} for one in page]
        facade.fault("getSignaturesForAddress", "patch", value=names)
        with pytest.raises(LedgerMalformed, match="rpc_history"):
            await chain.history(office.tree, None, None, 5)
    names = [{"signature": str(newest.signature)}]
    for asked in ((newest.signature, None, 5), (None, newest.signature, 5), (None, None, 0)):
        facade.fault("getSignaturesForAddress", "patch", value=names)
        with pytest.raises(LedgerMalformed, match="rpc_history"):
            await chain.history(office.tree, *asked)

    said = facade.ask("searchAssets", {"ownerAddress": str(FAN), "limit": 1, **ORDER})["result"]
    for listed, size in ((said["items"] * 2, 5), (said["items"] * 2, 1)):
        facade.fault("searchAssets", "patch", path=["items"], value=listed)
        with pytest.raises(LedgerMalformed, match="rpc_page"):
            await chain.assets_by_owner(FAN, None, size)
    strange = said["items"][0] | {"compression": None}
    facade.fault("searchAssets", "patch", path=["items"], value=[strange], times=1000)
    with pytest.raises(LedgerMalformed, match="rpc_page"):
        await chain.assets_by_owner(FAN, None, 1)


ORDER: Final = {"compressed": True, "sortBy": {"sortBy": "id", "sortDirection": "asc"}}


def test_no_list_goes_on_for_ever(database: Database) -> None:
    """What is listed twice, or more than was asked for, is no answer."""

    async def act(chain: Any, clock: Clock, facade: Facade) -> None:
        async with asyncio.timeout(PATIENCE):
            await endless(chain, clock, facade)

    on(database, act)
