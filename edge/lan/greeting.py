"""The first words on a connection: who is it, and may we talk? (spec/lan.md §2)

Each side looks the other's key up on its own roster. The two rosters may differ in age, and
the connection is the way by which the older one is replaced:

- A device that is cut off is sent the roster that says so, and nothing else.
- Whoever calls and is not listed may show a newer roster that lists it. Nobody is heard on
  anything else before.
"""

from typing import Final

from edge.lan.documents import Documents
from edge.lan.home import Home
from edge.lan.line import Hangup, Line
from edge.lan.rules import Standing, standing
from shared.errors import Malformed
from shared.lan import (
    Hello,
    News,
    Reason,
    Type,
    decode_hello,
    decode_news,
    encode_hello,
    encode_news,
)

MOST_WORDS: Final = 8  # messages before both have said hello
DOCUMENTS: Final = frozenset({Type.KEYSET, Type.ROSTER})


def standing_of(home: Home, line: Line) -> Standing:
    """Say what the other side is to us, by the roster in force."""
    if line.pk is None or home.wiped():
        return Standing.STRANGER
    return standing(home.trust().roster, home.me.device, line.pk)


class Greeting:
    """One connection's. `mine`: what this side says."""

    def __init__(self, line: Line, home: Home, documents: Documents, mine: Hello) -> None:
        self._line = line
        self._home = home
        self._documents = documents
        self._mine = mine
        self._said = False
        self._theirs: Hello | None = None

    async def exchange(self, *, dialled: bool) -> Hello:
        """Return the other side's hello, once it is a peer. Raises `Hangup`."""
        if standing_of(self._home, self._line) is Standing.STRANGER and not dialled:
            held = self._documents.news()
            self._line.send(Type.NEWS, encode_news(News(held.roster, held.keyset, ())))
        else:
            self._welcome()
        for _ in range(MOST_WORDS):
            await self._hear()
            if self._said and self._theirs is not None:
                return self._theirs
        raise Hangup(Reason.NOT_LISTED, "too many words before a hello")

    async def _hear(self) -> None:
        kind, body = await self._line.receive()
        try:
            if kind == Type.HELLO and self._theirs is None:
                self._hello(decode_hello(body))
            elif kind == Type.NEWS:
                for each in self._documents.newer_than(decode_news(body)):
                    self._line.send(*each)
            elif kind in DOCUMENTS:
                await self._document(kind, body)
            else:
                raise Hangup(Reason.MALFORMED, "no hello")
        except Malformed as error:
            raise Hangup(Reason.MALFORMED, str(error)) from None

    def _hello(self, theirs: Hello) -> None:
        self._theirs = theirs
        if not self._said and theirs.news.roster <= self._documents.news().roster:
            raise Hangup(Reason.NOT_LISTED, "not listed, and without a newer roster")

    async def _document(self, kind: int, raw: bytes) -> None:
        await self._documents.take(kind, raw)
        peer = standing_of(self._home, self._line) is Standing.PEER
        if kind == Type.ROSTER and not (peer and self._said):
            self._welcome()

    def _welcome(self) -> None:
        """Say hello to a peer, and why not to all others."""
        now = standing_of(self._home, self._line)
        if now is Standing.PEER:
            self._line.send(Type.HELLO, encode_hello(self._mine))
            self._said = True
            return
        if now is Standing.REVOKED:
            for each in self._documents.newer_than(News(0, 0, ())):
                self._line.send(*each)
            raise Hangup(Reason.REVOKED, "cut off by the roster")
        if now is Standing.SELF:
            raise Hangup(Reason.DUPLICATE, "this is ourselves")
        raise Hangup(Reason.NOT_LISTED, "not on this site's roster")
