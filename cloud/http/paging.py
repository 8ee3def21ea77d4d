"""Pages of results, by a cursor that names the last row seen.

A cursor is opaque to whoever holds it: the sort key of the last row, as base64url of JSON. It
stays good while rows come and go, which an offset does not.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from litestar.params import Parameter

from cloud.errors import Refusal

MAX_LIMIT: Final = 200
DEFAULT_LIMIT: Final = 50
MAX_CURSOR: Final = 400  # characters

Item = TypeVar("Item")
Key = TypeVar("Key")
Limit = Annotated[int, Parameter(ge=1, le=MAX_LIMIT, description="How many at most.")]
Cursor = Annotated[
    str,
    Parameter(max_length=MAX_CURSOR, description="`next` of the page before; empty: the first."),
]


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Some of the results. `next` is the cursor of the rest; null: these were the last."""

    items: Sequence[Item]
    next: str | None = None


def page(items: Sequence[Item], limit: int, key: Callable[[Item], object]) -> Page[Item]:
    """Return a page of the `limit + 1` rows that were asked for: one more says there is more."""
    if len(items) <= limit:
        return Page(items)
    kept = items[:limit]
    return Page(kept, encode(key(kept[-1])))


def encode(key: object) -> str:
    """Return the cursor of a sort key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def decode(cursor: str, type_: type[Key]) -> Key | None:
    """Return the sort key of a cursor; None for an empty one, which is the start."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        key = msgspec.json.decode(raw, type=type_)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Refusal("cursor_malformed", field="cursor") from None
    if not _is_storable(key):
        raise Refusal("cursor_malformed", field="cursor")
    return key


def _is_storable(key: object) -> bool:
    """Whether PostgreSQL could hold the key, which whoever sends it may have made up."""
    match key:
        case str():
            return "\0" not in key
        case int():
            return abs(key) < 2**63
        case tuple() | list():
            return all(map(_is_storable, key))
    return True
