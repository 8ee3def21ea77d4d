"""What tickets see: built, stored, sent, resolved; read with proof; no index is believed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from msgspec.structs import replace
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger.bubblegum import building
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import asset_of
from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.faults import LedgerMalformed, LedgerRefused, LedgerUntrusted
from cloud.ledger.ports import Chain, Done, Expired, Failed, Ledger, Pending, Signed
from cloud.ledger.signing import SigningLedger
from cloud.ledger.tree.nodes import Nodes
from cloud.ledger.values import Asset, Commitment, Error, Flag, Mint, Paid, Proof, Schema, Shape
from tests.cloud.database import Database
from tests.cloud.ledger.scene import FAN, FRIEND, OURS, PARTIES, PAYER, SECRET, Clock, key, signed
from tests.cloud.ledger.test_chain import WIPE

SHAPE = Shape(6, 16, 2)
Act = Callable[["Office"], Awaitable[None]]


class Keyring:
    """Keys in memory: those of the scene, and those it makes."""

    def __init__(self) -> None:
        self.keys = {held.pubkey(): held for held in (PAYER, OURS)}

    def create(self) -> Pubkey:
        """Make a key."""
        made = Keypair()
        self.keys[made.pubkey()] = made
        return made.pubkey()

    def sign(self, wanted: Pubkey, message: bytes) -> Signature:
        """Sign."""
        if wanted not in self.keys:
            raise LedgerRefused("no_key")
        return self.keys[wanted].sign_message(message)


class Office:
    """A ledger over a chain, with a tree and a collection."""

    def __init__(self, chain: EmbeddedChain, clock: Clock) -> None:
        self.chain = chain
        self.clock = clock
        self.keys = Keyring()
        self.ledger: Ledger = self.over(chain)
        self.tree = self.collection = FAN  # until opened

    def over(self, chain: Chain) -> SigningLedger:
        """Return a ledger over another chain."""
        return SigningLedger(chain, self.keys, PARTIES, Schema.V2)

    async def do(self, built: Signed) -> Done:
        """Send and resolve what must succeed; it has taken what is said."""
        before = await self.lamports()
        assert await self.ledger.submit(built) is None
        outcome = await self.ledger.resolve(built, Commitment.FINALIZED)
        assert isinstance(outcome, Done)
        assert outcome.paid == Paid(5000 * built.raw[0], before - await self.lamports())
        return outcome

    async def lamports(self) -> int:
        """Return what the payer has."""
        held = await self.chain.account(PAYER.pubkey(), Commitment.CONFIRMED)
        return 0 if held is None else held.lamports

    async def open(self) -> None:
        """Make the collection and the tree."""
        await self.chain.fund(PAYER.pubkey(), 10**12)
        made = await self.ledger.create_collection("Concert", "https://tickets.example/c/1")
        await self.do(made)
        grown = await self.ledger.create_tree(SHAPE)
        await self.do(grown)
        assert made.creates is not None
        assert grown.creates is not None
        self.collection, self.tree = made.creates, grown.creates

    def wanted(self, count: int) -> list[Mint]:
        """Return tickets to be minted."""
        return [
            Mint(FAN, f"Ticket {number}", f"https://t.example/{number}", "TIX", self.collection)
            for number in range(count)
        ]

    async def minted(self, count: int) -> list[Pubkey]:
        """Mint tickets, and return their ids as the events tell them."""
        told = [await self.do(one) for one in await self.ledger.mint(self.tree, self.wanted(count))]
        return [found.leaf.id for done in told for found in done.effects]


def on(database: Database, act: Act) -> None:
    """Run *act* with a fresh ledger."""
    database.run(WIPE)

    async def go() -> None:
        pool, clock = await database.pool(), Clock()
        try:
            office = Office(await EmbeddedChain.open(pool, clock, SECRET), clock)
            await office.open()
            await act(office)
        finally:
            await pool.close()

    asyncio.run(go())


async def life(office: Office) -> None:
    """Mint twenty, and lead one through its life."""
    ledger = office.ledger
    built = await ledger.mint(office.tree, office.wanted(20))
    assert max(len(one.raw) for one in built) <= 1232
    assert [len(one.data_hashes) for one in built] == [5, 5, 5, 5]
    done = [await office.do(one) for one in built]
    told = [found for one in done for found in one.effects]
    assert [found.leaf.data_hash for found in told] == [
        hashed for one in built for hashed in one.data_hashes
    ]
    assert [found.uri for found in told] == [one.uri for one in office.wanted(20)]
    ticket = told[7].leaf.id
    (moved,) = (await office.do(await ledger.transfer(ticket, FRIEND))).effects
    assert (moved.leaf.id, moved.leaf.owner, moved.name) == (ticket, FRIEND, None)
    await office.do(await ledger.freeze(ticket))
    with pytest.raises(LedgerRefused) as caught:
        await ledger.transfer(ticket, FAN)
    assert caught.value.code == "asset_frozen"
    await office.do(await ledger.thaw(ticket))
    held = await ledger.asset(ticket)
    assert held is not None
    assert (held.leaf.owner, held.leaf.flags, held.uri) == (FRIEND, Flag(0), "https://t.example/7")
    assert [one.leaf.id for one in await ledger.assets_by_owner(FRIEND, None, 10)] == [ticket]
    (burnt,) = (await office.do(await ledger.burn(ticket))).effects
    assert burnt.burnt
    with pytest.raises(LedgerRefused) as caught:
        await ledger.burn(ticket)
    assert caught.value.code == "no_asset"
    tree = await ledger.tree(office.tree)
    assert tree is not None
    assert (tree.minted, tree.shape, tree.creator) == (20, SHAPE, OURS.pubkey())


def test_a_ticket_s_life_as_tickets_see_it(database: Database) -> None:
    """Every id from an event, every answer proved."""
    on(database, life)


async def outcomes(office: Office) -> None:
    """Not sent, sent, failed, too late."""
    ledger = office.ledger
    (first, second) = [(await ledger.mint(office.tree, [one]))[0] for one in office.wanted(2)]
    assert isinstance(await ledger.resolve(first, Commitment.FINALIZED), Pending)
    done = await office.do(first)
    assert await ledger.submit(first) == Error("AlreadyProcessed")
    assert await ledger.resolve(first, Commitment.FINALIZED) == done
    ticket = done.effects[0].leaf.id
    one, other = await ledger.burn(ticket), await ledger.freeze(ticket)
    await office.do(one)
    assert await ledger.submit(other) is None
    assert await ledger.resolve(other, Commitment.FINALIZED) == Failed(
        Error("Custom", 6001, 2), stale=True, paid=Paid(10_000, 10_000)
    )
    office.clock.now += 151 * 0.4
    assert isinstance(await ledger.resolve(second, Commitment.FINALIZED), Expired)
    assert await ledger.submit(second) == Error("BlockhashNotFound")


def test_what_may_become_of_a_transaction(database: Database) -> None:
    """Only what can land no more is called expired."""
    on(database, outcomes)


async def reconciled(office: Office) -> None:
    """Find what was done, and what somebody else did."""
    ledger = office.ledger
    tickets = await office.minted(9)
    changes = await ledger.reconcile(office.tree, None)
    assert [found.leaf.id for found in changes.effects] == tickets
    assert changes.unaccounted == 0
    held, proof = await ledger.asset(tickets[0]), await ledger.proof(tickets[0])
    assert held is not None
    assert proof is not None
    fan = Parties(PAYER.pubkey(), FAN)
    moving = building.transfer(fan, held, proof, SHAPE.canopy, FRIEND)
    newest = await office.chain.blockhash(Commitment.CONFIRMED)
    assert await office.chain.send(signed([moving], newest.value, key("fan"))) is None
    more = await ledger.reconcile(office.tree, changes.cursor)
    assert [(found.leaf.id, found.leaf.owner) for found in more.effects] == [(tickets[0], FRIEND)]
    assert more.unaccounted == 0
    assert (await ledger.reconcile(office.tree, more.cursor)).effects == ()


def test_history_tells_what_was_done_behind_our_back(database: Database) -> None:
    """A fan's own move is there, and each cursor goes on where it ended."""
    on(database, reconciled)


