"""Nodes that time out, drop, double, delay, lag, lie and break off: no ticket is minted twice."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from solders.hash import Hash

from cloud.breakers.breaker import Breakers
from cloud.ledger.faults import LedgerAway, LedgerMalformed, LedgerUntrusted
from cloud.ledger.ports import Done, Expired, Pending, Signed
from cloud.ledger.rpc.chain import RpcChain
from cloud.ledger.rpc.opening import connected
from cloud.ledger.values import Commitment, Error
from tests.cloud.database import Database
from tests.cloud.ledger.rpc.facade.running import Facade
from tests.cloud.ledger.rpc.reaching import WAIT, on
from tests.cloud.ledger.scene import FRIEND, Clock
from tests.cloud.ledger.test_ledger import Office

FINALIZED: Final = Commitment.FINALIZED
LIFE: Final = 151 * 0.4  # seconds of a blockhash


@asynccontextmanager
async def hasty(facade: Facade, wait: float = WAIT, nodes: int = 1) -> AsyncIterator[RpcChain]:
    """Reach it without asking twice."""
    urls = [f"{facade.address}/{place}" for place in range(nodes)]
    async with connected(urls, breakers=Breakers(None), wait=wait, patience=0) as chain:
        yield chain


async def opened(chain: Any, clock: Clock) -> Office:
    """Open a ledger."""
    office = Office(chain, clock)
    await office.open()
    return office


async def next_of(office: Office) -> Signed:
    """Sign the next ticket: the clock has moved, so that no two are one transaction."""
    office.clock.now += 0.4
    (one,) = await office.ledger.mint(office.tree, office.wanted(1))
    return one


async def minted(office: Office) -> int:
    """Return how many leaves the tree counts."""
    tree = await office.ledger.tree(office.tree)
    assert tree is not None
    return tree.minted


async def sending(chain: Any, clock: Clock, facade: Facade) -> None:
    """Send one ticket through each fault, and go on as one must."""
    office = await opened(chain, clock)
    ledger = office.ledger

    facade.fault("sendTransaction", "cut")  # it landed, and the connection broke
    one = await next_of(office)
    async with hasty(facade) as other:
        with pytest.raises(LedgerAway):
            await other.send(one.raw)
    assert isinstance(await ledger.resolve(one, FINALIZED), Done)
    assert await ledger.submit(one) == Error("AlreadyProcessed")

    facade.fault("sendTransaction", "cut")
    one = await next_of(office)
    assert await ledger.submit(one) is None  # the same bytes, again, by themselves
    assert isinstance(await ledger.resolve(one, FINALIZED), Done)

    facade.fault("sendTransaction", "drop")
    one = await next_of(office)
    assert await ledger.submit(one) is None
    assert isinstance(await ledger.resolve(one, FINALIZED), Pending)
    assert isinstance(await office.do(one), Done)

    facade.fault("sendTransaction", "twice")
    assert isinstance(await office.do(await next_of(office)), Done)

    facade.fault("sendTransaction", "late")
    one = await next_of(office)
    assert await ledger.submit(one) is None
    assert isinstance(await ledger.resolve(one, FINALIZED), Pending)
    facade.tell(release=True)
    assert isinstance(await ledger.resolve(one, FINALIZED), Done)

    facade.fault("sendTransaction", "late")
    one = await next_of(office)
    assert await ledger.submit(one) is None
    clock.now += LIFE
    assert isinstance(await ledger.resolve(one, FINALIZED), Expired)
    facade.tell(release=True)  # too late for it
    assert isinstance(await ledger.resolve(one, FINALIZED), Expired)

    dead = str(Hash.new_unique())
    facade.fault("getLatestBlockhash", "patch", path=["value", "blockhash"], value=dead)
    assert await ledger.submit(await next_of(office)) == Error("BlockhashNotFound")
    assert await minted(office) == 5
    changes = await ledger.reconcile(office.tree, None)
    assert (len(changes.effects), changes.unaccounted) == (5, 0)


def test_a_ticket_is_minted_once_whatever_becomes_of_its_sending(database: Database) -> None:
    """Landed and not told, dropped, doubled, late, too late, dead from the start."""
    on(database, sending)


async def timed_out(chain: Any, clock: Clock, facade: Facade) -> None:
    """Give up on a node that carries out and says nothing."""
    office = await opened(chain, clock)
    one = await next_of(office)
    async with hasty(facade, wait=0.5) as other:
        while not facade.met("sendTransaction") > 2:  # two were sent by the opening
            facade.tell(clear=True)
            facade.fault("sendTransaction", "deaf")
            with pytest.raises(LedgerAway):
                await other.send(one.raw)
    facade.tell(clear=True)
    outcome = await office.ledger.resolve(one, FINALIZED)
    while isinstance(outcome, Pending):  # it lands while nobody listens
        outcome = await office.ledger.resolve(one, FINALIZED)
    assert isinstance(outcome, Done)
    assert await minted(office) == 1


def test_a_time_out_after_landing(database: Database) -> None:
    """The signature tells what the answer did not."""
    on(database, timed_out)


async def broken(chain: Any, _: Clock, facade: Facade) -> None:
    """Get answers that are none."""
    assert await chain.height(FINALIZED) >= 0
    cases: list[tuple[str, dict[str, Any], float, str]] = [
        ("body", {"body": "<html>busy</html>"}, WAIT, "rpc_answer"),
        ("body", {"body": ""}, WAIT, "rpc_answer"),
        ("body", {"body": '{"jsonrpc":"2.0","id":7777,"result":5}'}, WAIT, "rpc_answer"),
        ("body", {"body": '{"jsonrpc":"2.0","id":1}'}, WAIT, "rpc_answer"),
        ("body", {"body": '{"jsonrpc":"2.0","id":1,"result":' + "[" * 5000}, WAIT, "rpc_answer"),
        ("body", {"body": '{"jsonrpc":"2.0","id":1,"result":"5"}'}, WAIT, "rpc_answer"),
        ("patch", {"value": -5}, WAIT, "rpc_answer"),
        ("endless", {}, WAIT, "rpc_too_long"),
        ("slow", {}, 0.3, "rpc_timeout"),
        ("silent", {}, 0.3, "rpc_timeout"),
        ("cut", {}, WAIT, "rpc_unreachable"),
        ("status", {"status": 503}, WAIT, "rpc_status"),
        ("status", {"status": 403}, WAIT, "rpc_denied"),
        ("status", {"status": 429, "headers": {"retry-after": "7"}}, WAIT, "rpc_busy"),
        ("error", {"code": -32603}, WAIT, "rpc_failed"),
        ("error", {"code": -32601}, WAIT, "rpc_failed"),
        ("error", {"code": -32016}, WAIT, "rpc_behind"),
        ("error", {"code": -32602}, WAIT, "rpc_refused"),
    ]
    for kind, told, wait, code in cases:
        facade.fault("getMinimumBalanceForRentExemption", kind, **told)
        async with hasty(facade, wait) as other:
            with pytest.raises(Exception, match=code) as caught:
                await other.rent(100)
        assert getattr(caught.value, "code", None) == code, (kind, told)
        if code == "rpc_busy":
            assert 6 < getattr(caught.value, "wait", 0.0) <= 7
        facade.tell(clear=True)
    facade.fault("getMinimumBalanceForRentExemption", "status", status=503, times=2)
    assert await chain.rent(100) == (128 + 100) * 6960  # it is asked again


def test_an_answer_that_is_none_has_a_name(database: Database) -> None:
    """Broken, foreign, endless, slow, refused; and a passing weakness is waited for."""
    on(database, broken)


async def left_alone(_: Any, __: Clock, facade: Facade) -> None:
    """Fail until it is no longer asked."""
    method = "getMinimumBalanceForRentExemption"
    facade.fault(method, "status", status=503, times=1000)
    async with hasty(facade) as other:
        for _number in range(8):
            with pytest.raises(LedgerAway, match="rpc_status"):
                await other.rent(100)
        with pytest.raises(LedgerAway, match="rpc_resting") as caught:
            await other.rent(100)
    assert caught.value.wait > 0
    assert facade.met(method) == 8


def test_a_node_that_fails_is_left_alone(database: Database) -> None:
    """By the breaker that the cloud has for whoever is outside."""
    on(database, left_alone)


async def several(chain: Any, clock: Clock, facade: Facade) -> None:
    """Have two nodes, of which one is away, lies or lags."""
    office = await opened(chain, clock)
    one = await next_of(office)
    urls = [AWAY, facade.address]
    async with connected(urls, breakers=Breakers(None), patience=0) as other:
        assert await other.rent(0) == 128 * 6960
    async with connected([*urls, facade.address], breakers=Breakers(None), patience=0) as other:
        assert await other.height(FINALIZED) == await chain.height(FINALIZED)
    async with hasty(facade, nodes=2) as other:
        ledger = office.over(other)
        facade.fault("getEpochInfo", "patch", path=["blockHeight"], value=10**12)
        assert isinstance(await ledger.resolve(one, FINALIZED), Pending)
        facade.fault(
            "simulateTransaction", "patch", path=["value", "err"], value="BlockhashNotFound"
        )
        assert await ledger.submit(one) is None  # the first doesn't know the blockhash yet
        clock.now += LIFE
        facade.fault("getSignatureStatuses", "patch", path=["value", 0], value=None)
        assert isinstance(await ledger.resolve(one, FINALIZED), Done)
        facade.fault("getTransaction", "patch", value=None)
        assert isinstance(await ledger.resolve(one, FINALIZED), Done)
        facade.fault("getSignatureStatuses", "patch", value=FAR_BEHIND, times=2)
        with pytest.raises(LedgerAway, match="rpc_behind"):
            await ledger.resolve(one, FINALIZED)
    assert await minted(office) == 1


async def left_with_one(chain: Any, clock: Clock, facade: Facade) -> None:
    """Have one of two nodes be away while the other says whatever it likes."""
    office = await opened(chain, clock)
    landed, lost = await next_of(office), await next_of(office)
    assert await office.ledger.submit(landed) is None
    clock.now += LIFE
    assert isinstance(await office.ledger.resolve(lost, FINALIZED), Expired)
    urls = [AWAY, facade.address]
    async with connected(urls, breakers=Breakers(None), patience=0) as other:
        ledger = office.over(other)
        done, pending = await ledger.resolve_all([landed, lost], FINALIZED)
        assert (type(done), type(pending)) == (Done, Pending)
        facade.fault("getSignatureStatuses", "patch", path=["value", 0, "err"], value=FAILED)
        assert isinstance(await ledger.resolve(landed, FINALIZED), Pending)
        facade.fault("getLatestBlockhash", "patch", path=["value", "lastValidBlockHeight"], value=1)
        with pytest.raises(LedgerAway, match="rpc_unreachable"):
            await ledger.mint(office.tree, office.wanted(1))


AWAY: Final = "http://127.0.0.1:1"  # where nobody listens
FAILED: Final = {"InstructionError": [2, {"Custom": 6001}]}


def test_one_that_is_left_of_two_decides_nothing(database: Database) -> None:
    """Neither that a transaction is dead or has failed, nor how long one may land; what it shows to
    have landed has."""
    on(database, left_with_one)


FAR_BEHIND: Final = {"context": {"slot": 1}, "value": [None]}


def test_nobody_calls_a_transaction_dead_alone(database: Database) -> None:
    """One that lies of its height, one that hasn't seen it, two that are far behind."""
    on(database, several)


