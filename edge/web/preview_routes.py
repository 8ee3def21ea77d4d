"""What a camera sees, as a stream of pictures that an `<img>` can show."""

from collections.abc import AsyncIterator
from typing import Final

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from edge.gate.state import LaneState
from edge.web.house import House
from edge.web.problems import Problem

BOUNDARY: Final = "usher-frame"
MEDIA_TYPE: Final = f"multipart/x-mixed-replace; boundary={BOUNDARY}"


@get("/preview/{file:str}", sync_to_thread=False)
def preview(
    file: FromPath[str], house: NamedDependency[House], lane: NamedDependency[LaneState]
) -> Stream:
    """Show a camera to its own kiosk, or to a technician."""
    name, dot, kind = file.rpartition(".")
    if not dot or kind != "mjpeg" or name not in house.camera_names:
        raise Problem(404, "not_found")
    technician = lane.session is not None and lane.session.role == "technician"
    if not technician and not (lane.kind == "kiosk" and lane.camera == name):
        raise Problem(403, "preview_refused")
    return Stream(_parts(house.cameras.previews(name)), media_type=MEDIA_TYPE)


async def _parts(pictures: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return the stream. Each picture ends with the next boundary, so that it shows at once."""
    yield f"--{BOUNDARY}\r\n".encode()
    async for picture in pictures:
        head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        yield head.encode() + picture + f"\r\n--{BOUNDARY}\r\n".encode()


ROUTES = (preview,)
