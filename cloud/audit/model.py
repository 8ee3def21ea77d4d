"""One row of an audit, what may be asked of it, and how a row is written into a file."""

import csv
import io
import json
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from cloud.errors import Refusal

Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
YEARS: Final = range(2000, 2101)
COLUMNS: Final = (
    "number", "at", "actor", "action", "subject", "request_id", "address", "detail",
)  # fmt: skip
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet calculate


class Act(msgspec.Struct, frozen=True):
    """Who did what to what, when, from where."""

    number: Annotated[int, Meta(description="Grows; numbers may be missing.")]
    at: datetime
    actor: Annotated[str, Meta(examples=["account:8f14e45f-ceea-467f-a2d8-4bd4ab3b1fd2"])]
    action: Annotated[str, Meta(examples=["order.refunded"])]
    subject: Annotated[str, Meta(examples=["order:0b9a2c36-1f4f-4f06-bd1c-2a40c0f5ad0e"])]
    request_id: str
    address: Annotated[str | None, Meta(description="Null: none, or a person was erased.")]
    detail: dict[str, Any]


class Asked(NamedTuple):
    """What is wanted of an audit; None or empty: anything."""

    subject: str = ""
    actor: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


def moment(given: datetime | None, field: str) -> datetime | None:
    """Return a time that can be compared, or refuse it."""
    if given is not None and (given.tzinfo is None or given.year not in YEARS):
        raise Refusal(
            "time_range", field=field,
            accepted=f"RFC 3339 with an offset, {YEARS.start} to {YEARS.stop - 1}",
        )  # fmt: skip
    return given


def ndjson(act: Act) -> bytes:
    """Return a row as a line of JSON."""
    return msgspec.json.encode(act) + b"\n"


def csv_head() -> bytes:
    """Return the first line of a CSV file."""
    return _csv_line(COLUMNS)


def csv_line(act: Act) -> bytes:
    """Return a row as a line of CSV."""
    plain = msgspec.to_builtins(act)
    plain["detail"] = json.dumps(plain["detail"], separators=(",", ":"), sort_keys=True)
    return _csv_line([_inert(plain[name]) for name in COLUMNS])


def _csv_line(cells: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _inert(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
