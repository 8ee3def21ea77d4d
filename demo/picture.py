"""What a camera over a lane sees: a phone or a sheet of paper in somebody's hand, and its code.

A thing is drawn flat once. Each frame then lays it into the scene anew, a little moved and
turned as a hand is, under the sensor's noise, and packs it as JPEG, as such cameras do.
"""

import random
from typing import Final, NamedTuple

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
SIZE: Final = (600, 800)  # rows, columns
MODULE: Final = 5  # px of a module in the flat picture
QUIET: Final = 4  # modules around a code
QUALITY: Final = 80
BLACK, INK, SCREEN, PAPER = 12, 30, 245, 225
FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


class Pose(NamedTuple):
    """How somebody holds a thing: degrees, pixels, and the slant of its plane."""

    turn: float
    right: float
    down: float
    slant: float
    scale: float


class Hand:
    """Somebody holds a thing before one camera."""

    def __init__(self, thing: Grey, scene: Grey, rng: random.Random) -> None:
        self._thing, self._scene, self._rng = thing, scene, rng
        self._pose = Pose(
            rng.uniform(-12, 12), rng.uniform(-60, 60), rng.uniform(-25, 25),
            rng.uniform(-0.12, 0.12), rng.uniform(0.92, 1.06),
        )  # fmt: skip

    def frame(self) -> bytes:
        """Return the next frame, a JPEG."""
        rng, pose = self._rng, self._pose
        self._pose = pose._replace(
            turn=pose.turn + rng.uniform(-1, 1),
            right=pose.right + rng.uniform(-3, 3),
            down=pose.down + rng.uniform(-3, 3),
        )
        return sensed(_laid(self._scene, self._thing, self._pose), rng)


def phone(text: str, caption: str) -> Grey:
    """Return a phone that shows a code: EC level M, on a bright screen in a dark case."""
    code = modules(text, "M")
    side = code.shape[0]
    thing = np.full((side + 170, side + 40), BLACK, np.uint8)
    thing[50:-40, 12:-12] = SCREEN
    thing[100 : 100 + side, 20 : 20 + side] = np.where(code, SCREEN, BLACK)
    cv2.putText(thing, caption[:24], (24, 84), FONT, 0.7, INK, 2, cv2.LINE_AA)
    return thing


def paper(text: str, caption: str) -> Grey:
    """Return a printed ticket: EC level Q where the code is a short one."""
    code = modules(text, "Q" if len(text) < 160 else "M")
    side = code.shape[0]
    thing = np.full((side + 120, side + 60), PAPER, np.uint8)
    thing[90 : 90 + side, 30 : 30 + side] = np.where(code, PAPER, INK)
    cv2.putText(thing, "HARBOUR HALL", (30, 40), FONT, 0.8, INK, 2, cv2.LINE_AA)
    cv2.putText(thing, caption[:24], (30, 75), FONT, 0.7, INK, 1, cv2.LINE_AA)
    thing[thing.shape[0] // 2 : thing.shape[0] // 2 + 3] -= 25  # it was folded once
    return thing


def modules(text: str, level: str) -> NDArray[np.bool_]:
    """Return a code with its quiet zone, true where it is light."""
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    dots = np.asarray(made.to_image(scale=1, add_quiet_zones=False))
    return np.pad(dots, QUIET, constant_values=255).repeat(MODULE, 0).repeat(MODULE, 1) > 127


def scene(seed: int) -> Grey:
    """Return what is behind the guests of one lane: a hall out of focus."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 120, (8, 10)).astype(np.float32)
    size = (SIZE[1], SIZE[0])
    light = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.float32)
    for _ in range(25):
        corner = rng.integers(0, size)
        far = corner + rng.integers(20, 160, 2)
        cv2.rectangle(light, corner.tolist(), far.tolist(), float(rng.uniform(20, 160)), -1)
    return np.clip(cv2.GaussianBlur(light, (0, 0), 6), 0, 255).astype(np.uint8)


def sensed(light: Grey, rng: random.Random) -> bytes:
    """Return the scene as a JPEG, with a sensor's noise."""
    row, column = rng.randrange(64), rng.randrange(64)
    noise = NOISE[row : row + SIZE[0], column : column + SIZE[1]]
    _, data = cv2.imencode(
        ".jpg", cv2.add(light, noise, dtype=cv2.CV_8U), (cv2.IMWRITE_JPEG_QUALITY, QUALITY)
    )
    return bytes(data)


def _laid(scene: Grey, thing: Grey, pose: Pose) -> Grey:
    """Return the scene with a thing in it, about the middle."""
    rows, columns = thing.shape
    fit = min(1.0, 0.94 * SIZE[0] / rows) * pose.scale
    corners = np.array(((0, 0), (columns, 0), (columns, rows), (0, rows)), np.float32)
    centred = (corners - (columns / 2, rows / 2)) * fit
    angle = np.radians(pose.turn)
    turned = centred @ np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    turned *= 1 + pose.slant * turned[:, ::-1] / SIZE[0]
    middle = np.array((SIZE[1] / 2 + pose.right, SIZE[0] / 2 + pose.down))
    onto = (turned + middle).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, onto)
    seen = scene.copy()
    cv2.warpPerspective(
        thing, matrix, (SIZE[1], SIZE[0]), seen, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT
    )
    return seen


NOISE: Final = np.random.default_rng(5).normal(0, 3, (SIZE[0] + 64, SIZE[1] + 64)).astype(np.int16)
