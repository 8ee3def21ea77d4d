"""Which circuit breakers are not closed, as Redis has it, for /readyz and figures."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

OPEN: Final = "usher:breakers:open"  # a sorted set: a name, and when it may be probed, ms
MOST: Final = 1000  # of them are read
FORGOTTEN: Final = 86_400  # seconds, as the script has it
KINDS: Final = ("hooks", "ledger", "payments", "smtp")  # a name is a kind, or kind:id


def listing(now: float) -> tuple[str, ...]:
    """Return the command for the names of those that are not closed. `now`: seconds."""
    since = str(int((now - FORGOTTEN) * 1000))
    return ("ZRANGE", OPEN, since, "+inf", "BYSCORE", "LIMIT", "0", str(MOST))


def by_kind(names: Iterable[str]) -> Mapping[str, int]:
    """Return how many there are of each kind."""
    counted = Counter(name.partition(":")[0] for name in names)
    return dict.fromkeys(KINDS, 0) | dict(sorted(counted.items()))
