"""Façade and client speak as nodes do: solders, which is the nodes' own types, reads the one's
answers and asks the other's questions."""

import asyncio
import json
from typing import Any

from solders.account_decoder import UiAccountEncoding
from solders.commitment_config import CommitmentLevel
from solders.pubkey import Pubkey
from solders.rpc import config, requests, responses
from solders.rpc.errors import InvalidParamsMessage
from solders.signature import Signature
from solders.transaction_status import UiTransactionEncoding

from cloud.ledger.values import Commitment, Schema
from tests.cloud.database import Database
from tests.cloud.ledger.rpc.facade.running import Facade
from tests.cloud.ledger.rpc.reaching import on
from tests.cloud.ledger.scene import FRIEND, SMALL, Clock, Scene, key

TREE = key("tree").pubkey()
AT = {"commitment": "confirmed", "encoding": "base64"}
CONFIRMED = CommitmentLevel.Confirmed


async def answered(chain: Any, _: Clock, facade: Facade) -> None:
    """Have everything said that a node can say."""
    scene = Scene(chain, Schema.V2, SMALL)
    await scene.build()
    assert await scene.send(scene.minting(0), scene.minting(1)) is None
    (newest, *_others) = await chain.history(TREE, None, None, 5)
    name = str(newest.signature)
    about = AT | {"maxSupportedTransactionVersion": 0}
    told: list[tuple[str, list[Any], Any]] = [
        ("getLatestBlockhash", [AT], responses.GetLatestBlockhashResp),
        ("getEpochInfo", [AT], responses.GetEpochInfoResp),
        (
            "getMinimumBalanceForRentExemption",
            [100],
            responses.GetMinimumBalanceForRentExemptionResp,
        ),
        ("getRecentPrioritizationFees", [[str(TREE)]], responses.GetRecentPrioritizationFeesResp),
        ("getSignatureStatuses", [[name, name], {}], responses.GetSignatureStatusesResp),
        ("getTransaction", [name, about], responses.GetTransactionResp),
        ("getSignaturesForAddress", [str(TREE), {}], responses.GetSignaturesForAddressResp),
        ("getAccountInfo", [str(TREE), AT], responses.GetAccountInfoResp),
        ("getAccountInfo", [str(FRIEND), AT], responses.GetAccountInfoResp),
    ]
    for method, params, form in told:
        answer = form.from_json(await asyncio.to_thread(facade.raw, method, params))
        assert isinstance(answer, form), (method, answer)
    refused = await asyncio.to_thread(facade.raw, "getSignatureStatuses", [["x"], {}])
    assert isinstance(responses.GetSignatureStatusesResp.from_json(refused), InvalidParamsMessage)


def test_answers_are_those_of_nodes(database: Database) -> None:
    """Each method's, with values and with null, and a refusal."""
    on(database, answered)


def asked_of(request: Any) -> Any:
    """Return a request's parameters as nodes' own types write them, without what is null."""
    params = json.loads(request.to_json())["params"]
    return [
        {name: value for name, value in each.items() if value is not None}
        if isinstance(each, dict)
        else each
        for each in params
    ]


async def asked(chain: Any, _: Clock, facade: Facade) -> None:
    """Ask everything that a chain asks of a node."""
    scene = Scene(chain, Schema.V2, SMALL)
    await scene.build()
    assert await scene.send(scene.minting(0)) is None
    (newest, oldest) = await chain.history(TREE, None, None, 5)
    signature: Signature = newest.signature
    address: Pubkey = TREE
    assert await chain.history(address, oldest.signature, signature, 5) == []
    assert await chain.blockhash(Commitment.CONFIRMED)
    assert await chain.account(address, Commitment.CONFIRMED)
    assert await chain.priority_fee([address]) == 0
    assert await chain.landed(signature) == newest
    assert await chain.rent(100) > 0
    slot = facade.last("getAccountInfo")[1]["minContextSlot"]
    said = {
        "getLatestBlockhash": requests.GetLatestBlockhash(config.RpcContextConfig(CONFIRMED, slot)),
        "getSignatureStatuses": requests.GetSignatureStatuses(
            [signature],
            config.RpcSignatureStatusConfig(True),
        ),
        "getTransaction": requests.GetTransaction(
            signature, config.RpcTransactionConfig(UiTransactionEncoding.Base64, CONFIRMED, 0)
        ),
        "getAccountInfo": requests.GetAccountInfo(
            address,
            config.RpcAccountInfoConfig(
                UiAccountEncoding.Base64, None, CONFIRMED, min_context_slot=slot
            ),
        ),
        "getSignaturesForAddress": requests.GetSignaturesForAddress(
            address,
            config.RpcSignaturesForAddressConfig(
                before=signature, until=oldest.signature, limit=5, commitment=CONFIRMED
            ),
        ),
        "getRecentPrioritizationFees": requests.GetRecentPrioritizationFees([address]),
        "getMinimumBalanceForRentExemption": requests.GetMinimumBalanceForRentExemption(100),
    }
    for method, request in said.items():
        ours = await asyncio.to_thread(facade.last, method)
        assert ours == asked_of(request), method


def test_questions_are_those_of_nodes(database: Database) -> None:
    """Parameters by their names and places."""
    on(database, asked)
