"""Is there a second reader of codes?"""

from edge.health.reading import Reading
from edge.health.result import OK, Result


def check(reading: Reading) -> Result:
    """zxing-cpp is always there; libzbar reads a few codes more."""
    if reading.hardware.libzbar:
        return Result("decoder", OK, "decoder_both", "two readers", "Both readers are there.")
    sentence = "One reader of codes is there; it reads all but a few damaged ones."
    todo = "For the second reader, install libzbar0."
    return Result("decoder", OK, "decoder_one", "one reader", sentence, todo)
