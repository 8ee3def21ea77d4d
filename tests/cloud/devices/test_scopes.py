"""What a key may do with devices and badges: each act by its own scope, and by no other's."""

from typing import Any, Final

import httpx
import pytest

from tests.cloud.devices.house import House
from tests.cloud.service import good

SCOPES: Final = ("devices:read", "devices:write", "badges:read", "badges:write")
NOBODY: Final = "0" * 32
OFFER: Final = "00000000-0000-7000-8000-000000000000"
REVOKE: Final = f"devices/{NOBODY}/revoke"
WIPE: Final = f"devices/{NOBODY}/commands"
# Whoever sees an offer's code can have a device let in, so that is no reading.
ACTS: Final[dict[tuple[str, str], str]] = {
    ("GET", "devices"): "devices:read",
    ("GET", "devices/status"): "devices:read",
    ("GET", "devices/settings"): "devices:read",
    ("GET", "devices/enrolments"): "devices:read",
    ("GET", f"devices/enrolments/{OFFER}"): "devices:read",
    ("GET", WIPE): "devices:read",
    ("POST", "devices"): "devices:write",
    ("PATCH", f"devices/{NOBODY}"): "devices:write",
    ("PUT", "devices/settings"): "devices:write",
    ("POST", "devices/enrolments"): "devices:write",
    ("GET", f"devices/enrolments/{OFFER}/code.txt"): "devices:write",
    ("GET", f"devices/enrolments/{OFFER}/code.svg"): "devices:write",
    ("GET", f"devices/enrolments/{OFFER}/code.png"): "devices:write",
    ("POST", f"devices/enrolments/{OFFER}/digits"): "devices:write",
    ("POST", f"devices/enrolments/{OFFER}/revoke"): "devices:write",
    ("POST", WIPE): "devices:write",
    ("POST", REVOKE): "devices:write",
    ("GET", "badges"): "badges:read",
    ("POST", "badges"): "badges:write",
    ("POST", f"badges/{NOBODY}/revoke"): "badges:write",
}
BODIES: Final[dict[tuple[str, str], Any]] = {
    ("PATCH", f"devices/{NOBODY}"): {"name": "South"},
    ("PUT", "devices/settings"): {"lock_after": 0},
    ("POST", "devices/enrolments"): {"name": "North"},
    ("POST", f"devices/enrolments/{OFFER}/digits"): {"digits": "123456"},
    ("POST", WIPE): {"action": "lock"},
    ("POST", REVOKE): {},
    ("POST", "devices"): {"public": "01" + "00" * 31, "name": "North"},
    ("POST", "badges"): {"name": "Ada", "role": "scan"},
    ("POST", f"badges/{NOBODY}/revoke"): {},
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_does_what_its_scope_says_and_no_more(house: House, scope: str) -> None:
    """Of all acts, the refused ones are exactly those of the other scopes."""
    said = {"name": "Till", "scopes": [scope]}
    made = good(house.owner.post(f"{house.tenant.path}/api-keys", json=said), 201)
    key = house.service.client(f"Bearer {made['key']}")
    refused = {act for act in ACTS if _lacks_scope(_done(key, house, act))}
    assert refused == {act for act, needed in ACTS.items() if needed != scope}


def _done(key: httpx.Client, house: House, act: tuple[str, str]) -> httpx.Response:
    method, path = act
    return key.request(method, f"{house.tenant.path}/{path}", json=BODIES.get(act))


def _lacks_scope(answer: httpx.Response) -> bool:
    """Whether it was refused for that; else it was done, or what it names is not there."""
    if answer.status_code == 403:
        assert answer.json()["code"] == "scope_missing"
        return True
    assert answer.status_code in (200, 201, 400, 404), answer.text
    return False
