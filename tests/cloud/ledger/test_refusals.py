"""Each thing that Bubblegum refuses, with its own number, on the engine alone."""

from collections.abc import Callable
from typing import Final

import pytest
from msgspec.structs import replace
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum import building
from cloud.ledger.bubblegum import instructions as known
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.bubblegum.collection import Granted, Plugin, create_data
from cloud.ledger.bubblegum.metadata import Creator, Metadata
from cloud.ledger.bubblegum.programs import BUBBLEGUM, CORE, CORE_SIGNER, PAIRS, SYSTEM, config_of
from cloud.ledger.bubblegum.transaction import Parsed, parse
from cloud.ledger.embedded.accounts import Held, rent
from cloud.ledger.embedded.bank import Bank
from cloud.ledger.tree.shape import layout
from cloud.ledger.values import Error, Mint, Schema, Shape
from tests.cloud.ledger.scene import FAN, OURS, PARTIES, PAYER, key, signed

TREE: Final = key("tree")
COLLECTION: Final = key("collection")
BARE: Final = key("bare collection")
SHAPE: Final = Shape(3, 8, 0)
GOOD: Final = Metadata("Ticket", "TIX", "https://tickets.example/1")


def run(bank: Bank, *built: Instruction, others: tuple[Keypair, ...] = (OURS,)) -> Error | None:
    """Execute one transaction; return why it failed."""
    transaction = parse(signed(built, Hash.default(), *others))
    assert isinstance(transaction, Parsed)
    executed = bank.run(transaction, 1)
    bank.adopt(executed)
    return executed.error


def a_bank(schema: Schema = Schema.V2) -> Bank:
    """Return accounts with a tree and two collections, one without Bubblegum's plugin."""
    bank = Bank({PAYER.pubkey(): Held(SYSTEM, 10**12, bytearray())})
    deposit = rent(layout(SHAPE).size)
    tree = building.create_tree(PARTIES, TREE.pubkey(), SHAPE, schema, deposit)
    assert run(bank, *tree, others=(TREE, OURS)) is None
    whole = building.create_collection(PARTIES, COLLECTION.pubkey(), "C", "https://c.example")
    assert run(bank, whole, others=(COLLECTION,)) is None
    metas = [AccountMeta(BARE.pubkey(), is_signer=True, is_writable=True), *whole.accounts[1:]]
    data = create_data("C", "https://c.example", (Granted(Plugin.FREEZE),))
    assert run(bank, Instruction(CORE, data, metas), others=(BARE,)) is None
    return bank


def mint(
    metadata: Metadata,
    collection: Pubkey | None = None,
    tail: bytes = b"\0\0",
    **keys: Pubkey | None,
) -> Instruction:
    """Return a mint_v2 of anything."""
    pair = PAIRS[Schema.V2]
    accounts: dict[str, Pubkey | None] = {
        "config": config_of(TREE.pubkey()),
        "payer": PAYER.pubkey(),
        "tree_delegate": OURS.pubkey(),
        "leaf_owner": FAN,
        "tree": TREE.pubkey(),
        "collection": collection,
        "core_signer": CORE_SIGNER if collection else None,
        "log_wrapper": pair.noop,
        "compression_program": pair.compression,
        "core_program": CORE,
        "system_program": SYSTEM,
    }
    return known.MINT_V2.build(accounts | keys, metadata.encode(Schema.V2) + tail)


def by(*shares: int, verified: bool = False) -> Metadata:
    """Return metadata with creators who have these shares."""
    return replace(
        GOOD,
        creators=tuple(
            Creator(key(f"creator {number}").pubkey(), verified, share)
            for number, share in enumerate(shares)
        ),
    )


INTO: Final = COLLECTION.pubkey()
TWINS: Final = (Creator(FAN, False, 50), Creator(FAN, False, 50))
MINTS: Final[dict[str, tuple[Callable[[], Instruction], int]]] = {
    "shares that are not 100": (lambda: mint(by(50, 49)), 6004),
    "a creator twice": (lambda: mint(replace(GOOD, creators=TWINS)), 6005),
    "a creator who did not sign": (lambda: mint(by(100, verified=True)), 6006),
    "six creators": (lambda: mint(by(50, 10, 10, 10, 10, 10)), 6011),
    "a long name": (lambda: mint(replace(GOOD, name="ä" * 17)), 6012),
    "a long symbol": (lambda: mint(replace(GOOD, symbol="x" * 11)), 6013),
    "a long address": (lambda: mint(replace(GOOD, uri="x" * 201)), 6014),
    "royalties above all": (lambda: mint(replace(GOOD, royalty=10_001)), 6015),
    "a stranger": (lambda: mint(GOOD, tree_delegate=None), 6016),
    "a collection that metadata lack": (lambda: mint(GOOD, INTO), 6021),
    "another's collection": (
        lambda: mint(replace(GOOD, collection=INTO), INTO, collection_authority=PAYER.pubkey()),
        6028,
    ),
    "another collection": (lambda: mint(replace(GOOD, collection=FAN), INTO), 6036),
    "another standard": (lambda: mint(replace(GOOD, standard=1)), 6040),
    "a collection without Bubblegum": (
        lambda: mint(replace(GOOD, collection=BARE.pubkey()), BARE.pubkey()),
        6049,
    ),
    "asset data": (lambda: mint(GOOD, tail=b"\1\0\0\0\0\0"), 6050),
    "metadata's collection alone": (lambda: mint(replace(GOOD, collection=INTO)), 6051),
    "no signer for the collection": (
        lambda: mint(replace(GOOD, collection=INTO), INTO, core_signer=None),
        6055,
    ),
    "data cut short": (lambda: mint(GOOD, tail=b""), 102),
    "another tree's config": (lambda: mint(GOOD, config=config_of(FAN)), 3012),
    "a config that is none": (lambda: mint(GOOD, config=INTO), 3007),
    "another program": (lambda: mint(GOOD, compression_program=CORE), 3008),
    "a false signer of Core's": (
        lambda: mint(replace(GOOD, collection=INTO), INTO, core_signer=FAN),
        2006,
    ),
    "a tree as the collection": (
        lambda: mint(replace(GOOD, collection=TREE.pubkey()), TREE.pubkey()),
        2004,
    ),
}