class Lying:
    """A chain whose index or history says something else."""

    def __init__(self, chain: EmbeddedChain, **lies: Callable[[Any], Any]) -> None:
        self._chain = chain
        self._lies = lies

    def __getattr__(self, name: str) -> Any:
        """Return the chain's method, or one whose answer is changed."""
        honest = getattr(self._chain, name)
        if name == "accounts" and "account" in self._lies:
            return self._accounts
        if name not in self._lies:
            return honest

        async def answer(*asked: Any, **how: Any) -> Any:
            return self._lies[name](await honest(*asked, **how))

        return answer

    async def _accounts(self, *asked: Any, **how: Any) -> Any:
        return [self._lies["account"](each) for each in await self._chain.accounts(*asked, **how)]


def owned_by_another(asset: Asset) -> Asset:
    """Say that a friend owns it."""
    return replace(asset, leaf=replace(asset.leaf, owner=FRIEND, delegate=FRIEND))


def of_another_nonce(asset: Asset) -> Asset:
    """Say that it was minted later."""
    return replace(asset, leaf=replace(asset.leaf, nonce=1))


def in_another_collection(asset: Asset) -> Asset:
    """Say that it belongs to another event."""
    return replace(asset, collection=FAN)


def somewhere_else(asset: Asset) -> Asset:
    """Say that it is the next leaf."""
    return replace(asset, index=1)


def burnt(asset: Asset) -> Asset:
    """Say that it is no more."""
    return replace(asset, burnt=True)


def reversed_(proof: Proof) -> Proof:
    """Give its nodes the wrong way round."""
    return replace(proof, nodes=proof.nodes[::-1])


def shorter(proof: Proof) -> Proof:
    """Leave the top of it out."""
    return replace(proof, nodes=proof.nodes[:-1])


def invented(proof: Proof) -> Proof:
    """Claim another leaf with a proof that fits nothing."""
    return replace(proof, leaf=bytes(32))


