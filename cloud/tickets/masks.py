"""What a code's modules cost (ISO/IEC 18004, 7.8.3): it gets the mask, of eight, that costs least.

A code is one integer, a bit a module, row after row: a rule is a few shifts of it. Pure.
"""

from functools import cache, reduce
from operator import and_
from typing import Final

MASKS: Final = range(8)
FINDERS: Final = ("10111010000", "00001011101")  # what a reader could take for a finder


def cost(modules: int, side: int) -> int:
    """Return the penalty of a square of modules, a bit each; dark is 1."""
    light = modules ^ ((1 << side * side) - 1)
    runs = sum(_runs(colour, side) for colour in (modules, light))
    share = abs(modules.bit_count() * 100 / side**2 - 50) / 5
    return runs + _finders(modules, light, side) + int(share) * 10


def _runs(colour: int, side: int) -> int:
    """Return what runs of five or more, and squares of two by two, of a colour cost."""
    pairs = colour & colour >> 1 & _starts(side, 2)
    total = 3 * (pairs & pairs >> side).bit_count()
    for step, starts in ((1, _starts(side, 5)), (side, -1)):
        twos = colour & colour >> step
        fives = twos & twos >> 2 * step & colour >> 4 * step & starts
        total += fives.bit_count() + 2 * (fives & ~(fives << step)).bit_count()
    return total


def _finders(modules: int, light: int, side: int) -> int:
    total = 0
    for step, starts in ((1, _starts(side, 11)), (side, -1)):
        ahead = [(light >> each * step, modules >> each * step) for each in range(11)]
        for finder in FINDERS:
            found = (pair[int(dark)] for pair, dark in zip(ahead, finder, strict=True))
            total += reduce(and_, found, starts).bit_count()
    return 40 * total


@cache
def _starts(side: int, length: int) -> int:
    """Return where in its row a run of a length may start, so that it ends in the same row."""
    row = (1 << side - length + 1) - 1
    return sum(row << y * side for y in range(side))
