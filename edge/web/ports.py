"""What the screens are given by other parts of the process, which they don't import."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable


class Reading(Protocol):
    """What a picture says."""

    @property
    def texts(self) -> Sequence[str]:
        """The texts of all codes in it."""


@runtime_checkable
class NotRead(Protocol):
    """A picture that was not looked at."""

    @property
    def reason(self) -> str:
        """`refused`: it is no picture. Anything else is the reader's trouble."""


class FrameReader(Protocol):
    """Reads the codes in posted pictures."""

    async def read(self, jpeg: bytes) -> Reading | NotRead:
        """Return what a picture says, or why it was not looked at."""


class Cameras(Protocol):
    """The cameras of this device."""

    def previews(self, name: str) -> AsyncIterator[bytes]:
        """Return a camera's pictures as JPEG, from now on."""


class Health(Protocol):
    """How this device does. Both may block."""

    def report(self) -> Sequence[Mapping[str, Any]]:
        """Return what each check found: name, state, code, value, sentence, todo."""

    def metrics(self) -> str:
        """Return Prometheus text."""
