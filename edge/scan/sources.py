"""Which source `--source` names.

A number or /dev/videoN is a USB camera, csi or csi:N a Raspberry Pi's, a URL a network camera,
a folder its images in order, any other path a video file.
"""

from pathlib import Path
from typing import Final

from edge.scan.cameras import NetworkCamera, PiCamera, UsbCamera
from edge.scan.played import Folder, VideoFile
from edge.scan.settings import Settings
from edge.scan.source import Source

URLS: Final = ("rtsp://", "rtsps://", "http://", "https://")


def open_source(settings: Settings) -> Source:
    """Open what `--source` names; raises `Lost`."""
    source = settings.source
    if source.isdecimal() or source.startswith("/dev/video"):
        return UsbCamera(int(source) if source.isdecimal() else source, settings.fps)
    if source == "csi" or source.startswith("csi:"):
        return PiCamera(source[4:] or "0", settings.fps)
    if source.startswith(URLS):
        return NetworkCamera(source)
    if Path(source).is_dir():
        return Folder(Path(source), settings.fps)
    return VideoFile(Path(source), loop=settings.loop)
