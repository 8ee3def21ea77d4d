"""Looking at one source until a wanted code is seen: for a command, not for a gate."""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from edge.scan.decoder import Decoder
from edge.scan.engines import load_zbar
from edge.scan.picture import Picture, grey_of
from edge.scan.played import IMAGES
from edge.scan.settings import Settings
from edge.scan.source import Ended, Lost
from edge.scan.sources import open_source
from edge.scan.stream import VideoDecoder


class NothingSeen(Exception):
    """Why there was nothing to see."""


def look(camera: str, wanted: Callable[[str], bool], until: float) -> str:
    """Return the first wanted text; `until`: monotonic seconds at which to give up.

    `camera`: a picture's path, usb:N, or what `--source` takes. Raises `NothingSeen`.
    """
    path = Path(camera)
    if path.suffix.lower() in IMAGES and path.is_file():
        return _still(path, wanted)
    name = camera.removeprefix("usb:")
    try:
        source = open_source(Settings("enrol", name, "enrol", Path(), 15, None, loop=False))
    except Lost as error:
        raise NothingSeen(str(error)) from None
    decoder = VideoDecoder(load_zbar())
    try:
        while time.monotonic() < until:
            for text in _texts(decoder, source.read()):
                if wanted(text):
                    return text
    except (Lost, Ended) as error:
        raise NothingSeen(str(error) or "it gives no more pictures") from None
    finally:
        source.close()
    raise NothingSeen("it took too long")


def _still(path: Path, wanted: Callable[[str], bool]) -> str:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise NothingSeen("the picture can't be read")
    texts = Decoder(load_zbar()).read(np.asarray(picture, np.uint8)).texts
    for text in texts:
        if wanted(text):
            return text
    raise NothingSeen("the picture has no such code")


def _texts(decoder: VideoDecoder, picture: Picture) -> tuple[str, ...]:
    grey = grey_of(picture)
    return () if grey is None else decoder.read(grey).texts
