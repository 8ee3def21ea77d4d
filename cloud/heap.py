"""Garbage collection in a process that answers for weeks."""

import gc
from typing import Final

EACH: Final = 20_000  # objects more than before, until the young ones are looked through
YOUNG, OLD = 20, 50  # of such looks, until the older and the oldest are looked through as well


def settle() -> None:
    """Call once, when everything is loaded and nothing has been asked yet.

    What is alive now stays so to the end, some 200,000 objects: the collector need never look at
    them again. Requests make few cycles, so it looks for those more seldom, too: otherwise it takes
    a fifteenth of the time that reading a ticket takes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(EACH, YOUNG, OLD)
