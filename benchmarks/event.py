"""The event that the benchmarks are about: keys, plan, and a gate's view of it."""

from typing import Final

from shared import keys
from shared.event import Day, Gate, Plan, TicketClass, Zone
from shared.instant import Instant
from shared.keyset import Key, Keyset, TrustedKeys
from shared.signed import Kind, seal

EVENT: Final = b"arena-01"
NOW: Final = Instant(1_800_000_000_000)
TICKETS: Final = 100_000
ROOT_KEY: Final = keys.secret_key(bytes(31) + b"\1")
MANIFEST_KEY: Final = keys.secret_key(bytes(31) + b"\2")
ISSUER_KEY: Final = keys.secret_key(bytes(31) + b"\3")
DAY: Final = 86_400

SEASON, RETURNING, GROUP, DAYS = 1, 2, 3, 4  # classes

PLAN: Final = Plan(
    zones=(Zone(1, "Arena"), Zone(2, "Floor", parent=1), Zone(3, "Camping")),
    gates=(Gate(1, "North", 1, "both"), Gate(2, "Floor", 2, "both"), Gate(3, "Camp", 3, "both")),
    classes=(
        TicketClass(SEASON, "Standing", (1, 2)),
        TicketClass(RETURNING, "Standing, re-entry", (1, 2, 3), re_entry=True),
        TicketClass(GROUP, "Group of ten", (1,), allowance=10, group=True, re_entry=True),
        TicketClass(DAYS, "Any two days", (1,), per="day", day_cap=2, re_entry=True),
    ),
    days=tuple(Day(i + 1, NOW.seconds + (i - 1) * DAY, NOW.seconds + i * DAY) for i in range(3)),
)


def trusted_keys() -> TrustedKeys:
    """Return what a device of this tenant trusts."""
    bounds = (NOW.seconds - DAY, NOW.seconds + 365 * DAY)
    keyset = Keyset(
        version=1,
        issued=NOW.seconds,
        expires=NOW.seconds + DAY,
        root=keys.public_key(ROOT_KEY).hex(),
        successor=None,
        keys=(
            Key("issuer", EVENT.hex(), keys.public_key(ISSUER_KEY).hex(), *bounds, revoked=False),
            Key("manifest", None, keys.public_key(MANIFEST_KEY).hex(), *bounds, revoked=False),
        ),
    )
    return TrustedKeys(keys.public_key(ROOT_KEY)).update([seal(Kind.KEYSET, keyset, ROOT_KEY)], NOW)
