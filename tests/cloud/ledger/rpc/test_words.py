"""Keys, bytes and errors as nodes write them, read by us and by solders."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.rpc.responses import GetSignatureStatusesResp

from cloud.ledger.faults import LedgerAway, LedgerMalformed
from cloud.ledger.rpc import answers, words
from cloud.ledger.rpc.answers import At, Context, Epoch
from cloud.ledger.rpc.chain import agreed, seen
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


def test_whoever_has_seen_it_is_believed() -> None:
    """The most settled word counts; that nobody has, only from one that is far enough."""
    early = Status(3, Commitment.PROCESSED)
    late = Status(3, Commitment.FINALIZED)
    told = [At(Context(9), [early, None]), At(Context(20), [late, None])]
    assert seen(told, 20) == [late, None]
    with pytest.raises(LedgerAway, match="rpc_behind"):
        seen(told, 21)
    assert seen([At(Context(1), [early])], 21) == [early]
