"""The embedded chain on a real database: what it takes, refuses, answers and keeps."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from solders.keypair import Keypair
from solders.transaction import Transaction
from structlog.testing import capture_logs

from cloud.ledger.bubblegum import building
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import asset_of
from cloud.ledger.embedded import state
from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.faults import LedgerAway, LedgerRefused
from cloud.ledger.tree.concurrent import load
from cloud.ledger.tree.hashing import EMPTY_LEAF, root_of
from cloud.ledger.values import Commitment, Error, Flag, Mint, Proof, Schema, Shape
from tests.cloud.database import Database
from tests.cloud.ledger.scene import (
    FAN,
    FRIEND,
    OURS,
    PARTIES,
    PAYER,
    SMALL,
    Clock,
    Scene,
    key,
)

STALE = Error("Custom", 6001, 0)
Act = Callable[[Scene, Clock], Awaitable[None]]
WIPE = """
    TRUNCATE ledger_head, ledger_transaction, ledger_touch, ledger_account, ledger_leaf
"""


def on(database: Database, act: Act, schema: Schema = Schema.V2, shape: Shape = SMALL) -> None:
    """Run *act* with a fresh ledger."""
    database.run(WIPE)

    async def go() -> None:
        pool, clock = await database.pool(), Clock()
        try:
            scene = await Scene.on(pool, clock, schema, shape)
            await act(scene, clock)
            await scene.chain.aclose()
        finally:
            await pool.close()

    asyncio.run(go())


async def root(scene: Scene) -> bytes:
    """Return the root in the tree's account."""
    account = await scene.chain.account(scene.tree.pubkey(), Commitment.CONFIRMED)
    assert account is not None
    return load(bytearray(account.data)).root


def proves(proof: Proof) -> bool:
    """Whether a proof leads from its leaf to its root."""
    return root_of(proof.leaf, proof.index, proof.nodes) == proof.root


def test_a_batch_that_fails_is_told_and_logged(database: Database) -> None:
    """Of what stops the writer, whatever it is, the log has the kind; its senders may try again."""

    def stop(*_: object) -> None:
        raise RuntimeError("of no kind that is expected")

    async def ask(scene: Scene, _: Clock) -> None:
        scene.chain._state._witness = stop
        with capture_logs() as logs, pytest.raises(LedgerAway, match="ledger_write"):
            await scene.send(scene.minting(1))
        assert [(one["event"], one["fault"]) for one in logs] == [("ledger_write", "RuntimeError")]
        assert await scene.send(scene.minting(1)) is None

    on(database, ask)