@pytest.mark.parametrize(
    ("method", "lie", "code"),
    [
        ("asset", owned_by_another, "asset_leaf"),
        ("asset", of_another_nonce, "asset_id"),
        ("asset", in_another_collection, "asset_collection"),
        ("asset", somewhere_else, "asset_place"),
        ("asset", burnt, "asset_leaf"),
        ("proof", reversed_, "proof_root"),
        ("proof", shorter, "proof_root"),
        ("proof", invented, "asset_leaf"),
        ("account", lambda held: replace(held, owner=FAN), "tree_owner"),
        ("account", lambda _: None, "tree_owner"),
    ],
)
def test_a_lying_index_is_not_believed(
    database: Database, method: str, lie: Callable[[Any], Any], code: str
) -> None:
    """Each lie has its name, and nothing is signed on the strength of it."""

    async def act(office: Office) -> None:
        ticket = (await office.minted(3))[0]
        ledger = office.over(cast("Chain", Lying(office.chain, **{method: lie})))
        for reading in (ledger.asset, ledger.proof, ledger.burn, ledger.freeze):
            with pytest.raises(LedgerUntrusted) as caught:
                await reading(ticket)
            assert caught.value.code == code

    on(database, act)


def test_nothing_was_burnt_that_never_was(database: Database) -> None:
    """A place that is empty because nobody has minted there yet proves nothing."""

    async def act(office: Office) -> None:
        tickets = await office.minted(3)
        held = [await office.chain.asset(ticket) for ticket in tickets]
        leaves = b"".join(leaf_hash(each.leaf) for each in held if each is not None)
        (model, *_) = held
        assert model is not None
        nodes, unborn = Nodes.of(SHAPE.depth, leaves), asset_of(office.tree, 9)
        empty = Proof(office.tree, nodes.root, bytes(32), 9, nodes.proof(9))
        gone = replace(model, leaf=replace(model.leaf, id=unborn, nonce=9), index=9, burnt=True)
        ledger = office.over(
            cast("Chain", Lying(office.chain, asset=lambda _: gone, proof=lambda _: empty))
        )
        with pytest.raises(LedgerUntrusted, match="asset_place"):
            await ledger.proved(unborn)

    on(database, act)


async def lagging(office: Office) -> None:
    """Answer from before the last change."""
    ticket = (await office.minted(3))[0]
    asset, proof = await office.chain.asset(ticket), await office.chain.proof(ticket)
    await office.do(await office.ledger.freeze(ticket))
    late = Lying(office.chain, asset=lambda _: asset, proof=lambda _: proof)
    with pytest.raises(LedgerUntrusted) as caught:
        await office.over(cast("Chain", late)).asset(ticket)
    assert caught.value.code == "asset_old"
    for _ in range(4):
        office.clock.now += 0.4  # or they would be the same transactions
        await office.minted(5)
    with pytest.raises(LedgerUntrusted) as caught:
        await office.over(cast("Chain", late)).asset(ticket)
    assert caught.value.code == "proof_old"


def test_a_lagging_index_is_not_believed(database: Database) -> None:
    """The account remembers what has changed since; and what it has forgotten, it says."""
    on(database, lagging)


async def contradicted(office: Office) -> None:
    """Show events that are not the transaction's."""
    (one,) = await office.ledger.mint(office.tree, office.wanted(1))
    await office.do(one)
    lies: list[tuple[Callable[[Any], Any], type[Exception]]] = [
        (lambda held: replace(held, events=held.events[:1]), LedgerMalformed),
        (lambda held: replace(held, events=held.events[::-1]), LedgerMalformed),
        (lambda held: replace(held, events=held.events * 2), LedgerMalformed),
        (lambda held: replace(held, events=(held.events[0][:-1] + b"\0",)), LedgerUntrusted),
        (lambda held: replace(held, raw=b""), LedgerUntrusted),
    ]
    for lie, fault in lies:
        ledger = office.over(cast("Chain", Lying(office.chain, landed=lie)))
        with pytest.raises(fault):
            await ledger.resolve(one, Commitment.FINALIZED)


def test_events_must_be_the_transaction_s(database: Database) -> None:
    """Missing, turned round, doubled, changed, or of other bytes."""
    on(database, contradicted)


async def too_large(office: Office) -> None:
    """Want what fits nowhere, and what nobody may sign."""
    long = Mint(FAN, "x" * 32, "u" * 1200)
    with pytest.raises(LedgerRefused) as caught:
        await office.ledger.mint(office.tree, [long])
    assert caught.value.code == "transaction_size"
    stranger = Parties(PAYER.pubkey(), FRIEND)
    ledger = SigningLedger(office.chain, office.keys, stranger, Schema.V2)
    with pytest.raises(LedgerRefused) as caught:
        await ledger.mint(office.tree, office.wanted(1))
    assert caught.value.code == "no_key"
    assert await office.ledger.tree(FAN) is None
    assert await office.ledger.asset(FAN) is None


def test_what_can_t_be_built(database: Database) -> None:
    """Refused before anything is sent."""
    on(database, too_large)
