"""Pictures by way of OpenCV, whatever shape it hands them over in."""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.scan.picture import Picture
from edge.scan.source import Lost


def unpacked(frame: NDArray[np.uint8]) -> Picture:
    """Return a picture from JPEG, grey, YUYV (its grey comes first) or colours."""
    if frame.ndim == 2:
        return frame.tobytes() if frame.shape[0] == 1 else np.ascontiguousarray(frame)
    if frame.shape[2] < 3:
        return np.ascontiguousarray(frame[:, :, 0])
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)


def opened(capture: cv2.VideoCapture) -> cv2.VideoCapture:
    """Return the capture if it is open; raises `Lost`."""
    if not capture.isOpened():
        capture.release()
        raise Lost("it does not open")
    return capture


def next_of(capture: cv2.VideoCapture) -> Picture:
    """Return the next picture; raises `Lost`."""
    got, frame = capture.read()
    if not got:
        raise Lost("it gives no more frames")
    return unpacked(np.asarray(frame, np.uint8))
