"""Steps, the life of a job, trees and names: what is decided without a database."""

from itertools import product

import pytest
from solders.pubkey import Pubkey

from cloud.ledger.faults import LedgerRefused
from cloud.ledger.tree.shape import layout
from cloud.ledger.values import Shape
from cloud.ledger.work.lifecycle import TRANSITIONS, News, State, advance, searched
from cloud.ledger.work.naming import metadata_of, name_of, ref_of, text_of, told_as, uri_of
from cloud.ledger.work.planning import cost, is_low, shape_for, size_of
from cloud.ledger.work.steps import Has, Kind, Wants, after, next_step, wanted

ADA, BEN = Pubkey.from_bytes(b"a" * 32), Pubkey.from_bytes(b"b" * 32)
HAS = [None, *(Has(owner, frozen, burnt) for owner, frozen, burnt in
               product((ADA, BEN), (False, True), (False, True)))]  # fmt: skip
WANTS = [
    Wants(None),
    *(Wants(owner, frozen) for owner, frozen in product((ADA, BEN), (False, True))),
]


@pytest.mark.parametrize("has", HAS)
@pytest.mark.parametrize("wants", WANTS)
def test_steps_lead_to_what_is_wanted(has: Has | None, wants: Wants) -> None:
    """From anywhere, in four steps at most; nothing frozen moves, and the burnt rests."""
    for _ in range(4):
        step = next_step(has, wants)
        if step is None:
            break
        if has is not None and has.frozen:
            assert step is Kind.THAW
        has = after(has, wants, step)
    assert next_step(has, wants) is None
    if has is None or has.burnt:
        return
    assert (has.owner, has.frozen) == (wants.owner, wants.frozen)


def test_what_tickets_want() -> None:
    """The good one asset, the void none, and what is over what it has."""
    assert wanted("active", ADA, None, freezes=True) == Wants(ADA)
    assert wanted("used", ADA, None, freezes=True) == Wants(ADA, frozen=True)
    assert wanted("used", ADA, None, freezes=False) == Wants(ADA)
    assert wanted("refunded", ADA, Has(ADA), freezes=True) == Wants(None)
    assert wanted("expired", BEN, Has(ADA, frozen=True), freezes=False) == Wants(ADA, frozen=True)
    assert wanted("expired", BEN, None, freezes=False) == Wants(None)
    assert wanted("reserved", ADA, None, freezes=False) == Wants(None)


def test_a_job_has_no_other_moves() -> None:
    """What ended stays so; every other move is refused."""
    for state, news in product(State, News):
        if (state, news) in TRANSITIONS:
            assert advance(state, news) is TRANSITIONS[state, news]
            assert state in (State.SIGNED, State.REVIEW)
        else:
            with pytest.raises(ValueError, match="while"):
                advance(state, news)


@pytest.mark.parametrize(
    ("found", "wanted", "gap", "news"),
    [
        (0, 4, False, News.EXPIRED),
        (4, 4, False, News.FOUND),
        (4, 4, True, News.FOUND),
        (0, 4, True, News.LOST),
        (2, 4, False, News.LOST),
    ],
)
def test_an_expired_mint_is_dead_only_if_its_leaves_are_nowhere(
    found: int, wanted: int, gap: bool, news: News
) -> None:
    """A gap in the history is no proof."""
    assert searched(found, wanted, gap=gap) is news


@pytest.mark.parametrize(
    ("tickets", "shape"),
    [
        (0, Shape(3, 8, 0)),
        (7, Shape(3, 8, 0)),
        (8, Shape(5, 8, 0)),
        (10_000, Shape(14, 64, 0)),
        (100_000, Shape(17, 64, 4)),
        (900_000, Shape(20, 64, 7)),
        (1_000_000, Shape(20, 64, 7)),
        (1 << 20, Shape(20, 64, 7)),
    ],
)
def test_trees_fit(tickets: int, shape: Shape) -> None:
    """The smallest that the program takes, with a proof that a transaction takes."""
    assert shape_for(tickets) == shape
    assert shape.depth - shape.canopy <= 14
    assert layout(shape).size > 0
    assert size_of(shape) >= tickets
    assert is_low(shape, size_of(shape), 0)
    assert not is_low(shape, 0, 0)


def test_no_tree_for_too_many() -> None:
    """A sentence, and no half tree."""
    with pytest.raises(LedgerRefused, match="several"):
        shape_for((1 << 20) + 1)


def test_costs_are_those_of_the_reference() -> None:
    """10,000 in a tree of depth 14, five a transaction: 1.132 SOL, of which 0.222 is rent."""
    told = cost(222_200_000 + 1_559_040, 10_000, each=5)
    assert told.protocol == 900_000_000
    assert round(told.total / 1e9, 3) == 1.134  # with the rent of the tree's config


def test_names_fit_and_refs_come_back() -> None:
    """32 bytes, cut at a letter; a ref is told in one way alone."""
    assert name_of("Night of the Bells", 7) == "Night of the Bells #7"
    assert name_of("Ü" * 40, 123456) == "Ü" * 12 + " #123456"
    assert len(name_of("x" * 80, 2_000_000_000).encode()) == 32
    ref = bytes(range(16))
    assert ref_of(told_as(ref)) == ref
    for wrong in ("", "abc", told_as(ref) + "=", told_as(ref)[:-1] + "x", "ä" * 22, "!" * 22):
        assert ref_of(wrong) is None
    assert uri_of("https://t.example", ref, 3) == "https://t.example/a/AAECAwQFBgcICQoLDA0ODw/3"


def test_metadata_has_no_person_in_it() -> None:
    """Only what is true of the event, and the ticket's number."""
    text = text_of("https://t.example", "Night", "Park", "2027-01-01T20:00:00+00:00", "Standing")
    told = metadata_of(text, bytes(16), 4, 1)
    assert told["name"] == "Night #4"
    assert {each["trait_type"] for each in told["attributes"]} == {
        "Event", "Venue", "Starts", "Class", "Number", "Generation",
    }  # fmt: skip
