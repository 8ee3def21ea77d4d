"""Messages between the processes of one appliance (edge/README.md, "Processes").

The agent listens on a Unix socket in its run folder, which file rights keep to its own user
and group. A message is a length (u32, big-endian) and that many bytes of MessagePack. Whoever
connects says `Hello` first. A message that does not decode closes the connection.

    camera  -> agent   Hello, Seen, CameraState, Preview
    agent   -> camera  Watch, Answered
    signals -> agent   Hello
    agent   -> signals Show, Beat
    command -> agent   Hello, Reload; agent -> command Done
"""

import struct
from typing import Final, Literal

import msgspec

LENGTH: Final = struct.Struct(">I")
MAX_MESSAGE: Final = 1 << 22


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """Who is calling. `name` is unique among those of a role; a second one takes its place."""

    role: Literal["camera", "signals", "command"]
    name: str
    lane: str = ""


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """Texts of all codes in one frame, when there are any and now and then while they stay."""

    texts: tuple[str, ...]
    stage: str  # the decoder's, e.g. "raw"


class CameraState(msgspec.Struct, frozen=True, tag="camera_state"):
    """How a camera does, once a second."""

    connected: bool
    fps: float
    width: int
    height: int
    brightness: float  # mean of grey, 0 to 255
    sharpness: float  # variance of the Laplacian
    idle: float  # share of frames that motion gating passed over, 0 to 1
    warnings: tuple[str, ...]  # codes: too_dark, too_bright, out_of_focus, dirty, frozen
    stages: dict[str, int]  # codes read by stage since the start
    frames: int  # since the start


class Preview(msgspec.Struct, frozen=True, tag="preview"):
    """One picture for the kiosk, at most ten a second, while somebody watches."""

    jpeg: bytes


class Watch(msgspec.Struct, frozen=True, tag="watch"):
    """Whether previews are wanted."""

    on: bool


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """What became of the last `Seen`."""

    code: str
    signal: str


class Show(msgspec.Struct, frozen=True, tag="show"):
    """Show a verdict at a lane. `admit`: how many times the turnstile may turn."""

    lane: str
    signal: Literal["green", "amber", "red", "machine"]
    code: str
    admit: int = 0
    exiting: bool = False


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The agent is alive and its log can be written; five times a second."""

    ready: bool


class Reload(msgspec.Struct, frozen=True, tag="reload"):
    """Documents on disk have changed."""


WIPED: Final = "wiped"  # the agent serves a device that is no more: its folder is another's


class Done(msgspec.Struct, frozen=True, tag="done"):
    """A command was carried out, or why not: an error's code."""

    error: str = ""


Message = Hello | Seen | CameraState | Preview | Watch | Answered | Show | Beat | Reload | Done
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Message)


class BadMessage(Exception):
    """The other side sent what is no message; the connection is of no use any more."""


def encode(message: Message) -> bytes:
    """Return `message` as it travels, its length in front."""
    body = _ENCODER.encode(message)
    if len(body) > MAX_MESSAGE:
        raise ValueError(f"a message has at most {MAX_MESSAGE} bytes")
    return LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """Return the message that `body`, without its length, is."""
    try:
        message: Message = _DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise BadMessage(str(error)) from None
    return message


def body_size(prefix: bytes) -> int:
    """Return how many bytes follow the four in front."""
    (size,) = LENGTH.unpack(prefix)
    if size > MAX_MESSAGE:
        raise BadMessage("a message is too long")
    return int(size)
