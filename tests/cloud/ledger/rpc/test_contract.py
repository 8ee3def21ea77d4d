"""What holds of the embedded chain holds of one that is reached by RPC: the same acts on both."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cloud.ledger.values import Schema, Shape
from tests.cloud.database import Database
from tests.cloud.ledger import test_chain, test_ledger
from tests.cloud.ledger.rpc.facade.running import Facade
from tests.cloud.ledger.rpc.reaching import on
from tests.cloud.ledger.scene import SMALL, Clock, Scene
from tests.cloud.ledger.test_ledger import Office


@pytest.mark.parametrize(
    ("act", "schema", "shape"),
    [
        (test_chain.life, Schema.V2, SMALL),
        (test_chain.life_v1, Schema.V1, SMALL),
        (test_chain.resent, Schema.V2, SMALL),
        (test_chain.stale, Schema.V2, SMALL),
        (test_chain.full, Schema.V2, Shape(3, 8, 0)),
        (test_chain.failing, Schema.V2, SMALL),
        (test_chain.refused, Schema.V2, SMALL),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_a_chain_does(
    database: Database,
    act: Callable[[Scene, Clock], Awaitable[None]],
    schema: Schema,
    shape: Shape,
) -> None:
    """As in test_chain.py, whose acts these are."""

    async def go(chain: Any, clock: Clock, _: Facade) -> None:
        scene = Scene(chain, schema, shape)
        await scene.build()
        await act(scene, clock)

    on(database, go)


@pytest.mark.parametrize(
    "act",
    [
        test_ledger.life,
        test_ledger.outcomes,
        test_ledger.reconciled,
        test_ledger.lagging,
        test_ledger.contradicted,
        test_ledger.too_large,
    ],
    ids=lambda act: act.__name__,
)
def test_what_tickets_see(database: Database, act: Callable[[Office], Awaitable[None]]) -> None:
    """As in test_ledger.py, whose acts these are."""

    async def go(chain: Any, clock: Clock, _: Facade) -> None:
        office = Office(chain, clock)
        await office.open()
        await act(office)

    on(database, go)