def test_few_whole_trees_are_held(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for proofs of many trees doesn't fill the memory; each proof is right."""
    monkeypatch.setattr(state, "MOST_LEAVES", 5)

    async def ask(scene: Scene, _: Clock) -> None:
        for name in ("tree", "second", "third"):
            scene.tree = key(name)
            if name != "tree":
                await scene.plant()
            assert await scene.send(*(scene.minting(number) for number in range(2))) is None
        held = scene.chain._state._trees
        for name, first in (("tree", "tree"), ("second", "tree"), ("tree", "second"),
                            ("third", "tree")):  # fmt: skip
            scene.tree = key(name)
            _asset, proof = await scene.known(asset_of(scene.tree.pubkey(), 1))
            assert (proves(proof), proof.root) == (True, await root(scene))
            assert (next(iter(held)), len(held) <= 2) == (key(first).pubkey(), True)

    on(database, ask)


async def life(scene: Scene, _: Clock) -> None:
    """Mint, move, freeze, be refused, thaw, bind, be refused, burn."""
    assert await scene.send(*(scene.minting(number) for number in range(3))) is None
    ticket = asset_of(scene.tree.pubkey(), 1)
    canopy = scene.shape.canopy
    assert (
        await scene.send(building.transfer(PARTIES, *await scene.known(ticket), canopy, FRIEND))
        is None
    )
    assert await scene.send(building.freeze(PARTIES, *await scene.known(ticket), canopy)) is None
    fan = Parties(PAYER.pubkey(), FRIEND)
    moving = building.transfer(fan, *await scene.known(ticket), canopy, FAN)
    assert await scene.send(moving, others=(key("friend"),)) == Error("Custom", 6045, 0)
    assert await scene.send(building.thaw(PARTIES, *await scene.known(ticket), canopy)) is None
    assert await scene.send(building.bind(PARTIES, *await scene.known(ticket), canopy)) is None
    found, proof = await scene.known(ticket)
    assert (found.leaf.owner, found.leaf.flags, found.name) == (FRIEND, Flag.SOULBOUND, "Ticket 1")
    assert (proof.leaf, proof.root) == (leaf_hash(found.leaf), await root(scene))
    assert proves(proof)
    moving = building.transfer(PARTIES, found, proof, canopy, FAN)
    assert await scene.send(moving) == Error("Custom", 6046, 0)
    assert await scene.send(building.burn(PARTIES, found, proof, canopy)) is None
    found, proof = await scene.known(ticket)
    assert (found.burnt, proof.leaf) == (True, EMPTY_LEAF)
    assert proves(proof)
    owned = await scene.chain.assets_by_owner(FAN, None, 10)
    assert {held.index for held in owned} == {0, 2}
    assert await scene.chain.assets_by_owner(FRIEND, None, 10) == []
    assert len(await scene.chain.assets_by_collection(scene.collection.pubkey(), None, 10)) == 3
    history = await scene.chain.history(scene.tree.pubkey(), None, None, 50)
    assert [len(one.events) for one in history] == [1, 2, 2, 2, 2, 6, 1]


def test_a_ticket_s_whole_life(database: Database) -> None:
    """By a collection's delegate, with its refusals by their numbers."""
    on(database, life)


async def life_v1(scene: Scene, _: Clock) -> None:
    """Mint, be moved by the owner alone, burn."""
    assert await scene.send(scene.minting(0, OURS.pubkey())) is None
    ticket = asset_of(scene.tree.pubkey(), 0)
    stranger = Parties(PAYER.pubkey(), key("stranger").pubkey())
    moving = building.transfer(stranger, *await scene.known(ticket), 2, FRIEND)
    assert await scene.send(moving, others=()) == Error("Custom", 6025, 0)
    assert (
        await scene.send(building.transfer(PARTIES, *await scene.known(ticket), 2, FRIEND)) is None
    )
    friend = Parties(PAYER.pubkey(), FRIEND)
    burning = building.burn(friend, *await scene.known(ticket), 2)
    assert await scene.send(burning, others=(key("friend"),)) is None
    found, proof = await scene.known(ticket)
    assert (found.burnt, found.leaf.schema, proves(proof)) == (True, Schema.V1, True)


def test_a_ticket_s_life_in_v1(database: Database) -> None:
    """Without a collection: only its owner moves and burns it."""
    on(database, life_v1, Schema.V1)


async def resent(scene: Scene, clock: Clock) -> None:
    """Send the same bytes again, late, and too late."""
    raw = await scene.signed(scene.minting(0))
    assert await scene.chain.send(raw) is None
    assert await scene.chain.send(raw) == Error("AlreadyProcessed")
    assert (await scene.chain.simulate(raw)).error == Error("AlreadyProcessed")
    late, lost = await scene.signed(scene.minting(1)), await scene.signed(scene.minting(2))
    newest = await scene.chain.blockhash(Commitment.FINALIZED)
    clock.now += 150 * 0.4
    assert await scene.chain.height(Commitment.FINALIZED) == newest.last_height
    assert await scene.chain.send(late) is None
    clock.now += 0.4
    assert await scene.chain.send(lost) == Error("BlockhashNotFound")
    assert await scene.chain.statuses([Transaction.from_bytes(lost).signatures[0]]) == [None]


def test_the_same_bytes_land_once_and_in_their_time(database: Database) -> None:
    """To the slot."""
    on(database, resent)


async def stale(scene: Scene, clock: Clock) -> None:
    """Change with an old proof."""
    for number in range(4):
        assert await scene.send(scene.minting(number)) is None
    first, second = (asset_of(scene.tree.pubkey(), number) for number in (0, 1))
    old = await scene.known(second)
    assert await scene.send(building.freeze(PARTIES, *await scene.known(first), 2)) is None
    assert await scene.send(building.freeze(PARTIES, *old, 2)) is None
    clock.now += 0.4  # another blockhash, or it would be the same transaction
    assert await scene.send(building.freeze(PARTIES, *old, 2)) == STALE
    found, proof = await scene.known(first)
    forged = Proof(proof.tree, proof.root, proof.leaf, proof.index, proof.nodes[::-1])
    assert await scene.send(building.burn(PARTIES, found, forged, 2)) == STALE


def test_a_proof_may_be_old_but_not_of_another_leaf(database: Database) -> None:
    """What changed elsewhere is made up for; what changed in the leaf is not."""
    on(database, stale)


async def full(scene: Scene, _: Clock) -> None:
    """Mint one too many."""
    for number in range(8):
        assert await scene.send(scene.minting(number)) is None
    assert await scene.send(scene.minting(8)) == Error("Custom", 6017, 0)


def test_a_full_tree(database: Database) -> None:
    """Eight of eight."""
    on(database, full, shape=Shape(3, 8, 0))


async def failing(scene: Scene, _: Clock) -> None:
    """Fail in the second of two instructions: nothing is left but the fee."""
    before = await scene.chain.account(PAYER.pubkey(), Commitment.CONFIRMED)
    empty = await root(scene)
    long = building.mint(
        PARTIES,
        scene.tree.pubkey(),
        Schema.V2,
        Mint(FAN, "x" * 33, "https://tickets.example/1"),
    )
    assert await scene.send(scene.minting(0), long) == Error("Custom", 6012, 1)
    after = await scene.chain.account(PAYER.pubkey(), Commitment.CONFIRMED)
    assert before is not None
    assert after is not None
    assert before.lamports - after.lamports == 2 * 5000
    assert (await root(scene), await scene.chain.assets_by_owner(FAN, None, 9)) == (empty, [])


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    """And a failed one has paid and has a status."""
    on(database, failing)


async def refused(scene: Scene, _: Clock) -> None:
    """Send what never runs."""
    raw = bytearray(await scene.signed(scene.minting(0)))
    raw[5] ^= 1
    assert await scene.chain.send(bytes(raw)) == Error("SignatureFailure")
    assert await scene.chain.send(b"") == Error("SanitizeFailure")
    assert await scene.chain.send(bytes(1233)) == Error("TransactionTooLarge")
    poor = Keypair.from_seed(bytes(32))
    newest = (await scene.chain.blockhash(Commitment.CONFIRMED)).value
    unpaid = Transaction.new_signed_with_payer(
        [
            building.mint(
                Parties(poor.pubkey(), poor.pubkey()),
                scene.tree.pubkey(),
                Schema.V2,
                scene.wanted(0),
            )
        ],
        poor.pubkey(),
        [poor],
        newest,
    )
    assert await scene.chain.send(bytes(unpaid)) == Error("AccountNotFound")
    await scene.chain.fund(poor.pubkey(), 10**9)
    assert await scene.chain.send(bytes(unpaid)) is None
    (status,) = await scene.chain.statuses([unpaid.signatures[0]])
    assert status is not None
    assert status.error == Error("Custom", 6016, 0)
    with pytest.raises(LedgerRefused):
        await scene.chain.fund(scene.tree.pubkey(), 1)


def test_what_is_refused_before_it_runs(database: Database) -> None:
    """Forged, empty, too long, unpaid; and a stranger who pays may still not mint."""
    on(database, refused)


async def together(scene: Scene, clock: Clock) -> None:
    """Two processes' worth of chains over one database, sending at once."""
    other = await EmbeddedChain.open(scene.chain._pool, clock, bytes(32))
    raws = [await scene.signed(scene.minting(number)) for number in range(20)]
    chains = [scene.chain, other]
    said = await asyncio.gather(
        *(chains[number % 2].send(raw) for number, raw in enumerate(raws)),
        *(chains[1 - number % 2].send(raw) for number, raw in enumerate(raws)),
    )
    assert sorted(map(str, said)) == sorted(["None"] * 20 + [str(Error("AlreadyProcessed"))] * 20)
    found = await other.assets_by_owner(FAN, None, 100)
    assert sorted(held.index for held in found) == list(range(20))
    assert {held.name for held in found} == {f"Ticket {number}" for number in range(20)}
    for held in found:
        for chain in chains:
            proof = await chain.proof(held.leaf.id)
            assert proof is not None
            assert (proof.leaf, proof.root) == (leaf_hash(held.leaf), await root(scene))
            assert proves(proof)


def test_two_writers_of_one_ledger(database: Database) -> None:
    """Each of twenty tickets lands once, and both see all of them."""
    on(database, together)


async def reopened(scene: Scene, clock: Clock) -> None:
    """Close it and open it again."""
    for number in range(5):
        assert await scene.send(scene.minting(number)) is None
    raw = await scene.signed(scene.minting(5))
    assert await scene.chain.send(raw) is None
    before = await scene.chain.account(scene.tree.pubkey(), Commitment.CONFIRMED)
    again = await EmbeddedChain.open(scene.chain._pool, clock, bytes(32))
    assert await again.account(scene.tree.pubkey(), Commitment.CONFIRMED) == before
    assert await again.send(raw) == Error("AlreadyProcessed")
    assert await again.blockhash(Commitment.CONFIRMED) == await scene.chain.blockhash(
        Commitment.CONFIRMED
    )


async def set_back(scene: Scene, clock: Clock) -> None:
    """Write while the clock is an hour before what was written."""
    clock.now += 3600
    assert await scene.send(scene.minting(0)) is None
    height = await scene.chain.height(Commitment.FINALIZED)
    clock.now -= 3600
    for _ in range(2):  # the same content, and yet another transaction
        clock.now += 0.4
        assert await scene.send(scene.minting(1)) is None
    scene.chain = await EmbeddedChain.open(scene.chain._pool, clock, bytes(32))
    assert await scene.chain.height(Commitment.FINALIZED) > height
    assert await scene.send(scene.minting(2)) is None
    slots = [one.slot for one in await scene.chain.history(scene.tree.pubkey(), None, None, 9)]
    assert slots == sorted(slots, reverse=True)
    clock.now += 7200
    assert await scene.send(scene.minting(3)) is None


def test_a_clock_that_is_set_back(database: Database) -> None:
    """Slots go on from the last that was written to, also in a ledger that is opened anew."""
    on(database, set_back)


def test_a_ledger_that_is_opened_again(database: Database) -> None:
    """Accounts, blockhashes and signatures are those from before."""
    on(database, reopened)
