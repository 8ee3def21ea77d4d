"""What comes of looking at one picture. Stands apart, so that the agent needs no OpenCV for it."""

from typing import Literal

import msgspec


class Reading(msgspec.Struct, frozen=True, tag="reading"):
    """The texts of all codes in a picture, and the step that read the last of them."""

    texts: tuple[str, ...] = ()
    stage: str = ""  # empty when nothing was read


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A posted picture that was not looked at, and why.

    refused: it is no JPEG picture, or a too large one. hung, died: the worker did, on this
    picture, and is started anew. busy: too many wait before it.
    """

    reason: Literal["refused", "hung", "died", "busy"]
