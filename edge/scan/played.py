"""Files as sources: a video, or a folder of images."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from edge.scan.captures import next_of, opened
from edge.scan.picture import Picture
from edge.scan.source import Ended, Lost

IMAGES: Final = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm"))


class VideoFile:
    """A video file, at its own pace."""

    live = False

    def __init__(self, path: Path, *, loop: bool) -> None:
        if not path.is_file():
            raise Lost("there is no such file")
        self._path, self._loop = path, loop
        self._capture = opened(cv2.VideoCapture(str(path), cv2.CAP_FFMPEG))
        self._pace = Metronome(self._capture.get(cv2.CAP_PROP_FPS) or 25.0)

    def read(self) -> Picture:
        self._pace.wait()
        try:
            return next_of(self._capture)
        except Lost:
            if not self._loop:
                raise Ended from None
        self._capture.release()  # not all formats can be wound back
        self._capture = opened(cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG))
        return next_of(self._capture)

    def close(self) -> None:
        self._capture.release()


class Folder:
    """The images of a folder in the order of their names, over and over."""

    live = False

    def __init__(self, path: Path, fps: int) -> None:
        self._path = path
        self._left: list[Path] = []
        self._pace = Metronome(fps)

    def read(self) -> Picture:
        self._pace.wait()
        image = self._next()
        if image is None:
            files = sorted(self._path.iterdir()) if self._path.is_dir() else []
            self._left = [path for path in files if path.suffix.lower() in IMAGES]
            image = self._next()
        if image is None:
            raise Lost("the folder has no picture")
        return image

    def close(self) -> None:
        self._left.clear()

    def _next(self) -> Picture | None:
        """Return the next image of this round that is one."""
        while self._left:
            image = cv2.imread(str(self._left.pop(0)), cv2.IMREAD_GRAYSCALE)
            if image is not None:
                return np.asarray(image, np.uint8)
        return None


class Metronome:
    """Keeps the pace of a source that has none of its own."""

    def __init__(
        self,
        fps: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._period, self._clock, self._sleep = 1 / fps, clock, sleep
        self._due = clock()

    def wait(self) -> None:
        """Wait for the next beat; beats that were missed are left out."""
        now = self._clock()
        if self._due > now:
            self._sleep(self._due - now)
        self._due = max(self._due, now) + self._period