@pytest.mark.parametrize("what", MINTS)
def test_a_mint_with(what: str) -> None:
    """It is refused with that number, and the tree is as it was."""
    bank = a_bank()
    before = bytes(bank.accounts[TREE.pubkey()].data)
    build, code = MINTS[what]
    built = build()
    signs = any(meta.is_signer and meta.pubkey == OURS.pubkey() for meta in built.accounts)
    assert run(bank, built, others=(OURS,) if signs else ()) == Error("Custom", code, 0)
    assert bytes(bank.accounts[TREE.pubkey()].data) == before


def test_a_good_mint() -> None:
    """What the others differ from in one point."""
    bank = a_bank()
    assert run(bank, mint(GOOD)) is None
    assert run(bank, mint(replace(GOOD, collection=INTO), INTO)) is None


def test_a_v2_mint_into_a_v1_tree() -> None:
    """The tree's generation counts."""
    bank = a_bank(Schema.V1)
    assert run(bank, mint(GOOD)) == Error("Custom", 6003, 0)


def test_an_instruction_that_nobody_knows() -> None:
    """Bubblegum has it or not: here it is refused and never ignored."""
    bank = a_bank()
    strange = Instruction(BUBBLEGUM, b"nonsense", [])
    assert run(bank, strange, others=()) == Error("Custom", 101, 0)
    elsewhere = Instruction(FAN, b"", [])
    assert run(bank, elsewhere, others=()) == Error("ProgramAccountNotFound")


@pytest.mark.parametrize(
    ("shape", "size", "code"),
    [
        (Shape(20, 64, 3), layout(Shape(20, 64, 3)).size - 32 * 8, 6041),
        (Shape(3, 8, 0), layout(Shape(3, 8, 0)).size + 32, 6041),
        (Shape(4, 8, 0), 2000, 6003),
        (Shape(2**31, 8, 0), 2000, 6003),
    ],
    ids=["a canopy too small", "half a canopy", "no such pair", "no such depth"],
)
def test_a_tree_of_a_wrong_size(shape: Shape, size: int, code: int) -> None:
    """Refused, and neither account is there afterwards."""
    bank = Bank({PAYER.pubkey(): Held(SYSTEM, 10**12, bytearray())})
    good = building.create_tree(PARTIES, TREE.pubkey(), SHAPE, Schema.V2, rent(size))
    account = bytearray(bytes(good[0].data))
    account[12:20] = size.to_bytes(8, "little")
    numbers = shape.depth.to_bytes(4, "little") + shape.buffer.to_bytes(4, "little")
    made = Instruction(SYSTEM, bytes(account), good[0].accounts)
    grown = Instruction(
        BUBBLEGUM, known.CREATE_TREE_V2.discriminator + numbers + b"\0", good[1].accounts
    )
    assert run(bank, made, grown, others=(TREE, OURS)) == Error("Custom", code, 1)
    assert bank.accounts.keys() == {PAYER.pubkey()}


def test_a_tree_twice_and_a_deposit_too_small() -> None:
    """The account is taken; and what holds too little is not left standing."""
    bank = a_bank()
    again = building.create_tree(PARTIES, TREE.pubkey(), SHAPE, Schema.V2, 10**9)
    assert run(bank, *again, others=(TREE, OURS)) == Error("Custom", 0, 0)
    other = key("other tree")
    poor = building.create_tree(PARTIES, other.pubkey(), SHAPE, Schema.V2, 10**6)
    assert run(bank, *poor, others=(other, OURS)) == Error("InsufficientFundsForRent")
    assert other.pubkey() not in bank.accounts


def test_the_creator_lets_another_mint() -> None:
    """And nobody else may."""
    bank = a_bank()
    keys: dict[str, Pubkey | None] = {
        "config": config_of(TREE.pubkey()),
        "creator": OURS.pubkey(),
        "new_delegate": PAYER.pubkey(),
        "tree": TREE.pubkey(),
        "system_program": SYSTEM,
    }
    stranger = known.SET_TREE_DELEGATE.build(keys | {"creator": PAYER.pubkey()}, b"")
    assert run(bank, stranger, others=()) == Error("Custom", 2001, 0)
    assert run(bank, known.SET_TREE_DELEGATE.build(keys, b"")) is None
    payer = Parties(PAYER.pubkey(), PAYER.pubkey())
    wanted = building.mint(payer, TREE.pubkey(), Schema.V2, Mint(FAN, "T", "https://t"))
    assert run(bank, wanted, others=()) is None
