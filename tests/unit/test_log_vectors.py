"""Every vector of the log suite (spec/log.md)."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.devices.proof import proves
from shared.devices.roster import TrustedRoster
from shared.errors import Malformed
from shared.keyset import TrustedKeys
from shared.log import gossip, hlc
from shared.log.chain import Head, verify_chain
from shared.log.record import decode, encode, place_of
from shared.log.trusted_time import TrustedTime
from tests.vectors.generate_log import build
from tests.vectors.suite import FOLDER, load, text_of

KEPT = load("log")
VECTORS: list[dict[str, Any]] = KEPT["vectors"]
KEYS = TrustedKeys(bytes.fromhex(KEPT["root"])).accept(bytes.fromhex(KEPT["keyset"]))


def test_vectors_were_found() -> None:
    """An empty file would pass every test below."""
    assert len(VECTORS) >= 40


def test_the_file_is_what_its_script_writes() -> None:
    """Nobody edited a vector by hand, and no change of the code changed one unseen."""
    assert (FOLDER / "log.json").read_text(encoding="ascii") == text_of(build())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, Any]) -> None:
    """The answer is the one that the suite states."""
    given = dict(vector["input"])
    answer = ANSWERS[given.pop("op")]
    assert answer(**given) == vector["expect"], vector["comment"]


def a_record(record: str) -> dict[str, Any]:
    raw = bytes.fromhex(record)
    try:
        decoded = decode(raw)
    except Malformed as error:
        return {"error": error.code, "offset": error.offset}
    assert encode(decoded) == raw
    assert place_of(raw) == (decoded.device, decoded.incarnation, decoded.seq)
    wide = {"seq", "hlc", "monotonic"}
    return {
        "fields": {
            name: value.hex()
            if isinstance(value, bytes)
            else f"{value:016x}"
            if name in wide
            else value
            for name, value in decoded._asdict().items()
        }
    }


def a_tick(last: str, wall: int) -> dict[str, Any]:
    return {"stamp": f"{hlc.tick(int(last, 16), wall):016x}"}


def a_receipt(last: str, remote: str, wall: int) -> dict[str, Any]:
    return {"stamp": f"{hlc.receive(int(last, 16), int(remote, 16), wall):016x}"}


def a_chain(pk: str, start: dict[str, Any] | None, records: str) -> dict[str, Any]:
    head = None
    if start:
        device, digest = bytes.fromhex(start["device"]), bytes.fromhex(start["hash"])
        head = Head(device, start["incarnation"], start["seq"], digest)
    checked = verify_chain(bytes.fromhex(records), bytes.fromhex(pk), head)
    if checked.hashes:
        assert checked.head is not None
        assert checked.head.hash == checked.hashes[-1]
        assert checked.head.seq == (head.seq if head else 0) + len(checked.hashes)
    else:
        assert checked.head == head
    return {
        "hashes": [digest.hex() for digest in checked.hashes],
        "broken": checked.broken and {"at": checked.broken.at, "fault": checked.broken.fault.value},
    }


def an_exchange(mine: list[Any], theirs: list[Any]) -> dict[str, Any]:
    ours, others = (
        {(bytes.fromhex(d), i): gossip.Mark(seq, bytes.fromhex(h)) for d, i, seq, h in side}
        for side in (mine, theirs)
    )
    return {
        "send": [[span.device.hex(), *span[1:]] for span in gossip.missing(ours, others)],
        "forked": [[device.hex(), i] for device, i in gossip.forked(ours, others)],
    }


def a_proof(record: str, blob: str) -> dict[str, Any]:
    roster = TrustedRoster(bytes(16))
    return {"proves": proves(decode(bytes.fromhex(record)), bytes.fromhex(blob), KEYS, roster)}


def a_time(floor: int, bound: int, steps: list[Any], monotonic: int) -> dict[str, Any]:
    state = TrustedTime(floor, bound)
    for step, *values in steps:
        state = getattr(state, step)(*values)
    return state.now(monotonic)._asdict()


ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    "decode": a_record,
    "tick": a_tick,
    "receive": a_receipt,
    "chain": a_chain,
    "exchange": an_exchange,
    "proof": a_proof,
    "time": a_time,
}
