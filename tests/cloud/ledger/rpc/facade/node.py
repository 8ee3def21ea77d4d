"""What a validator answers, from the embedded ledger. Written against the nodes' documentation,
not with the code under test: the shapes are made here by hand.

With `settling` on, a block is confirmed after one slot and final after 32; without, at once.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Coroutine
from typing import Any, Final

from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.faults import LedgerRefused
from cloud.ledger.values import Commitment, Error, Landed

Json = dict[str, Any]
Method = Callable[..., Coroutine[Any, Any, Any]]

BUBBLEGUM: Final = "BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY"
NOOPS: Final = {
    "noopb9bkMVfRPU8AsbpTUg8AQkHtKwMYZiFUjNRtMmV": "cmtDvXumGCrqC1Age74AVPhSRVXJMd8PJS91L8KbNCK",
    "mnoopTCrg4p8ry25e4bcWA9XZjbNjMTfgYVGGEdRsf3": "mcmt6YrQEMKw8Mw43FmpRLmf7BqRnFMKmAcbxE3xkAW",
}
SILENT: Final = bytes.fromhex("fd764225be319a66")  # set_tree_delegate
FINAL: Final = 32  # slots
BEFORE: Final = {"SanitizeFailure", "TransactionTooLarge", "UnsupportedVersion"}
ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

GENESIS: Final = "CktRuQ2mttgRGkXJtyksdKHjUdc2C4TgDzyB98oEzy8"


class Refusal(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class Node:
    """A validator's RPC."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain
        self.settling = False
        self.fees: list[int] = [0]  # what was lately paid for a compute unit
        self.methods: dict[str, Method] = {
            "getHealth": self.health,
            "getGenesisHash": self.genesis,
            "getLatestBlockhash": self.latest_blockhash,
            "getEpochInfo": self.epoch_info,
            "getMinimumBalanceForRentExemption": self.rent,
            "getRecentPrioritizationFees": self.prioritization_fees,
            "simulateTransaction": self.simulate,
            "sendTransaction": self.send,
            "getSignatureStatuses": self.statuses,
            "getTransaction": self.transaction,
            "getSignaturesForAddress": self.signatures,
            "getAccountInfo": self.account,
            "requestAirdrop": self.airdrop,
        }

    async def health(self) -> str:
        """Say that all is well."""
        return "ok"

    async def genesis(self) -> str:
        """Return what its cluster began with."""
        return GENESIS

    async def latest_blockhash(self, config: Json | None = None) -> Json:
        """Return the newest: this node has no forks."""
        found = await self._chain.blockhash(Commitment.FINALIZED)
        told = {"blockhash": str(found.value), "lastValidBlockHeight": found.last_height}
        return await self._at(config, told)

    async def epoch_info(self, config: Json | None = None) -> Json:
        """Return slot and height, which are one here."""
        slot = await self._slot(config)
        self._not_before(config, slot)
        return {
            "absoluteSlot": slot,
            "blockHeight": slot,
            "epoch": slot // 432_000,
            "slotIndex": slot % 432_000,
            "slotsInEpoch": 432_000,
            "transactionCount": None,
        }

    async def rent(self, size: int, _: Json | None = None) -> int:
        """Return a deposit."""
        return await self._chain.rent(size)

    async def prioritization_fees(self, keys: list[str]) -> list[Json]:
        """Return what was paid in the newest blocks."""
        for key in keys:
            _key(key)
        slot = await self._slot(None)
        return [
            {"slot": slot - place, "prioritizationFee": fee} for place, fee in enumerate(self.fees)
        ]

    async def simulate(self, raw: str, config: Json) -> Json:
        """Run without effect."""
        if config["encoding"] != "base64":
            raise Refusal(-32602, "unsupported encoding")
        verified, replaced = config.get("sigVerify"), config.get("replaceRecentBlockhash")
        if verified and replaced:
            raise Refusal(-32602, "sigVerify may not be used with replaceRecentBlockhash")
        assert verified or replaced  # nothing else is asked here
        run = self._chain.estimate if replaced else self._chain.simulate
        found = await run(b64decode(raw))
        if found.error is not None and found.error.name in BEFORE:
            raise Refusal(-32602, "invalid transaction")
        told = {
            "err": err(found.error),
            "logs": [],
            "accounts": None,
            "unitsConsumed": found.units,
            "returnData": None,
            "innerInstructions": None,
            "replacementBlockhash": None,
        }
        return await self._at(config, told)

    async def send(self, raw: str, config: Json) -> str:
        """Take a transaction. Whether it lands, nobody says here."""
        told = b64decode(raw)
        if not config.get("skipPreflight"):
            before = await self.simulate(raw, {"encoding": "base64", "sigVerify": True})
            if before["value"]["err"] is not None:
                raise Refusal(-32002, "Transaction simulation failed", before["value"])
        error = await self._chain.send(told)
        if error is not None and error.name in BEFORE:
            raise Refusal(-32602, "invalid transaction")
        if error is not None and error.name == "SignatureFailure":
            raise Refusal(-32003, "Transaction signature verification failure")
        return name_of(raw)

    async def statuses(self, names: list[str], config: Json) -> Json:
        """Say what became of each."""
        if len(names) > 256:
            raise Refusal(-32602, "Too many inputs provided; max 256")
        found = await self._chain.statuses([_signature(name) for name in names])
        slot = await self._slot({"commitment": "processed"})
        told = [
            status
            and {
                "slot": status.slot,
                "confirmations": None if settled == "finalized" else slot - status.slot,
                "err": err(status.error),
                "status": {"Ok": None} if status.error is None else {"Err": err(status.error)},
                "confirmationStatus": settled,
            }
            for status, settled in (
                (one, self._settled(slot - one.slot) if one else "") for one in found
            )
        ]
        return await self._at({"commitment": "processed"} | config, told)

    async def transaction(self, name: str, config: Json) -> Json | None:
        """Return a transaction with the calls that it made inside."""
        found = await self._chain.landed(_signature(name))
        if found is None or found.slot > await self._slot(config):
            return None
        return {
            "slot": found.slot,
            "blockTime": found.time,
            "transaction": [b64encode(found.raw).decode(), "base64"],
            "version": version_of(found.raw),
            "meta": _meta(found),
        }

    async def signatures(self, address: str, config: Json) -> list[Json]:
        """Return who touched an address, newest first."""
        slot = await self._slot(config)
        until, before = config.get("until"), config.get("before")
        found = await self._chain.history(
            _key(address),
            _signature(until) if until else None,
            _signature(before) if before else None,
            min(config.get("limit", 1000), 1000),
        )
        return [
            {
                "signature": str(one.signature),
                "slot": one.slot,
                "err": err(one.error),
                "memo": None,
                "blockTime": one.time,
                "confirmationStatus": self._settled(slot - one.slot),
            }
            for one in found
            if one.slot <= slot
        ]

    async def account(self, address: str, config: Json) -> Json:
        """Return an account as it is now, at any commitment."""
        found = await self._chain.account(_key(address), Commitment.CONFIRMED)
        told = found and {
            "lamports": found.lamports,
            "owner": str(found.owner),
            "data": [b64encode(found.data).decode(), config["encoding"]],
            "executable": False,
            "rentEpoch": 2**64 - 1,
            "space": len(found.data),
        }
        return await self._at(config, told)

    async def airdrop(self, address: str, lamports: int) -> str:
        """Give lamports, as test networks do."""
        try:
            await self._chain.fund(_key(address), lamports)
        except LedgerRefused:
            raise Refusal(-32602, "Invalid param: not a plain account") from None
        return str(Signature.default())

    async def _slot(self, config: Json | None) -> int:
        newest = await self._chain.height(Commitment.FINALIZED)
        wanted = (config or {}).get("commitment", "finalized")
        behind = {"processed": 0, "confirmed": 1, "finalized": FINAL}[wanted]
        return newest - behind if self.settling else newest

    def _settled(self, age: int) -> str:
        if age >= FINAL or not self.settling:
            return "finalized"
        return "confirmed" if age >= 1 else "processed"

    async def _at(self, config: Json | None, value: Any) -> Json:
        slot = await self._slot(config)
        self._not_before(config, slot)
        return {"context": {"apiVersion": "3.0.2", "slot": slot}, "value": value}

    def _not_before(self, config: Json | None, slot: int) -> None:
        if slot < ((config or {}).get("minContextSlot") or 0):
            raise Refusal(-32016, "Minimum context slot has not been reached")


