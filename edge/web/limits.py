"""What one client may take of this appliance before it is turned away."""

from typing import Final

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Bounds of requests and connections; tests shorten the seconds."""

    header_bytes: int = 16 << 10  # request line and headers together
    json_bytes: int = 16 << 10
    message_bytes: int = 1 << 10  # of a WebSocket's client, which has next to nothing to say
    header_seconds: float = 10.0  # until a request's headers are there
    body_seconds: float = 15.0  # until its body is
    beat_seconds: float = 0.3
    leaving_seconds: int = 3  # for answers under way when the server stops
    connections: int = 256
    connections_per_client: int = 32  # a browser opens six, and a socket for each page
    frames_at_once: int = 4  # each may hold FRAME_BYTES of memory


FRAME_BYTES: Final = 8 << 20
DEFAULT_LIMITS: Final = Limits()
