"""Which messages may be on their way at once: of each key one."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Keyed(Protocol):
    """What has a place in an order."""

    @property
    def key(self) -> str:
        """Things of one key follow each other."""


Thing = TypeVar("Thing", bound=Keyed)


def waves(things: Sequence[Thing]) -> list[list[Thing]]:
    """Split `things` so that those of one key are in different waves, in their order.

    A wave is sent when the one before it was confirmed: were two of a key on their way at
    once, the broker might refuse the first and take the second.
    """
    seen: dict[str, int] = defaultdict(int)
    split: list[list[Thing]] = []
    for each in things:
        number = seen[each.key]
        seen[each.key] += 1
        if number == len(split):
            split.append([])
        split[number].append(each)
    return split
