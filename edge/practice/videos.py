"""Drawn frames as video files, for browsers' fake cameras and as sources of the camera process."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from edge.practice.frames import Grey, jpeg

# Video has black at 16 and white at 235; players stretch that again.
FILM: Final = (16 + np.arange(256) * 219 / 255).round().astype(np.uint8)


def write_y4m(path: Path, frames: Iterable[Grey], fps: int) -> None:
    """Write an uncompressed video that a browser's fake camera plays."""
    with path.open("wb") as out:
        for i, frame in enumerate(frames):
            rows, columns = frame.shape
            if i == 0:
                out.write(f"YUV4MPEG2 W{columns} H{rows} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
            out.write(b"FRAME\n" + FILM[frame].tobytes())
            out.write(bytes((128,)) * (2 * ((rows + 1) // 2) * ((columns + 1) // 2)))


def write_mjpeg(path: Path, frames: Iterable[Grey], quality: int = 90) -> None:
    """Write JPEG pictures one after the other, which a browser's fake camera plays too."""
    with path.open("wb") as out:
        for frame in frames:
            out.write(jpeg(frame, quality))


def write_avi(path: Path, frames: Iterable[Grey], fps: int) -> None:
    """Write a Motion JPEG video file."""
    writer: cv2.VideoWriter | None = None
    for frame in frames:
        if writer is None:
            fourcc = cv2.VideoWriter.fourcc(*"MJPG")
            size = (frame.shape[1], frame.shape[0])
            writer = cv2.VideoWriter(str(path), fourcc, fps, size, isColor=False)
        writer.write(frame)
    if writer is not None:
        writer.release()