async def settled(chain: Any, clock: Clock, facade: Facade) -> None:
    """Wait for each level."""
    office = await opened(chain, clock)
    facade.tell(settling=True)
    clock.now += 32 * 0.4  # what is final already stays so
    one = await next_of(office)
    assert await office.ledger.submit(one) is None
    reached = []
    for slots in (0, 1, 30, 1):
        clock.now += slots * 0.4
        levels = [await office.ledger.resolve(one, level) for level in Commitment]
        reached.append([type(each) for each in levels])
    landed = [Pending, Pending, Pending], [Done, Done, Pending], [Done, Done, Done]
    assert reached == [landed[0], landed[1], landed[1], landed[2]]


def test_a_transaction_settles_level_by_level(database: Database) -> None:
    """Done is said at the level that was asked for, once there is something to read."""
    on(database, settled)


async def indexed(chain: Any, clock: Clock, facade: Facade) -> None:
    """Let the index say something else than the tree."""
    office = await opened(chain, clock)
    ticket, *_ = await office.minted(3)
    friend = str(FRIEND)
    lies: list[tuple[str, list[Any], Any, str]] = [
        ("getAsset", ["ownership", "owner"], friend, "asset_leaf"),
        ("getAsset", ["ownership", "delegate"], friend, "asset_leaf"),
        ("getAsset", ["compression", "flags"], 2, "asset_leaf"),
        ("getAsset", ["compression", "leaf_id"], 1, "asset_id"),
        ("getAsset", ["compression", "tree"], friend, "tree_owner"),
        ("getAsset", ["grouping", 0, "group_value"], friend, "asset_collection"),
        ("getAsset", ["burnt"], True, "asset_leaf"),
        ("getAssetProof", ["root"], friend, "proof_root"),
        ("getAssetProof", ["leaf"], friend, "asset_leaf"),
        ("getAssetProof", ["node_index"], 65, "asset_place"),
    ]
    for method, path, value, code in lies:
        facade.fault(method, "patch", path=path, value=value, times=2)  # it is asked once more
        with pytest.raises(LedgerUntrusted) as caught:
            await office.ledger.burn(ticket)
        assert caught.value.code == code, path
        facade.tell(clear=True)
    forms: list[tuple[str, list[Any], Any]] = [
        ("getAsset", ["compression", "data_hash"], "abc"),
        ("getAsset", ["compression", "leaf_id"], -1),
        ("getAssetProof", ["node_index"], 63),
        ("getAssetProof", ["proof"], ["1"] * 40),
        ("getAssetProof", ["proof", 0], "0OIl"),
    ]
    for method, path, value in forms:
        facade.fault(method, "patch", path=path, value=value)
        with pytest.raises(LedgerMalformed):
            await office.ledger.burn(ticket)
    await behind(office, facade, ticket)


