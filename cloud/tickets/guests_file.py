"""A guest list as a CSV file: read whole, every fault told with its line. Pure.

    class;name;email;seat;count
    Standing;Ada Lovelace;ada@example.org;;2

Rules:
- UTF-8, with or without a byte-order mark; `;`, `,` or tab, whichever the header has most of.
- The header names the columns, in any order and in small or capital letters. `class`, `name`
  and `email` must be there; `seat` and `count` may. An address may be left empty.
- A class is its name or its index. A class with seats needs one, another takes none.
- Lines are counted as an editor counts them, also past cells of several lines.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from cloud.accounts.model import Email, canonical
from cloud.errors import Refusal
from cloud.tickets.guests_model import Fault, FaultCode, GuestList, GuestRow
from cloud.tickets.issuing_rows import ClassFacts

DELIMITERS: Final = ";,\t"
NEEDED: Final = ("class", "name", "email")
COLUMNS: Final = (*NEEDED, "seat", "count")
MOST_EACH: Final = 100  # tickets of one line
MOST: Final = 200_000  # tickets of one list
LONGEST: Final = 80  # characters of a name or a seat
Cells = Mapping[str, str]


class Bad(Exception):
    """A cell that is not taken."""

    def __init__(self, column: str, code: FaultCode, accepted: str) -> None:
        super().__init__(code)
        self.column = column
        self.code: FaultCode = code
        self.accepted = accepted


def read(data: bytes, classes: Sequence[ClassFacts]) -> GuestList:
    """Return the tickets that a file asks for, and what is wrong with it."""
    text = _text(data)
    header = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    lines = _lines(text, delimiter)
    found = GuestList([], [])
    number = 1
    try:
        number, names = next(lines, (1, []))
        columns = _columns([name.strip().lower() for name in names])
        known = _Classes(classes)
        for number, cells in lines:
            _take(found, known, number, columns, cells)
    except Bad as bad:
        found.faults.append(Fault(number, bad.column, bad.code, bad.accepted))
    except _Unquoted as unquoted:
        accepted = "a quote doubled inside a quoted cell, and each one closed"
        found.faults.append(Fault(unquoted.line, "", "quoting", accepted))
    return found


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refusal("guests_malformed", field=f"line {line}", accepted="UTF-8") from None


class _Unquoted(Exception):
    """From this line on nobody knows what is a cell."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line that has any, with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise _Unquoted(number) from None
        if any(cell.strip() for cell in cells):
            yield number, cells


def _columns(names: list[str]) -> list[str]:
    for place, name in enumerate(names, start=1):
        if name not in COLUMNS:
            raise Bad(f"#{place}", "column_unknown", ", ".join(COLUMNS))
        if names.index(name) + 1 < place:
            raise Bad(name, "column_repeated", "each column once")
    for name in NEEDED:
        if name not in names:
            raise Bad(name, "column_missing", ", ".join(NEEDED))
    return names


def _take(
    found: GuestList, known: "_Classes", number: int, columns: list[str], cells: list[str]
) -> None:
    try:
        if len(cells) != len(columns):
            raise Bad("", "cells", f"{len(columns)} cells")
        values = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
        row, count = _row(number, known, values)
    except Bad as bad:
        found.faults.append(Fault(number, bad.column, bad.code, bad.accepted))
        if len(found.faults) > MOST:
            raise Refusal(
                "guests_too_many", field=f"line {number}", accepted=f"{MOST} bad lines a list"
            ) from None
        return
    if len(found.rows) + count > MOST:
        raise Refusal("guests_too_many", field=f"line {number}", accepted=f"{MOST} tickets a list")
    found.rows.extend([row] * count)


def _row(number: int, known: "_Classes", cells: Cells) -> tuple[GuestRow, int]:
    each = known.find(cells["class"])
    name = cells["name"]
    if not _is_line(name):
        raise Bad("name", "name", f"1 to {LONGEST} printable characters")
    seat = known.seat(each, cells.get("seat", ""))
    count = _count(cells.get("count", ""), 1 if seat else MOST_EACH)
    return GuestRow(number, each.class_index, name, _email(cells["email"]), seat), count


def _email(text: str) -> str | None:
    if not text:
        return None
    try:
        return msgspec.convert(canonical(text), Email)
    except msgspec.ValidationError:
        raise Bad("email", "email", "an address such as ada@example.org, or nothing") from None


def _count(text: str, most: int) -> int:
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= most):
        raise Bad("count", "count", f"1 to {most}" if most > 1 else "1, since a seat is one")
    return int(text)


def _is_line(text: str) -> bool:
    return 1 <= len(text) <= LONGEST and not any(char < " " or char == "\x7f" for char in text)


class _Classes:
    """Classes as a list names them; and which of its seats were named before."""

    def __init__(self, classes: Sequence[ClassFacts]) -> None:
        self._by_index = {str(each.class_index): each for each in classes}
        self._by_name: dict[str, list[ClassFacts]] = {}
        for each in classes:
            self._by_name.setdefault(each.name.strip().casefold(), []).append(each)
        self._seats: set[str] = set()

    def find(self, text: str) -> ClassFacts:
        """Return the class of this name, or else of this index."""
        named = self._by_name.get(text.casefold(), [])
        if len(named) > 1:
            raise Bad("class", "class_ambiguous", "its index: several classes have this name")
        found = named[0] if named else self._by_index.get(text)
        if found is None:
            raise Bad("class", "class_unknown", "the name or index of a class of this event")
        return found

    def seat(self, each: ClassFacts, text: str) -> str | None:
        """Return the seat of a ticket of a class, None where the class has none."""
        if not each.seated:
            if text:
                raise Bad("seat", "seat_not_taken", "nothing: the class has no seats")
            return None
        if not _is_line(text):
            raise Bad("seat", "seat_needed", "a seat of that class")
        if text in self._seats:
            raise Bad("seat", "seat_repeated", "each seat once")
        self._seats.add(text)
        return text