def _meta(found: Landed) -> Json:
    transaction = VersionedTransaction.from_bytes(found.raw)
    loaded: Json = {"writable": [], "readonly": []}
    others = [0] * (len(transaction.message.account_keys) - 1)
    return {
        "err": err(found.error),
        "status": {"Ok": None} if found.error is None else {"Err": err(found.error)},
        "fee": found.paid.fee,
        "preBalances": [found.paid.spent, *others],  # differences: nobody keeps old balances here
        "postBalances": [0, *others],
        "innerInstructions": [] if found.error else inner(transaction, list(found.events)),
        "logMessages": [],
        "preTokenBalances": [],
        "postTokenBalances": [],
        "rewards": [],
        "loadedAddresses": loaded,
        "computeUnitsConsumed": 100_000,
    }


def inner(transaction: VersionedTransaction, events: list[bytes]) -> list[Json]:
    """Return the calls inside: those of the noop program carry the events, one lies between."""
    keys = [str(key) for key in transaction.message.account_keys]
    told = []
    for place, call in enumerate(transaction.message.instructions):
        data = bytes(call.data)
        if keys[call.program_id_index] != BUBBLEGUM or data[:8] == SILENT:
            continue
        mine = [events.pop(0)]
        if mine[0][0] == 1:  # a leaf, whose path follows
            mine.append(events.pop(0))
        noop = next(keys.index(key) for key in NOOPS if key in keys)
        tree = keys.index(NOOPS[keys[noop]])
        calls = [_call(noop, each, 2 + (each[0] == 0)) for each in mine]
        calls.insert(len(calls) - 1, _call(tree, data[:8], 2))
        told.append({"index": place, "instructions": calls})
    assert not events
    return told