async def behind(office: Office, facade: Facade, ticket: Any) -> None:
    """Let the index lag, until it has caught up."""
    held = await office.ledger.asset(ticket)
    facade.tell(behind=True)
    await office.do(await office.ledger.freeze(ticket))
    with pytest.raises(LedgerUntrusted) as caught:
        await office.ledger.asset(ticket)
    assert caught.value.code == "asset_old"
    facade.tell(behind=False)
    frozen = await office.ledger.asset(ticket)
    assert held is not None
    assert frozen is not None
    assert (held.leaf.flags, frozen.leaf.flags) == (0, 2)


def test_an_index_that_the_tree_contradicts_is_not_believed(database: Database) -> None:
    """Each lie by its name, a word that isn't in its form, and an index that lags."""
    on(database, indexed)


async def events(chain: Any, clock: Clock, facade: Facade) -> None:
    """Show transactions whose calls inside are not in their form."""
    office = await opened(chain, clock)
    one = await next_of(office)
    await office.do(one)
    inside = ["meta", "innerInstructions"]
    cases: list[tuple[list[Any], Any, str]] = [
        (inside, None, "rpc_inner"),
        ([*inside, 0, "instructions", 0, "programIdIndex"], 99, "rpc_inner"),
        ([*inside, 0, "instructions", 0, "data"], "0OIl", "rpc_bytes"),
        ([*inside, 0, "instructions", 0, "data"], "2" * 5000, "rpc_bytes"),
        ([*inside, 0, "instructions"], [], "borsh"),
        (["transaction", 1], "base58", "rpc_bytes"),
        (["transaction", 0], "AAAA", "landed_bytes"),
        (["transaction", 0], written(one.raw + b"\0"), "landed_bytes"),
        (["meta", "err"], {"InstructionError": ["x"]}, "rpc_error"),
    ]
    for path, value, code in cases:
        facade.fault("getTransaction", "patch", path=path, value=value)
        with pytest.raises(LedgerMalformed) as caught:
            await office.ledger.resolve(one, FINALIZED)
        assert caught.value.code == code, path
    unsigned = one.raw[:1] + bytes(64) + one.raw[65:]
    facade.fault("getTransaction", "patch", path=["transaction", 0], value=written(unsigned))
    with pytest.raises(LedgerUntrusted, match="nobody has signed"):
        await office.ledger.resolve(one, FINALIZED)
    assert isinstance(await office.ledger.resolve(one, FINALIZED), Done)


