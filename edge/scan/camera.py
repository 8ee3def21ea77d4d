"""The camera process: a source's newest picture, what is read in it, and word of it to the agent.

It outlives both its camera and its agent: either may go away and come back.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import cv2

from edge.link.messages import CameraState, Hello, Preview, Seen
from edge.link.notify import notify
from edge.scan import alarms
from edge.scan.attention import Pace, Repeats
from edge.scan.call import Call
from edge.scan.engines import Grey, load_zbar
from edge.scan.eye import Eye
from edge.scan.newest import Newest
from edge.scan.picture import Picture, grey_of
from edge.scan.settings import Settings
from edge.scan.sources import open_source

LOG: Final = logging.getLogger(__name__)
LOOP: Final = 0.2  # seconds to wait for a picture, before other duties
STATE: Final = 1.0
PREVIEW: Final = 0.1
PREVIEW_WIDTH: Final = 640
PREVIEW_QUALITY: Final = 70


class Camera:
    """Passes on what an eye sees."""

    def __init__(self, newest: Newest, eye: Eye, call: Call) -> None:
        self._newest, self._eye, self._call = newest, eye, call
        self._repeats = Repeats()
        self._state, self._preview = Pace(STATE), Pace(PREVIEW)
        self._alarms = alarms.QUIET
        self._counted = (0, 0.0)  # frames, and when

    def turn(self, now: float) -> None:
        """Wait a moment for a picture, and do what is due."""
        picture = self._newest.take(LOOP)
        if picture is not None:
            self._pass_on(picture, now)
        if self._state.due(now):
            self._newest.watch_over()
            self._call.send(self._described(now))
            notify("WATCHDOG=1")

    def _pass_on(self, picture: Picture, now: float) -> None:
        reading = self._eye.look(picture, now)
        if self._repeats.due(reading.texts, now):
            self._call.send(Seen(reading.texts, reading.stage))
        if self._call.watched and self._preview.due(now):
            grey = grey_of(picture)
            if grey is not None:
                self._call.send(Preview(preview(grey)))

    def _described(self, now: float) -> CameraState:
        newest, eye = self._newest, self._eye
        if newest.connected:
            condition = eye.condition(now, live=newest.live)
            self._alarms = alarms.after(self._alarms, condition, now)
        else:
            self._alarms = alarms.QUIET
        (before, since), self._counted = self._counted, (newest.frames, now)
        fps = (newest.frames - before) / (now - since) if now > since else 0.0
        return CameraState(
            connected=newest.connected,
            fps=round(fps, 1),
            width=eye.size[0],
            height=eye.size[1],
            brightness=round(eye.brightness, 1),
            sharpness=round(eye.sharpness, 1),
            idle=round(eye.idle(), 3),
            warnings=alarms.raised(self._alarms),
            stages=eye.stages,
            frames=newest.frames,
        )


def preview(grey: Grey) -> bytes:
    """Return a small JPEG picture for the screen."""
    if grey.shape[1] > PREVIEW_WIDTH:
        rows = max(1, round(grey.shape[0] * PREVIEW_WIDTH / grey.shape[1]))
        small = cv2.resize(grey, (PREVIEW_WIDTH, rows), interpolation=cv2.INTER_AREA)
    else:
        small = grey
    _, data = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY))
    return data.tobytes()


def run_camera(
    settings: Settings, stop: threading.Event, clock: Callable[[], float] = time.monotonic
) -> None:
    """Run until `stop`; raises `Stuck` when only a new process helps."""
    cv2.setNumThreads(1)  # the other cores are the agent's and the other cameras'
    zbar = load_zbar()
    if zbar is None:
        LOG.warning("libzbar is missing: codes that zxing-cpp does not read get no second opinion")
    newest = Newest(lambda: open_source(settings), clock)
    call = Call(settings.socket, Hello("camera", settings.name, settings.lane))
    camera = Camera(newest, Eye(zbar, settings.region), call)
    newest.start()
    call.start()
    notify("READY=1")
    try:
        while not stop.is_set():
            camera.turn(clock())
    finally:
        notify("STOPPING=1")
        call.stop()
        newest.stop()
