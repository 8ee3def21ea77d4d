"""Camera frames with codes in them, drawn: for practice at a gate, for tests and benchmarks.

A frame is a function of the texts, the look and a random generator, so a seed names it.
What happens to a code on its way is done in the order in which it happens: held and tilted,
lit, in focus or not, moving, sensed, compressed.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Light = NDArray[np.float32]  # grey before it is sensed

HD: Final = (720, 1280)  # rows, columns
QUIET: Final = 4  # modules of white around a code
FOCAL: Final = 0.86  # of the frame's width, which is then 60 degrees
TEXEL: Final = 8  # px a module in the flat picture of a code


class Look(NamedTuple):
    """How a code comes before the camera. The default is a phone held well."""

    px: float = 6.0  # pixels a module, before tilt
    turn: float = 0.0  # degrees in the picture's plane
    tilt: float = 0.0  # degrees out of it
    axis: float = 0.0  # of the tilt, degrees
    inverted: bool = False
    curve: float = 0.0  # radians that the code goes around a bottle or a wrist
    cracks: int = 0
    cover: float = 0.0  # share of its side that a thumb covers, at one corner
    contrast: float = 1.0
    glare: float = 0.0  # 0 to 1
    blur: float = 0.0  # sigma, px
    motion: float = 0.0  # px
    noise: float = 0.0  # sigma, levels
    binning: float = 1.0  # sensor pixels a pixel; blur, motion and noise are the sensor's
    jpeg: int = 0  # quality, 0: as sensed


def render(
    texts: Sequence[str], look: Look, rng: np.random.Generator, size: tuple[int, int] = HD
) -> Grey:
    """Return a frame with these codes side by side on a textured background."""
    light = background(rng, size)
    for i, text in enumerate(texts):
        place = ((i + 0.5) * size[1] / len(texts), size[0] / 2)
        jitter = rng.uniform(-0.06, 0.06, 2) * (size[1] / len(texts), size[0])
        _lay(light, code(text, look, rng), look, (place[0] + jitter[0], place[1] + jitter[1]))
    return sensed(light, look, rng)


def sensed(light: Light, look: Look, rng: np.random.Generator) -> Grey:
    """Return what a camera makes of the light in front of it."""
    light = (128 + (light - 128) * look.contrast).astype(np.float32)
    blur, motion, noise = (fault / look.binning for fault in (look.blur, look.motion, look.noise))
    if look.glare:
        light = _with_glare(light, look.glare, rng)
    if blur:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), blur), np.float32)
    if motion > 1:
        streak = _streak(motion, rng.uniform(0, np.pi))
        light = np.asarray(cv2.filter2D(light, -1, streak), np.float32)
    if noise:
        light = light + rng.normal(0, noise, light.shape).astype(np.float32)
    grey = np.clip(light, 0, 255).astype(np.uint8)
    return recoded(grey, look.jpeg) if look.jpeg else grey


def recoded(grey: Grey, quality: int) -> Grey:
    """Return the frame after a lossy trip through JPEG."""
    packed = np.frombuffer(jpeg(grey, quality), np.uint8)
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)


def jpeg(grey: Grey, quality: int = 85) -> bytes:
    """Return the frame as a JPEG file."""
    _, data = cv2.imencode(".jpg", grey, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return bytes(data)


def background(rng: np.random.Generator, size: tuple[int, int] = HD) -> Light:
    """Return a crowd of shapes, large and small, under uneven light: busy, but no code."""
    coarse = rng.uniform(50, 200, (size[0] // 120 + 2, size[1] // 120 + 2)).astype(np.float32)
    stretched = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    light = np.asarray(stretched, np.float32)
    for _ in range(60):
        corner = rng.integers(0, (size[1], size[0]))
        far = corner + rng.integers(4, 160, 2)
        level = float(rng.uniform(20, 230))
        if rng.random() < 0.5:
            cv2.rectangle(light, corner.tolist(), far.tolist(), level, int(rng.choice((-1, 2, 5))))
        else:
            cv2.line(light, corner.tolist(), far.tolist(), level, int(rng.integers(1, 8)))
    grain = rng.normal(0, 6, size).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(light, (0, 0), 1.2) + grain, np.float32)


def code(text: str, look: Look, rng: np.random.Generator) -> Light:
    """Return the flat picture of a code on the thing that shows it."""
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    modules = np.asarray(made.to_image(scale=1, add_quiet_zones=False))
    flat = np.pad(modules, QUIET, constant_values=255).repeat(TEXEL, 0).repeat(TEXEL, 1)
    light = np.where(flat > 127, 240, 18).astype(np.float32)
    if look.inverted:
        light = 258 - light
    if look.cover:
        _cover(light, look.cover, rng)
    for _ in range(look.cracks):
        _crack(light, rng)
    return _bent(light, look.curve) if look.curve else light


def _cover(light: Light, share: float, rng: np.random.Generator) -> None:
    """Lay a thumb on the lower right corner, the one without a finder pattern."""
    side = light.shape[0]
    inner = side - QUIET * TEXEL
    reach = int((side - 2 * QUIET * TEXEL) * share)
    axes = (int(reach * rng.uniform(0.9, 1.1)), reach)
    cv2.ellipse(light, (inner, inner), axes, 0.0, 0.0, 360.0, 140.0, -1)


def _crack(light: Light, rng: np.random.Generator) -> None:
    """Draw one jagged crack across the glass: a bright line beside a dark one."""
    side = light.shape[0]
    at, heading = rng.uniform(0, side, 2), rng.uniform(0, 2 * np.pi)
    points = [at]
    while len(points) < 12:
        heading += rng.normal(0, 0.35)
        at = at + side / 9 * np.array((np.cos(heading), np.sin(heading)))
        points.append(at)
    line = np.array(points, np.int32)[:, None]
    cv2.polylines(light, [line], isClosed=False, color=60.0, thickness=2)
    cv2.polylines(light, [line + 2], isClosed=False, color=215.0, thickness=2)


def _bent(light: Light, curve: float) -> Light:
    """Return the picture wrapped around an upright cylinder, seen from in front."""
    side = light.shape[0]
    across = np.linspace(-1, 1, side, dtype=np.float32) * np.sin(curve / 2)
    columns = (np.arcsin(across) / curve + 0.5) * (side - 1)
    rows = np.arange(side, dtype=np.float32)
    grid = np.meshgrid(columns.astype(np.float32), rows)
    return np.asarray(cv2.remap(light, grid[0], grid[1], cv2.INTER_LINEAR), np.float32)


def _lay(light: Light, flat: Light, look: Look, place: tuple[float, float]) -> None:
    """Put a flat picture into the scene as a camera sees it, without aliasing."""
    focal = FOCAL * light.shape[1]
    corners = _seen_corners(flat.shape[0] / TEXEL * look.px, look, focal) + np.array(place)
    size = flat.shape[0]
    source = np.array(((0, 0), (size, 0), (size, size), (0, size)), np.float32)
    onto = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    shrink = TEXEL / look.px
    if shrink > 1:
        flat = np.asarray(cv2.GaussianBlur(flat, (0, 0), 0.45 * shrink), np.float32)
    shape = (light.shape[1], light.shape[0])
    seen = cv2.warpPerspective(flat, onto, shape, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones_like(flat), onto, shape, flags=cv2.INTER_LINEAR)
    light += mask * (seen / np.maximum(mask, 1e-3) - light)


def _seen_corners(side: float, look: Look, focal: float) -> NDArray[np.float64]:
    """Return where the corners of a square come to lie around the place of its middle."""
    half = side / 2
    square = np.array(((-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)))
    turned = square @ _turn_z(look.turn).T
    axis, tilt = np.radians(look.axis), np.radians(look.tilt)
    around = np.array((np.cos(axis), np.sin(axis), 0))
    rotation, _ = cv2.Rodrigues(around * tilt)
    space = turned @ rotation.T
    return np.asarray(space[:, :2] * (focal / (focal + space[:, 2:])), np.float64)


def _turn_z(degrees: float) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array(((cos, -sin, 0), (sin, cos, 0), (0, 0, 1)))


def _with_glare(light: Light, strength: float, rng: np.random.Generator) -> Light:
    """Return the light with a lamp's reflection on it, somewhere about the middle."""
    rows, columns = np.mgrid[0 : light.shape[0], 0 : light.shape[1]].astype(np.float32)
    row, column = rng.uniform(0.4, 0.6, 2) * light.shape
    near = np.exp(
        -((rows - row) ** 2 + (columns - column) ** 2) / (2 * (0.13 * light.shape[0]) ** 2)
    )
    return np.asarray(light + strength * 255 * near, np.float32)


def _streak(length: float, angle: float) -> NDArray[np.float32]:
    """Return the kernel of a straight movement by `length` pixels, with soft ends."""
    size = int(np.ceil(length)) | 1
    rows, columns = np.mgrid[0:size, 0:size] - (size - 1) / 2
    along = np.abs(columns * np.cos(angle) + rows * np.sin(angle))
    across = np.abs(rows * np.cos(angle) - columns * np.sin(angle))
    kernel = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)
