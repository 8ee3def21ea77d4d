"""Trees are created, and others are allowed to mint into them."""

from typing import Final

from msgspec.structs import replace

from cloud.ledger.bubblegum.codes import Anchor, Code, Compression
from cloud.ledger.bubblegum.config import SIZE, Config
from cloud.ledger.bubblegum.programs import BUBBLEGUM, PAIRS, SYSTEM, config_of
from cloud.ledger.embedded.accounts import Failed, custom, rent
from cloud.ledger.embedded.context import Context
from cloud.ledger.tree.concurrent import Change, initialise
from cloud.ledger.tree.hashing import EMPTY
from cloud.ledger.tree.shape import LONGEST_PROOF, canopy_of, known
from cloud.ledger.values import Shape

WIDEST: Final = 64  # no depth is as large: a shift by it would overflow


def create(context: Context) -> None:
    """Make an empty tree of an account that was made for it, and its config."""
    reader = context.arguments()
    depth, buffer = reader.number(4), reader.number(4)
    public = reader.option(reader.flag) or False
    shape = _shape(context, depth, buffer)
    creator = context.get("creator") or context["payer"]
    config = Config(creator, creator, 1 << depth, 0, public, context.schema)
    _make_config(context, config)
    memory = context.work.write(context["tree"]).data
    initialise(memory, shape, bytes(context["config"]), context.slot)
    context.emit_change(Change(0, EMPTY[: depth + 1], 0))


def _shape(context: Context, depth: int, buffer: int) -> Shape:
    held = context.work.read(context["tree"])
    if context["config"] != config_of(context["tree"]):
        raise custom(Anchor.SEEDS)
    if held is None or held.owner != PAIRS[context.schema].compression:
        raise custom(Code.INCORRECT_OWNER)
    if any(held.data[:8]):
        raise custom(Anchor.NOT_ZERO)
    if depth >= WIDEST or not known(depth, buffer):
        raise custom(Compression.CONSTANTS)
    canopy = canopy_of(depth, buffer, len(held.data))
    if canopy is None or canopy < depth - LONGEST_PROOF:
        raise custom(Code.CANOPY_SIZE)
    if any(held.data):
        raise Failed("ProgramFailedToComplete")
    return Shape(depth, buffer, canopy)


def _make_config(context: Context, config: Config) -> None:
    work, key = context.work, context["config"]
    held = work.write(key)
    if held.data or held.owner != SYSTEM:
        raise custom(0)
    work.pay(context["payer"], key, max(0, rent(SIZE) - held.lamports))
    held.owner, held.data = BUBBLEGUM, bytearray(config.encode())


def set_delegate(context: Context) -> None:
    """Let somebody else mint, beside the creator."""
    config = context.config()
    if config.creator != context["creator"]:
        raise custom(Anchor.HAS_ONE)
    changed = replace(config, delegate=context["new_delegate"])
    context.work.write(context["config"]).data[:] = changed.encode()
