"""The parts of a PDF file (ISO 32000-1, 7): numbered objects, streams, texts. Pure.

objects = Objects()
page = objects.add("<</Type/Page ...>>")
objects.file(root=catalog, info=info)

A ticket needs little of PDF. A library that can do all of it took 46 ms of processor for a page,
more than half of it for cutting two fonts; see benchmarks/README.md, "Mail".
"""

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import md5
from typing import Final

HEAD: Final = b"%PDF-1.7\n%\xe9\xeb\xf1\xbf\n"  # bytes beyond ASCII: it is no text file


class Objects:
    """A file's objects, numbered from 1 in the order that they were reserved or added."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []

    def reserve(self) -> int:
        """Return the number of an object that is `put` later."""
        self._bodies.append(b"null")
        return len(self._bodies)

    def put(self, number: int, body: str) -> None:
        """Say what a reserved object is."""
        self._bodies[number - 1] = body.encode("ascii")

    def add(self, body: str) -> int:
        """Add an object; return its number."""
        number = self.reserve()
        self.put(number, body)
        return number

    def stream(self, content: bytes, entries: str = "") -> int:
        """Add a stream, compressed; return its number. `entries`: more of its dictionary."""
        packed = zlib.compress(content)
        head = f"<</Filter/FlateDecode/Length {len(packed)}{entries}>>stream\n"
        number = self.reserve()
        self._bodies[number - 1] = head.encode("ascii") + packed + b"\nendstream"
        return number

    def file(self, *, root: int, info: int) -> bytes:
        """Return the file. The same objects give the same bytes."""
        made, starts = bytearray(HEAD), []
        for number, body in enumerate(self._bodies, start=1):
            starts.append(len(made))
            made += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        name = md5(made, usedforsecurity=False).hexdigest()
        table = "".join(f"{start:010d} 00000 n \n" for start in starts)
        size = len(starts) + 1
        made += (
            f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<</Size {size}/Root {ref(root)}"
            f"/Info {ref(info)}/ID[<{name}><{name}>]>>\nstartxref\n{len(made)}\n%%EOF\n"
        ).encode("ascii")
        return bytes(made)


def ref(number: int) -> str:
    """Return a reference to an object."""
    return f"{number} 0 R"


def array(items: Iterable[str]) -> str:
    """Return an array."""
    return f"[{' '.join(items)}]"


def text(value: str) -> str:
    """Return a text string, whatever is in it."""
    return f"<FEFF{value.encode('utf-16-be', 'replace').hex()}>"


def date(seconds: int) -> str:
    """Return a moment, given in unix seconds."""
    return f"(D:{datetime.fromtimestamp(seconds, UTC):%Y%m%d%H%M%S}Z)"
