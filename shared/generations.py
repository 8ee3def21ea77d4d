"""The generation of a ticket that a gate holds it to (spec/rules.md §5).

A max-register: it only rises, so it is the same wherever the same words were heard, in any
order. A word counts only if it is proved: by the manifest, or by the signed token itself.
A peer's bare word does not, or one stolen gate could supersede every guest's ticket.
"""

from typing import Final

UNKNOWN: Final = 0


def accept(known: int, seen: int, *, proved: bool) -> int:
    """Return the generation that is known after `seen` was heard of."""
    return max(known, seen) if proved else known
