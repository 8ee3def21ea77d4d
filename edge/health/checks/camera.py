"""Does each camera give a picture that can be read?"""

from collections.abc import Mapping
from typing import Final

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, WARN, Result, together, unseen
from edge.health.units import counted
from edge.link.messages import CameraState

SLOW: Final = 5.0  # pictures a second
PLUG: Final = "Check its cable; then restart its process."
WARNINGS: Final[Mapping[str, tuple[str, str]]] = {
    "too_dark": ("sees too little light", "Give it light from the side, not from behind."),
    "too_bright": ("sees too much light", "Turn it away from the sun or a lamp."),
    "out_of_focus": ("is out of focus", "Set its focus to where guests hold their codes."),
    "dirty": ("is dirty", "Wipe its lens with a dry, soft cloth."),
    "frozen": ("gives the same picture again and again", PLUG),
}


def check(reading: Reading) -> Result:
    """A camera's trouble is seen before a guest's."""
    cameras = reading.cameras
    if cameras is None:
        return unseen("camera")
    if not cameras:
        return Result("camera", OK, "camera_none", "none", "No camera is set up.")
    fine = Result("camera", OK, "camera_ok", counted(len(cameras), "camera"), "All see well.")
    return together((_one(name, state) for name, state in sorted(cameras.items())), fine)


def _one(name: str, state: CameraState | None) -> Result:
    if state is None:
        return Result("camera", FAIL, "camera_silent", name, f"{name} says nothing.", PLUG)
    if not state.connected:
        return Result("camera", FAIL, "camera_gone", name, f"{name} gives no picture.", PLUG)
    if state.warnings:
        code = state.warnings[0]
        what, todo = WARNINGS.get(code, (f"warns: {code}", "Look at its picture at the kiosk."))
        return Result("camera", WARN, f"camera_{code}", name, f"{name} {what}.", todo)
    if state.fps < SLOW:
        value = f"{name}: {state.fps:.0f} a second"
        todo = "Check its cable and the processor's load; set a smaller picture."
        return Result("camera", WARN, "camera_slow", value, f"{name} is slow.", todo)
    return Result("camera", OK, "camera_ok", name, f"{name} sees well.")
