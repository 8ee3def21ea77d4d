"""What a node says that a transaction has done, against the tree's account: no leaf is believed
that the account denies."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from msgspec.structs import replace

from cloud.ledger.bubblegum.events import change_event, leaf_event, read_event
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import asset_of
from cloud.ledger.faults import LedgerFault, LedgerMalformed, LedgerUntrusted
from cloud.ledger.ports import Chain, Done, Pending, Signed
from cloud.ledger.values import Account, Commitment, Error, Landed, Status
from tests.cloud.database import Database
from tests.cloud.ledger.scene import FRIEND
from tests.cloud.ledger.test_ledger import Lying, Office, on

FINALIZED = Commitment.FINALIZED


def told(landed: Landed, index: int, sequence: int, **other: Any) -> Landed:
    """Return a mint as if it had made another leaf, at another time; all its hashes fit."""
    leaf, change = (read_event(event) for event in landed.events)
    tree = change.tree  # type: ignore[union-attr]
    made = replace(leaf.leaf, id=asset_of(tree, index), nonce=index, **other)  # type: ignore[union-attr]
    path = (leaf_hash(made), *change.change.path[1:])  # type: ignore[union-attr]
    moved = replace(change.change, index=index, sequence=sequence, path=path)  # type: ignore[union-attr]
    return replace(landed, events=(leaf_event(made, leaf_hash(made)), change_event(tree, moved)))


async def sent(office: Office) -> Signed:
    """Mint the ninth leaf, by the ninth change."""
    await office.minted(8)
    office.clock.now += 0.4
    (one,) = await office.ledger.mint(office.tree, office.wanted(1))
    assert await office.ledger.submit(one) is None
    return one


Lie = Callable[[Any], Any]
UNSEEN: Lie = lambda landed: told(landed, 9, 10)  # noqa: E731
AGO: Lie = lambda held: replace(held, slot=1)  # noqa: E731


@pytest.mark.parametrize(
    ("lies", "fault", "code"),
    [
        ({"landed": UNSEEN}, LedgerUntrusted, "landed_tree"),
        ({"landed": lambda one: told(one, 8, 8)}, LedgerUntrusted, "landed_tree"),
        ({"landed": lambda one: told(one, 7, 9)}, LedgerUntrusted, "landed_tree"),
        ({"landed": lambda one: told(one, 8, 0)}, None, ""),  # more than it remembers
        ({"landed": lambda one: told(one, 8, 9, owner=FRIEND)}, LedgerMalformed, "effects"),
        ({"landed": lambda one: told(one, 8, 9, delegate=FRIEND)}, LedgerUntrusted, "landed_tree"),
        ({"account": lambda _: None}, LedgerUntrusted, "landed_tree"),
        ({"account": lambda one: replace(one, owner=FRIEND)}, LedgerUntrusted, "landed_tree"),
        ({"account": lambda one: replace(one, data=one.data[:-1])}, LedgerMalformed, ""),
        ({"landed": lambda one: replace(one, error=Error("X"))}, LedgerUntrusted, "landed_error"),
    ],
)
def test_a_tree_is_believed_and_not_its_events(
    database: Database, lies: dict[str, Lie], fault: type[LedgerFault] | None, code: str
) -> None:
    """Of a leaf that isn't there yet, is another's, or somebody else's."""

    async def act(office: Office) -> None:
        one = await sent(office)
        assert isinstance(await office.ledger.resolve(one, FINALIZED), Done)
        lying = office.over(cast("Chain", Lying(office.chain, **lies)))
        if fault is None:
            assert isinstance(await lying.resolve(one, FINALIZED), Done)
            return
        with pytest.raises(fault) as caught:
            await lying.resolve(one, FINALIZED)
        assert caught.value.code.startswith(code)

    on(database, act)


def test_an_older_account_is_waited_for(database: Database) -> None:
    """It denies nothing that came after it."""

    async def act(office: Office) -> None:
        before: list[Account] = []

        def keep(held: Account) -> Account:
            before.append(held)
            return held

        watched = office.over(cast("Chain", Lying(office.chain, account=keep)))
        assert await watched.tree(office.tree) is not None
        one = await sent(office)
        late = office.over(cast("Chain", Lying(office.chain, account=lambda _: before[0])))
        assert isinstance(await late.resolve(one, FINALIZED), Pending)

    on(database, act)


def test_what_was_kept_back_has_not_landed(database: Database) -> None:
    """A node that calls it final, shows its bytes and makes its events up."""

    async def act(office: Office) -> None:
        model = await sent(office)
        pattern = await office.chain.landed(model.signature)
        assert pattern is not None
        office.clock.now += 0.4
        (kept,) = await office.ledger.mint(office.tree, office.wanted(1))
        made_up = replace(told(pattern, 9, 10), signature=kept.signature, raw=kept.raw)
        final = Status(pattern.slot, FINALIZED)
        lies: dict[str, Lie] = {"statuses": lambda _: [final], "landed": lambda _: made_up}
        with pytest.raises(LedgerUntrusted, match="landed_tree"):
            await office.over(cast("Chain", Lying(office.chain, **lies))).resolve(kept, FINALIZED)

    on(database, act)
