"""A gate that reports, and its owner's look at it."""

from typing import Any

import msgspec

from shared.wire import CameraReport, Report
from tests.cloud.devices.house import House
from tests.cloud.devices.machine import Machine
from tests.cloud.service import good

JSON = {"content-type": "application/json"}


def report(gate: Machine, **changed: Any) -> Report:
    """A report of a gate that lacks nothing."""
    state = good(gate.ask("/sync"))
    said: dict[str, Any] = {
        "at": gate.now().ms, "software": "usher 1.0", "keyset": state["keyset"],
        "roster": state["roster"], "obeyed": state["commands"], "manifests": (), "waiting": 3,
        "disk_free": 9 << 30, "clock": "trusted",
        "cameras": (CameraReport("front", connected=True, fps=29.5),), "battery": None,
        "on_power": None, "peers": 2, "incarnation": 1, "locked": "",
    }  # fmt: skip
    return Report(**(said | changed))


def send(gate: Machine, said: Report) -> Any:
    """Report."""
    return gate.ask("/sync/report", msgspec.json.encode(said), headers=JSON)


def seen(house: House, gate: Machine, **query: Any) -> Any:
    """How the owner sees a gate."""
    items = good(house.owner.get(f"{house.devices}/status", params=query))["items"]
    return next((each for each in items if each["device"] == gate.id), None)
