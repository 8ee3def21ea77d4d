"""Cameras as sources: USB, network, and a Raspberry Pi's own.

- USB: Motion JPEG as the camera packed it, or the grey of other formats.
- Network: FFmpeg, with time-outs on opening and reading.
- Raspberry Pi: OpenCV's wheel has no GStreamer, so frames come from `rpicam-vid` as YUV 4:2:0,
  whose first plane is the grey. Its rows have no gaps at this width, a multiple of 64.
"""

import shutil
import subprocess
from typing import Final

import cv2
import numpy as np

from edge.scan.captures import next_of, opened
from edge.scan.picture import Picture
from edge.scan.source import Lost

WIDTH: Final = 1280
HEIGHT: Final = 720
TIMEOUT: Final = 5000  # ms, to open a network camera and for its next frame
RPICAM: Final = ("rpicam-vid", "libcamera-vid")  # the second is its older name


class UsbCamera:
    """A camera of the Video4Linux kind."""

    live = True

    def __init__(self, device: int | str, fps: int) -> None:
        self._capture = opened(cv2.VideoCapture(device, cv2.CAP_V4L2))
        for setting, value in (
            (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
            (cv2.CAP_PROP_FRAME_WIDTH, WIDTH),
            (cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT),
            (cv2.CAP_PROP_FPS, fps),
            (cv2.CAP_PROP_BUFFERSIZE, 1),
            (cv2.CAP_PROP_CONVERT_RGB, 0),
        ):
            self._capture.set(setting, value)

    def read(self) -> Picture:
        return next_of(self._capture)

    def close(self) -> None:
        self._capture.release()


class NetworkCamera:
    """A camera that streams by RTSP or HTTP."""

    live = True

    def __init__(self, url: str) -> None:
        limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT)
        self._capture = opened(cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits))

    def read(self) -> Picture:
        return next_of(self._capture)

    def close(self) -> None:
        self._capture.release()


class PiCamera:
    """A Raspberry Pi's own camera, by the system's program for it."""

    live = True

    def __init__(self, number: str, fps: int) -> None:
        program = next((found for name in RPICAM if (found := shutil.which(name))), None)
        if program is None:
            raise Lost("rpicam-vid is not installed")
        size = ("--width", str(WIDTH), "--height", str(HEIGHT), "--framerate", str(fps))
        output = ("--codec", "yuv420", "--nopreview", "--timeout", "0", "--output", "-")
        command = (program, "--camera", number, *size, *output)
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603

    def read(self) -> Picture:
        assert self._process.stdout is not None  # noqa: S101  # it is a pipe
        data = self._process.stdout.read(WIDTH * HEIGHT * 3 // 2)
        if len(data) < WIDTH * HEIGHT * 3 // 2:
            raise Lost("rpicam-vid has ended")
        return np.frombuffer(data, np.uint8, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