def _call(program: int, data: bytes, height: int) -> Json:
    return {"programIdIndex": program, "accounts": [], "data": b58(data), "stackHeight": height}


def b58(data: bytes) -> str:
    """Return bytes in base 58."""
    number, pieces = int.from_bytes(data), [""]
    while number:  # in pieces, for a division of a long number takes long
        number, piece = divmod(number, 58**10)
        pieces.append("".join(ALPHABET[piece // 58**place % 58] for place in range(9, -1, -1)))
    told = "".join(reversed(pieces)).lstrip("1")
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + told


def err(error: Error | None) -> Any:
    """Return an error as nodes write it."""
    if error is None:
        return None
    if error.instruction is not None:
        told = error.name if error.code is None else {"Custom": error.code}
        return {"InstructionError": [error.instruction, told]}
    if error.name == "InsufficientFundsForRent":
        return {error.name: {"account_index": 0}}
    return error.name


def name_of(raw: str) -> str:
    """Return a transaction's first signature."""
    return str(VersionedTransaction.from_bytes(b64decode(raw)).signatures[0])


def version_of(raw: bytes) -> str | int:
    """Return a transaction's version as nodes write it."""
    message = VersionedTransaction.from_bytes(raw).message
    return 0 if isinstance(message, MessageV0) else "legacy"


def _key(told: str) -> Pubkey:
    try:
        return Pubkey.from_string(told)
    except ValueError:
        raise Refusal(-32602, "Invalid param: WrongSize") from None


def _signature(told: str) -> Signature:
    try:
        return Signature.from_string(told)
    except ValueError:
        raise Refusal(-32602, "Invalid param: WrongSize") from None
