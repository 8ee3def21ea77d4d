"""Which parts a change writes, and when a list is begun anew."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cloud.search import making
from cloud.search.model import FEW, MERGED, Ticket, is_worn, of_row, rewritten
from shared.manifest.search import Entry, Words, joined, open_part
from shared.manifest.search_keys import Series

SERIES = making.new_series(b"arena-01")
changes = st.lists(st.integers(1, 40), max_size=60)


def hash_of(number: int) -> bytes:
    """Return a ticket's id hash."""
    return number.to_bytes(16, "big")


def ticket(number: int, name: str) -> Ticket:
    """Return a ticket under a name."""
    return Ticket(hash_of(number), Entry(hash_of(number), name, "", "", 1))


def test_a_row_that_is_no_ticket_yet_has_no_entry() -> None:
    """And one without an order or a name has empty texts."""
    row = {"hash": b"h" * 16, "listed": True, "attendee": None, "seat": "B 1", "class_index": 3}
    order = {"order_id": UUID("3f9a2c1d-0000-4000-8000-000000000000")}
    entry = of_row(row | order).entry
    assert entry == Entry(b"h" * 16, "", "B 1", "3f9a2c1d", 3)
    assert of_row(row | {"order_id": None}).entry == Entry(b"h" * 16, "", "B 1", "", 3)
    assert of_row(row | order | {"listed": False}).entry is None


def test_a_change_swallows_what_is_no_larger() -> None:
    """Never the parts that the series began with, nor more than a part is to have."""
    assert rewritten([9, 4, 2, 1], 1, 1) == 1
    assert rewritten([9, 4, 2, 1], 2, 1) == 2
    assert rewritten([9, 4, 2], 1, 1) == 3
    assert rewritten([1, 1], 2, 5) == 2
    assert rewritten([], 0, 5) == 0
    assert rewritten([9, MERGED - 1], 1, 1) == 2
    assert rewritten([9, MERGED // 2], 1, MERGED // 2) == 1
    assert rewritten([9, MERGED // 2], 1, MERGED // 2 + 1) == 2


def test_a_list_is_worn_once_more_than_half_has_changed() -> None:
    """But not for a few changes, and not with more parts than a head can name."""
    assert not is_worn([10, FEW], 1)
    assert is_worn([10, FEW + 1], 1)
    assert not is_worn([3000, 3000, 3000], 2)
    assert is_worn([3000, 3000, 3001], 2)
    assert not is_worn([1] * 512, 512)
    assert is_worn([1] * 513, 513)


@given(sizes=changes)
def test_many_changes_lie_in_few_parts(sizes: list[int]) -> None:
    """About as many as the number of changes has binary digits."""
    parts: list[int] = [1000]
    for new in sizes:
        place = rewritten(parts, 1, new)
        parts[place:] = [sum(parts[place:]) + new]
        assert len(parts) <= 1 + 2 * sum(parts[1:]).bit_length()
    assert sum(parts) == 1000 + sum(sizes)


@given(
    steps=st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "Ana", "Bo"])), min_size=1),
        max_size=12,
    )
)
def test_merged_parts_say_what_the_changes_said(
    steps: list[list[tuple[int, str]]],
) -> None:
    """However they are merged: the newest word on each ticket; no name stands for gone."""
    series: Series = SERIES
    whole = making.Whole(series)
    parts = [*whole.add(ticket(number, "first") for number in range(5)), *whole.end()]
    expected = {hash_of(number): "first" for number in range(5)}
    base, sealed = len(parts), [part.sealed for part in parts]
    sizes = [part.words for part in parts]
    for step in steps:
        newest = dict(step)
        said = [
            ticket(number, name) if name else Ticket(hash_of(number), None)
            for number, name in newest.items()
        ]
        first = rewritten(sizes, base, len(said))
        made = making.changed(series, first, sealed[first:], said)
        sealed[first:] = [part.sealed for part in made]
        sizes[first:] = [part.words for part in made]
        expected |= {hash_of(number): name for number, name in newest.items() if name}
        for number, name in newest.items():
            if not name:
                expected.pop(hash_of(number), None)
        words = [open_part(series, place, part) for place, part in enumerate(sealed)]
        assert {key: entry.name for key, entry in joined(words).items()} == expected
        assert all(isinstance(each, Words) for each in words)


def test_a_whole_list_is_packed_over_pages() -> None:
    """Parts are full, whatever the pages; what is left is the last one."""
    whole = making.Whole(SERIES)
    parts = []
    for page in range(12):
        some = (ticket(page * 2000 + n, "N" * 80) for n in range(2000))
        parts += whole.add([*some, Ticket(b"x" * 16, None)])
    parts += whole.end()
    assert [part.place for part in parts] == list(range(len(parts)))
    assert sum(part.words for part in parts) == 24_000
    assert min(len(part.sealed) for part in parts[:-1]) > 1 << 19
    assert whole.digests == [part.digest for part in parts]
    words = [open_part(SERIES, part.place, part.sealed) for part in parts]
    assert len(joined(words)) == 24_000
    assert making.Whole(SERIES).add([]) == making.Whole(SERIES).end() == []
