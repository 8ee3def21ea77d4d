"""Which nonces names are sealed with: few on the wire, and none twice under one key."""

import os
from collections.abc import Callable, Sequence
from itertools import count
from uuid import UUID

import zstandard

from cloud.manifests.handing import LEVEL
from cloud.manifests.listing import Listed
from cloud.manifests.making import Dates, Made, Nonces, Whole, step
from cloud.tickets.lifecycle import State
from shared import hashing, keys
from shared.manifest.sealed import NONCE_SIZE, Name, open_sealed
from shared.manifest.table import Table
from shared.token import STATIC, Token, issue
from tests.publisher import PLAN

EVENT = b"arena-01"
DATES = Dates(1_800_000_000, 1_800_003_600, 1_800_010_000)
SECRET = keys.secret_key(bytes(31) + b"\7")


def _row(number: int, attendee: str = "Maximilian Petersen", gen: int = 0) -> Listed:
    ticket = number.to_bytes(16, "big")
    kid = hashing.kid(keys.public_key(SECRET))
    token = issue(Token(STATIC, 0, kid, EVENT, ticket, gen, 1, 1_900_000_000, b""), SECRET)
    return Listed(
        UUID(bytes=ticket), hashing.id_hash(ticket), 1, State.ACTIVE, gen, False, None,
        attendee, "Block A, row 12, seat 3", token,
    )  # fmt: skip


class List:
    """A list as a publisher with `random` makes it, version after version."""

    def __init__(self, rows: Sequence[Listed], random: Callable[[int], bytes]) -> None:
        self.nonces = Nonces(random)
        whole = Whole(Table(EVENT), self.nonces.fresh())
        whole.add(rows)
        self._take(whole.made(1, PLAN, DATES), [b""] * 256, [b""] * 256)

    def change(self, *rows: Listed) -> None:
        """Publish some tickets' rows."""
        made = step(self.head, self.table, rows, PLAN, DATES, self.nonces)
        assert made is not None
        self._take(made, list(self.table.chunks), list(self.table.names))

    def nonce(self, row: Listed) -> bytes:
        """Return what a ticket's name was sealed with; the name opens."""
        blob = self.table.name(row.hash)
        assert open_sealed(blob, row.token or b"") == Name(row.attendee, row.seat)
        return blob[:NONCE_SIZE]

    def _take(self, made: Made, records: list[bytes], names: list[bytes]) -> None:
        for place, chunk in made.chunks.items():
            records[place], names[place] = chunk
        self.head = made.head
        self.table = Table(EVENT, tuple(records), tuple(names))


def _random() -> Callable[[int], bytes]:
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def test_a_list_made_whole_has_one_nonce() -> None:
    """And what is sold later shares another."""
    rows = [_row(number) for number in range(20)]
    made = List(rows, _random())
    assert len({made.nonce(row) for row in rows}) == 1
    sold = [_row(20), _row(21), _row(22)]
    made.change(sold[0])
    made.change(*sold[1:])
    assert len({made.nonce(row) for row in sold}) == 1
    assert made.nonce(sold[0]) != made.nonce(rows[0])


def test_no_name_is_sealed_twice_under_one_key_and_nonce() -> None:
    """Corrected, corrected again, reissued, corrected: four nonces for what two keys seal."""
    made = List([_row(1)], _random())
    told = [(0, made.nonce(_row(1)))]
    for row in (_row(2, "Ida Ng"), _row(2, "Tom Li"), _row(2, "Tom Lee", 1), _row(2, "Zoe", 1)):
        made.change(row)
        told.append((row.gen, made.nonce(row)))
    assert len(set(told[1:])) == 4
    made.change(_row(1, "Anna Smith"))
    assert made.nonce(_row(1, "Anna Smith")) not in {nonce for _, nonce in told}


def test_names_with_seats_take_seventy_bytes_of_an_answer() -> None:
    """As they travel, for 100,000 tickets with 2 MB of records: less than 9 MB."""
    rows = [_row(number) for number in range(2_000)]
    sold_at_once = List(rows[:1_000], os.urandom)
    sold_at_once.change(*rows[1_000:])
    press = zstandard.ZstdCompressor(LEVEL)
    packed = press.compress(b"".join(sold_at_once.table.names))
    assert len(packed) < 70 * len(rows)
