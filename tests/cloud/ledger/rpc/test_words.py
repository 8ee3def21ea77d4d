"""Keys, bytes and errors as nodes write them, read by us and by solders."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.rpc.responses import GetSignatureStatusesResp

from cloud.ledger.faults import LedgerAway, LedgerMalformed, LedgerUntrusted
from cloud.ledger.rpc import answers, words
from cloud.ledger.rpc.agreeing import agreed, reached, seen
from cloud.ledger.rpc.answers import At, Context, Epoch
from cloud.ledger.values import Commitment, Error, Status
from tests.cloud.ledger.rpc.facade.node import b58


@given(st.binary(max_size=300))
def test_base_58_of_any_length(data: bytes) -> None:
    """Leading zeros are digits of their own."""
    assert words.base58(b58(data)) == data


@given(st.binary(min_size=32, max_size=32))
def test_base_58_is_solana_s(data: bytes) -> None:
    """As keys are written."""
    assert words.base58(str(Pubkey.from_bytes(data))) == data


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, None),
        ("BlockhashNotFound", Error("BlockhashNotFound")),
        ({"InstructionError": [2, {"Custom": 6001}]}, Error("Custom", 6001, 2)),
        (
            {"InstructionError": [0, "ProgramFailedToComplete"]},
            Error("ProgramFailedToComplete", None, 0),
        ),
        ({"InstructionError": [1, {"BorshIoError": "x"}]}, Error("BorshIoError", None, 1)),
        ({"InsufficientFundsForRent": {"account_index": 3}}, Error("InsufficientFundsForRent")),
        ({"DuplicateInstruction": 4}, Error("DuplicateInstruction")),
    ],
)
def test_errors_of_transactions(told: Any, expected: Error | None) -> None:
    """Those that nodes write, and that solders takes for such."""
    status = {"slot": 1, "confirmations": None, "err": told, "status": {"Ok": None}}
    answer = {"context": {"slot": 5}, "value": [status | {"confirmationStatus": "finalized"}]}
    if not isinstance(told, dict) or "BorshIoError" not in str(told):  # its text is gone there
        whole = json.dumps({"jsonrpc": "2.0", "id": 1, "result": answer})
        assert isinstance(GetSignatureStatusesResp.from_json(whole), GetSignatureStatusesResp)
    (found,) = answers.read_statuses(json.dumps(answer).encode(), 1).value
    assert found == Status(1, Commitment.FINALIZED, expected)


@pytest.mark.parametrize(
    "told",
    [
        5,
        [],
        {},
        {"a": 1, "b": 2},
        {"InstructionError": []},
        {"InstructionError": [-1, "X"]},
        {"InstructionError": [256, "X"]},
        {"InstructionError": [0, {}]},
        {"InstructionError": [0, 5]},
        {"InstructionError": [True, "X"]},
        {"InstructionError": [0, {"Custom": True}]},
        {"InstructionError": [0, {"Custom": 2**32}]},
        {"InstructionError": [0, {"Custom": "6001"}]},
        {"InstructionError": [0, {"X": 1, "Y": 2}]},
        "with a\0 in it",
        "x" * 65,
        "",
        "über",
    ],
)
def test_what_is_no_error(told: Any) -> None:
    """A failure that can't be read is not passed off as success."""
    with pytest.raises(LedgerMalformed):
        words.error(told)


@pytest.mark.parametrize(
    ("heights", "height"), [((5,), 5), ((5, 9), 5), ((5, 9, 8), 8), ((0, 9, 10**12), 9)]
)
def test_the_height_is_the_second_highest(heights: tuple[int, ...], height: int) -> None:
    """Of one, of two, of three; whoever lies and whoever stands still."""
    assert agreed([Epoch(each, each) for each in heights]).block_height == height


@pytest.mark.parametrize(
    ("heights", "height"), [((5,), 5), ((5, 9), 9), ((5, 9, 8), 8), ((0, 9, 10**12), 9)]
)
def test_a_height_that_is_not_below_the_true_one(heights: tuple[int, ...], height: int) -> None:
    """Of two the higher: who stands still, or says so, doesn't shorten a transaction's life."""
    assert reached([Epoch(each, each) for each in heights]) == height


def test_a_slot_is_agreed_on_by_itself() -> None:
    """One that is never reached, told with a height that stands still, would be waited for by all
    questions from then on."""
    assert agreed([Epoch(2**62, 4), Epoch(9, 5)]) == Epoch(9, 4)
    assert agreed([Epoch(2**62, 4), Epoch(9, 5), Epoch(10, 6)]) == Epoch(10, 5)
    assert agreed([Epoch(7, 3)]) == Epoch(7, 3)


def test_two_nodes_that_are_far_apart_say_nothing() -> None:
    """One of them lies or has stood still for an hour, and which is not to be known."""
    with pytest.raises(LedgerAway, match="rpc_split"):
        reached([Epoch(5, 5), Epoch(10**12, 10**12)])


def test_nodes_that_differ_in_a_failure_are_not_believed() -> None:
    """But who has it more settled is, over one who saw it on another fork."""
    good, bad = (Status(3, Commitment.CONFIRMED, each) for each in (None, Error("X", None, 0)))
    final = Status(4, Commitment.FINALIZED)
    with pytest.raises(LedgerUntrusted, match="rpc_split"):
        seen([At(Context(9), [good]), At(Context(9), [bad])], 0, 2, surely=False)
    assert seen([At(Context(9), [bad]), At(Context(9), [final])], 0, 2, surely=False) == [final]


def test_a_failure_is_said_by_two_or_by_the_only_one() -> None:
    """One that says so beside another that has seen nothing, or that sees it land, isn't enough."""
    bad = Status(3, Commitment.CONFIRMED, Error("X", None, 0))
    early = Status(3, Commitment.PROCESSED)
    cases: tuple[tuple[list[Status | None], int, Status | None], ...] = (
        ([bad], 1, bad),
        ([bad], 2, None),
        ([bad, None], 2, None),
        ([bad, early], 2, None),
        ([bad, None, bad], 2, bad),
    )
    for said, agreeing, known in cases:
        told = [At(Context(9), [one]) for one in said]
        assert seen(told, 0, agreeing, surely=False) == [known]


@pytest.mark.parametrize("lamports", [-1, 10**18 + 1, 2**63 - 1, 5.0, "5", True])
def test_lamports_that_there_are_not(lamports: object) -> None:
    """Neither a balance nor a deposit is beyond what is ever summed in a row."""
    held = {"lamports": lamports, "owner": str(Pubkey.default()), "data": ["", "base64"]}
    with pytest.raises(LedgerMalformed):
        answers.read_account(json.dumps({"context": {"slot": 5}, "value": held}).encode())
    with pytest.raises(LedgerMalformed):
        answers.read_rent(json.dumps(lamports).encode(), 10**17)


def test_whoever_has_seen_it_is_believed() -> None:
    """The most settled word counts; that nobody has, only from two that are far enough, or from the
    only one that there is."""
    early = Status(3, Commitment.PROCESSED)
    late = Status(3, Commitment.FINALIZED)
    told = [At(Context(9), [early, None]), At(Context(20), [late, None])]
    for slot, agreeing in ((9, 2), (20, 1)):
        assert seen(told, slot, agreeing, surely=True) == [late, None]
    for slot, agreeing in ((10, 2), (21, 1)):
        with pytest.raises(LedgerAway, match="rpc_behind"):
            seen(told, slot, agreeing, surely=True)
        assert seen(told, slot, agreeing, surely=False) == [late, None]
    assert seen([At(Context(1), [early])], 21, 2, surely=True) == [early]
