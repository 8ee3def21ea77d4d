"""Records of one connection: questions by vector and their answers, pushes, blobs that lack.

Both sides ask, and each answers by what it has; what comes is checked like any other file
(`Replica.take`). `spend` takes the cost of an answer off what the peer may ask of us.
"""

import logging
from collections.abc import Callable
from typing import Final

from edge.lan.home import Home
from edge.lan.line import Hangup, Line
from edge.lan.proofs import brought
from edge.lan.pull import Pull
from edge.store.database import StorageFailed
from shared.lan import Reason, Rest, Type, decode_log, decode_places, encode_log
from shared.wire import decode_vector

LOG: Final = logging.getLogger(__name__)
LOG_BYTES: Final = 1 << 16  # of one answer: a claim never waits long behind it, on wire or disk
MOST_UNREAD: Final = 1 << 18  # bytes waiting for a peer from which on pushes pass it by
QUESTION_UNITS: Final = 20
MOST_BARREN: Final = 4  # answers in a row that brought nothing new, though there was more


class Exchange:
    """`pull` asks on our side. Used by the event loop alone."""

    def __init__(
        self, line: Line, home: Home, device: bytes, spend: Callable[[float], None]
    ) -> None:
        self.pull = Pull(line, home)
        self._line = line
        self._home = home
        self._device = device
        self._spend = spend
        self._barren = 0
        self._owed = False  # we had more than one answer holds
        self._asked = False  # whether it has asked on this connection
        self._held = 0  # records, when it last asked

    def push(self, file: bytes) -> bool:
        """Send records; whether they are on their way."""
        return self._line.unsent < MOST_UNREAD and self._line.send(Type.PUSH, file)

    async def asked(self, body: bytes) -> None:
        """Answer a vector by what it lacks."""
        theirs, lacking = decode_vector(body), self._home.replica.lacking
        held = sum(mark.seq for mark in theirs.values())
        if not (self._owed and held > self._held):  # the next piece of what it asked before
            self._spend(QUESTION_UNITS)
        self._held = held
        try:
            await self._again()
            file, more = await self._home.off_loop(lacking, theirs, LOG_BYTES, self._device)
        except StorageFailed as error:
            LOG.warning("a peer's question was not answered: %s", error)
            self._line.send(Type.LOG, encode_log(Rest.UNKNOWN))
            return
        self._owed = more
        self._line.send(Type.LOG, encode_log(Rest.MORE if more else Rest.NOTHING, file))

    async def _again(self) -> None:
        """Before the first answer here, take what was sent last on an older connection for lost:
        only the next question says that an answer came."""
        if not self._asked:
            self._asked = True
            await self._home.off_loop(self._home.replica.lost, self._device)

    async def answered(self, body: bytes) -> None:
        """Take in the log that answers our vector."""
        if not self.pull.asked:
            raise Hangup(Reason.MALFORMED, "a log that nobody asked for")
        rest, file = decode_log(body)
        new = await self._take(file) if file else 0
        if new is None:
            rest = Rest.UNKNOWN
        self._barren = 0 if new else self._barren + 1
        if rest is Rest.MORE and self._barren >= MOST_BARREN:
            rest = Rest.UNKNOWN  # of devices that we don't know, perhaps: asked again later
        self.pull.answered(rest)

    async def pushed(self, body: bytes) -> None:
        """Take in records that were just written."""
        await self._take(body)

    async def wanted(self, body: bytes) -> None:
        """Bring the blobs that it lacks, as far as they are here."""
        places = decode_places(body)
        self._spend(QUESTION_UNITS)
        try:
            file = await self._home.off_loop(brought, self._home, places)
        except StorageFailed as error:
            LOG.warning("a peer's want was not met: %s", error)
            return
        if file:
            self.push(file)

    async def _take(self, file: bytes) -> int | None:
        """Take records in; return how many were new, None where our disk fails."""
        try:
            taken = await self._home.off_loop(self._home.replica.take, file)
        except StorageFailed as error:
            LOG.warning("what a peer sent was not kept: %s", error)
            return None
        if taken.forged:
            raise Hangup(Reason.UNTRUSTED, "records that their devices did not write")
        if taken.waiting:
            self.pull.want()
        return taken.new
