"""Where pictures come from."""

import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.practice.frames import jpeg
from edge.scan.captures import unpacked
from edge.scan.picture import Picture, grey_of
from edge.scan.played import Metronome
from edge.scan.settings import Settings
from edge.scan.source import Ended, Lost, Source
from edge.scan.sources import open_source
from tests.edge.frames import Grey, write_avi, write_mjpeg, write_y4m

FAST = 120


def opened(source: object, *, loop: bool = False) -> Source:
    return open_source(Settings("a", str(source), "1", Path("s"), FAST, None, loop))


def flat(level: int, size: tuple[int, int] = (48, 64)) -> Grey:
    return np.full(size, level, np.uint8)


def level(picture: Picture) -> int:
    grey = grey_of(picture)
    assert grey is not None
    return round(float(grey.mean()))


def test_a_folder_gives_its_images_in_order_and_over_again(tmp_path: Path) -> None:
    """What is no image, or a broken one, is passed over; a new image comes in its turn."""
    for name, grey in (("b.png", 90), ("a.jpg", 30), ("c.bmp", 150)):
        cv2.imwrite(str(tmp_path / name), flat(grey))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "aa.png").write_bytes(b"broken")
    with closing(opened(tmp_path)) as source:
        assert [level(source.read()) for _ in range(4)] == [30, 90, 150, 30]
        cv2.imwrite(str(tmp_path / "d.png"), flat(200))
        (tmp_path / "e.png").write_bytes(b"broken")
        assert [level(source.read()) for _ in range(4)] == [90, 150, 30, 90]
        assert [level(source.read()) for _ in range(3)] == [150, 200, 30]


def test_a_folder_without_images_is_lost(tmp_path: Path) -> None:
    """An empty folder, and one full of broken images, give nothing."""
    with closing(opened(tmp_path)) as source:
        with pytest.raises(Lost):
            source.read()
        (tmp_path / "a.png").write_bytes(b"broken")
        with pytest.raises(Lost):
            source.read()


@pytest.mark.parametrize("kind", ["y4m", "mjpeg", "avi"])
def test_a_video_gives_its_frames_and_ends(tmp_path: Path, kind: str) -> None:
    """Each kind of video that is written here plays, once or over and over."""
    path, frames = tmp_path / f"film.{kind}", [flat(40), flat(120), flat(200)]
    if kind == "mjpeg":
        write_mjpeg(path, frames)
    else:
        {"y4m": write_y4m, "avi": write_avi}[kind](path, frames, FAST)
    with closing(opened(path)) as source:
        levels = [level(source.read()) for _ in range(3)]
        assert np.allclose(levels, [40, 120, 200], atol=3)
        with pytest.raises(Ended):
            source.read()
    with closing(opened(path, loop=True)) as source:
        levels = [level(source.read()) for _ in range(7)]
        assert np.allclose(levels, [40, 120, 200, 40, 120, 200, 40], atol=3)


@pytest.mark.parametrize("source", ["99", "/dev/video99", "missing.avi", "rtsp://127.0.0.1:9/x"])
def test_what_is_not_there_is_lost(tmp_path: Path, source: str) -> None:
    """A camera, file or address that does not open may come later."""
    with pytest.raises(Lost):
        opened(source)


def test_a_file_that_is_no_video_is_lost(tmp_path: Path) -> None:
    """A file of something else does not open."""
    (tmp_path / "film.avi").write_bytes(b"no film")
    with pytest.raises(Lost):
        opened(tmp_path / "film.avi")


def test_a_pi_camera_gives_the_grey_of_its_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first plane of what rpicam-vid writes is the picture; its end is a loss."""
    program = tmp_path / "rpicam-vid"
    plane, colours = 1280 * 720, 1280 * 720 // 2
    program.write_text(
        f"#!/bin/sh\nfor grey in 101 202; do\n"
        f"head -c {plane} /dev/zero | tr '\\0' \"\\\\$grey\"; head -c {colours} /dev/zero\ndone\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with closing(opened("csi:1")) as source:
        first, second = source.read(), source.read()
        assert (level(first), level(second)) == (0o101, 0o202)
        assert isinstance(first, np.ndarray)
        assert first.shape == (720, 1280)
        with pytest.raises(Lost):
            source.read()


def test_without_its_program_a_pi_camera_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without rpicam-vid has no such camera."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Lost):
        opened("csi")


class Streaming(BaseHTTPRequestHandler):
    """A network camera: JPEG pictures, one after the other, and then nothing more."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for grey in (50, 100, 150) * 20:
            data = jpeg(flat(grey))
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
            self.wfile.write(f"Content-Length: {len(data)}\r\n\r\n".encode() + data + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def network_camera() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Streaming) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/live"
        server.shutdown()
        thread.join()


def test_a_network_camera_streams_until_it_is_lost() -> None:
    """Pictures come as long as the camera sends them."""
    with network_camera() as url, closing(opened(url)) as source:
        assert {level(source.read()) for _ in range(6)} == {50, 100, 150}
        with pytest.raises(Lost):
            all(source.read() is not None for _ in range(100))


@pytest.mark.parametrize(
    ("frame", "shape"),
    [
        (flat(77), (48, 64)),
        (np.frombuffer(jpeg(flat(77)), np.uint8)[None], (48, 64)),
        (np.dstack((flat(77), flat(0))), (48, 64)),
        (flat(77)[:, :, None], (48, 64)),
        (np.dstack((flat(77), flat(77), flat(77))), (48, 64)),
    ],
    ids=["grey", "jpeg", "yuyv", "one channel", "colours"],
)
def test_every_shape_of_a_frame_gives_its_grey(frame: Grey, shape: tuple[int, int]) -> None:
    """Whatever OpenCV hands over for a camera's format is the same picture."""
    grey = grey_of(unpacked(frame))
    assert grey is not None
    assert grey.shape == shape
    assert level(grey) == 77


def test_a_pace_is_kept_and_missed_beats_are_left_out() -> None:
    """Waits fill up the time that is left; after a long pause nothing is caught up on."""
    now, waits = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))
        now[0] += seconds

    pace = Metronome(10, lambda: now[0], sleep)
    pace.wait()
    pace.wait()
    now[0] += 0.04
    pace.wait()
    now[0] += 5
    pace.wait()
    pace.wait()
    assert waits == [0.1, 0.06, 0.1]
