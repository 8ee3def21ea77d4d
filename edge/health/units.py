"""Figures as people read them."""

from typing import Final

STEPS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def size(count: float) -> str:
    """Return bytes in words: 12.4 GB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def span(seconds: float) -> str:
    """Return a length of time in its largest unit: 3 hours."""
    for length, unit in STEPS:
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return counted(int(seconds), "second")


def counted(number: int, what: str) -> str:
    """Return a number of things: 1 record, 2,000 records."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
