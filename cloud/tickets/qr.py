"""A QR code of alphanumeric text (ISO/IEC 18004), quickly: qrcode's own, which tests hold it to.

qrcode takes 10 ms for a ticket, since it goes bit by bit and module by module, for each of eight
masks. Here data is an integer, a bit a module, row after row; where data goes, and all that is no
data, is what qrcode draws for a code without any, remembered for each version.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, zip_longest
from operator import itemgetter
from typing import Any, Final, NamedTuple

import qrcode
from qrcode import base, util

from cloud.tickets import masks

ALPHABET: Final = {char: value for value, char in enumerate(util.ALPHA_NUM.decode())}
PADS: Final = "1110110000010001"  # two bytes that fill what is left, in turn
VERSIONS: Final = range(1, 41)
DIGITS: Final = bytes.maketrans(b"\x00\x01", b"01")


def version_for(text: str, level: int) -> int:
    """Return the least version that has room for a text, or raise ValueError."""
    for version in VERSIONS:
        if len(_head(text, version)) + _bits(len(text)) <= _room(version, level):
            return version
    raise ValueError("the text is too long for a code")


def modules(text: str, version: int, level: int) -> Sequence[str]:
    """Return a code's rows; a module is "1" if dark. There is no quiet zone."""
    place = _place(version)
    words = _words(_data(text, version, level), version, level)
    bits = "".join(f"{word:08b}" for word in words)
    data = int("".join(place.picked(bits + "0" * (place.cells - len(bits) + 1))), 2)
    costs = [masks.cost(each ^ data, place.side) for each in place.weighed]
    made = _frame(version, level, costs.index(min(costs))) ^ data
    flat = f"{made:0{place.side**2}b}"
    return [flat[at : at + place.side] for at in range(0, len(flat), place.side)]


def _data(text: str, version: int, level: int) -> bytes:
    """Return the data as bytes: its head, its characters, an end, and what fills the rest."""
    values = [ALPHABET[char] for char in text]
    pairs = zip(values[::2], values[1::2], strict=False)
    bits = _head(text, version) + "".join(f"{one * 45 + two:011b}" for one, two in pairs)
    if len(values) % 2:
        bits += f"{values[-1]:06b}"
    room = _room(version, level)
    bits += "0" * min(4, room - len(bits))
    bits += "0" * (-len(bits) % 8)
    bits += (PADS * room)[: room - len(bits)]
    return int(bits, 2).to_bytes(room // 8, "big")


def _head(text: str, version: int) -> str:
    return f"0010{len(text):0{util.length_in_bits(util.MODE_ALPHA_NUM, version)}b}"


def _bits(length: int) -> int:
    return length // 2 * 11 + length % 2 * 6


@cache
def _room(version: int, level: int) -> int:
    words: int = sum(each.data_count for each in base.rs_blocks(version, level))
    return 8 * words


def _words(data: bytes, version: int, level: int) -> Iterator[int]:
    """Return data with its error correction, block by block in turn."""
    blocks, checks, at = [], [], 0
    for each in base.rs_blocks(version, level):
        block = data[at : at + each.data_count]
        at += each.data_count
        blocks.append(block)
        checks.append(_check(block, each.total_count - each.data_count))
    turns = chain(zip_longest(*blocks), zip_longest(*checks))
    return (word for turn in turns for word in turn if word is not None)


def _check(block: bytes, size: int) -> bytes:
    """Return a block's Reed-Solomon words: what is left of it, divided by the generator."""
    times, top, left = _times(size), 8 * (size - 1), 0
    mask = (1 << top) - 1
    for word in block:
        left = (left & mask) << 8 ^ times[left >> top ^ word]
    return left.to_bytes(size, "big")


@cache
def _times(size: int) -> Sequence[int]:
    """Return the generator of so many words, without its first, times each byte."""
    generator = base.Polynomial([1], 0)
    for power in range(size):
        generator *= base.Polynomial([1, base.gexp(power)], 0)
    logs = [base.glog(each) for each in list(generator)[1:]]
    return [0, *(_product(logs, base.glog(factor)) for factor in range(1, 256))]


def _product(logs: Sequence[int], factor: int) -> int:
    return int.from_bytes(bytes(base.gexp(each + factor) for each in logs), "big")


class Place(NamedTuple):
    """A version's modules. `picked`: of its data's bits and a "0", each module's in order."""

    side: int
    cells: int  # modules of data
    picked: "itemgetter[Any]"
    weighed: Sequence[int]  # without data, under each mask, as they are weighed


@cache
def _place(version: int) -> Place:
    side = 17 + 4 * version
    turned = _drawn(version, None, 0, 0) ^ _drawn(version, None, 0, 255)  # by data alone
    taken = f"{turned:0{side**2}b}"
    order = [cell for cell in _zigzag(side) if taken[cell] == "1"]
    nth = {cell: number for number, cell in enumerate(order)}
    picked = itemgetter(*(nth.get(cell, len(order)) for cell in range(side**2)))
    weighed = [_drawn(version, None, mask, 0) for mask in masks.MASKS]
    return Place(side, len(order), picked, weighed)


def _zigzag(side: int) -> Iterator[int]:
    """Yield modules in the order of data: two columns at a time, up and down from the right."""
    upwards = True
    for right in (*range(side - 1, 6, -2), 5, 3, 1):  # the timing pattern's column is passed over
        for row in range(side - 1, -1, -1) if upwards else range(side):
            yield from (row * side + right, row * side + right - 1)
        upwards = not upwards


@cache
def _frame(version: int, level: int, mask: int) -> int:
    return _drawn(version, level, mask, 0)


def _drawn(version: int, level: int | None, mask: int, byte: int) -> int:
    """Return qrcode's modules for data of one byte alone. No level: as it weighs them."""
    made = qrcode.QRCode(version, error_correction=level or 0)
    made.data_cache = [byte] * (17 + 4 * version) ** 2  # more than there is room for
    made.makeImpl(test=level is None, mask_pattern=mask)
    cells = bytes(map(bool, chain.from_iterable(made.modules)))
    return int(cells.translate(DIGITS), 2)
