"""Time zones by their IANA names, the same on every machine: those of the tzdata package."""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from cloud.errors import Refusal


@cache
def names() -> frozenset[str]:
    """Return every name."""
    return frozenset((resources.files("tzdata") / "zones").read_text().split())


def zone_of(name: str, field: str = "/timezone") -> ZoneInfo:
    """Return the time zone of a name, or refuse it."""
    if name not in names():
        raise Refusal("timezone_unknown", field=field, accepted="an IANA name: Europe/Madrid")
    return ZoneInfo(name)
