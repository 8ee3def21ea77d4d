"""What a source of pictures is, and the two ways in which it can stop."""

from typing import Protocol

from edge.scan.picture import Picture


class Lost(Exception):
    """The source cannot be opened or gives nothing more; it may come back."""


class Ended(Exception):
    """A video that is played once is over."""


class Source(Protocol):
    """An open source."""

    live: bool  # a sensor, whose pictures never repeat bit by bit

    def read(self) -> Picture:
        """Return the next picture when it is there; raises `Lost` or `Ended`."""

    def close(self) -> None:
        """Let go of it."""
