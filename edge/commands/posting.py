"""Posting lanes that no screen can post: those of third parties."""

from collections.abc import Callable
from typing import NoReturn

import msgspec

from edge.commands.access import opened
from edge.gate.lanes import POST, Choice
from edge.gate.trust import Book, pinned, restored
from edge.settings import Settings
from shared.errors import Refused
from shared.event import Gate


def post_lane(
    settings: Settings, lane: str, gate: str, *, exiting: bool, fail: Callable[[str], NoReturn]
) -> str:
    """Post a lane at the gate of this name; return what it stands at, in words."""
    with opened(settings, fail) as stores:
        start = pinned(stores)
        books = restored(start, stores.documents).books if start else {}
        every = [
            (event, book, each) for event, book in sorted(books.items()) for each in gates_of(book)
        ]
        event, book, found = next(
            (place for place in every if place[2].name == gate), (b"", None, None)
        )
        if book is None or found is None:
            names = ", ".join(sorted({each.name for _, _, each in every}))
            fail(f"There is no gate {gate}. There are: {names or 'none yet: load a list first'}.")
        try:
            book.rules.post(found.id, exiting=exiting)
        except Refused as error:
            fail(error.sentence)
        choice = Choice(event.hex(), found.id, exiting)
        stores.settings.put({f"{POST}{lane}": msgspec.json.encode(choice)})
    return f"{gate} at {book.name}"


def gates_of(book: Book) -> list[Gate]:
    """Return the gates of an event that a lane can be posted at."""
    return sorted(book.rules.gates.values(), key=lambda gate: gate.id)