def written(raw: bytes) -> str:
    """Return bytes as nodes write them."""
    return b64encode(raw).decode()


def test_events_of_a_transaction_are_in_their_form(database: Database) -> None:
    """Missing, of nobody, not in base 58, too long; more than a transaction, or unsigned."""
    on(database, events)


async def priced(chain: Any, _: Clock, facade: Facade) -> None:
    """Pay what most pay, up to a limit."""
    for fees, price in (
        ([], 0),
        ([5], 5),
        ([0, 0, 0, 8], 0),
        ([9, 1, 2, 3], 3),
        ([10**12], 200_000),
    ):
        facade.tell(fees=fees)
        assert await chain.priority_fee([FRIEND]) == price


def test_the_price_is_bounded(database: Database) -> None:
    """Three quarters of the newest blocks took it."""
    on(database, priced)


def test_a_key_in_an_address_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Neither by an error nor by a log, of ours or of the libraries."""
    caplog.set_level("DEBUG")

    async def go() -> None:
        url = "http://127.0.0.1:1/?api-key=7f3a-secret"
        async with connected([url], breakers=Breakers(None), patience=0) as chain:
            with pytest.raises(LedgerAway) as caught:
                await chain.rent(5)
            assert "7f3a" not in repr(caught.value) + str(caught.value.__cause__)

    asyncio.run(go())
    assert "7f3a" not in caplog.text
