"""Where the embedded engine and the chain's programs differ. Pure."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.codes import Compression
from cloud.ledger.embedded.accounts import Held
from cloud.ledger.embedded.bank import Executed
from cloud.ledger.rehearsal.stage import Staged
from cloud.ledger.values import Error

CRASH: Final = "ProgramFailedToComplete"


class Difference(Struct, frozen=True):
    """`what` of `where` (an account, or the transaction), as each of the two has it."""

    what: str
    where: str
    embedded: str
    programs: str


def differences(
    before: Mapping[Pubkey, Held], executed: Executed, staged: Staged
) -> list[Difference]:
    """Return all. Of a transaction that failed, only why and what its payer has left are looked
    at: nothing else can have changed."""
    if not _same(executed.error, staged.error):
        return [_of_all("error", executed.error, staged.error)]
    found = list(_accounts(before, executed, staged))
    if executed.error is None:
        if executed.events != staged.events:
            found.append(_of_all("events", _hexed(executed.events), _hexed(staged.events)))
        if executed.returned != staged.returned:
            found.append(_of_all("returned", executed.returned.hex(), staged.returned.hex()))
    return found


def _same(embedded: Error | None, programs: Error | None) -> bool:
    """Whether both succeeded or failed alike. On a stale proof the programs may also crash."""
    if embedded is not None and programs is not None and programs.name == CRASH:
        return (embedded.code, embedded.instruction) == (Compression.TREE, programs.instruction)
    return embedded == programs


def _accounts(
    before: Mapping[Pubkey, Held], executed: Executed, staged: Staged
) -> Iterator[Difference]:
    for key, theirs in staged.accounts.items():
        ours = executed.changed.get(key, before.get(key))
        if ours is not None and not ours.lamports:
            ours = None
        if ours is None or theirs is None:
            if ours is not theirs:
                yield Difference("account", str(key), _there(ours), _there(theirs))
            continue
        for what, mine, other in (
            ("owner", ours.owner, theirs.owner),
            ("lamports", ours.lamports, theirs.lamports),
        ):
            if mine != other:
                yield Difference(what, str(key), str(mine), str(other))
        if ours.data != theirs.data:
            yield Difference("data", str(key), *_first(ours.data, theirs.data))


def _first(ours: bytearray, theirs: bytearray) -> tuple[str, str]:
    """Return both, by length and hash, and from the first byte that differs."""
    pairs = zip(ours, theirs, strict=False)
    shorter = min(len(ours), len(theirs))
    place = next((at for at, (mine, other) in enumerate(pairs) if mine != other), shorter)
    return _shown(ours, place), _shown(theirs, place)


def _shown(data: bytearray, place: int) -> str:
    part = data[place : place + 32].hex()
    return f"{len(data)} bytes, sha256 {sha256(data).hexdigest()}, at {place}: {part}"


def _of_all(what: str, ours: object, theirs: object) -> Difference:
    return Difference(what, "transaction", str(ours), str(theirs))


def _hexed(events: tuple[bytes, ...]) -> str:
    return " ".join(event.hex() for event in events)


def _there(held: Held | None) -> str:
    return "not there" if held is None else f"{held.lamports} lamports, of {held.owner}"
